//! `#[service]`: renders how the methods of a type, or of whatever implements a trait, are served.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, format_ident, quote, quote_spanned};
use syn::visit_mut::VisitMut as _;
use syn::{Error, Item, ItemImpl, ItemTrait, ReturnType, TraitItem, Type, parse_quote};

use crate::Without;
use crate::client;
use crate::contract::{Context, Contract, Method, Options};

pub(crate) fn expand(options: Options, mut item: Item) -> TokenStream {
    let rendered = match &mut item {
        Item::Impl(item) => {
            Contract::of_impl(options, item).map(|contract| of_impl(&contract, item))
        }
        Item::Trait(item) => Contract::of_trait(options, item).map(|contract| {
            spell_out(item);
            of_trait(&contract, item)
        }),
        other => Err(Error::new_spanned(
            other,
            "#[service] stands on an `impl` block or on a trait",
        )),
    };
    Without(&["method"]).visit_item_mut(&mut item);
    let rendered = rendered.unwrap_or_else(Error::into_compile_error);
    quote!(#item #rendered)
}

/// The type itself is the service.
fn of_impl(contract: &Contract, item: &ItemImpl) -> TokenStream {
    let service = &item.self_ty;
    let mut generics = item.generics.clone();
    if !generics.params.is_empty() {
        let bound = parse_quote!(#service: ::std::marker::Send + ::std::marker::Sync + 'static);
        generics.make_where_clause().predicates.push(bound);
    }
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let core = contract.core();
    let body = body(contract, &quote!(<#service>), &quote!(&service));
    let client = client::render(contract, &parse_quote!(pub));
    let error = contract.error.as_ref().map(Error::to_compile_error);
    quote! {
        #[automatically_derived]
        impl #impl_generics #core::Serve for #service #where_clause {
            #body
        }

        #client
        #error
    }
}

/// A wrapper of whatever implements the trait is the service.
fn of_trait(contract: &Contract, item: &ItemTrait) -> TokenStream {
    let (vis, ident) = (&item.vis, &item.ident);
    let wrapper = format_ident!("{ident}Service");
    let core = contract.core();
    let body = body(contract, &quote!(<T as #ident>), &quote!(&service.0));
    let client = client::render(contract, vis);
    let error = contract.error.as_ref().map(Error::to_compile_error);
    let docs = format!("Makes a service of what implements [`{ident}`], to be registered.");
    quote! {
        #[doc = #docs]
        #[derive(Clone, Copy, Debug)]
        #vis struct #wrapper<T>(
            /// What answers the calls.
            pub T,
        );

        #[automatically_derived]
        impl<T: #ident> #core::Serve for #wrapper<T> {
            #body
        }

        #client
        #error
    }
}

/// The function that names the methods. `callee` is what has them, `receiver` what they are called
/// on, where `service` is the service.
fn body(contract: &Contract, callee: &TokenStream, receiver: &TokenStream) -> TokenStream {
    let (core, name) = (contract.core(), &contract.name);
    let methods = contract.methods.iter().map(|method| {
        let cfg = method
            .attrs
            .iter()
            .filter(|attr| attr.path().is_ident("cfg"));
        let wire = &method.wire;
        let handler = handler(method, &core, callee, receiver);
        quote!(#(#cfg)* let methods = methods.method(#wire, #handler);)
    });
    quote! {
        fn service(self: ::std::sync::Arc<Self>) -> #core::Service {
            let service = self;
            let methods = #core::Service::new(#name);
            #(#methods)*
            methods
        }
    }
}

/// One method, as the server knows it.
fn handler(
    method: &Method,
    core: &TokenStream,
    callee: &TokenStream,
    receiver: &TokenStream,
) -> TokenStream {
    // Located at the method, where the compiler then finds what it complains about.
    let span = Span::call_site().located_at(method.ident.span());
    let (ident, reply) = (&method.ident, &method.reply);
    let argument = method.argument.as_ref().map(|argument| &argument.ty);
    let unit: Type = parse_quote!(());
    let argument_type = argument.unwrap_or(&unit);
    let argument = argument.map(|_| quote_spanned!(span=> argument,));
    // The closure has a reference, which does not live as long as an async handler.
    let context = method
        .context
        .map(|context| match (context, method.is_async) {
            (Context::Value, true) => quote_spanned!(span=> context),
            (Context::Reference, true) => quote_spanned!(span=> &context),
            (Context::Value, false) => quote_spanned!(span=> #core::Context::clone(context)),
            (Context::Reference, false) => quote_spanned!(span=> context),
        });
    let mut outcome = quote_spanned!(span=> #callee::#ident(#receiver, #argument #context));
    if method.is_async {
        outcome = quote_spanned!(span=> #outcome.await);
    }
    outcome = match method.is_fallible {
        true => quote_spanned!(span=>
            ::std::result::Result::map_err(#outcome, ::std::convert::Into::into)
        ),
        false => quote_spanned!(span=> ::std::result::Result::Ok(#outcome)),
    };
    let argument = if argument.is_some() {
        quote!(argument)
    } else {
        quote!(_)
    };
    let keeps_context = (context.is_some() && method.is_async)
        .then(|| quote!(let context = #core::Context::clone(context);));
    let context = if context.is_some() {
        quote!(context)
    } else {
        quote!(_)
    };
    let parameters = quote!(#argument: #argument_type, #context: &#core::Context);
    let made = match method.is_async {
        true => quote_spanned!(span=>
            #core::Method::future_of::<#argument_type, #reply, _, _, _>(
                service,
                move |service, #parameters| {
                    #keeps_context
                    async move {
                        let outcome = #outcome;
                        (service, outcome)
                    }
                },
            )
        ),
        false => quote_spanned!(span=>
            #core::Method::function_of::<#argument_type, #reply, _>(move |#parameters| #outcome)
        ),
    };
    let blocking = method.is_blocking.then(|| quote!(.blocking()));
    quote!({
        let service = ::std::sync::Arc::clone(&service);
        #made #blocking
    })
}

/// Writes out what `async fn` means in a service trait: futures that can be sent between threads.
fn spell_out(item: &mut ItemTrait) {
    item.supertraits.extend([
        parse_quote!(::std::marker::Send),
        parse_quote!(::std::marker::Sync),
        parse_quote!('static),
    ] as [syn::TypeParamBound; 3]);
    for inner in &mut item.items {
        let TraitItem::Fn(function) = inner else {
            continue;
        };
        if function.sig.asyncness.take().is_none() {
            continue;
        }
        let output = match &function.sig.output {
            ReturnType::Default => quote!(()),
            ReturnType::Type(_, output) => output.to_token_stream(),
        };
        function.sig.output = parse_quote! {
            -> impl ::std::future::Future<Output = #output> + ::std::marker::Send
        };
        if let Some(block) = &function.default {
            function.default = Some(parse_quote!({ async move #block }));
        }
    }
}

//! Renders the typed client of a service: one method for each of the service's.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{GenericArgument, PathArguments, Type, Visibility};

use crate::contract::{Contract, Method};

pub(crate) fn render(contract: &Contract, vis: &Visibility) -> Option<TokenStream> {
    let client = contract.client.as_ref()?;
    let core = contract.core();
    let methods = contract
        .methods
        .iter()
        .map(|method| function(contract, method, &core));
    let docs = format!(
        "Calls the service `{}`, through a client or whatever else can call.",
        contract.name
    );
    let new_docs = format!(
        "A typed client of the service `{}` that calls through `caller`.",
        contract.name
    );
    // Nobody may have asked for a client, so none of it has to be used; and it is public whatever
    // the types in it are, since the service does not say who its clients are.
    let allow = quote! {
        #[allow(
            dead_code,
            private_bounds,
            private_interfaces,
            unreachable_pub,
            reason = "a client is generated for every service"
        )]
    };
    Some(quote! {
        #[doc = #docs]
        #[derive(Clone, Debug)]
        #allow
        #vis struct #client<C = #core::Client> {
            caller: C,
        }

        #allow
        impl<C: #core::Caller> #client<C> {
            #[doc = #new_docs]
            #[must_use]
            pub fn new(caller: C) -> Self {
                Self { caller }
            }

            /// The same client, with these options for every call.
            pub fn with_options(
                &self,
                options: #core::CallOptions,
            ) -> #client<#core::With<C>>
            where
                C: ::core::clone::Clone,
            {
                #client::new(#core::With::new(::core::clone::Clone::clone(&self.caller), options))
            }

            #(#methods)*
        }
    })
}

fn function(contract: &Contract, method: &Method, core: &TokenStream) -> TokenStream {
    let span = Span::call_site().located_at(method.ident.span());
    let (ident, attrs, reply) = (&method.ident, &method.attrs, &method.reply);
    let wire = format!("{}.{}", contract.name, method.wire);
    let is_documented = attrs.iter().any(|attr| attr.path().is_ident("doc"));
    let docs = (!is_documented).then(|| {
        let docs = format!("Calls `{wire}`.");
        quote!(#[doc = #docs])
    });
    let (parameter, argument) = match &method.argument {
        Some(argument) => {
            let (name, ty) = (&argument.ident, borrowed(&argument.ty));
            (Some(quote!(#name: &#ty)), quote!(#name))
        }
        None => (None, quote!(&())),
    };
    let call = if method.is_idempotent {
        let options = quote!(#core::CallOptions::new().idempotent());
        quote!(#core::Caller::call_with(&self.caller, #wire, #argument, #options))
    } else {
        quote!(#core::Caller::call(&self.caller, #wire, #argument))
    };
    quote_spanned! {span=>
        #docs
        #(#attrs)*
        #[must_use = "the call is on its way, but given up unless it is awaited"]
        pub fn #ident(&self, #parameter) -> C::Call<#reply> {
            #call
        }
    }
}

/// The type behind the `&` of a parameter: `str` for `String`, `[T]` for `Vec<T>`.
fn borrowed(ty: &Type) -> TokenStream {
    if let Type::Path(path) = ty
        && let (1, Some(last)) = (path.path.segments.len(), path.path.segments.last())
    {
        match &last.arguments {
            PathArguments::None if last.ident == "String" => return quote!(str),
            PathArguments::AngleBracketed(list) if last.ident == "Vec" => {
                if let (1, Some(GenericArgument::Type(element))) =
                    (list.args.len(), list.args.first())
                {
                    return quote!([#element]);
                }
            }
            _ => {}
        }
    }
    quote!(#ty)
}

//! What a service promises: the model that server and client are rendered from.
//!
//! It is parsed from an `impl` block or from a trait. What a method may look like is decided here,
//! and said in a sentence where it does not.

mod method;

use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::meta::ParseNestedMeta;
use syn::{
    Error, Ident, ImplItem, ItemImpl, ItemTrait, LitBool, LitStr, Path, Result, TraitItem, Type,
    parse_quote,
};

use method::mention;
pub(crate) use method::{Context, Method};

use crate::names::plain;

/// What stands in the brackets of `#[service(…)]`.
#[derive(Default)]
pub(crate) struct Options {
    name: Option<String>,
    /// `Some(None)`: no client is wanted.
    client: Option<Option<Ident>>,
    krate: Option<Path>,
}

impl Options {
    pub(crate) fn take(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        if meta.path.is_ident("name") {
            let name: LitStr = meta.value()?.parse()?;
            if name.value().is_empty() {
                return Err(Error::new(name.span(), "the name is empty"));
            }
            self.name = Some(name.value());
        } else if meta.path.is_ident("client") {
            let value = meta.value()?;
            let name = if value.peek(LitBool) {
                let wanted: LitBool = value.parse()?;
                if wanted.value {
                    let reason = "there is a client unless it says `client = false`";
                    return Err(Error::new(wanted.span(), reason));
                }
                None
            } else {
                Some(value.parse::<LitStr>()?.parse()?)
            };
            self.client = Some(name);
        } else if meta.path.is_ident("crate") {
            self.krate = Some(meta.value()?.parse::<LitStr>()?.parse()?);
        } else {
            let words = "`name = \"…\"`, `client = \"…\"`, `client = false` and `crate = \"…\"`";
            return Err(meta.error(format!("#[service(…)] takes {words}")));
        }
        Ok(())
    }
}

/// A service: its names and its methods.
pub(crate) struct Contract {
    /// What stands before the dot in `Arith.Multiply`.
    pub(crate) name: String,
    /// What the client is called, if there is to be one.
    pub(crate) client: Option<Ident>,
    /// The methods that are as they should be.
    pub(crate) methods: Vec<Method>,
    /// What is wrong with the others.
    pub(crate) error: Option<Error>,
    /// The module that is there for what the macros write.
    pub(crate) private: Path,
}

impl Contract {
    /// The path of the crate that has what is referred to.
    pub(crate) fn core(&self) -> TokenStream {
        let private = &self.private;
        quote!(#private::wgrpc_core)
    }

    pub(crate) fn of_impl(options: Options, item: &ItemImpl) -> Result<Self> {
        if let Some((path, _)) = &item.trait_ {
            let reason = "#[service] stands on the trait itself, or on an `impl` without one";
            return Err(Error::new_spanned(path, reason));
        }
        let ident = match &*item.self_ty {
            Type::Path(ty) => ty.path.segments.last().map(|last| &last.ident),
            _ => None,
        };
        let Some(ident) = ident else {
            let reason = "a service is a struct or an enum";
            return Err(Error::new_spanned(&item.self_ty, reason));
        };
        if let Some(lifetime) = item.generics.lifetimes().next() {
            let reason = "a service lives as long as its server: it cannot borrow";
            return Err(Error::new_spanned(lifetime, reason));
        }
        let mut contract = Self::new(options, ident);
        for inner in &item.items {
            if let ImplItem::Fn(function) = inner {
                contract.add(Method::parse(
                    &function.attrs,
                    &function.sig,
                    Some(&item.self_ty),
                ));
            }
        }
        contract.finish(ident);
        if contract.client.is_some() {
            let parameters = item
                .generics
                .type_params()
                .map(|parameter| &parameter.ident);
            contract.check_client(&parameters.collect());
        }
        Ok(contract)
    }

    pub(crate) fn of_trait(options: Options, item: &ItemTrait) -> Result<Self> {
        if let Some(parameter) = item.generics.params.first() {
            let reason = "a service trait has no parameters: what is on the wire has one type";
            return Err(Error::new_spanned(parameter, reason));
        }
        let mut contract = Self::new(options, &item.ident);
        for inner in &item.items {
            contract.add(match inner {
                TraitItem::Fn(function) => Method::parse(&function.attrs, &function.sig, None),
                other => {
                    let reason =
                        "a service trait has nothing but methods: its client knows no more";
                    Err(Error::new_spanned(other, reason))
                }
            });
        }
        contract.finish(&item.ident);
        Ok(contract)
    }

    fn new(options: Options, ident: &Ident) -> Self {
        let krate = options.krate.unwrap_or_else(|| parse_quote!(::wgrpc));
        let client = (options.client).unwrap_or_else(|| Some(format_ident!("{ident}Client")));
        Self {
            name: options.name.unwrap_or_else(|| plain(ident)),
            client,
            methods: Vec::new(),
            error: None,
            private: parse_quote!(#krate::__private),
        }
    }

    /// Takes a method in, unless it is one that is not served.
    fn add(&mut self, method: Result<Option<Method>>) {
        match method {
            Ok(None) => {}
            Ok(Some(method)) => {
                if self.methods.iter().any(|other| other.wire == method.wire) {
                    let reason = format!("two methods are called `{}` on the wire", method.wire);
                    self.complain(Error::new(method.ident.span(), reason));
                } else {
                    self.methods.push(method);
                }
            }
            Err(error) => self.complain(error),
        }
    }

    fn finish(&mut self, ident: &Ident) {
        if self.methods.is_empty() && self.error.is_none() {
            let reason = "there is nothing to serve: no method here takes `&self`";
            self.complain(Error::new(ident.span(), reason));
        }
        let is_taken = |method: &&Method| method.ident == "new" || method.ident == "with_options";
        if let Some(method) = self.methods.iter().find(is_taken)
            && self.client.is_some()
        {
            let reason = format!(
                "the client has a function of this name: \
                 call the method otherwise, and say #[method(name = \"{}\")]",
                method.wire
            );
            self.complain(Error::new(method.ident.span(), reason));
            self.client = None;
        }
    }

    /// The client is one type, whatever the parameters of the service are.
    fn check_client(&mut self, parameters: &HashSet<&Ident>) {
        let of_parameter = self.methods.iter().find_map(|method| {
            (method.types()).find_map(|ty| mention(ty, |ident| parameters.contains(ident)))
        });
        if let Some(parameter) = of_parameter {
            let reason = format!(
                "the client cannot know `{parameter}`: put #[service] on a trait with the methods \
                 instead, or do without the client: #[service(client = false)]"
            );
            self.complain(Error::new_spanned(parameter, reason));
            self.client = None;
        }
    }

    fn complain(&mut self, error: Error) {
        match &mut self.error {
            Some(first) => first.combine(error),
            none => *none = Some(error),
        }
    }
}

#[cfg(test)]
mod tests;

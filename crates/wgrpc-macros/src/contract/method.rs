//! One method of a service: what of it is served, and what a method cannot be.

use quote::ToTokens;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::visit_mut::{self, VisitMut};
use syn::{
    Attribute, Error, FnArg, GenericArgument, GenericParam, Ident, Lifetime, LitStr, Pat, PatType,
    PathArguments, ReceiverKind, Result, ReturnType, Safety, Signature, Type, TypeImplTrait,
    TypePath, TypeReference, parse_quote,
};

use crate::names::{exported, plain};

/// A method that is served.
pub(crate) struct Method {
    pub(crate) ident: Ident,
    /// What stands behind the dot in `Arith.Multiply`.
    pub(crate) wire: String,
    /// Documentation and conditions, which hold for the client's method too.
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) argument: Option<Argument>,
    pub(crate) context: Option<Context>,
    pub(crate) reply: Type,
    /// It returns a `Result`.
    pub(crate) is_fallible: bool,
    pub(crate) is_async: bool,
    /// It computes for long or blocks.
    pub(crate) is_blocking: bool,
    /// It does no harm if it is executed more than once.
    pub(crate) is_idempotent: bool,
}

/// What a method is called with.
pub(crate) struct Argument {
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
}

/// How a method takes the context of the call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Context {
    Value,
    Reference,
}

/// What `#[method(…)]` says.
#[derive(Default)]
struct Words {
    name: Option<LitStr>,
    is_blocking: bool,
    is_idempotent: bool,
    is_skipped: bool,
}

impl Method {
    /// The method, or `None` for a function that is not served. `self_type` is what `Self` is, if
    /// that is known.
    pub(crate) fn parse(
        attrs: &[Attribute],
        signature: &Signature,
        self_type: Option<&Type>,
    ) -> Result<Option<Self>> {
        let words = words(attrs)?;
        let is_said = attrs.iter().any(is_method);
        if words.is_skipped || (signature.receiver().is_none() && !is_said) {
            return Ok(None);
        }
        check_signature(signature)?;
        let (argument, context) = parameters(signature)?;
        let (reply, is_fallible) = reply(&signature.output)?;
        let mut method = Self {
            ident: signature.ident.clone(),
            wire: wire_name(words.name, &signature.ident)?,
            attrs: (attrs.iter())
                .filter(|attr| ["doc", "cfg"].iter().any(|name| attr.path().is_ident(name)))
                .cloned()
                .collect(),
            argument,
            context,
            reply,
            is_fallible,
            is_async: signature.asyncness.is_some(),
            is_blocking: words.is_blocking,
            is_idempotent: words.is_idempotent,
        };
        method.resolve_self(self_type)?;
        Ok(Some(method))
    }

    /// The types that are on the wire.
    pub(crate) fn types(&self) -> impl Iterator<Item = &Type> {
        self.argument
            .iter()
            .map(|argument| &argument.ty)
            .chain([&self.reply])
    }

    /// Replaces `Self`, which is something else in the client.
    fn resolve_self(&mut self, self_type: Option<&Type>) -> Result<()> {
        let argument = self.argument.as_mut().map(|argument| &mut argument.ty);
        for ty in argument.into_iter().chain([&mut self.reply]) {
            if let Some(self_type) = self_type {
                Resolve(self_type).visit_type_mut(ty);
            }
            if let Some(ident) = mention(ty, |ident| ident == "Self") {
                let reason = "the client does not know what this is: name the type";
                return Err(Error::new(ident.span(), reason));
            }
        }
        Ok(())
    }
}

fn is_method(attr: &Attribute) -> bool {
    attr.path().is_ident("method")
}

fn words(attrs: &[Attribute]) -> Result<Words> {
    let mut words = Words::default();
    for attr in attrs.iter().filter(|attr| is_method(attr)) {
        attr.parse_nested_meta(|meta| {
            if meta.path.is_ident("name") {
                words.name = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("blocking") {
                words.is_blocking = true;
            } else if meta.path.is_ident("idempotent") {
                words.is_idempotent = true;
            } else if meta.path.is_ident("skip") {
                words.is_skipped = true;
            } else {
                let taken = "`name = \"…\"`, `blocking`, `idempotent` and `skip`";
                return Err(meta.error(format!("#[method(…)] takes {taken}")));
            }
            Ok(())
        })?;
    }
    Ok(words)
}

fn wire_name(given: Option<LitStr>, ident: &Ident) -> Result<String> {
    let Some(given) = given else {
        return exported(&plain(ident)).ok_or_else(|| {
            let reason = "Go has no exported name like this: give one with #[method(name = \"…\")]";
            Error::new(ident.span(), reason)
        });
    };
    let name = given.value();
    if name.is_empty() {
        return Err(Error::new(given.span(), "the name is empty"));
    }
    if name.contains('.') {
        let reason = "a method's name has no dot: a dot is what ends the service's name";
        return Err(Error::new(given.span(), reason));
    }
    Ok(name)
}

/// Checks everything but the parameters behind `self` and what is returned.
fn check_signature(signature: &Signature) -> Result<()> {
    let Some(receiver) = signature.receiver() else {
        return Err(Error::new_spanned(
            &signature.ident,
            "a service method takes `&self`: what it is called on is the service",
        ));
    };
    match &receiver.kind {
        ReceiverKind::Reference(_, _, None) => {}
        ReceiverKind::Reference(..) => {
            return Err(Error::new_spanned(
                receiver,
                "a service method takes `&self`, since calls run at the same time: \
                 keep what changes behind a lock or in an atomic",
            ));
        }
        _ => {
            return Err(Error::new_spanned(
                receiver,
                "a service method takes `&self`: the service is there for the next call too",
            ));
        }
    }
    if let Some(token) = &signature.constness {
        return Err(Error::new_spanned(token, "a service method is not `const`"));
    }
    if let Safety::Unsafe(token) = &signature.safety {
        return Err(Error::new_spanned(
            token,
            "a service method is not `unsafe`: nobody knows who calls it",
        ));
    }
    if let Some(abi) = &signature.abi {
        return Err(Error::new_spanned(abi, "a service method is not `extern`"));
    }
    for parameter in &signature.generics.params {
        if !matches!(parameter, GenericParam::Lifetime(_)) {
            return Err(Error::new_spanned(
                parameter,
                "a service method has no type parameters: what is on the wire has one type",
            ));
        }
    }
    Ok(())
}

/// The argument and the context.
fn parameters(signature: &Signature) -> Result<(Option<Argument>, Option<Context>)> {
    let mut argument = None;
    let mut context = None;
    for input in &signature.inputs {
        let FnArg::Typed(parameter) = input else {
            continue;
        };
        if context.is_some() {
            let reason = "the context comes last";
            return Err(Error::new_spanned(parameter, reason));
        }
        context = as_context(&parameter.ty);
        if context.is_some() {
            continue;
        }
        if argument.is_some() {
            let reason = "a service method takes at most one argument: \
                          put several into a struct with #[message]";
            return Err(Error::new_spanned(parameter, reason));
        }
        argument = Some(as_argument(parameter)?);
    }
    if let Some(variadic) = &signature.variadic {
        return Err(Error::new_spanned(
            variadic,
            "a service method is not variadic",
        ));
    }
    Ok((argument, context))
}

fn as_context(ty: &Type) -> Option<Context> {
    let (ty, context) = match ty {
        Type::Reference(reference) if reference.mutability.is_none() => {
            (&*reference.elem, Context::Reference)
        }
        ty => (ty, Context::Value),
    };
    let Type::Path(ty) = ty else { return None };
    (ty.path.segments.last())
        .is_some_and(|last| last.ident == "Context")
        .then_some(context)
}

fn as_argument(parameter: &PatType) -> Result<Argument> {
    if let Type::Reference(reference) = &*parameter.ty {
        let reason = match &*reference.elem {
            Type::Path(ty) if ty.path.is_ident("str") => "use `String`",
            Type::Slice(_) => "use a `Vec`",
            _ => "take it by value",
        };
        let reason = format!("a service method owns its argument: {reason}");
        return Err(Error::new_spanned(&parameter.ty, reason));
    }
    if let Some(error) = Wireless::find(&parameter.ty, Side::Argument) {
        return Err(error);
    }
    let ident = match &*parameter.pat {
        Pat::Ident(pattern) => pattern.ident.clone(),
        _ => Ident::new("args", parameter.pat.span()),
    };
    Ok(Argument {
        ident,
        ty: (*parameter.ty).clone(),
    })
}

/// What is replied, and whether an error can be returned instead.
fn reply(output: &ReturnType) -> Result<(Type, bool)> {
    let ReturnType::Type(_, output) = output else {
        return Ok((parse_quote!(()), false));
    };
    let (reply, is_fallible) = match of_result(output) {
        None => (&**output, false),
        Some(Some(reply)) => (reply, true),
        Some(None) => {
            let reason = "write the type of the reply here: `Result<Reply, Error>`";
            return Err(Error::new_spanned(output, reason));
        }
    };
    match Wireless::find(reply, Side::Reply) {
        Some(error) => Err(error),
        None => Ok((reply.clone(), is_fallible)),
    }
}

/// What is in a `Result`, if that is what it is and if it says so.
fn of_result(ty: &Type) -> Option<Option<&Type>> {
    let Type::Path(path) = ty else { return None };
    let last = path
        .path
        .segments
        .last()
        .filter(|last| last.ident == "Result")?;
    let PathArguments::AngleBracketed(list) = &last.arguments else {
        return Some(None);
    };
    Some(match list.args.first() {
        Some(GenericArgument::Type(reply)) => Some(reply),
        _ => None,
    })
}

/// Which side of a call a type is on.
#[derive(Clone, Copy)]
enum Side {
    Argument,
    Reply,
}

/// Looks for what cannot go over a wire.
struct Wireless {
    side: Side,
    error: Option<Error>,
}

impl Wireless {
    fn find(ty: &Type, side: Side) -> Option<Error> {
        let mut visitor = Self { side, error: None };
        visitor.visit_type(ty);
        visitor.error
    }

    fn refuse_borrowing(&mut self, what: impl ToTokens) {
        let reason = match self.side {
            Side::Argument => {
                "an argument cannot borrow: what came over the wire has no owner here"
            }
            Side::Reply => "a reply cannot borrow: whoever it goes to is somewhere else",
        };
        self.error
            .get_or_insert_with(|| Error::new_spanned(what, reason));
    }
}

impl<'ast> Visit<'ast> for Wireless {
    fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
        self.refuse_borrowing(reference);
    }

    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        if lifetime.ident != "static" {
            self.refuse_borrowing(lifetime);
        }
    }

    fn visit_type_impl_trait(&mut self, ty: &'ast TypeImplTrait) {
        let reason = match self.side {
            Side::Argument => "an argument has one type, which the client knows too: write it out",
            Side::Reply => {
                "a reply has one type, which the client knows too: write it out, \
                 and for a future write `async fn`"
            }
        };
        self.error
            .get_or_insert_with(|| Error::new_spanned(ty, reason));
    }
}

/// The first name of a type that `is_wanted`.
pub(super) fn mention(ty: &Type, is_wanted: impl Fn(&Ident) -> bool) -> Option<Ident> {
    let mut visitor = Mention {
        is_wanted,
        found: None,
    };
    visitor.visit_type(ty);
    visitor.found
}

struct Mention<F> {
    is_wanted: F,
    found: Option<Ident>,
}

impl<'ast, F: Fn(&Ident) -> bool> Visit<'ast> for Mention<F> {
    fn visit_type_path(&mut self, path: &'ast TypePath) {
        let first = path.path.segments.first().map(|first| &first.ident);
        if let Some(first) = first.filter(|first| (self.is_wanted)(first)) {
            self.found.get_or_insert_with(|| first.clone());
        }
        visit::visit_type_path(self, path);
    }
}

/// Puts the type in the place of `Self`.
struct Resolve<'a>(&'a Type);

impl VisitMut for Resolve<'_> {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        match ty {
            Type::Path(path) if path.path.is_ident("Self") => *ty = self.0.clone(),
            _ => visit_mut::visit_type_mut(self, ty),
        }
    }
}

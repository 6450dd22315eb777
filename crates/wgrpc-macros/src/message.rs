//! `#[message]`: everything that makes a type an argument or a reply.
//!
//! It only adds attributes, which serde's derives and ours then follow. The one thing written out
//! is how an enum is read and written as a number: `int`.

mod int;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens as _, quote};
use syn::meta::ParseNestedMeta;
use syn::punctuated::Punctuated;
use syn::visit_mut::VisitMut as _;
use syn::{
    Attribute, Data, DeriveInput, Error, Field, Fields, GenericArgument, Ident, Item, LitStr, Path,
    PathArguments, Result, Token, Type, parse_quote,
};

use crate::Without;
use crate::attrs::{Attrs, Place};

/// What stands in the brackets of `#[message(…)]`.
#[derive(Default)]
pub(crate) struct Options {
    is_exact: bool,
    is_int: bool,
    krate: Option<Path>,
}

impl Options {
    pub(crate) fn take(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        if meta.path.is_ident("exact") {
            self.is_exact = true;
        } else if meta.path.is_ident("int") {
            self.is_int = true;
        } else if meta.path.is_ident("crate") {
            self.krate = Some(meta.value()?.parse::<LitStr>()?.parse()?);
        } else {
            return Err(meta.error("#[message(…)] takes `exact`, `int` and `crate = \"…\"`"));
        }
        Ok(())
    }

    /// The path of the module that is there for what the macros write.
    fn private(&self) -> Path {
        let krate = self.krate.clone().unwrap_or_else(|| parse_quote!(::wgrpc));
        parse_quote!(#krate::__private)
    }
}

pub(crate) fn expand(options: &Options, mut item: Item) -> TokenStream {
    let expanded = match item.clone() {
        Item::Struct(item) => extend(options, item.into()),
        Item::Enum(item) => extend(options, item.into()),
        other => {
            let reason = "#[message] stands on a struct or an enum";
            Err(Error::new_spanned(other, reason))
        }
    };
    expanded.unwrap_or_else(|error| {
        // With the type still there, only this error is shown and not all that would follow.
        Without(&["serde", "gob"]).visit_item_mut(&mut item);
        let error = error.into_compile_error();
        quote!(#item #error)
    })
}

fn extend(options: &Options, mut item: DeriveInput) -> Result<TokenStream> {
    let private = options.private();
    let attrs = Attrs::parse(&item.attrs, Place::Container)?;
    let mut added = vec![derives(&item.attrs, options, &private)];
    added.push(helper(
        "gob",
        "crate",
        &text(&parse_quote!(#private::wgrpc_gob)),
    ));
    let mut implementations = None;
    if options.is_int {
        implementations = Some(int::render(&item, &private)?);
        added.push(parse_quote!(#[gob(int)]));
    } else if !attrs.says("crate") {
        added.push(helper(
            "serde",
            "crate",
            &text(&parse_quote!(#private::serde)),
        ));
    }
    if options.is_exact {
        added.push(parse_quote!(#[gob(exact)]));
    } else if let Some(rule) = rule_for_fields(&item.data).filter(|rule| !attrs.says(rule)) {
        added.push(helper("serde", rule, "PascalCase"));
    }
    if attrs.interface.is_some() {
        alias_variants(&mut item.data)?;
    }
    adapt_fields(&mut item.data, &private)?;
    // The derives come first, since they introduce the helper attributes.
    item.attrs.splice(0..0, added);
    Ok(quote!(#item #implementations))
}

/// The derives that the type lacks.
fn derives(attrs: &[Attribute], options: &Options, private: &Path) -> Attribute {
    let mut there = Vec::new();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("derive")) {
        let paths = attr.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated);
        there.extend(paths.into_iter().flatten());
    }
    let is_there = |name: &str| {
        let named = |path: &Path| path.segments.last().is_some_and(|last| last.ident == name);
        there.iter().any(named)
    };
    let serde = ["Serialize", "Deserialize"]
        .into_iter()
        .filter(|_| !options.is_int);
    let serde = serde.filter(|name| !is_there(name)).map(|name| {
        let name = Ident::new(name, Span::call_site());
        quote!(#private::serde::#name)
    });
    let gob = (!is_there("Gob")).then(|| quote!(#private::wgrpc_gob::Gob));
    let missing = serde.chain(gob);
    parse_quote!(#[derive(#(#missing),*)])
}

/// The rule that gives the fields their names, where there are fields with names.
fn rule_for_fields(data: &Data) -> Option<&'static str> {
    let has_names = |fields: &Fields| matches!(fields, Fields::Named(_));
    match data {
        Data::Struct(data) => has_names(&data.fields).then_some("rename_all"),
        Data::Enum(data) => (data.variants.iter())
            .any(|variant| has_names(&variant.fields))
            .then_some("rename_all_fields"),
        Data::Union(_) => None,
    }
}

/// Lets serde know the variants of an interface by the names that Go registers them under.
fn alias_variants(data: &mut Data) -> Result<()> {
    let Data::Enum(data) = data else {
        return Ok(());
    };
    for variant in &mut data.variants {
        if let Some(name) = Attrs::parse(&variant.attrs, Place::Variant)?.name {
            variant.attrs.push(helper("serde", "alias", &name.value()));
        }
    }
    Ok(())
}

/// Sends fields of the types that serde sees otherwise than Go does through their adapters.
fn adapt_fields(data: &mut Data, private: &Path) -> Result<()> {
    let fields: Vec<&mut Field> = match data {
        Data::Struct(data) => data.fields.iter_mut().collect(),
        Data::Enum(data) => (data.variants.iter_mut())
            .flat_map(|variant| variant.fields.iter_mut())
            .collect(),
        Data::Union(_) => Vec::new(),
    };
    for field in fields {
        let attrs = Attrs::parse(&field.attrs, Place::Field)?;
        let own = [
            "with",
            "serialize_with",
            "deserialize_with",
            "skip",
            "flatten",
        ];
        if attrs.source.is_some() || own.iter().any(|word| attrs.says(word)) {
            continue;
        }
        let inner = argument(&field.ty, "Option");
        let Some(adapter) = adapter(inner.unwrap_or(&field.ty)) else {
            continue;
        };
        let adapter = Ident::new(adapter, Span::call_site());
        let path = text(&parse_quote!(#private::wgrpc_gob::adapt::#adapter));
        let is_optional = inner.is_some();
        field.attrs.push(helper("serde", "with", &path));
        // Without an adapter serde would take an option that is missing for `None`.
        if is_optional && !attrs.says("default") {
            field.attrs.push(parse_quote!(#[serde(default)]));
        }
    }
    Ok(())
}

/// The adapter for a type, by the name that it is written with.
fn adapter(ty: &Type) -> Option<&'static str> {
    if let Some(Type::Path(element)) = argument(ty, "Vec") {
        return element.path.is_ident("u8").then_some("bytes");
    }
    let Type::Path(path) = ungrouped(ty) else {
        return None;
    };
    match path.path.segments.last()?.ident.to_string().as_str() {
        "Bytes" => Some("bytes"),
        "Duration" => Some("duration"),
        "SystemTime" => Some("time"),
        "IpAddr" => Some("ip"),
        "SocketAddr" => Some("netip_addr_port"),
        "i128" | "u128" => Some("big_int"),
        _ => None,
    }
}

/// The `T` of `wrapper<T>`.
fn argument<'a>(ty: &'a Type, wrapper: &str) -> Option<&'a Type> {
    let Type::Path(path) = ungrouped(ty) else {
        return None;
    };
    let last = path
        .path
        .segments
        .last()
        .filter(|last| last.ident == wrapper)?;
    match &last.arguments {
        PathArguments::AngleBracketed(list) => match list.args.first()? {
            GenericArgument::Type(ty) if list.args.len() == 1 => Some(ungrouped(ty)),
            _ => None,
        },
        _ => None,
    }
}

/// The type without the invisible brackets that a macro puts around it.
fn ungrouped(mut ty: &Type) -> &Type {
    while let Type::Group(group) = ty {
        ty = &group.elem;
    }
    ty
}

/// `#[attribute(word = "value")]`
fn helper(attribute: &str, word: &str, value: &str) -> Attribute {
    let attribute = Ident::new(attribute, Span::call_site());
    let word = Ident::new(word, Span::call_site());
    parse_quote!(#[#attribute(#word = #value)])
}

/// The path as one would write it.
fn text(path: &Path) -> String {
    path.to_token_stream().to_string().replace(' ', "")
}

#[cfg(test)]
mod tests;

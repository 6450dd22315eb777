//! What a type looks like in gob: the model that the schema is rendered from.
//!
//! Everything that can be said about a type without knowing other types is decided here: the names
//! of its fields, which of them are written, what an enum becomes, and what cannot be done.

mod variants;

use std::collections::HashSet;

use proc_macro2::Span;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned as _;
use syn::{
    Attribute, Data, DeriveInput, Error, Fields, FieldsNamed, FieldsUnnamed, Generics, Ident,
    LitStr, Path, Result, Token, Type, WherePredicate, parse_quote,
};

use crate::attrs::{Attrs, Place, Source, With};
use crate::names::{Case, exported, plain};

pub(crate) use variants::is_unsigned;

/// A type that a schema is derived for.
pub(crate) struct Model {
    pub(crate) ident: Ident,
    pub(crate) generics: Generics,
    /// The bounds of the implementation, if they are not to be derived.
    pub(crate) bound: Option<Punctuated<WherePredicate, Token![,]>>,
    /// Where the crate `wgrpc_gob` is found.
    pub(crate) krate: Path,
    pub(crate) shape: Shape,
}

/// What a type is.
pub(crate) enum Shape {
    /// What something else is.
    Same(Source),
    Struct {
        name: String,
        fields: Vec<Field>,
    },
    /// A struct with a field for each variant, of which one is present.
    Union {
        name: String,
        variants: Vec<Field>,
    },
    /// A value that brings its own type, one of these.
    Interface(Vec<Field>),
}

/// One field of a struct, or one variant of an enum.
pub(crate) struct Field {
    /// The name on the wire; of a type in an interface, the name that Go registers it under.
    pub(crate) wire: String,
    /// The name that serde knows it by.
    pub(crate) key: String,
    /// Its own fields stand in its place.
    pub(crate) is_flat: bool,
    pub(crate) shape: Shape,
}

impl Model {
    pub(crate) fn parse(input: &DeriveInput) -> Result<Self> {
        let mut attrs = Attrs::parse(&input.attrs, Place::Container)?;
        let krate = (attrs.krate.take()).unwrap_or_else(|| parse_quote!(::wgrpc_gob));
        let bound = attrs.bound.take();
        let parser = Parser {
            krate: &krate,
            is_exact: attrs.exact,
        };
        let shape = parser.container(input, attrs)?;
        Ok(Self {
            ident: input.ident.clone(),
            generics: input.generics.clone(),
            bound,
            krate,
            shape,
        })
    }
}

/// What is the same for the whole of one type.
struct Parser<'a> {
    krate: &'a Path,
    is_exact: bool,
}

impl Parser<'_> {
    fn container(&self, input: &DeriveInput, attrs: Attrs) -> Result<Shape> {
        if let Some(source) = attrs.source {
            return Ok(Shape::Same(source));
        }
        if let Some(error) = attrs.formless {
            return Err(error);
        }
        if let Some(into) = attrs.into {
            return Ok(Shape::Same(Source::Type(Box::new(into))));
        }
        let name = (attrs.name.as_ref().map(LitStr::value))
            .or_else(|| attrs.rename.clone())
            .unwrap_or_else(|| plain(&input.ident));
        match &input.data {
            Data::Enum(data) => self.enumeration(name, input, data, &attrs),
            Data::Struct(data) => {
                if let Some(span) = attrs.int {
                    return Err(Error::new(span, "only an enum can be an int"));
                }
                if let Some(span) = attrs.interface {
                    return Err(Error::new(span, "only an enum can be an interface"));
                }
                if attrs.transparent {
                    return self.transparent(&input.ident, &data.fields);
                }
                self.content(name, &data.fields, attrs.rename_all)
            }
            Data::Union(data) => Err(Error::new(
                data.union_token.span(),
                "a union has no form in gob: use an enum",
            )),
        }
    }

    fn transparent(&self, ident: &Ident, fields: &Fields) -> Result<Shape> {
        let mut written = Vec::new();
        for field in fields {
            let attrs = Attrs::parse(&field.attrs, Place::Field)?;
            if !attrs.skip && !is_phantom(&field.ty) {
                written.push(self.source(attrs, &field.ty)?);
            }
        }
        match <[Source; 1]>::try_from(written) {
            Ok([source]) => Ok(Shape::Same(source)),
            Err(_) => Err(Error::new(
                ident.span(),
                "a transparent type has exactly one field that is written",
            )),
        }
    }

    /// The shape of a struct, or of what is in a variant.
    fn content(&self, name: String, fields: &Fields, rename_all: Option<Case>) -> Result<Shape> {
        let fields = match fields {
            Fields::Unit => Vec::new(),
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                let attrs = unnamed(&fields.unnamed[0].attrs)?;
                return Ok(Shape::Same(self.source(attrs, &fields.unnamed[0].ty)?));
            }
            Fields::Unnamed(fields) => self.unnamed_fields(fields)?,
            Fields::Named(fields) => self.named_fields(fields, rename_all)?,
        };
        Ok(Shape::Struct { name, fields })
    }

    /// Go has no tuples: the fields are called F0, F1, …
    fn unnamed_fields(&self, fields: &FieldsUnnamed) -> Result<Vec<Field>> {
        let mut list = Vec::new();
        for field in &fields.unnamed {
            let attrs = unnamed(&field.attrs)?;
            if attrs.skip {
                continue;
            }
            let name = format!("F{}", list.len());
            list.push(Field {
                wire: name.clone(),
                key: name,
                is_flat: false,
                shape: Shape::Same(self.source(attrs, &field.ty)?),
            });
        }
        Ok(list)
    }

    fn named_fields(&self, fields: &FieldsNamed, rename_all: Option<Case>) -> Result<Vec<Field>> {
        let mut written = Vec::new();
        for field in &fields.named {
            let attrs = Attrs::parse(&field.attrs, Place::Field)?;
            if let Some(ident) = field.ident.as_ref().filter(|_| !attrs.skip) {
                written.push((ident, &field.ty, attrs));
            }
        }
        let has_flat = written.iter().any(|(_, _, attrs)| attrs.flatten);
        let mut names = Names::default();
        let mut list = Vec::new();
        for (ident, ty, attrs) in written {
            let is_flat = attrs.flatten;
            let key = attrs.serde_name(ident, rename_all, Case::of_field);
            let wire = match is_flat {
                true => key.clone(),
                false => self.wire_name(&attrs, &key, ident)?,
            };
            if has_flat && wire != key {
                // Such a struct is read as a map, whose reader knows only the names on the wire.
                let reason = format!(
                    "beside a flattened field serde has to call this `{wire}` too, or it would \
                     not be found: use #[message] or #[serde(rename_all = \"PascalCase\")]"
                );
                return Err(Error::new(ident.span(), reason));
            }
            if !is_flat {
                names.claim(&wire, ident)?;
            }
            list.push(Field {
                wire,
                key,
                is_flat,
                shape: Shape::Same(self.source(attrs, ty)?),
            });
        }
        Ok(list)
    }

    /// Where the schema of a field of type `ty` comes from.
    fn source(&self, attrs: Attrs, ty: &Type) -> Result<Source> {
        match (attrs.source, attrs.with) {
            (Some(source), _) => Ok(source),
            (None, Some(with)) => self.adapter(with),
            (None, None) => Ok(Source::Type(Box::new(ty.clone()))),
        }
    }

    /// The schema of what `with` makes of a value, if it is an adapter that is known.
    fn adapter(&self, with: With) -> Result<Source> {
        if with.is_module {
            let mut outer = with.path.segments.iter().rev().skip(1);
            if outer.next().is_some_and(|module| module.ident == "adapt") {
                let module = with.path;
                return Ok(Source::Function(parse_quote!(#module::describe)));
            }
            if with.path.is_ident("serde_bytes") {
                return Ok(self.builtin("bytes"));
            }
        }
        Err(Error::new(
            with.span,
            "what this writes cannot be seen from here: name a type that looks the same with \
             #[gob(as = \"…\")], or a function that describes it with #[gob(schema = \"…\")]",
        ))
    }

    /// The schema that the builder's method `name` gives.
    fn builtin(&self, name: &str) -> Source {
        let krate = self.krate;
        let method = Ident::new(name, Span::call_site());
        Source::Function(parse_quote!(#krate::Builder::#method))
    }

    /// The name that a field or variant has on the wire.
    fn wire_name(&self, attrs: &Attrs, key: &str, ident: &Ident) -> Result<String> {
        if let Some(name) = &attrs.name {
            return Ok(name.value());
        }
        if self.is_exact {
            return Ok(key.to_owned());
        }
        exported(key).ok_or_else(|| {
            let reason = format!(
                "Go has no exported name like `{key}`: give another with #[gob(name = \"…\")]"
            );
            Error::new(ident.span(), reason)
        })
    }
}

/// The names given in one struct.
#[derive(Default)]
struct Names(HashSet<String>);

impl Names {
    fn claim(&mut self, name: &str, ident: &Ident) -> Result<()> {
        if self.0.insert(name.to_owned()) {
            return Ok(());
        }
        let reason = format!("two fields are named `{name}` on the wire");
        Err(Error::new(ident.span(), reason))
    }
}

/// The attributes of a field without a name.
fn unnamed(attrs: &[Attribute]) -> Result<Attrs> {
    let attrs = Attrs::parse(attrs, Place::Field)?;
    match &attrs.name {
        Some(name) => Err(Error::new(
            name.span(),
            "the fields of a tuple have no names: use a struct with named fields",
        )),
        None => Ok(attrs),
    }
}

fn is_phantom(ty: &Type) -> bool {
    let Type::Path(ty) = ty else { return false };
    (ty.path.segments.last()).is_some_and(|segment| segment.ident == "PhantomData")
}

#[cfg(test)]
mod tests;

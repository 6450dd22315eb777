//! What an enum becomes: a string, an int, a struct with a field for each variant, or an interface.

use syn::{Attribute, DataEnum, DeriveInput, Error, Fields, LitStr, Result, Variant, parse_quote};

use super::{Field, Names, Parser, Shape, Source};
use crate::attrs::{Attrs, Place, pass_over};
use crate::names::{Case, exported};

impl Parser<'_> {
    pub(super) fn enumeration(
        &self,
        name: String,
        input: &DeriveInput,
        data: &DataEnum,
        attrs: &Attrs,
    ) -> Result<Shape> {
        let mut written = Vec::new();
        for variant in &data.variants {
            let own = Attrs::parse(&variant.attrs, Place::Variant)?;
            if !own.skip {
                written.push((variant, own));
            }
        }
        if written.is_empty() {
            let reason = "an enum without variants has no values that could be sent";
            return Err(Error::new(input.ident.span(), reason));
        }
        let is_plain = (written.iter()).all(|(variant, _)| matches!(variant.fields, Fields::Unit));
        match (attrs.int, attrs.interface) {
            (Some(span), Some(_)) => Err(Error::new(span, "choose `int` or `interface`")),
            (Some(_), None) if is_plain => {
                let method = if is_unsigned(&input.attrs) {
                    "uint"
                } else {
                    "int"
                };
                Ok(Shape::Same(self.builtin(method)))
            }
            (Some(span), None) => {
                let reason = "an enum whose variants have data cannot be an int";
                Err(Error::new(span, reason))
            }
            (None, Some(_)) => self.interface(written, attrs),
            (None, None) if is_plain => self.string(&written),
            (None, None) => self.union_struct(name, written, attrs),
        }
    }

    /// Each variant is its name.
    fn string(&self, variants: &[(&Variant, Attrs)]) -> Result<Shape> {
        for (_, own) in variants {
            if let Some(name) = &own.name {
                let reason = "variants without data are written by the names that serde has for \
                              them: use #[serde(rename = \"…\")]";
                return Err(Error::new(name.span(), reason));
            }
        }
        Ok(Shape::Same(self.builtin("string")))
    }

    /// One field a variant, exactly one of them present.
    fn union_struct(
        &self,
        name: String,
        variants: Vec<(&Variant, Attrs)>,
        attrs: &Attrs,
    ) -> Result<Shape> {
        let mut names = Names::default();
        let mut fields = Vec::new();
        for (variant, own) in variants {
            let key = key(variant, &own, attrs);
            let wire = self.wire_name(&own, &key, &variant.ident)?;
            names.claim(&wire, &variant.ident)?;
            fields.push(Field {
                shape: self.variant(wire.clone(), variant, own, attrs)?,
                wire,
                key,
                is_flat: false,
            });
        }
        Ok(Shape::Union {
            name,
            variants: fields,
        })
    }

    /// A value that brings the name of its type.
    fn interface(&self, variants: Vec<(&Variant, Attrs)>, attrs: &Attrs) -> Result<Shape> {
        let mut names = Names::default();
        let mut types = Vec::new();
        for (variant, own) in variants {
            let Some(registered) = own.name.as_ref().map(LitStr::value) else {
                let reason = "which name is this type registered under? \
                              Say it as Go does: #[gob(name = \"main.Circle\")]";
                return Err(Error::new(variant.ident.span(), reason));
            };
            names.claim(&registered, &variant.ident)?;
            let key = key(variant, &own, attrs);
            let name = exported(&key).unwrap_or_else(|| key.clone());
            types.push(Field {
                shape: self.variant(name, variant, own, attrs)?,
                wire: registered,
                key,
                is_flat: false,
            });
        }
        Ok(Shape::Interface(types))
    }

    /// The shape of what is in a variant.
    fn variant(&self, name: String, variant: &Variant, own: Attrs, attrs: &Attrs) -> Result<Shape> {
        if let Some(source) = own.source {
            return Ok(Shape::Same(source));
        }
        if let Some(error) = own.formless {
            return Err(error);
        }
        if let Some(with) = own.with {
            return Ok(Shape::Same(self.adapter(with)?));
        }
        let unit = Shape::Same(Source::Type(parse_quote!(())));
        match &variant.fields {
            Fields::Unit => Ok(unit),
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                // serde takes a variant whose only field is skipped for one without data.
                let is_skipped = Attrs::parse(&fields.unnamed[0].attrs, Place::Field)?.skip;
                match is_skipped {
                    true => Ok(unit),
                    false => self.content(name, &variant.fields, None),
                }
            }
            fields => self.content(name, fields, own.rename_all.or(attrs.rename_all_fields)),
        }
    }
}

/// serde's name for a variant.
fn key(variant: &Variant, own: &Attrs, attrs: &Attrs) -> String {
    own.serde_name(&variant.ident, attrs.rename_all, Case::of_variant)
}

/// Whether the discriminants are unsigned.
pub(crate) fn is_unsigned(attrs: &[Attribute]) -> bool {
    let mut is_unsigned = false;
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("repr")) {
        // The compiler complains about what makes no sense in a `repr`.
        let _ = attr.parse_nested_meta(|meta| {
            let unsigned = ["u8", "u16", "u32", "u64", "usize"];
            is_unsigned |= unsigned.iter().any(|ty| meta.path.is_ident(ty));
            pass_over(&meta)
        });
    }
    is_unsigned
}

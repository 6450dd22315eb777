//! Renders the implementation of `Gob` from the model.

use std::collections::{BTreeMap, HashSet};

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens as _, quote, quote_spanned};
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{GenericParam, Generics, Type, TypePath, WherePredicate, parse_quote};

use crate::attrs::Source;
use crate::model::{Field, Model, Shape};

pub(crate) fn render(model: &Model) -> TokenStream {
    let (ident, krate) = (&model.ident, &model.krate);
    let mut generics = model.generics.clone();
    let bounds: Vec<WherePredicate> = match &model.bound {
        Some(bound) => bound.iter().cloned().collect(),
        None => (described(&model.shape, &generics).into_iter())
            .map(|ty| parse_quote!(#ty: #krate::Gob))
            .collect(),
    };
    if !bounds.is_empty() {
        generics.make_where_clause().predicates.extend(bounds);
    }
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let types = Ident::new("types", Span::mixed_site());
    let shape = expression(&model.shape, &types);
    // The instances of generic code would share the static.
    let is_one = |parameter: &GenericParam| matches!(parameter, GenericParam::Lifetime(_));
    let schema = generics.params.iter().all(is_one).then(|| {
        quote! {
            #[inline]
            fn schema() -> &'static #krate::Schema {
                static SCHEMA: #krate::SchemaSlot = #krate::SchemaSlot::new();
                SCHEMA.of::<Self>()
            }
        }
    });
    quote! {
        #[automatically_derived]
        impl #impl_generics #krate::Gob for #ident #ty_generics #where_clause {
            fn describe(#types: &mut #krate::Builder) -> #krate::Ref {
                #shape
            }

            #schema
        }
    }
}

/// An expression that describes the shape to the builder `types`.
fn expression(shape: &Shape, types: &Ident) -> TokenStream {
    match shape {
        Shape::Same(Source::Type(ty)) => quote_spanned!(ty.span()=> #types.of::<#ty>()),
        Shape::Same(Source::Function(path)) => quote_spanned!(path.span()=> #path(#types)),
        Shape::Struct { name, fields } if fields.iter().any(|field| field.is_flat) => {
            spliced(name, fields, types)
        }
        Shape::Struct { name, fields } => {
            let fields = entries(fields, types);
            quote!({ let fields = #fields; #types.structure(#name, fields) })
        }
        Shape::Union { name, variants } => {
            let variants = entries(variants, types);
            quote!({ let variants = #variants; #types.union(#name, variants) })
        }
        Shape::Interface(variants) => {
            let variants = variants.iter().map(|variant| {
                let (name, key) = (&variant.wire, &variant.key);
                let ty = expression(&variant.shape, types);
                quote!((#key, #name, #ty))
            });
            quote!({ let variants = [#(#variants),*]; #types.interface_of(variants) })
        }
    }
}

/// Of each field its names and its type.
fn entries(fields: &[Field], types: &Ident) -> TokenStream {
    let entries = fields.iter().map(|field| {
        let (wire, key, ty) = (&field.wire, &field.key, expression(&field.shape, types));
        quote!((#wire, #key, #ty))
    });
    quote!([#(#entries),*])
}

/// A struct in which some fields are replaced by the fields that they have themselves.
fn spliced(name: &str, fields: &[Field], types: &Ident) -> TokenStream {
    let inner = |i| Ident::new(&format!("inner{i}"), Span::mixed_site());
    let inners = fields.iter().enumerate().filter(|(_, field)| field.is_flat);
    let inners = inners.map(|(i, field)| {
        let (inner, ty) = (inner(i), expression(&field.shape, types));
        quote!(let #inner = #ty; let #inner = #types.fields_of(#inner);)
    });
    let list = Ident::new("fields", Span::mixed_site());
    let entries = fields.iter().enumerate().map(|(i, field)| {
        if field.is_flat {
            let inner = inner(i);
            return quote! {
                #list.extend(#inner.iter().map(|field| (&*field.name, field.key(), field.ty)));
            };
        }
        let (wire, key, ty) = (&field.wire, &field.key, expression(&field.shape, types));
        quote!(#list.push((#wire, #key, #ty));)
    });
    quote!({
        #(#inners)*
        let mut #list = ::std::vec::Vec::new();
        #(#entries)*
        #types.structure(#name, #list)
    })
}

/// The types that depend on the parameters and have to be describable: the parameters that are
/// used, and what is named through them.
fn described(shape: &Shape, generics: &Generics) -> Vec<Type> {
    let mut finder = Finder {
        parameters: generics
            .type_params()
            .map(|parameter| &parameter.ident)
            .collect(),
        found: BTreeMap::new(),
    };
    finder.look_into(shape);
    finder.found.into_values().collect()
}

struct Finder<'a> {
    parameters: HashSet<&'a Ident>,
    /// By how they are written.
    found: BTreeMap<String, Type>,
}

impl Finder<'_> {
    fn look_into(&mut self, shape: &Shape) {
        match shape {
            Shape::Same(Source::Type(ty)) => self.visit_type(ty),
            Shape::Same(Source::Function(_)) => {}
            Shape::Struct { fields, .. }
            | Shape::Union {
                variants: fields, ..
            }
            | Shape::Interface(fields) => {
                fields.iter().for_each(|field| self.look_into(&field.shape));
            }
        }
    }
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_type_path(&mut self, path: &'ast TypePath) {
        let segments = &path.path.segments;
        let names_parameter = path.qself.is_none()
            && path.path.leading_colon.is_none()
            && (segments.first()).is_some_and(|first| self.parameters.contains(&first.ident));
        if names_parameter {
            let ty = Type::Path(path.clone());
            self.found.insert(ty.to_token_stream().to_string(), ty);
        } else if segments
            .last()
            .is_none_or(|last| last.ident != "PhantomData")
        {
            visit::visit_type_path(self, path);
        }
    }
}

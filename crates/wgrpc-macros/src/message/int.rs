//! An enum that is a number in every codec: serde's traits by discriminant.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Attribute, Data, DeriveInput, Error, Fields, Path, Result};

use crate::attrs::{Attrs, Place};
use crate::model::is_unsigned;
use crate::names::plain;

pub(super) fn render(item: &DeriveInput, private: &Path) -> Result<TokenStream> {
    let Data::Enum(data) = &item.data else {
        return Err(Error::new(item.ident.span(), "only an enum can be an int"));
    };
    let number = match is_unsigned(&item.attrs) {
        true => quote!(u64),
        false => quote!(i64),
    };
    let (ident, serde) = (&item.ident, quote!(#private::serde));
    let result = quote!(::std::result::Result);
    let (mut writing, mut reading, mut other) = (Vec::new(), Vec::new(), None);
    for variant in &data.variants {
        if !matches!(variant.fields, Fields::Unit) {
            let reason = "an enum whose variants have data cannot be an int";
            return Err(Error::new_spanned(variant, reason));
        }
        let is_cfg = |attr: &&Attribute| attr.path().is_ident("cfg");
        let cfg: Vec<_> = variant.attrs.iter().filter(is_cfg).collect();
        let name = &variant.ident;
        writing.push(quote!(#(#cfg)* Self::#name => Self::#name as #number));
        reading.push(quote! {
            #(#cfg)* number if number == Self::#name as #number => #result::Ok(Self::#name)
        });
        if Attrs::parse(&variant.attrs, Place::Variant)?.says("other") {
            other = Some(quote!(_ => #result::Ok(Self::#name)));
        }
    }
    let other = other.unwrap_or_else(|| {
        let text = format!("{} has no variant with the number {{number}}", plain(ident));
        quote!(number => #result::Err(#serde::de::Error::custom(::std::format_args!(#text))))
    });
    Ok(quote! {
        #[automatically_derived]
        impl #serde::Serialize for #ident {
            fn serialize<S: #serde::Serializer>(&self, serializer: S) -> #result<S::Ok, S::Error> {
                let number = match self { #(#writing,)* };
                #serde::Serialize::serialize(&number, serializer)
            }
        }

        #[automatically_derived]
        impl<'de> #serde::Deserialize<'de> for #ident {
            fn deserialize<D: #serde::Deserializer<'de>>(
                deserializer: D,
            ) -> #result<Self, D::Error> {
                match <#number as #serde::Deserialize>::deserialize(deserializer)? {
                    #(#reading,)*
                    #other
                }
            }
        }
    })
}

//! The attributes of WgRPC: service, message and the gob schema derive.
//!
//! One model is parsed from the source, and several renderers write code from it. `attrs` and
//! `names` read what was written, `model` decides what it means; `schema` renders.

mod attrs;
mod model;
mod names;
mod schema;

use proc_macro::TokenStream;
use syn::{DeriveInput, Error, parse_macro_input};

/// Derives the static schema of a type: the trait `Gob`.
///
/// It stands beside serde's derives and follows the same `#[serde(…)]` attributes, so that there is
/// one source of truth: `rename`, `rename_all`, `rename_all_fields`, `skip`, `skip_serializing`,
/// `flatten`, `transparent`, `into`, and `with` where it names an adapter of this crate or
/// `serde_bytes`.
///
/// # What a type becomes
///
/// | Rust | gob | Go |
/// | --- | --- | --- |
/// | struct | struct | struct |
/// | newtype struct | the inner type | `type Celsius float64` |
/// | tuple struct | struct `{F0, F1}` | the same |
/// | unit struct | struct without fields | `struct{}` |
/// | enum without data | string, or with `#[gob(int)]` int | `type Color string` and constants |
/// | enum with data | struct with a field for each variant, one present | struct of pointers |
/// | enum with `#[gob(interface)]` | interface | registered types |
///
/// Fields are named as in Go: `user_id` becomes `UserId`. A name that begins with an upper-case
/// letter stays as it is, so initialisms are spelt out: `#[serde(rename = "UserID")]`.
///
/// # Attributes
///
/// On the type:
///
/// * `#[gob(name = "Args")]`: the type's name, which Go does not look at.
/// * `#[gob(exact)]`: fields have the names that serde has for them, not Go's. Go itself never
///   fills a field whose name begins with a lower-case letter.
/// * `#[gob(int)]`: an enum without data is a number, written as one by your `Serialize` (or
///   `#[message(int)]`); unsigned if the enum has an unsigned `repr`.
/// * `#[gob(interface)]`: each variant is a concrete type in Go's `any`, under the name that Go
///   registers it by: `#[gob(name = "main.Circle")]` on the variant.
/// * `#[gob(bound = "T: Gob")]`: instead of the bounds derived for type parameters.
/// * `#[gob(crate = "path")]`: where the crate `wgrpc_gob` is found.
///
/// On a field or variant:
///
/// * `#[gob(name = "UserID")]`: the name on the wire, whatever serde calls it.
///
/// On any of them, for what serde writes in another form than the type's own:
///
/// * `#[gob(as = "Type")]`: the schema of another type.
/// * `#[gob(schema = "path")]`: a function `fn(&mut Builder) -> Ref` that describes it.
#[proc_macro_derive(Gob, attributes(gob, serde))]
pub fn gob(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    model::Model::parse(&input)
        .map(|model| schema::render(&model))
        .unwrap_or_else(Error::into_compile_error)
        .into()
}

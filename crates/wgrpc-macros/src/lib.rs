//! The attributes of WgRPC: service, message and the gob schema derive.
//!
//! One model is parsed from the source, and several renderers write code from it. `attrs` and
//! `names` read what was written, `model` decides what it means; `schema` and `message` render.

mod attrs;
mod client;
mod contract;
mod message;
mod model;
mod names;
mod schema;
mod service;

use proc_macro::TokenStream;
use syn::visit_mut::VisitMut;
use syn::{Attribute, DeriveInput, Error, Item, parse_macro_input};

/// Makes a type an argument or a reply: it can be sent and received in every codec.
///
/// It derives serde's `Serialize` and `Deserialize` (a dependency on serde is not needed) and the
/// schema, [`Gob`], and names fields as Go does: `user_id` is `UserId`.
///
/// Go writes initialisms in capitals. A name that has to be `UserID` is given with
/// `#[serde(rename = "UserID")]`. serde's other attributes are honoured too; a `rename_all` of your
/// own is the one for JSON, while gob keeps Go's names.
///
/// Types that serde's derive sees otherwise than Go does go through the adapters of `wgrpc_gob`,
/// wherever a field or an option of one is written by these names: `Vec<u8>` and `Bytes` (of the
/// crate `bytes`; bytes, in JSON base64), `Duration` (nanoseconds), `SystemTime` (`time.Time`),
/// `IpAddr` (`net.IP`), `SocketAddr` (`netip.AddrPort`), `i128` and `u128` (`big.Int`). A `with` of
/// your own, or `#[gob(as = "…")]`, leaves the field to you.
///
/// * `#[message(exact)]`: names are as they are written in Rust. Go never fills a field that begins
///   with a lower-case letter.
/// * `#[message(int)]`, on an enum without data: in every codec it is the number that it has in
///   Rust, an unsigned one if it has an unsigned `repr`. Unknown numbers are an error, or the
///   variant marked with `#[serde(other)]`.
/// * `#[message(crate = "path")]`: where the crate `wgrpc` is found.
///
/// Put it above the type's other attributes: they only mean something to what it derives.
#[proc_macro_attribute]
pub fn message(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut options = message::Options::default();
    let parser = syn::meta::parser(|meta| options.take(&meta));
    parse_macro_input!(args with parser);
    message::expand(&options, parse_macro_input!(item as Item)).into()
}

/// Makes a service of the methods of a type, or of a trait, and writes the client to it.
///
/// # What is served
///
/// Every method that takes `&self`, public or not, `async fn` or plain `fn`. (What is not to be
/// served goes into another `impl` block, or says `#[method(skip)]`.) A method takes
///
/// * nothing, or one argument (several are put into a struct with [`#[message]`](macro@message)),
///   and last, by value or by reference, the call's `Context` if it wants that;
///
/// and returns a reply, a `Result` of a reply and any error that can be shown, or nothing.
///
/// An `async fn` may wait as long as it likes. A plain `fn` runs where the connection is read, so
/// it should be quick.
///
/// Names are Go's: `multiply` of the type `Arith` is called as `Arith.Multiply`.
///
/// # On an `impl` block
///
/// The type can then be registered with a server, as it is or in an `Arc`. Beside it stands its
/// client, `ArithClient`, with the same methods. It calls through a `Client` or whatever else is a
/// `Caller`, takes arguments by reference (a `String` as `&str`, a `Vec` as a slice) and returns
/// the call: on its way already, and to be awaited.
///
/// # On a trait
///
/// The trait is the contract, in a crate that servers and clients share. An `async fn` in it
/// promises a future that can be sent between threads, and implementations write `async fn` as
/// usual. Beside the client there is `ArithService`, which makes a service of what implements
/// the trait: `register(ArithService(MyArith))`.
///
/// # Attributes
///
/// * `#[service(name = "Arith")]`: the name on the wire, if not that of the type or trait.
/// * `#[service(client = "Calculator")]`: the name of the client; `client = false`: there is none.
///   A client knows no type parameters, so a generic type whose parameters are seen in its methods
///   can have none; a trait can.
/// * `#[service(crate = "path")]`: where the crate `wgrpc` is found.
/// * `#[method(name = "Mul")]`: the method's name on the wire.
/// * `#[method(blocking)]`: it computes for long or blocks, and must not hold its connection up.
/// * `#[method(idempotent)]`: it does no harm if it is executed more than once, so its client may
///   make a call again although it is not known whether it was executed.
/// * `#[method(skip)]`: it is not served.
#[proc_macro_attribute]
pub fn service(args: TokenStream, item: TokenStream) -> TokenStream {
    let mut options = contract::Options::default();
    let parser = syn::meta::parser(|meta| options.take(&meta));
    parse_macro_input!(args with parser);
    service::expand(options, parse_macro_input!(item as Item)).into()
}

/// Takes the attributes of these names away.
struct Without(&'static [&'static str]);

impl VisitMut for Without {
    fn visit_attributes_mut(&mut self, attrs: &mut Vec<Attribute>) {
        attrs.retain(|attr| !self.0.iter().any(|name| attr.path().is_ident(name)));
    }
}

/// Derives the static schema of a type: the trait `Gob`.
///
/// It stands beside serde's derives and follows the same `#[serde(…)]` attributes, so that there is
/// one source of truth: `rename`, `rename_all`, `rename_all_fields`, `skip`, `skip_serializing`,
/// `flatten` (of structs that have no options), `transparent`, `into`, and `with` where it names an
/// adapter of this crate or `serde_bytes`.
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
///   registers it by: `#[gob(name = "main.Circle")]` on the variant. It is read as the variant that
///   is called like the last part of that name, or has all of it as `#[serde(alias = "…")]`, which
///   `#[message]` adds.
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

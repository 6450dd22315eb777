//! Types found in values, for values whose Rust type has no schema.
//!
//! serde shows values, not types, so a first pass over the value finds out what it is made of, and
//! a second one writes it by what was found. What is empty cannot be known and is left out of the
//! type; Go, which matches fields by name, does not mind. Each connection numbers the types that
//! were found, up to a limit.

mod compound;
mod found;
mod tracer;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::carried::{JSON, Renumbered};
use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::schema::{Builder, Dynamics, Gob, Ref, Schema};
use found::Found;
use tracer::Tracer;

/// A value whose type is found by looking at it, as it has no static one.
///
/// Prefer `#[derive(Gob)]`: it is faster, exact and tells mistakes at compile time. What is found
/// depends on the value:
///
/// * Fields get Go's names ([`go_name`]): `user_id` is sent as `UserId`.
/// * A field that holds `None`, an empty list or an empty map is not sent, and not in the type.
/// * The elements of a list, and the values of a map, must have one type. Structs are merged: each
///   may lack fields that another has. An enum with data is a struct with a field for each variant
///   that occurs; one without is its name.
/// * A tuple whose elements have one type is an array, as serde cannot tell it from `[T; N]`; any
///   other is a struct of `F0`, `F1` and so on.
/// * What is empty as a whole has no type: sending it is an error.
///
/// ```
/// use std::collections::BTreeMap;
/// use wgrpc_gob::{Inferred, to_vec};
///
/// #[derive(serde::Serialize)]
/// struct Foreign {
///     name: &'static str,
///     sizes: BTreeMap<char, u8>,
/// }
///
/// let foreign = Foreign { name: "x", sizes: BTreeMap::from([('a', 1)]) };
/// to_vec(&Inferred(foreign))?;
/// # wgrpc_gob::Result::Ok(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Inferred<T>(pub T);

impl<T> Gob for Inferred<T> {
    fn describe(types: &mut Builder) -> Ref {
        types.inferred()
    }
}

impl<T: Serialize> Serialize for Inferred<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Inferred<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

/// A value that knows no types at all, as a `serde_json::Value`, sent as what a Go program most
/// likely wants.
///
/// As [`Inferred`], but with an eye to what such values mean:
///
/// * A map is a struct, for a Go struct cannot be read from a map. Its keys must be texts.
/// * A whole number is an int, unless only a uint can hold it. Where whole numbers and others
///   stand in one list, all are floats.
/// * `null` is nothing: a field that is not sent.
///
/// ```
/// use serde_json::json;
/// use wgrpc_gob::{Json, to_vec};
///
/// to_vec(&Json(json!({"A": 6, "B": 7})))?;
/// # wgrpc_gob::Result::Ok(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Json<T>(pub T);

impl<T> Gob for Json<T> {
    fn describe(types: &mut Builder) -> Ref {
        types.inferred()
    }
}

impl<T: Serialize> Serialize for Json<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(JSON, &self.0)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Json<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

/// The name that Go would give to what serde calls `name`.
///
/// A name that begins with an upper-case letter stays as it is; any other goes from snake_case to
/// PascalCase. The derive of `Gob` names fields in the same way.
///
/// ```
/// use wgrpc_gob::go_name;
///
/// assert_eq!(go_name("user_id"), "UserId");
/// assert_eq!(go_name("_id"), "Id");
/// assert_eq!(go_name("ID"), "ID");
/// ```
pub fn go_name(name: &str) -> String {
    if name.starts_with(char::is_uppercase) {
        return name.to_owned();
    }
    name.split(|c: char| !c.is_alphanumeric())
        .flat_map(|word| {
            let mut chars = word.chars();
            let first = chars.next().into_iter().flat_map(char::to_uppercase);
            first.chain(chars)
        })
        .collect()
}

/// The type of `value`, numbered for the connection of `dynamics`.
pub(crate) fn infer<T: Serialize + ?Sized>(
    value: &T,
    dynamics: &Dynamics,
    limits: &Limits,
) -> Result<Schema> {
    let found = value.serialize(Tracer::new(Renumbered { dynamics, limits }))?;
    if let Found::Known(schema) = found {
        return Ok(schema);
    }
    let mut description = Vec::new();
    found.put(&mut description);
    let schema = dynamics.schema(&description, || found.nodes())?;
    let size: usize = schema.definitions().iter().map(|d| d.message.len()).sum();
    if size > limits.definitions {
        let found = "the size in bytes of the type found in a value";
        return Err(Error::limit("definitions", limits.definitions, found));
    }
    Ok(schema)
}

#[cfg(test)]
mod tests;

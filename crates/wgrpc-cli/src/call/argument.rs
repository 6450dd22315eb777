//! The argument of a call in gob: JSON, and what JSON cannot say.
//!
//! Inside of [`Json`] a value is sent as what a Go program most likely wants: objects are structs,
//! whole numbers ints. An object whose first key begins with a dollar sign says otherwise; it
//! becomes a value that brings its type along.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::ser::{Serialize, SerializeMap, SerializeTuple, Serializer};
use wgrpc::gob::{Dynamic, Gob, Inferred, Interface, Json, Schema, Shape, Time, Type, Value};

use crate::tree::Tree;

/// The argument of a call.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Argument {
    /// What JSON can say, except for lists and objects.
    Simple(Tree),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
    /// A value whose type was given.
    Typed(Dynamic),
}

impl Argument {
    /// What `tree` means.
    pub(super) fn of(tree: Tree) -> Result<Self, String> {
        match tree {
            Tree::List(list) => {
                let list = list.into_iter().map(Self::of);
                Ok(Self::List(list.collect::<Result<_, _>>()?))
            }
            Tree::Object(object) => match object.first() {
                Some((key, _)) if key.starts_with('$') => typed(object).map(Self::Typed),
                _ => {
                    let object = object.into_iter().map(|(k, v)| Ok((k, Self::of(v)?)));
                    Ok(Self::Object(object.collect::<Result<_, String>>()?))
                }
            },
            simple => Ok(Self::Simple(simple)),
        }
    }
}

impl Serialize for Argument {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Simple(value) => value.serialize(serializer),
            Self::List(list) => serializer.collect_seq(list),
            Self::Object(object) => {
                let mut map = serializer.serialize_map(Some(object.len()))?;
                for (key, value) in object {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
            Self::Typed(value) => value.serialize(serializer),
        }
    }
}

/// What an object means whose first key begins with a dollar sign.
fn typed(object: Vec<(String, Tree)>) -> Result<Dynamic, String> {
    let mut entries = object.into_iter();
    let Some((key, value)) = entries.next() else {
        return Err("an object without keys".to_owned());
    };
    let name = match (entries.next(), entries.next()) {
        (None, _) => None,
        (Some((second, Tree::Text(name))), None) if key == "$any" && second == "name" => Some(name),
        _ => return Err(format!("`{key}` does not stand alone in its object")),
    };
    let wants = |what: &str| format!("`{key}` wants {what}");
    match (&*key, value) {
        ("$uint", Tree::Int(value)) => {
            let value = u64::try_from(value).map_err(|_| wants("a whole number from 0 up"))?;
            dynamic(&value)
        }
        ("$uint", Tree::Uint(value)) => dynamic(&value),
        ("$uint", _) => Err(wants("a whole number from 0 up")),
        ("$float", Tree::Int(value)) => dynamic(&(value as f64)),
        ("$float", Tree::Uint(value)) => dynamic(&(value as f64)),
        ("$float", Tree::Float(value)) => dynamic(&value),
        ("$float", Tree::Text(text)) => {
            let value: f64 = text.parse().map_err(|_| wants("a number"))?;
            dynamic(&value)
        }
        ("$float", _) => Err(wants("a number")),
        ("$bytes", Tree::Text(text)) => {
            let bytes = STANDARD
                .decode(text)
                .map_err(|error| format!("`$bytes`: {error}"))?;
            dynamic(&bytes)
        }
        ("$bytes", _) => Err(wants("a text in base64")),
        ("$time", Tree::Text(text)) => {
            let time: Time = text.parse().map_err(|error| format!("`$time`: {error}"))?;
            dynamic(&time)
        }
        ("$time", _) => Err(wants("a text as RFC 3339 has it: 2024-02-29T12:34:56Z")),
        ("$array", Tree::List(list)) => {
            let list = list
                .into_iter()
                .map(|element| Ok(Json(Argument::of(element)?)));
            dynamic(&Inferred(Array(list.collect::<Result<_, String>>()?)))
        }
        ("$array", _) => Err(wants("a list")),
        ("$map", value) => dynamic(&Inferred(Map::of(value)?)),
        ("$any", value) => interface(name, value),
        _ => Err(format!("`{key}` is unknown: see `wgrpc call --help`")),
    }
}

fn dynamic<T: Serialize + Gob>(value: &T) -> Result<Dynamic, String> {
    Dynamic::new(value).map_err(|error| error.to_string())
}

/// An interface that holds `value`, under the name that Go has for the type unless one is given.
fn interface(name: Option<String>, value: Tree) -> Result<Dynamic, String> {
    if value == Tree::Null {
        let schema = Schema::of::<Interface>().clone();
        return Ok(Dynamic {
            schema,
            value: Value::Interface(None),
        });
    }
    let held = Argument::of(value)?;
    let Some(name) = name.or_else(|| held.go_name()) else {
        let what = "the name that Go has registered the type under";
        return Err(format!(
            "`$any` wants {what}: {{\"$any\":…,\"name\":\"main.Point\"}}"
        ));
    };
    let interface = Interface::new(name, &Json(held)).map_err(|error| error.to_string())?;
    dynamic(&interface)
}

impl Argument {
    /// The name that every Go program has for the type.
    fn go_name(&self) -> Option<String> {
        let name = match self {
            Self::Simple(Tree::Bool(_)) => "bool",
            Self::Simple(Tree::Int(_)) => "int",
            Self::Simple(Tree::Uint(_)) => "uint",
            Self::Simple(Tree::Float(_)) => "float64",
            Self::Simple(Tree::Text(_)) => "string",
            Self::Typed(value) => match value.schema.root().map(Type::shape)? {
                Shape::Uint => "uint",
                Shape::Float => "float64",
                Shape::Bytes => "[]uint8",
                _ => return None,
            },
            _ => return None,
        };
        Some(name.to_owned())
    }
}

/// An array, whose elements have one type.
struct Array(Vec<Json<Argument>>);

impl Serialize for Array {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut tuple = serializer.serialize_tuple(self.0.len())?;
        for element in &self.0 {
            tuple.serialize_element(element)?;
        }
        tuple.end()
    }
}

/// A map, whose keys and values each have one type.
struct Map(Vec<(Json<Argument>, Json<Argument>)>);

impl Map {
    /// The entries of an object, or pairs of keys and values.
    fn of(tree: Tree) -> Result<Self, String> {
        let wrong = || "`$map` wants an object, or a list of [key,value]".to_owned();
        let entry = |key, value| Ok((Json(Argument::of(key)?), Json(Argument::of(value)?)));
        let entries: Result<_, String> = match tree {
            Tree::Object(object) => object
                .into_iter()
                .map(|(k, value)| entry(Tree::Text(k), value))
                .collect(),
            Tree::List(pairs) => (pairs.into_iter())
                .map(|pair| match pair {
                    Tree::List(pair) => match <[Tree; 2]>::try_from(pair) {
                        Ok([key, value]) => entry(key, value),
                        Err(_) => Err(wrong()),
                    },
                    _ => Err(wrong()),
                })
                .collect(),
            _ => Err(wrong()),
        };
        entries.map(Self)
    }
}

impl Serialize for Map {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

#[cfg(test)]
mod tests;

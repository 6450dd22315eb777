//! What has been found out about a type so far, and what two findings are together.

use crate::error::{Category, Error, Result};
use crate::infer::go_name;
use crate::schema::{Builder, Node, Ref, Schema, tuple_field};
use crate::types::Id;
use crate::wire;

/// What has been found out about a type.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Found {
    /// Nothing: there was no value.
    Nothing,
    Bool,
    Int,
    Uint,
    /// A `u8`: in a list it is a byte, elsewhere a uint.
    Byte,
    Float,
    Bytes,
    String,
    Interface,
    List(Many),
    Tuple(Vec<Self>),
    Map(Box<Self>, Many),
    Struct(Members),
    /// The variants that occurred, and their payloads if they have any.
    Enum(Members),
    /// A type that the value brought along.
    Known(Schema),
}

/// The type of any number of values.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Many {
    pub(super) elem: Box<Found>,
    /// Whether there was no value in any of the lists.
    pub(super) is_empty: bool,
}

/// The fields of a struct, or the variants of an enum.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Members {
    pub(super) name: &'static str,
    /// By serde's names, in the order in which they were met.
    pub(super) list: Vec<(Box<str>, Found)>,
}

impl Members {
    /// Adds what has been found about the member `key`, which is expected in `place`.
    pub(super) fn add(&mut self, place: usize, key: &str, found: Found, how: How) -> Result<()> {
        let is_expected = (self.list.get(place)).is_some_and(|(known, _)| **known == *key);
        let place = match is_expected {
            true => Some(place),
            false => self.list.iter().position(|(known, _)| **known == *key),
        };
        match place {
            Some(place) => {
                let known = &mut self.list[place].1;
                *known = std::mem::replace(known, Found::Nothing)
                    .with(found, how)
                    .map_err(|error| error.in_field(key))?;
            }
            None => self.list.push((key.into(), found)),
        }
        Ok(())
    }

    fn with(mut self, other: Self, how: How) -> Result<Self> {
        for (place, (key, found)) in other.list.into_iter().enumerate() {
            self.add(place, &key, found, how)?;
        }
        Ok(self)
    }
}

impl Many {
    fn with(self, other: Self, how: How) -> Result<Self> {
        Ok(Self {
            elem: Box::new(self.elem.with(*other.elem, how)?),
            is_empty: self.is_empty && other.is_empty,
        })
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.push(self.is_empty.into());
        self.elem.put(out);
    }

    /// Describes the type of the elements, unless there were none to know it from.
    fn describe(&self, types: &mut Builder) -> Result<Option<Ref>> {
        match self.elem.describe(types)? {
            None if !self.is_empty => Err(Error::new(
                Category::Unsupported,
                "the type of the elements cannot be found, for they are all empty: \
                 send a type that has a schema",
            )),
            elem => Ok(elem),
        }
    }
}

/// How values are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// By their Rust types.
    Strict,
    /// As values of a format that knows no types: see [`Json`](crate::Json).
    Json,
}

impl Found {
    /// What two values of one type show together.
    pub(super) fn with(self, other: Self, how: How) -> Result<Self> {
        Ok(match (self, other) {
            (Self::Nothing, found) | (found, Self::Nothing) => found,
            (Self::Byte, Self::Uint) | (Self::Uint, Self::Byte) => Self::Uint,
            (Self::Int, Self::Float) | (Self::Float, Self::Int) if how == How::Json => Self::Float,
            (Self::List(a), Self::List(b)) => Self::List(a.with(b, how)?),
            (Self::Map(key, a), Self::Map(other, b)) => {
                Self::Map(Box::new(key.with(*other, how)?), a.with(b, how)?)
            }
            (Self::Tuple(a), Self::Tuple(b)) if a.len() == b.len() => {
                let both = a.into_iter().zip(b);
                Self::Tuple(both.map(|(a, b)| a.with(b, how)).collect::<Result<_>>()?)
            }
            (Self::Struct(a), Self::Struct(b)) => Self::Struct(a.with(b, how)?),
            (Self::Enum(a), Self::Enum(b)) => Self::Enum(a.with(b, how)?),
            (found, other) if found == other => found,
            (found, other) => {
                return Err(Error::new(
                    Category::Unsupported,
                    format_args!(
                        "{} and {} stand where gob has one type: put them in interfaces, or \
                         send a type that has a schema",
                        found.kind(),
                        other.kind()
                    ),
                ));
            }
        })
    }

    /// The type, and those inside it.
    pub(super) fn nodes(&self) -> Result<Box<[Node]>> {
        let unsupported = |reason| Error::new(Category::Unsupported, reason);
        let mut types = Builder::new();
        match self.describe(&mut types)? {
            Some(root) => types.nodes(root).map_err(unsupported),
            None => Err(unsupported(EMPTY.to_owned())),
        }
    }

    /// Appends what tells this finding from any other. It begins as no definition of a type does.
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        out.push(match self {
            Self::Nothing => 0x80,
            Self::Bool => 0x81,
            Self::Int => 0x82,
            Self::Uint => 0x83,
            Self::Byte => 0x84,
            Self::Float => 0x85,
            Self::Bytes => 0x86,
            Self::String => 0x87,
            Self::Interface => 0x88,
            Self::List(_) => 0x89,
            Self::Tuple(_) => 0x8a,
            Self::Map(..) => 0x8b,
            Self::Struct(_) => 0x8c,
            Self::Enum(_) => 0x8d,
            Self::Known(_) => 0x8e,
        });
        match self {
            Self::List(many) => many.put(out),
            Self::Tuple(elems) => {
                wire::put_uint(out, elems.len() as u64);
                elems.iter().for_each(|elem| elem.put(out));
            }
            Self::Map(key, many) => {
                key.put(out);
                many.put(out);
            }
            Self::Struct(members) | Self::Enum(members) => {
                wire::put_bytes(out, members.name.as_bytes());
                wire::put_uint(out, members.list.len() as u64);
                for (key, found) in &members.list {
                    wire::put_bytes(out, key.as_bytes());
                    found.put(out);
                }
            }
            // On one connection the id says it all.
            Self::Known(schema) => {
                wire::put_int(out, schema.id().map_or(0, Id::number).into());
            }
            _ => {}
        }
    }

    /// Describes the type, unless nothing is known of it.
    pub(super) fn describe(&self, types: &mut Builder) -> Result<Option<Ref>> {
        Ok(Some(match self {
            Self::Nothing => return Ok(None),
            Self::Bool => types.bool(),
            Self::Int => types.int(),
            Self::Uint | Self::Byte => types.uint(),
            Self::Float => types.float(),
            Self::Bytes => types.bytes(),
            Self::String => types.string(),
            Self::Interface => types.interface(),
            Self::List(many) if *many.elem == Self::Byte => types.bytes(),
            Self::List(many) => {
                let Some(elem) = many.describe(types)? else {
                    return Ok(None);
                };
                types.slice(elem)
            }
            Self::Tuple(elems) => return describe_tuple(elems, types),
            Self::Map(key, many) => {
                let (Some(key), Some(elem)) = (key.describe(types)?, many.describe(types)?) else {
                    return Ok(None);
                };
                types.map(key, elem)
            }
            Self::Struct(fields) => describe_struct(fields, types)?,
            Self::Enum(variants) if variants.list.iter().all(|(_, f)| *f == UNIT) => types.string(),
            Self::Enum(variants) => describe_struct(variants, types)?,
            Self::Known(schema) => types.import(schema),
        }))
    }

    /// What the type is called in errors.
    fn kind(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint | Self::Byte => "uint",
            Self::Float => "float",
            Self::Bytes => "bytes",
            Self::String => "string",
            Self::Interface => "interface",
            Self::List(_) => "list",
            Self::Tuple(_) => "tuple",
            Self::Map(..) => "map",
            Self::Struct(_) => "struct",
            Self::Enum(_) => "enum",
            Self::Known(_) => "dynamic value",
        }
    }
}

const EMPTY: &str = "the type of a value that is empty cannot be found by looking at it: \
                     send a type that has a schema";

/// The type of a unit, and of a variant without payload: a struct without fields.
pub(super) const UNIT: Found = Found::Struct(Members {
    name: "",
    list: Vec::new(),
});

fn describe_struct(members: &Members, types: &mut Builder) -> Result<Ref> {
    let mut fields = Vec::with_capacity(members.list.len());
    for (key, found) in &members.list {
        if let Some(ty) = found.describe(types).map_err(|error| error.in_field(key))? {
            fields.push((go_name(key), key, ty));
        }
    }
    let fields = fields.iter().map(|(name, key, ty)| (&**name, &***key, *ty));
    Ok(types.structure(members.name, fields))
}

fn describe_tuple(elems: &[Found], types: &mut Builder) -> Result<Option<Ref>> {
    let Some(first) = elems.first() else {
        return Ok(None);
    };
    if elems.iter().all(|elem| elem == first)
        && let Some(elem) = first.describe(types)?
    {
        return Ok(Some(types.array(elem, elems.len())));
    }
    let mut fields = Vec::with_capacity(elems.len());
    for (i, found) in elems.iter().enumerate() {
        if let Some(ty) = found.describe(types)? {
            fields.push((tuple_field(i), ty));
        }
    }
    let fields = fields.iter().map(|(name, ty)| (&**name, &**name, *ty));
    Ok(Some(types.structure("", fields)))
}

//! The vocabulary of types: ids, shapes and how a definition looks on the wire.
//!
//! A type is the same thing in two worlds that differ only in how one type refers to another: in
//! a [`Schema`](crate::Schema) by position, on a stream by [`Id`]. So [`Shape`] is generic over
//! the reference.

use crate::wire;

/// The number of a type on one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(i32);

impl Id {
    /// `bool`.
    pub const BOOL: Self = Self(1);
    /// Every signed integer.
    pub const INT: Self = Self(2);
    /// Every unsigned integer.
    pub const UINT: Self = Self(3);
    /// `float32` and `float64`.
    pub const FLOAT: Self = Self(4);
    /// `[]byte`.
    pub const BYTES: Self = Self(5);
    /// `string`.
    pub const STRING: Self = Self(6);
    /// `complex64` and `complex128`.
    pub const COMPLEX: Self = Self(7);
    /// Every interface type.
    pub const INTERFACE: Self = Self(8);
    /// The first id that a type of the user's can have.
    pub const FIRST_USER: Self = Self(64);
    /// The first id of the types that are numbered for one connection, not for the process.
    pub(crate) const FIRST_DYNAMIC: Self = Self(1 << 24);

    /// The id with this number.
    pub const fn new(number: i32) -> Self {
        Self(number)
    }

    /// The id that a peer has sent; `None` for a number that no type can have.
    pub(crate) fn on_wire(number: i64) -> Option<Self> {
        let id = Self(i32::try_from(number).ok()?);
        let known = Self::BOOL..=Self::INTERFACE;
        (known.contains(&id) || id >= Self::FIRST_USER).then_some(id)
    }

    /// The number.
    pub const fn number(self) -> i32 {
        self.0
    }

    /// Whether both sides know the type without a definition.
    pub const fn is_builtin(self) -> bool {
        self.0 < Self::FIRST_USER.0
    }

    /// Whether the number is one that a connection has given.
    pub(crate) const fn is_dynamic(self) -> bool {
        self.0 >= Self::FIRST_DYNAMIC.0
    }
}

/// What a type is. `R` says how the types inside it are referred to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Shape<R> {
    /// A truth value.
    Bool,
    /// A signed integer of any width.
    Int,
    /// An unsigned integer of any width.
    Uint,
    /// A float of any width.
    Float,
    /// Two floats.
    Complex,
    /// Bytes.
    Bytes,
    /// Text, though Go does not insist on UTF-8.
    String,
    /// A value that brings its own type. The variants are those that a schema knows, none for a
    /// type read from a stream; they are no part of the type on the wire.
    Interface(Box<[Variant<R>]>),
    /// Any number of elements.
    Slice(R),
    /// A fixed number of elements.
    Array(R, usize),
    /// Keys and values.
    Map(R, R),
    /// Named fields.
    Struct(Box<[Field<R>]>),
    /// A type that turns itself into bytes.
    Opaque(Marshaler),
}

/// One field of a struct type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Field<R> {
    /// The name on the wire, which the peer matches.
    pub name: Box<str>,
    /// The name that serde knows the field by, where it differs.
    pub key: Option<Box<str>>,
    /// The field's type.
    pub ty: R,
}

impl<R> Field<R> {
    /// The name that serde knows the field by.
    pub fn key(&self) -> &str {
        self.key.as_deref().unwrap_or(&self.name)
    }

    /// Whether serde knows the field by this name.
    #[inline]
    pub(crate) fn has_key(&self, key: &str) -> bool {
        is_same(self.key().as_bytes(), key.as_bytes())
    }
}

/// One of the concrete types that a schema allows in an interface.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Variant<R> {
    /// The name that serde knows the variant by.
    pub key: Box<str>,
    /// The name under which Go registers the concrete type: `main.Circle`.
    pub name: Box<str>,
    /// The concrete type.
    pub ty: R,
}

/// How an opaque type turns itself into bytes. Both sides must agree on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Marshaler {
    /// Go's `GobEncoder`: `time.Time`, `big.Int`.
    Gob,
    /// Go's `encoding.BinaryMarshaler`: `url.URL`, `netip.Addr`.
    Binary,
    /// Go's `encoding.TextMarshaler`; no release of Go sends it.
    Text,
}

impl<R> Shape<R> {
    /// The id that everybody knows the type by, if it needs no definition.
    pub fn builtin(&self) -> Option<Id> {
        Some(match self {
            Self::Bool => Id::BOOL,
            Self::Int => Id::INT,
            Self::Uint => Id::UINT,
            Self::Float => Id::FLOAT,
            Self::Complex => Id::COMPLEX,
            Self::Bytes => Id::BYTES,
            Self::String => Id::STRING,
            Self::Interface(_) => Id::INTERFACE,
            Self::Slice(_)
            | Self::Array(..)
            | Self::Map(..)
            | Self::Struct(_)
            | Self::Opaque(_) => {
                return None;
            }
        })
    }

    /// What the shape is called in errors.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Float => "float",
            Self::Complex => "complex",
            Self::Bytes => "bytes",
            Self::String => "string",
            Self::Interface(_) => "interface",
            Self::Slice(_) => "slice",
            Self::Array(..) => "array",
            Self::Map(..) => "map",
            Self::Struct(_) => "struct",
            Self::Opaque(_) => "opaque",
        }
    }
}

/// Appends the message that defines the type `id`, or nothing for a type that needs none.
pub(crate) fn put_definition(out: &mut Vec<u8>, id: Id, name: &str, shape: &Shape<Id>) {
    let mut body = Vec::new();
    wire::put_int(&mut body, -i64::from(id.number()));
    match shape {
        Shape::Array(elem, len) => {
            put_common(&mut body, 1, name, id);
            put_id(&mut body, *elem);
            if *len > 0 {
                body.push(1);
                wire::put_int(&mut body, *len as i64);
            }
        }
        Shape::Slice(elem) => {
            put_common(&mut body, 2, name, id);
            put_id(&mut body, *elem);
        }
        Shape::Struct(fields) => {
            put_common(&mut body, 3, name, id);
            if !fields.is_empty() {
                body.push(1);
                wire::put_uint(&mut body, fields.len() as u64);
                for field in fields {
                    body.push(1);
                    wire::put_bytes(&mut body, field.name.as_bytes());
                    put_id(&mut body, field.ty);
                    body.push(0);
                }
            }
        }
        Shape::Map(key, elem) => {
            put_common(&mut body, 4, name, id);
            put_id(&mut body, *key);
            put_id(&mut body, *elem);
        }
        Shape::Opaque(marshaler) => {
            let member = match marshaler {
                Marshaler::Gob => 5,
                Marshaler::Binary => 6,
                Marshaler::Text => 7,
            };
            put_common(&mut body, member, name, id);
        }
        _ => return,
    }
    // The end of the member, and of the wireType around it.
    body.extend([0, 0]);
    wire::put_bytes(out, &body);
}

/// Opens the member of wireType that is `delta` fields in, and writes its first field, CommonType.
fn put_common(body: &mut Vec<u8>, delta: u8, name: &str, id: Id) {
    body.extend([delta, 1]);
    if name.is_empty() {
        body.push(2);
    } else {
        body.push(1);
        wire::put_bytes(body, name.as_bytes());
        body.push(1);
    }
    wire::put_int(body, i64::from(id.number()));
    body.push(0);
}

/// Writes the next field, a reference to another type.
fn put_id(body: &mut Vec<u8>, id: Id) {
    body.push(1);
    wire::put_int(body, i64::from(id.number()));
}

/// Whether two names are the same. Names are short, and a comparison in place costs less than the
/// call of a general one.
#[inline]
fn is_same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    match a.len() {
        0..4 => a.iter().eq(b),
        4..=8 => a.first_chunk::<4>() == b.first_chunk() && a.last_chunk::<4>() == b.last_chunk(),
        9..=16 => a.first_chunk::<8>() == b.first_chunk() && a.last_chunk::<8>() == b.last_chunk(),
        _ => a == b,
    }
}

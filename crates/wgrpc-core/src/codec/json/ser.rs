//! Writing: a serializer around serde_json's that makes the values those of Go.

mod bytes;
mod compound;
mod format;

use serde::ser::{Error as _, Serialize, SerializeMap, Serializer};
use wgrpc_gob::{Gob, Schema, Shape, Type};

use self::bytes::List;
use self::compound::Compound;
use self::format::GoFormatter;
use super::DEPTH_MAX;
use super::error::{Error, Parked, Step};

/// Appends `value` to `out`, in one line. After an error `out` is as it was before.
///
/// serde tells a list of bytes from other lists only where the type has an adapter. The schema
/// knows it everywhere; it is followed beside the value if there are bytes in it at all.
///
/// `None` is `null`, at the top too: Go then leaves its reply as it is, so zero.
pub(crate) fn write<T>(value: &T, out: &mut Vec<u8>) -> Result<(), Error>
where
    T: Serialize + Gob + ?Sized,
{
    let schema = Schema::of::<T>();
    let ty = schema.root().filter(|_| schema.has_bytes());
    write_as(ty, value, out)
}

/// As [`write()`], for a type without a schema.
pub(crate) fn write_untyped<T>(value: &T, out: &mut Vec<u8>) -> Result<(), Error>
where
    T: Serialize + ?Sized,
{
    write_as(None, value, out)
}

fn write_as<T>(ty: Option<Type<'_>>, value: &T, out: &mut Vec<u8>) -> Result<(), Error>
where
    T: Serialize + ?Sized,
{
    let parked = Parked::default();
    let scope = Scope {
        depth: 0,
        parked: &parked,
        ty,
    };
    let start = out.len();
    let mut serializer = serde_json::Serializer::with_formatter(&mut *out, GoFormatter);
    let writer = Writer {
        inner: &mut serializer,
        scope,
    };
    let result = writer.write(value);
    if result.is_err() {
        out.truncate(start);
    }
    result
}

/// Where a value stands.
#[derive(Clone, Copy)]
struct Scope<'a> {
    /// How many arrays and objects are around it.
    depth: usize,
    parked: &'a Parked,
    /// The value's type, unless it does not matter.
    ty: Option<Type<'a>>,
}

impl<'a> Scope<'a> {
    /// The scope inside one more array or object.
    fn inside(self) -> Result<Self, Error> {
        if self.depth == DEPTH_MAX {
            let message = format!("lists, maps and structs nested more than {DEPTH_MAX} deep");
            return Err(Error::new(message));
        }
        Ok(Self {
            depth: self.depth + 1,
            ..self
        })
    }

    /// The scope of a part of the value.
    fn part(self, step: Step) -> Self {
        let ty = self.ty.and_then(|ty| part(ty, step));
        Self { ty, ..self }
    }

    /// The same scope, for what is written without regard to its type.
    fn untyped(self) -> Self {
        Self { ty: None, ..self }
    }

    /// Takes back the error that went through serde_json.
    fn collect<T>(self, result: Result<T, impl std::fmt::Display>) -> Result<T, Error> {
        result.map_err(|error| self.parked.collect(error))
    }

    /// `value`, which serde_json will call in this scope.
    fn nested<T: ?Sized>(self, value: &'a T) -> Nested<'a, T> {
        Nested { value, scope: self }
    }
}

/// The type of a part of values of type `ty`.
fn part(ty: Type<'_>, step: Step) -> Option<Type<'_>> {
    let part = match (ty.shape(), step) {
        (Shape::Slice(elem) | Shape::Array(elem, _) | Shape::Map(_, elem), Step::Index(_)) => *elem,
        (Shape::Struct(fields), Step::Index(index)) => fields.get(index)?.ty,
        (Shape::Struct(fields), Step::Field(name)) => {
            fields.iter().find(|field| field.key() == name)?.ty
        }
        (Shape::Interface(variants), Step::Field(name)) => {
            variants.iter().find(|variant| *variant.key == *name)?.ty
        }
        _ => return None,
    };
    Some(ty.inner(part))
}

/// A value on its way through serde_json, which comes back to us when it is its turn.
struct Nested<'a, T: ?Sized> {
    value: &'a T,
    scope: Scope<'a>,
}

impl<T: Serialize + ?Sized> Serialize for Nested<'_, T> {
    fn serialize<S: Serializer>(&self, inner: S) -> Result<S::Ok, S::Error> {
        let scope = self.scope;
        Writer { inner, scope }
            .write(self.value)
            .map_err(|error| S::Error::custom(scope.parked.leave(error)))
    }
}

/// A serializer that asks `inner` for Go's form of each value.
struct Writer<'a, S> {
    inner: S,
    scope: Scope<'a>,
}

impl<S: Serializer> Writer<'_, S> {
    /// Writes `value`, which serde can tell from an untyped null only by its type if it is `()`.
    fn write<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, Error> {
        if typeid::of::<T>() == typeid::of::<()>() {
            return self.serialize_unit_struct("");
        }
        value.serialize(self)
    }
}

macro_rules! same_as_inner {
    ($($method:ident($ty:ty);)*) => {$(
        #[inline]
        fn $method(self, value: $ty) -> Result<S::Ok, Error> {
            self.scope.collect(self.inner.$method(value))
        }
    )*};
}

macro_rules! floats {
    ($($method:ident($ty:ty);)*) => {$(
        fn $method(self, value: $ty) -> Result<S::Ok, Error> {
            if !value.is_finite() {
                return Err(Error::new(format_args!("{value} has no form in JSON")));
            }
            self.scope.collect(self.inner.$method(value))
        }
    )*};
}

impl<'a, S: Serializer> Serializer for Writer<'a, S> {
    type Ok = S::Ok;
    type Error = Error;
    type SerializeSeq = List<'a, S>;
    type SerializeTuple = Compound<'a, S::SerializeTuple>;
    type SerializeTupleStruct = Compound<'a, S::SerializeTupleStruct>;
    type SerializeTupleVariant = Compound<'a, S::SerializeTupleVariant>;
    type SerializeMap = Compound<'a, S::SerializeMap>;
    type SerializeStruct = Compound<'a, S::SerializeStruct>;
    type SerializeStructVariant = Compound<'a, S::SerializeStructVariant>;

    same_as_inner! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_i128(i128);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_u128(u128);
        serialize_str(&str);
        serialize_bytes(&[u8]);
    }

    floats! {
        serialize_f32(f32);
        serialize_f64(f64);
    }

    fn serialize_char(self, value: char) -> Result<S::Ok, Error> {
        self.serialize_u32(value.into())
    }

    fn serialize_none(self) -> Result<S::Ok, Error> {
        self.scope.collect(self.inner.serialize_none())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, Error> {
        self.write(value)
    }

    /// An untyped null.
    fn serialize_unit(self) -> Result<S::Ok, Error> {
        self.scope.collect(self.inner.serialize_unit())
    }

    /// A Go program may take `null` in the place of a result for a failure.
    fn serialize_unit_struct(self, _name: &'static str) -> Result<S::Ok, Error> {
        self.serialize_map(Some(0))?.end()
    }

    fn serialize_unit_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<S::Ok, Error> {
        let result = self.inner.serialize_unit_variant(name, index, variant);
        self.scope.collect(result)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Result<S::Ok, Error> {
        self.write(value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, Error> {
        let step = Step::Field(variant);
        let value = self.scope.inside()?.part(step).nested(value);
        let result = (self.inner).serialize_newtype_variant(name, index, variant, &value);
        (self.scope.collect(result)).map_err(|error| error.inside(step))
    }

    fn serialize_seq(self, len: Option<usize>) -> Result<Self::SerializeSeq, Error> {
        List::open(self.scope, self.inner, len)
    }

    fn serialize_tuple(self, len: usize) -> Result<Self::SerializeTuple, Error> {
        Compound::open(self.scope, self.inner.serialize_tuple(len))
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleStruct, Error> {
        Compound::open(self.scope, self.inner.serialize_tuple_struct(name, len))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        let inner = (self.inner).serialize_tuple_variant(name, index, variant, len);
        Compound::open_variant(self.scope, variant, inner)
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Self::SerializeMap, Error> {
        // A struct with flattened parts comes as a map. These parts are read without base64.
        let scope = match self.scope.ty.map(Type::shape) {
            Some(Shape::Struct(_)) => self.scope.untyped(),
            _ => self.scope,
        };
        Compound::open(scope, self.inner.serialize_map(len))
    }

    fn serialize_struct(
        self,
        name: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStruct, Error> {
        Compound::open(self.scope, self.inner.serialize_struct(name, len))
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        len: usize,
    ) -> Result<Self::SerializeStructVariant, Error> {
        let inner = (self.inner).serialize_struct_variant(name, index, variant, len);
        Compound::open_variant(self.scope, variant, inner)
    }

    fn collect_str<T: std::fmt::Display + ?Sized>(self, value: &T) -> Result<S::Ok, Error> {
        self.scope.collect(self.inner.collect_str(value))
    }
}

//! Lists, maps and structs while they are being written.

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};

use super::super::error::{Error, Step};
use super::Scope;

/// serde_json's state of a compound value, and what is needed to say where an error was.
pub(super) struct Compound<'a, C> {
    inner: C,
    /// The scope of what is inside.
    scope: Scope<'a>,
    /// The enum's variant that the value belongs to.
    variant: Option<&'static str>,
    /// The number of elements or entries so far.
    len: usize,
}

impl<'a, C> Compound<'a, C> {
    pub(super) fn open<E: std::fmt::Display>(
        scope: Scope<'a>,
        inner: Result<C, E>,
    ) -> Result<Self, Error> {
        Ok(Self {
            inner: scope.collect(inner)?,
            scope: scope.inside()?,
            variant: None,
            len: 0,
        })
    }

    /// The data of a variant stands in an object of its own.
    pub(super) fn open_variant<E: std::fmt::Display>(
        scope: Scope<'a>,
        variant: &'static str,
        inner: Result<C, E>,
    ) -> Result<Self, Error> {
        let scope = scope.inside()?.part(Step::Field(variant));
        Ok(Self {
            variant: Some(variant),
            ..Self::open(scope, inner)?
        })
    }

    fn at(&self, error: Error, step: Step) -> Error {
        let error = error.inside(step);
        match self.variant {
            Some(variant) => error.inside(Step::Field(variant)),
            None => error,
        }
    }

    /// Writes what `write` does as the next element.
    fn element<T: ?Sized, E: std::fmt::Display>(
        &mut self,
        value: &T,
        write: impl FnOnce(&mut C, &super::Nested<'_, T>) -> Result<(), E>,
    ) -> Result<(), Error> {
        let step = Step::Index(self.len);
        let result = write(&mut self.inner, &self.scope.part(step).nested(value));
        self.len += 1;
        (self.scope.collect(result)).map_err(|error| self.at(error, step))
    }
}

macro_rules! elements {
    ($($trait:ident::$method:ident;)*) => {$(
        impl<C: $trait> $trait for Compound<'_, C> {
            type Ok = C::Ok;
            type Error = Error;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.element(value, |inner, value| inner.$method(value))
            }

            fn end(self) -> Result<C::Ok, Error> {
                self.scope.collect(self.inner.end())
            }
        }
    )*};
}

elements! {
    SerializeSeq::serialize_element;
    SerializeTuple::serialize_element;
    SerializeTupleStruct::serialize_field;
    SerializeTupleVariant::serialize_field;
}

macro_rules! fields {
    ($($trait:ident)*) => {$(
        impl<C: $trait> $trait for Compound<'_, C> {
            type Ok = C::Ok;
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                key: &'static str,
                value: &T,
            ) -> Result<(), Error> {
                let step = Step::Field(key);
                let value = self.scope.part(step).nested(value);
                let result = self.inner.serialize_field(key, &value);
                (self.scope.collect(result)).map_err(|error| self.at(error, step))
            }

            fn skip_field(&mut self, key: &'static str) -> Result<(), Error> {
                self.scope.collect(self.inner.skip_field(key))
            }

            fn end(self) -> Result<C::Ok, Error> {
                self.scope.collect(self.inner.end())
            }
        }
    )*};
}

fields!(SerializeStruct SerializeStructVariant);

impl<C: SerializeMap> SerializeMap for Compound<'_, C> {
    type Ok = C::Ok;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        let result = self.inner.serialize_key(&self.scope.untyped().nested(key));
        (self.scope.collect(result)).map_err(|error| self.at(error, Step::Index(self.len)))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.element(value, |inner, value| inner.serialize_value(value))
    }

    fn end(self) -> Result<C::Ok, Error> {
        self.scope.collect(self.inner.end())
    }
}

//! Putting values of Rust types where Go has an interface.

use serde::Serialize;

use crate::complex::Complex;
use crate::encoder::to_vec;
use crate::error::{Category, Error, Result};
use crate::limits::Limits;
use crate::scanner::{Scan, Scanner};
use crate::schema::{Builder, Gob, Ref, Schema};
use crate::value::{Dynamic, Interface, Value};

/// The type is that of the value; as a whole message only, not inside another type.
impl Gob for Dynamic {
    fn describe(types: &mut Builder) -> Ref {
        types.inferred()
    }
}

/// Go's `any`; an `Option` of it may be nil.
impl Gob for Interface {
    fn describe(types: &mut Builder) -> Ref {
        types.interface()
    }
}

impl Dynamic {
    /// The value together with its type.
    pub fn new<T: Serialize + Gob + ?Sized>(value: &T) -> Result<Self> {
        let limits = Limits::default();
        let stream = to_vec(value)?;
        let mut scanner = Scanner::new(limits.clone());
        match scanner.scan(&stream)? {
            Scan::Value { id, payload, .. } => Self::decode(scanner.types(), id, &payload, &limits),
            Scan::Partial { .. } => Err(Error::new(Category::Corrupt, "the value is cut off")),
        }
    }
}

impl Interface {
    /// The value as it stands in one of Go's interfaces, given the name under which the Go program
    /// knows its type.
    ///
    /// `gob.Register(Circle{})` makes the name of the import path and the type, `main.Circle` in a
    /// program's own package; with a pointer the path is shortened to the package,
    /// `*shapes.Circle`; `gob.RegisterName` takes any. Go knows its own types without being told:
    /// `bool`, `string`, `int` and `uint` with and without widths, `float32`, `float64`,
    /// `complex64`, `complex128`, and a slice of each, where bytes are `[]uint8`. For these there
    /// is `Interface::from`.
    ///
    /// ```
    /// use wgrpc_gob::Interface;
    ///
    /// let point = Interface::new("main.Point", &(1i64, 2i64))?;
    /// assert_eq!(Interface::from(7i64), Interface::new("int64", &7i64)?);
    /// # wgrpc_gob::Result::Ok(())
    /// ```
    pub fn new<T: Serialize + Gob + ?Sized>(name: impl Into<String>, value: &T) -> Result<Self> {
        Ok(Self {
            name: name.into(),
            value: Dynamic::new(value)?,
        })
    }
}

/// Values of the types that every Go program knows.
macro_rules! known {
    ($($ty:tt, $name:literal, |$value:ident| $wrapped:expr;)*) => {$(
        #[doc = concat!("As Go's `", $name, "`.")]
        impl From<$ty> for Interface {
            fn from($value: $ty) -> Self {
                Self {
                    name: $name.to_owned(),
                    value: Dynamic {
                        schema: Schema::of::<$ty>().clone(),
                        value: $wrapped,
                    },
                }
            }
        }

        known!(@list $ty, $name, |$value| $wrapped);
    )*};
    // A list of bytes is bytes.
    (@list u8, $($rest:tt)*) => {};
    (@list $ty:tt, $name:literal, |$value:ident| $wrapped:expr) => {
        #[doc = concat!("As Go's `[]", $name, "`.")]
        impl From<Vec<$ty>> for Interface {
            fn from(list: Vec<$ty>) -> Self {
                Self {
                    name: concat!("[]", $name).to_owned(),
                    value: Dynamic {
                        schema: Schema::of::<Vec<$ty>>().clone(),
                        value: Value::Slice(list.into_iter().map(|$value| $wrapped).collect()),
                    },
                }
            }
        }
    };
}

known! {
    bool, "bool", |value| Value::Bool(value);
    isize, "int", |value| Value::Int(value as i64);
    i8, "int8", |value| Value::Int(value.into());
    i16, "int16", |value| Value::Int(value.into());
    i32, "int32", |value| Value::Int(value.into());
    i64, "int64", |value| Value::Int(value);
    usize, "uint", |value| Value::Uint(value as u64);
    u8, "uint8", |value| Value::Uint(value.into());
    u16, "uint16", |value| Value::Uint(value.into());
    u32, "uint32", |value| Value::Uint(value.into());
    u64, "uint64", |value| Value::Uint(value);
    f32, "float32", |value| Value::Float(value.into());
    f64, "float64", |value| Value::Float(value);
    Complex, "complex128", |value| Value::Complex(value);
    String, "string", |value| Value::String(value);
}

/// As Go's `string`.
impl From<&str> for Interface {
    fn from(value: &str) -> Self {
        Self::from(value.to_owned())
    }
}

/// As Go's `[]byte`, whose name is `[]uint8`.
impl From<Vec<u8>> for Interface {
    fn from(bytes: Vec<u8>) -> Self {
        Self {
            name: "[]uint8".to_owned(),
            value: Dynamic {
                schema: Schema::of::<Vec<u8>>().clone(),
                value: Value::Bytes(bytes),
            },
        }
    }
}

//! What was wrong, and where; and how such an error passes through serde_json.
//!
//! Values are nested in turns: serde_json calls us, we call the type, the type calls serde_json.
//! serde_json's own error cannot say which field is absent, and carries no path. So on its way
//! outwards our error waits in a [`Parked`] while an empty one of serde_json's takes its place.

use std::any::TypeId;
use std::cell::Cell;
use std::fmt;

/// Why a value could not be read or written, or where a stream stops being JSON.
///
/// Boxed, so that a `Result` stays small.
pub(crate) struct Error(Box<Inner>);

struct Inner {
    message: String,
    /// The text of the position, such as ` at line 1 column 5`, once it is known.
    position: Option<String>,
    /// From the innermost outwards, as the error travels up.
    path: Vec<Step>,
    absent: Option<Absent>,
}

/// A step from a value to one inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A struct's field or an enum's variant.
    Field(&'static str),
    /// An element of a list or an entry of a map.
    Index(usize),
}

/// A field that a type insists on and its object lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Absent {
    /// The type; `None` until it is known where the error came from.
    pub(super) owner: Option<Owner>,
    pub(super) field: &'static str,
}

/// A type that has fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) visitor: TypeId,
    /// The names of all fields, unless it asks for a map. They tell structs apart whose visitor is
    /// one type, which is so behind erased deserializers.
    pub(super) names: Option<&'static [&'static str]>,
}

impl Error {
    #[cold]
    pub(super) fn new(message: impl fmt::Display) -> Self {
        Self(Box::new(Inner {
            message: message.to_string(),
            position: None,
            path: Vec::new(),
            absent: None,
        }))
    }

    /// The same error, found at this offset.
    #[cold]
    pub(super) fn at_byte(mut self, offset: usize) -> Self {
        self.0.position = Some(format!(" at byte {offset}"));
        self
    }

    /// The same error, one level further out. A field that was absent from the inner value is the
    /// inner value's concern.
    #[cold]
    pub(super) fn inside(mut self, step: Step) -> Self {
        self.0.path.push(step);
        if self.0.absent.is_some_and(|absent| absent.owner.is_none()) {
            self.0.absent = None;
        }
        self
    }

    /// The same error, raised by `owner` for the object that it was given.
    #[cold]
    pub(super) fn of_object(mut self, owner: Owner) -> Self {
        if let Some(absent) = &mut self.0.absent {
            absent.owner.get_or_insert(owner);
        }
        self
    }

    /// The same error, met while a field that is absent was given its zero.
    #[cold]
    pub(super) fn of_zero(mut self) -> Self {
        if self.0.absent.is_none() {
            self.0.message = format!("absent, and there is no zero: {}", self.0.message);
        }
        self
    }

    /// The field that the error is about, if one was absent and it is known from where.
    pub(super) fn absent(&self) -> Option<Absent> {
        self.0.absent.filter(|absent| absent.owner.is_some())
    }
}

/// `Items[3].Price: invalid type: string "a", expected f64 at line 1 column 40`
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, step) in self.0.path.iter().rev().enumerate() {
            match step {
                Step::Field(name) if i == 0 => f.write_str(name)?,
                Step::Field(name) => write!(f, ".{name}")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        f.write_str(if self.0.path.is_empty() { "" } else { ": " })?;
        f.write_str(&self.0.message)?;
        f.write_str(self.0.position.as_deref().unwrap_or_default())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({self})")
    }
}

impl std::error::Error for Error {}

impl serde::ser::Error for Error {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message)
    }
}

impl serde::de::Error for Error {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message)
    }

    #[cold]
    fn missing_field(field: &'static str) -> Self {
        let mut error = Self::new(format_args!("missing field `{field}`"));
        error.0.absent = Some(Absent { owner: None, field });
        error
    }
}

/// The place where an [`Error`] waits while serde_json hands one of its own through.
#[derive(Default)]
pub(super) struct Parked(Cell<Option<Error>>);

impl Parked {
    /// Leaves `error` here. What is returned is an empty message, to which serde_json will add the
    /// position.
    #[cold]
    pub(super) fn leave(&self, error: Error) -> &'static str {
        self.0.set(Some(error));
        ""
    }

    /// The error that was left, or else what `passed`, an error of serde_json's own, says.
    #[cold]
    pub(super) fn collect(&self, passed: impl fmt::Display) -> Error {
        let text = passed.to_string();
        match self.0.take() {
            Some(mut error) => {
                if !text.is_empty() {
                    error.0.position.get_or_insert(text);
                }
                error
            }
            None => {
                let mut error = Error::new(text);
                error.0.position = Some(String::new());
                error
            }
        }
    }
}

//! What can go wrong, where, and whether the stream can still be used.

use std::fmt;

use crate::zero::Lacking;

/// The result of everything in this crate that can fail.
pub type Result<T> = std::result::Result<T, Error>;

/// What kind of failure an [`Error`] is: what a caller decides by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Category {
    /// The input ended between two values: the clean end of a stream.
    Eof,
    /// The input ended inside a value, or after the definitions that announced one.
    UnexpectedEof,
    /// The bytes are not gob.
    Corrupt,
    /// A value of one type was to be read into another, or written as another.
    Mismatch,
    /// A number or text does not fit the type that it is read into.
    OutOfRange,
    /// One of the [`Limits`](crate::Limits) was exceeded; the text names it.
    Limit,
    /// The type or value has no form in gob, or its schema and its `Serialize` disagree.
    Unsupported,
    /// A `Serialize` or `Deserialize` implementation refused the value.
    Message,
    /// The reader or writer underneath failed.
    Io,
}

/// An error of the codec: what was wrong, where, and whether the stream is still in step.
///
/// Boxed, so that a `Result` stays small on the hot path.
pub struct Error(Box<Inner>);

struct Inner {
    category: Category,
    message: String,
    offset: Option<u64>,
    /// From the innermost outwards, as the error travels up.
    path: Vec<Step>,
    usable: bool,
    missing: Missing,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// A step from a value to one inside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A struct's field or an enum's variant.
    Field(String),
    /// An element of a slice or array, or an entry of a map.
    Index(usize),
}

/// Whether the error is that a struct lacks a field which it insists on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Missing {
    No,
    /// This field, of a struct that is not known yet.
    Field(&'static str),
    /// Its zero will be supplied if the value is read again.
    Supplied,
}

impl Error {
    /// Makes an error of `category` that leaves the stream usable.
    #[cold]
    pub(crate) fn new(category: Category, message: impl fmt::Display) -> Self {
        Self(Box::new(Inner {
            category,
            message: message.to_string(),
            offset: None,
            path: Vec::new(),
            usable: true,
            missing: Missing::No,
            source: None,
        }))
    }

    /// Bytes at `offset` that are not gob.
    #[cold]
    pub(crate) fn corrupt(offset: u64, message: impl fmt::Display) -> Self {
        Self::new(Category::Corrupt, message).at(offset)
    }

    /// A limit, by its name in [`Limits`](crate::Limits), and what exceeded it.
    #[cold]
    pub(crate) fn limit(name: &str, limit: impl fmt::Display, found: impl fmt::Display) -> Self {
        Self::new(
            Category::Limit,
            format_args!("{found} exceeds the limit `{name}` of {limit}"),
        )
    }

    /// A failure of the reader or writer underneath, after which nothing is known to be in step.
    #[cold]
    pub(crate) fn io(source: std::io::Error) -> Self {
        let mut error = Self::new(Category::Io, &source).fatal();
        error.0.source = Some(Box::new(source));
        error
    }

    /// An error that is only there for its source.
    pub(crate) fn with_source(source: impl std::error::Error + Send + Sync + 'static) -> Self {
        let mut error = Self::new(Category::Message, &source);
        error.0.source = Some(Box::new(source));
        error
    }

    /// A field that the type being read insists on.
    #[cold]
    pub(crate) fn missing(field: &'static str) -> Self {
        let mut error = Self::new(Category::Message, format_args!("missing field `{field}`"));
        error.0.missing = Missing::Field(field);
        error
    }

    /// The same error at `offset`, unless it knows better already.
    #[must_use]
    pub(crate) fn at(mut self, offset: u64) -> Self {
        self.place(offset);
        self
    }

    /// Notes `offset`, unless it knows better already.
    #[cold]
    pub(crate) fn place(&mut self, offset: u64) {
        self.0.offset.get_or_insert(offset);
    }

    /// The same error, after which the stream cannot be read on.
    #[must_use]
    pub(crate) fn fatal(mut self) -> Self {
        self.0.usable = false;
        self
    }

    /// The same error, inside the named field or variant.
    #[must_use]
    pub(crate) fn in_field(mut self, field: &str) -> Self {
        self.enter_field(field);
        self
    }

    /// Notes that it happened inside the named field or variant.
    pub(crate) fn enter_field(&mut self, field: &str) {
        self.0.path.push(Step::Field(field.to_owned()));
    }

    /// The same error, inside the element or entry with this index.
    #[must_use]
    pub(crate) fn in_element(mut self, index: usize) -> Self {
        self.0.path.push(Step::Index(index));
        self
    }

    /// Makes the error final, though its missing field was supplied.
    pub(crate) fn give_up(&mut self) {
        self.0.missing = Missing::No;
    }

    /// What kind of failure this is.
    pub fn category(&self) -> Category {
        self.0.category
    }

    /// Where in the stream it happened, in bytes from its beginning (of the value, when a single
    /// value was decoded); `None` when encoding.
    pub fn offset(&self) -> Option<u64> {
        self.0.offset
    }

    /// The path to the value at fault, from the outside inwards: `Items[3].Price`. Empty at the
    /// top.
    pub fn path(&self) -> String {
        let mut path = String::new();
        for step in self.0.path.iter().rev() {
            match step {
                Step::Field(name) => {
                    if !path.is_empty() {
                        path.push('.');
                    }
                    path.push_str(name);
                }
                Step::Index(index) => path.push_str(&format!("[{index}]")),
            }
        }
        path
    }

    /// Whether the next value of the stream can still be read, or the next one written.
    pub fn is_stream_usable(&self) -> bool {
        self.0.usable
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.path.is_empty() {
            write!(f, "{}: ", self.path())?;
        }
        f.write_str(&self.0.message)?;
        match self.0.offset {
            Some(offset) => write!(f, " (at byte {offset})"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("category", &self.0.category)
            .field("message", &self.0.message)
            .field("path", &self.path())
            .field("offset", &self.0.offset)
            .field("usable", &self.0.usable)
            .finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

impl serde::ser::Error for Error {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Category::Message, message)
    }
}

impl serde::de::Error for Error {
    #[cold]
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(Category::Message, message)
    }

    #[cold]
    fn missing_field(field: &'static str) -> Self {
        Self::missing(field)
    }

    #[cold]
    fn invalid_type(
        unexpected: serde::de::Unexpected<'_>,
        expected: &dyn serde::de::Expected,
    ) -> Self {
        Self::new(
            Category::Mismatch,
            format_args!("cannot read {unexpected} as {expected}"),
        )
    }

    #[cold]
    fn invalid_value(
        unexpected: serde::de::Unexpected<'_>,
        expected: &dyn serde::de::Expected,
    ) -> Self {
        Self::new(
            Category::OutOfRange,
            format_args!("{unexpected} is not {expected}"),
        )
    }
}

impl Lacking for Error {
    fn lacking(&self) -> Option<&'static str> {
        match self.0.missing {
            Missing::Field(field) => Some(field),
            Missing::No | Missing::Supplied => None,
        }
    }

    fn supplied(mut self, structure: &'static str) -> Self {
        if !structure.is_empty() {
            self.0.message = format!("{} of `{structure}`", self.0.message);
        }
        self.0.missing = Missing::Supplied;
        self
    }

    fn is_supplied(&self) -> bool {
        self.0.missing == Missing::Supplied
    }
}

impl From<std::io::Error> for Error {
    fn from(source: std::io::Error) -> Self {
        Self::io(source)
    }
}

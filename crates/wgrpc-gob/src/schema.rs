//! Static types: what the trait [`Gob`] says of a type, and how it becomes a numbered schema.
//!
//! gob sends a type before its first value, also what stands under an empty list or an absent
//! option, and serde cannot tell that from a value. So a type describes itself once, from the
//! same attributes that serde reads, by `#[derive(Gob)]`. The serializer follows the schema and
//! can only write bytes that agree with it.

mod builder;
mod equal;
mod notation;
mod numbers;
mod source;
mod std_types;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};

use parking_lot::RwLock;

pub use builder::{Builder, Ref};
pub use numbers::Dynamics;
pub use source::GoSource;

use crate::error::{Category, Error, Result};
use crate::types::{Id, Shape, put_definition};

/// A type with a static schema: it can be sent as gob.
///
/// Derive it beside serde's traits, or put `#[message]` on the type, which does all of it. By
/// hand:
///
/// ```
/// use wgrpc_gob::{Builder, Gob, Ref, Schema};
///
/// struct Celsius(f64);
///
/// impl Gob for Celsius {
///     fn describe(types: &mut Builder) -> Ref {
///         types.float()
///     }
/// }
///
/// assert_eq!(Schema::of::<Celsius>().to_string(), "float64");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no gob schema",
    note = "put #[message] on the type, or #[derive(Gob)] beside serde's derives",
    note = "for a field of a foreign type there are adapters, #[gob(as = \"…\")] and \
            #[gob(schema = \"…\")]"
)]
pub trait Gob {
    /// Describes the type to `types`. Types inside it are described by
    /// [`types.of::<T>()`](Builder::of), which also copes with recursion.
    fn describe(types: &mut Builder) -> Ref;

    /// The schema of the type: what [`Schema::of`] returns.
    ///
    /// The default looks it up among all types. The derive overrides it for types without type
    /// parameters, with a [`SchemaSlot`] of their own.
    #[doc(hidden)]
    fn schema() -> &'static Schema {
        Schema::registered::<Self>()
    }
}

/// Where the schema of one type is kept: a `static` of that type, which spares it the lookup. The
/// instances of generic code share their statics, so a type with parameters can have none.
#[doc(hidden)]
#[derive(Debug, Default)]
pub struct SchemaSlot(OnceLock<&'static Schema>);

impl SchemaSlot {
    /// For no type yet.
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    /// The schema of `T`, which has to be the same type each time.
    #[inline]
    pub fn of<T: Gob + ?Sized>(&self) -> &'static Schema {
        self.0.get_or_init(Schema::registered::<T>)
    }
}

/// A type and every type inside it, numbered: all that a value needs in order to be sent.
///
/// Cheap to clone. Two schemas of the same structure and names have the same ids, whatever Rust
/// types they come from.
#[derive(Clone)]
pub struct Schema(Arc<Inner>);

struct Inner {
    /// In depth-first order; the root is the first.
    nodes: Box<[Node]>,
    /// The id of each node.
    ids: Box<[Id]>,
    /// The messages that define the types, for those that need one, in sending order.
    definitions: Box<[Definition]>,
    has_interface: bool,
    has_bytes: bool,
    is_inferred: bool,
    /// Why no value of this type can be sent.
    error: Option<String>,
    /// How many bytes the length of the last message with a value of this type took.
    len_width: AtomicU8,
}

/// What the field of a tuple's element is called. Go has no tuples: they are structs.
pub(crate) fn tuple_field(index: usize) -> String {
    format!("F{index}")
}

/// One type of a schema.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Node {
    pub(crate) name: Box<str>,
    pub(crate) shape: Shape<Ref>,
}

/// The message that defines one type.
#[derive(Clone, Debug)]
pub(crate) struct Definition {
    pub(crate) id: Id,
    pub(crate) message: Box<[u8]>,
}

impl Schema {
    /// The schema of `T`. Built once a process and kept for its life.
    #[inline]
    pub fn of<T: Gob + ?Sized>() -> &'static Self {
        T::schema()
    }

    /// The schema of `T`, looked up among all that have been asked for.
    fn registered<T: Gob + ?Sized>() -> &'static Self {
        static KNOWN: LazyLock<RwLock<HashMap<std::any::TypeId, &'static Schema>>> =
            LazyLock::new(RwLock::default);
        let key = typeid::of::<T>();
        if let Some(known) = KNOWN.read().get(&key) {
            return known;
        }
        let mut builder = Builder::new();
        let root = builder.of::<T>();
        let schema = builder.finish(root);
        // A program has a fixed number of types, so what is leaked here is bounded.
        KNOWN
            .write()
            .entry(key)
            .or_insert_with(|| Box::leak(Box::new(schema)))
    }

    /// Numbers `nodes`, whose first is the root, with the numbers of `ids`.
    pub(crate) fn numbered(nodes: Box<[Node]>, ids: Box<[Id]>) -> Self {
        // What has the same structure twice, as lists of i32 and of i64, is one type.
        let mut seen = HashSet::new();
        let definitions = (nodes.iter().zip(&ids))
            .filter(|(node, id)| node.shape.builtin().is_none() && seen.insert(**id))
            .map(|(node, &id)| {
                let mut message = Vec::new();
                put_definition(
                    &mut message,
                    id,
                    &node.name,
                    &node.shape.map(|r| ids[r.index()]),
                );
                Definition {
                    id,
                    message: message.into(),
                }
            })
            .collect();
        let has_interface = nodes
            .iter()
            .any(|node| matches!(node.shape, Shape::Interface(_)));
        let has_bytes = nodes.iter().any(|node| node.shape == Shape::Bytes);
        Self(Arc::new(Inner {
            nodes,
            ids,
            definitions,
            has_interface,
            has_bytes,
            is_inferred: false,
            error: None,
            len_width: AtomicU8::new(1),
        }))
    }

    fn marker(error: Option<String>) -> Self {
        Self(Arc::new(Inner {
            nodes: Box::default(),
            ids: Box::default(),
            definitions: Box::default(),
            has_interface: false,
            has_bytes: false,
            is_inferred: error.is_none(),
            error,
            len_width: AtomicU8::new(1),
        }))
    }

    /// A schema that says why there is none.
    pub(crate) fn invalid(reason: String) -> Self {
        Self::marker(Some(reason))
    }

    /// A schema that stands for whatever the value turns out to be.
    pub(crate) fn inferred() -> Self {
        Self::marker(None)
    }

    /// Fails where the type has no form in gob, and says why: an option of an option, a struct
    /// with two fields of one name.
    pub fn check(&self) -> Result<()> {
        match &self.0.error {
            Some(reason) => Err(Error::new(Category::Unsupported, reason)),
            None => Ok(()),
        }
    }

    /// Whether the type is not known before the value, as for [`Inferred`](crate::Inferred).
    pub fn is_inferred(&self) -> bool {
        self.0.is_inferred
    }

    /// Whether a value may contain one that brings its own type.
    #[inline]
    pub fn has_interface(&self) -> bool {
        self.0.has_interface
    }

    /// Whether a value may contain bytes.
    #[inline]
    pub fn has_bytes(&self) -> bool {
        self.0.has_bytes
    }

    /// The type itself; `None` where there is none ([`check`](Self::check) fails) or it is not
    /// known before the value.
    pub fn root(&self) -> Option<Type<'_>> {
        (!self.0.nodes.is_empty()).then(|| Type {
            schema: &self.0,
            index: Ref::ROOT,
        })
    }

    /// The id of the type; `None` as for [`root`](Self::root).
    pub fn id(&self) -> Option<Id> {
        self.0.ids.first().copied()
    }

    /// How many bytes the length of the next message will take, if that is as long as the last.
    #[inline]
    pub(crate) fn len_width(&self) -> usize {
        self.0.len_width.load(Ordering::Relaxed).into()
    }

    /// Notes how many bytes the length of a message took.
    pub(crate) fn note_len_width(&self, width: usize) {
        self.0.len_width.store(width as u8, Ordering::Relaxed);
    }

    /// The types, the root first.
    pub(crate) fn into_nodes(self) -> Result<Box<[Node]>> {
        self.check()?;
        Ok(self.0.nodes.clone())
    }

    /// The messages that define the types, in sending order.
    #[inline]
    pub(crate) fn definitions(&self) -> &[Definition] {
        &self.0.definitions
    }
}

/// A type of a [`Schema`].
#[derive(Clone, Copy)]
pub struct Type<'a> {
    schema: &'a Inner,
    index: Ref,
}

impl<'a> Type<'a> {
    /// What the type is.
    #[inline]
    pub fn shape(self) -> &'a Shape<Ref> {
        &self.schema.nodes[self.index.index()].shape
    }

    /// The type's name; empty for an unnamed one.
    pub fn name(self) -> &'a str {
        &self.schema.nodes[self.index.index()].name
    }

    /// The type's number.
    #[inline]
    pub fn id(self) -> Id {
        self.schema.ids[self.index.index()]
    }

    /// The type that `inner`, found in this type's shape, refers to.
    #[inline]
    pub fn inner(self, inner: Ref) -> Self {
        Self {
            schema: self.schema,
            index: inner,
        }
    }
}

impl fmt::Debug for Type<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Type({} = {self})", self.id().number())
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.root(), &self.0.error) {
            (Some(root), _) => write!(f, "Schema({} = {root})", root.id().number()),
            (None, Some(reason)) => write!(f, "Schema(invalid: {reason})"),
            (None, None) => f.write_str("Schema(inferred)"),
        }
    }
}

#[cfg(test)]
mod tests;

//! Describing types one by one, and making a schema of the description.

use std::any::TypeId;
use std::collections::{HashMap, HashSet};

use super::numbers::number_statically;
use super::{Gob, Node, Schema};
use crate::types::{Field, Marshaler, Shape, Variant};

/// A reference to a type that has been described to a [`Builder`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ref(u32);

impl Ref {
    pub(super) const ROOT: Self = Self(0);

    pub(crate) fn new(index: usize) -> Self {
        Self(index as u32)
    }

    #[inline]
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// Collects the description of a type and of those inside it. See [`Gob::describe`].
#[derive(Debug, Default)]
pub struct Builder {
    nodes: Vec<Slot>,
    known: HashMap<TypeId, Ref>,
    /// The types whose absence is a value: gob cannot nest them.
    options: HashSet<Ref>,
    /// The structs that are enums.
    unions: HashSet<Ref>,
    inferred: bool,
    error: Option<String>,
}

#[derive(Clone, Debug)]
enum Slot {
    /// Begun and not finished: met again, it is a recursive type.
    Open,
    /// The same type as another, as a `Box` and what is in it.
    Same(Ref),
    Type(Node),
}

impl Builder {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Describes `T`, or refers to it if it has been described or is being described.
    pub fn of<T: Gob + ?Sized>(&mut self) -> Ref {
        let key = typeid::of::<T>();
        if let Some(&known) = self.known.get(&key) {
            return known;
        }
        let place = self.push(Slot::Open);
        self.known.insert(key, place);
        let described = T::describe(self);
        if self.options.contains(&described) {
            self.options.insert(place);
        }
        self.nodes[place.index()] = Slot::Same(described);
        place
    }

    /// `bool`.
    pub fn bool(&mut self) -> Ref {
        self.unnamed(Shape::Bool)
    }

    /// A signed integer of any width.
    pub fn int(&mut self) -> Ref {
        self.unnamed(Shape::Int)
    }

    /// An unsigned integer of any width.
    pub fn uint(&mut self) -> Ref {
        self.unnamed(Shape::Uint)
    }

    /// A float of any width.
    pub fn float(&mut self) -> Ref {
        self.unnamed(Shape::Float)
    }

    /// A complex number.
    pub fn complex(&mut self) -> Ref {
        self.unnamed(Shape::Complex)
    }

    /// Bytes.
    pub fn bytes(&mut self) -> Ref {
        self.unnamed(Shape::Bytes)
    }

    /// Text.
    pub fn string(&mut self) -> Ref {
        self.unnamed(Shape::String)
    }

    /// Go's `any`: a value that brings its own type and the name it is registered under.
    pub fn interface(&mut self) -> Ref {
        self.unnamed(Shape::Interface(Box::default()))
    }

    /// An interface for an enum: of each variant serde's name, the name that Go registers the
    /// concrete type under (`main.Circle`), and the type.
    pub fn interface_of<'a>(
        &mut self,
        variants: impl IntoIterator<Item = (&'a str, &'a str, Ref)>,
    ) -> Ref {
        let variants = variants
            .into_iter()
            .map(|(key, name, ty)| Variant {
                key: key.into(),
                name: name.into(),
                ty,
            })
            .collect();
        self.unnamed(Shape::Interface(variants))
    }

    /// Any number of `elem`.
    pub fn slice(&mut self, elem: Ref) -> Ref {
        self.unnamed(Shape::Slice(elem))
    }

    /// Exactly `len` of `elem`.
    pub fn array(&mut self, elem: Ref, len: usize) -> Ref {
        self.unnamed(Shape::Array(elem, len))
    }

    /// A map.
    pub fn map(&mut self, key: Ref, elem: Ref) -> Ref {
        self.unnamed(Shape::Map(key, elem))
    }

    /// A type that turns itself into bytes, by the name that Go knows it by: `Time`.
    pub fn opaque(&mut self, name: &str, marshaler: Marshaler) -> Ref {
        self.push(Slot::Type(Node {
            name: name.into(),
            shape: Shape::Opaque(marshaler),
        }))
    }

    /// A struct. Of each field the name on the wire, the name that serde knows it by, and the
    /// type. Go stores only fields whose names begin with an upper-case letter.
    ///
    /// An enum with data is a struct too, a [`union`](Self::union).
    pub fn structure<'a>(
        &mut self,
        name: &str,
        fields: impl IntoIterator<Item = (&'a str, &'a str, Ref)>,
    ) -> Ref {
        let mut names = HashSet::new();
        let mut list = Vec::new();
        for (wire, key, ty) in fields {
            if wire.is_empty() {
                self.refuse(format!("a field of `{name}` has no name"));
            }
            if !names.insert(wire) {
                self.refuse(format!("two fields of `{name}` are named `{wire}`"));
            }
            let key = (key != wire).then(|| key.into());
            list.push(Field {
                name: wire.into(),
                key,
                ty,
            });
        }
        let shape = Shape::Struct(list.into());
        self.push(Slot::Type(Node {
            name: name.into(),
            shape,
        }))
    }

    /// An enum with data: a struct with one field a variant, exactly one of them present. Given
    /// are its name and its variants, as to [`structure`](Self::structure).
    pub fn union<'a>(
        &mut self,
        name: &str,
        variants: impl IntoIterator<Item = (&'a str, &'a str, Ref)>,
    ) -> Ref {
        let union = self.structure(name, variants);
        self.unions.insert(union);
        union
    }

    /// The fields of a struct described before, to stand among those of another, as with serde's
    /// `flatten`.
    ///
    /// What could not be read again is refused. Fields of a flattened struct are asked for by
    /// nobody: the reader hands over all that the sender's type has, under their names on the
    /// wire, and zeros where they are absent.
    pub fn fields_of(&mut self, structure: Ref) -> Vec<Field<Ref>> {
        let fields = self.fields_to_flatten(structure);
        fields.unwrap_or_else(|reason| {
            self.refuse(reason);
            Vec::new()
        })
    }

    fn fields_to_flatten(&self, structure: Ref) -> Result<Vec<Field<Ref>>, String> {
        if self.options.contains(&structure) {
            return Err(
                "an option cannot be flattened: gob does not tell a struct that is \
                        absent from one of zeros"
                    .to_owned(),
            );
        }
        let resolved = self.resolve(structure).ok();
        if resolved.is_some_and(|resolved| self.unions.contains(&resolved)) {
            return Err(
                "an enum cannot be flattened: gob does not tell a variant that is \
                        absent from one of zeros"
                    .to_owned(),
            );
        }
        let slot = resolved.map(|resolved| &self.nodes[resolved.index()]);
        let Some(Slot::Type(Node {
            shape: Shape::Struct(fields),
            ..
        })) = slot
        else {
            return Err(
                "only the fields of a struct can be flattened into another, and not \
                        into itself: a map's keys are not known in advance"
                    .to_owned(),
            );
        };
        for field in fields {
            if field.key.is_some() {
                return Err(format!(
                    "the field `{}` of a flattened struct is called `{}` on the wire, where serde \
                     would not find it: use #[message] or #[serde(rename_all = \"PascalCase\")]",
                    field.key(),
                    field.name
                ));
            }
            if self.options.contains(&field.ty) {
                return Err(format!(
                    "the field `{}` of a flattened struct is an option: there gob does not tell \
                     `None` from zero",
                    field.name
                ));
            }
        }
        Ok(fields.to_vec())
    }

    /// A type that may be absent. In gob it is the type itself, left out where it is absent.
    pub fn option(&mut self, inner: Ref) -> Ref {
        if self.options.contains(&inner) {
            self.refuse("an option of an option has no form in gob: one of its absences is lost");
        }
        let option = self.push(Slot::Same(inner));
        self.options.insert(option);
        option
    }

    /// A type known only from its values, as [`Inferred`](crate::Inferred); legal only as a whole
    /// message, not inside another type (use [`interface`](Self::interface) there).
    pub fn inferred(&mut self) -> Ref {
        self.inferred = true;
        self.push(Slot::Open)
    }

    /// A type that has been described elsewhere, which must have a root.
    pub(crate) fn import(&mut self, schema: &Schema) -> Ref {
        let first = self.nodes.len();
        for node in &schema.0.nodes {
            self.push(Slot::Type(Node {
                name: node.name.clone(),
                shape: (node.shape).map(|inner| Ref::new(first + inner.index())),
            }));
        }
        Ref::new(first)
    }

    /// Says why the type cannot be sent.
    pub fn refuse(&mut self, reason: impl Into<String>) {
        self.error.get_or_insert_with(|| reason.into());
    }

    fn unnamed(&mut self, shape: Shape<Ref>) -> Ref {
        self.push(Slot::Type(Node {
            name: Box::default(),
            shape,
        }))
    }

    fn push(&mut self, slot: Slot) -> Ref {
        self.nodes.push(slot);
        Ref::new(self.nodes.len() - 1)
    }

    /// The nodes that `root` reaches, renumbered in depth-first order.
    pub(crate) fn nodes(&self, root: Ref) -> Result<Box<[Node]>, String> {
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        let mut order: Vec<Ref> = Vec::new();
        let mut places: HashMap<Ref, Ref> = HashMap::new();
        let mut next = vec![root];
        while let Some(reference) = next.pop() {
            let reference = self.resolve(reference)?;
            if places.contains_key(&reference) {
                continue;
            }
            places.insert(reference, Ref::new(order.len()));
            order.push(reference);
            if let Slot::Type(node) = &self.nodes[reference.index()] {
                let mut inner = node.shape.inner();
                inner.reverse();
                next.extend(inner);
            }
        }
        order
            .iter()
            .map(|reference| match &self.nodes[reference.index()] {
                Slot::Type(node) => {
                    let mut failed = None;
                    let shape = node.shape.map(|inner| match self.resolve(inner) {
                        Ok(inner) => places[&inner],
                        Err(error) => {
                            failed = Some(error);
                            inner
                        }
                    });
                    match failed {
                        Some(error) => Err(error),
                        None => Ok(Node {
                            name: node.name.clone(),
                            shape,
                        }),
                    }
                }
                Slot::Open | Slot::Same(_) => Err(UNFINISHED.to_owned()),
            })
            .collect()
    }

    /// Follows references to the same type, up to the type itself.
    fn resolve(&self, mut reference: Ref) -> Result<Ref, String> {
        for _ in 0..=self.nodes.len() {
            match &self.nodes[reference.index()] {
                Slot::Same(other) => reference = *other,
                Slot::Type(_) => return Ok(reference),
                Slot::Open if self.inferred => {
                    return Err("a value of unknown type cannot stand inside another: \
                                use an interface"
                        .to_owned());
                }
                Slot::Open => break,
            }
        }
        Err(UNFINISHED.to_owned())
    }

    /// The schema of `root`, with the numbers of this process.
    pub(crate) fn finish(self, root: Ref) -> Schema {
        if self.inferred && self.error.is_none() && self.resolves_to_open(root) {
            return Schema::inferred();
        }
        match self.nodes(root).and_then(number_statically) {
            Ok(schema) => schema,
            Err(reason) => Schema::invalid(reason),
        }
    }

    fn resolves_to_open(&self, mut reference: Ref) -> bool {
        for _ in 0..=self.nodes.len() {
            match &self.nodes[reference.index()] {
                Slot::Same(other) => reference = *other,
                Slot::Type(_) => return false,
                Slot::Open => return true,
            }
        }
        false
    }
}

const UNFINISHED: &str = "the type consists of nothing but itself";

impl Shape<Ref> {
    /// The same shape with other references.
    pub(crate) fn map<R>(&self, mut to: impl FnMut(Ref) -> R) -> Shape<R> {
        match self {
            Self::Bool => Shape::Bool,
            Self::Int => Shape::Int,
            Self::Uint => Shape::Uint,
            Self::Float => Shape::Float,
            Self::Complex => Shape::Complex,
            Self::Bytes => Shape::Bytes,
            Self::String => Shape::String,
            Self::Opaque(marshaler) => Shape::Opaque(*marshaler),
            Self::Slice(elem) => Shape::Slice(to(*elem)),
            Self::Array(elem, len) => Shape::Array(to(*elem), *len),
            Self::Map(key, elem) => {
                let key = to(*key);
                Shape::Map(key, to(*elem))
            }
            Self::Struct(fields) => Shape::Struct(
                (fields.iter())
                    .map(|f| Field {
                        name: f.name.clone(),
                        key: f.key.clone(),
                        ty: to(f.ty),
                    })
                    .collect(),
            ),
            Self::Interface(variants) => Shape::Interface(
                (variants.iter())
                    .map(|v| Variant {
                        key: v.key.clone(),
                        name: v.name.clone(),
                        ty: to(v.ty),
                    })
                    .collect(),
            ),
        }
    }

    /// The types inside this one, in order.
    pub(crate) fn inner(&self) -> Vec<Ref> {
        let mut inner = Vec::new();
        self.map(|r| inner.push(r));
        inner
    }
}

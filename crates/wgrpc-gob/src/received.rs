//! The types that a peer has defined on one stream.
//!
//! A definition may refer to types that come later, so every id that is mentioned gets a place
//! (a [`Slot`]) at once, and the definition fills it. What follows from a type and all the types
//! inside it, whether it is complete and whether it can contain an interface, is worked out when
//! its first value arrives and kept. The table only grows: whoever holds it may go on reading
//! values while the stream brings more types.

mod definition;
mod schemas;
mod structure;
mod table;

use std::collections::HashMap;
use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

use parking_lot::{RwLock, RwLockWriteGuard};

pub(crate) use structure::Structure;

use crate::error::{Category, Error, Result};
use crate::limits::Limits;
use crate::schema::Schema;
use crate::types::{Id, Marshaler};
use crate::wire::Reader;
use crate::zero::Gaps;
use table::Table;

/// The types that a peer has defined on one stream.
///
/// It belongs to a [`Scanner`](crate::Scanner), which adds to it as definitions arrive. Share it
/// by its `Arc`: what has been defined never changes, so values that arrived earlier can be
/// decoded with it at any time, on any thread.
pub struct Types {
    table: Table<Entry>,
    growth: RwLock<Growth>,
    max_types: usize,
    max_definitions: usize,
    /// How many more plans for reading these types there may be.
    plans: AtomicUsize,
    /// How many bytes of schemas may still be kept.
    schemas: AtomicUsize,
    /// What is zero in structs of ours that the sender has nothing like.
    zeros: Gaps,
}

/// What changes as definitions arrive.
#[derive(Debug, Default)]
struct Growth {
    /// The slots of the ids that are not near.
    far: HashMap<Id, Slot>,
    /// The ids that have been mentioned, in that order.
    mentioned: Vec<Id>,
    /// How many bytes of definitions there have been.
    definitions: usize,
}

/// How many ids, from the first that a user's type can have, have a place of their own in the
/// table, so that they are found without a lock: those that senders use first are among them. They
/// have the even places; all other ids get the odd ones, in the order in which they are mentioned.
const NEAR: usize = 512;

/// How many types of ours, on average, each type of the sender's may be read into: all of them are
/// remembered.
const PLANS_PER_TYPE: usize = 4;

/// The place of a type in a [`Types`]: the id of a built-in type, or a number of our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Slot(u32);

/// The place of a type.
#[derive(Debug, Default)]
struct Entry {
    /// The id's number; 0 until the type is mentioned.
    id: AtomicI32,
    /// Empty until the definition arrives.
    definition: OnceLock<Box<Definition>>,
}

/// A type that has been defined, or that needs no definition.
#[derive(Debug)]
pub(crate) struct Definition {
    slot: Slot,
    name: Option<Box<str>>,
    pub(crate) kind: Kind,
    /// For a type made of others: whether a value can contain an interface. Known once the type
    /// has been found complete.
    has_interface: OnceLock<bool>,
    /// The type and those inside it, once a dynamic value has asked for them.
    schema: OnceLock<Schema>,
}

/// What a type is. As [`Shape`](crate::Shape), but made for reading: small, however many fields a
/// peer defines, and with room for what has been learned about a struct.
#[derive(Debug)]
pub(crate) enum Kind {
    /// One of the bytes in `Bytes`; no type that stands alone.
    Byte,
    Bool,
    Int,
    Uint,
    Float,
    Complex,
    Bytes,
    String,
    Interface,
    Slice(Slot),
    Array(Slot, usize),
    Map(Slot, Slot),
    Struct(Structure),
    Opaque(Marshaler),
}

/// The built-in types, by their id, and in place of an id 0, which no type has, what the elements
/// of bytes are.
static BUILTIN: [Definition; 9] = [
    Definition::new(Slot(0), None, Kind::Byte),
    Definition::new(Slot(1), None, Kind::Bool),
    Definition::new(Slot(2), None, Kind::Int),
    Definition::new(Slot(3), None, Kind::Uint),
    Definition::new(Slot(4), None, Kind::Float),
    Definition::new(Slot(5), None, Kind::Bytes),
    Definition::new(Slot(6), None, Kind::String),
    Definition::new(Slot(7), None, Kind::Complex),
    Definition::new(Slot(8), None, Kind::Interface),
];

/// A type that values can be read of: it and all that it refers to has been defined.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Complete<'t> {
    pub(crate) ty: &'t Definition,
    pub(crate) has_interface: bool,
}

impl Default for Types {
    /// The types that nobody has to define.
    fn default() -> Self {
        Self::new(&Limits::default())
    }
}

impl Types {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            table: Table::new(),
            growth: RwLock::default(),
            max_types: limits.types.min(Table::<Entry>::CAPACITY / 2),
            // Where a field's name ends is kept in 32 bits.
            max_definitions: limits.definitions.min(u32::MAX as usize),
            plans: AtomicUsize::new(PLANS_PER_TYPE.saturating_mul(limits.types)),
            schemas: AtomicUsize::new(limits.definitions),
            zeros: Gaps::new(),
        }
    }

    /// The fields of the struct type `id`, their names and types, by their number on the wire;
    /// `None` if it is no struct.
    ///
    /// For protocols that read a message of their own by hand: match the names once an id, and
    /// then read by numbers.
    pub fn fields(&self, id: Id) -> Option<impl ExactSizeIterator<Item = (&str, Id)>> {
        let Kind::Struct(structure) = &self.definition(self.slot(id)?).ok()?.kind else {
            return None;
        };
        let fields = 0..structure.len();
        Some(fields.map(|number| (structure.name(number), self.id(structure.slot(number)))))
    }

    /// The key and element types of the map type `id`; `None` if it is no map.
    pub fn map(&self, id: Id) -> Option<(Id, Id)> {
        match &self.definition(self.slot(id)?).ok()?.kind {
            Kind::Map(key, elem) => Some((self.id(*key), self.id(*elem))),
            _ => None,
        }
    }

    /// The place of the type `id`, if it has one.
    #[inline]
    pub(crate) fn slot(&self, id: Id) -> Option<Slot> {
        Slot::near(id).or_else(|| self.growth.read().far.get(&id).copied())
    }

    /// The id of the type in `slot`.
    fn id(&self, slot: Slot) -> Id {
        let number = match slot.user() {
            None => slot.0 as i32,
            Some(index) if index % 2 == 0 => Id::FIRST_USER.number() + (index / 2) as i32,
            // The other slots are only made together with their entries.
            Some(index) => self.table.get(index).map_or(0, Entry::id),
        };
        Id::new(number)
    }

    /// The type in `slot`.
    #[inline]
    pub(crate) fn definition(&self, slot: Slot) -> Result<&Definition> {
        if let Some(builtin) = BUILTIN.get(slot.0 as usize) {
            return Ok(builtin);
        }
        let entry = slot.user().and_then(|index| self.table.get(index));
        match entry.and_then(|entry| entry.definition.get()) {
            Some(definition) => Ok(definition),
            None => Err(undefined(self.id(slot))),
        }
    }

    /// The type `id`, ready for values of it; an error if anything in it is not defined.
    #[inline(always)]
    pub(crate) fn complete(&self, id: Id) -> Result<Complete<'_>> {
        if let Some(slot) = Slot::near(id)
            && let Ok(ty) = self.definition(slot)
            && let Some(has_interface) = ty.has_interface()
        {
            return Ok(Complete { ty, has_interface });
        }
        self.find_complete(id)
    }

    /// As [`complete`](Self::complete), of any type and for the first time.
    #[inline(never)]
    fn find_complete(&self, id: Id) -> Result<Complete<'_>> {
        let slot = self.slot(id).ok_or_else(|| undefined(id))?;
        let ty = self.definition(slot)?;
        let has_interface = match ty.has_interface() {
            Some(known) => known,
            None => self.work_out(slot)?,
        };
        Ok(Complete { ty, has_interface })
    }

    /// How many more plans for reading these types there may be.
    pub(crate) fn room_for_plans(&self) -> &AtomicUsize {
        &self.plans
    }

    /// What is zero in structs of ours that the sender has nothing like.
    pub(crate) fn zeros(&self) -> &Gaps {
        &self.zeros
    }

    /// Works out which of the types that `root` leads to can contain an interface. Each type is
    /// visited once in the life of the table: what is known of it is not worked out again.
    fn work_out(&self, root: Slot) -> Result<bool> {
        // One at a time: what one thread has half worked out would mislead another.
        let _growth = self.growth.write();
        let mut types = vec![self.definition(root)?];
        let mut places = HashMap::from([(root, 0)]);
        // Of each type those that refer to it, by their place in `types`.
        let mut users: Vec<Vec<u32>> = vec![Vec::new()];
        let mut with_interface = Vec::new();
        let mut next = 0;
        while let Some(&definition) = types.get(next) {
            let user = next as u32;
            for slot in definition.kind.inner() {
                if let Some(&place) = places.get(&slot) {
                    // Many fields of one type make one user.
                    let users: &mut Vec<u32> = &mut users[place];
                    if users.last() != Some(&user) {
                        users.push(user);
                    }
                    continue;
                }
                let inner = self.definition(slot)?;
                let known = inner.has_interface();
                if known.is_none() {
                    places.insert(slot, types.len());
                    types.push(inner);
                    users.push(vec![user]);
                }
                if known == Some(true) {
                    with_interface.push(user);
                }
            }
            next += 1;
        }
        while let Some(place) = with_interface.pop() {
            if types[place as usize].has_interface.set(true).is_ok() {
                with_interface.append(&mut users[place as usize]);
            }
        }
        for definition in &types {
            definition.has_interface.get_or_init(|| false);
        }
        Ok(types[0].has_interface.get() == Some(&true))
    }

    /// Takes the definition of the type `id` from `reader`, which stands behind the id.
    pub(crate) fn define(&self, id: Id, reader: &mut Reader<'_>) -> Result<()> {
        let at = reader.offset();
        let mut growth = self.growth.write();
        let slot = self.refer(&mut growth, id)?;
        let definition = slot
            .user()
            .and_then(|index| Some(&self.table.get(index)?.definition));
        let Some(definition) = definition.filter(|definition| definition.get().is_none()) else {
            return Err(Error::corrupt(
                at,
                format_args!("type {} is defined twice", id.number()),
            ));
        };
        let allowed = self.max_definitions - growth.definitions;
        let rest = reader.rest();
        let within = &rest[..rest.len().min(allowed)];
        let mut bounded = Reader::with_base(within, reader.offset());
        let described = definition::read(&mut bounded, &mut |id| self.refer(&mut growth, id))
            .map_err(|error| match error.category() {
                Category::Corrupt if within.len() < rest.len() => Error::limit(
                    "definitions",
                    self.max_definitions,
                    "the size in bytes of the type definitions on the stream",
                ),
                _ => error,
            })?;
        growth.definitions += bounded.position();
        reader.take(bounded.position())?;
        let name = Some(described.name);
        let _ = definition.set(Box::new(Definition::new(slot, name, described.kind)));
        Ok(())
    }

    /// The place of the type `id`, which from now on has been mentioned.
    fn refer(&self, growth: &mut RwLockWriteGuard<'_, Growth>, id: Id) -> Result<Slot> {
        let near = Slot::near(id);
        let is_known = |slot: &Slot| match slot.user() {
            Some(index) => self.table.get(index).is_some_and(|entry| entry.id() != 0),
            None => true,
        };
        let known = match near {
            Some(slot) => Some(slot).filter(is_known),
            None => growth.far.get(&id).copied(),
        };
        if let Some(known) = known {
            return Ok(known);
        }
        if growth.mentioned.len() >= self.max_types {
            return Err(Error::limit(
                "types",
                self.max_types,
                "the number of types on the stream",
            ));
        }
        growth.mentioned.push(id);
        let slot = near.unwrap_or_else(|| {
            let slot = Slot::at(2 * growth.far.len() + 1);
            growth.far.insert(id, slot);
            slot
        });
        if let Some(entry) = slot.user().and_then(|index| self.table.make(index)) {
            entry.id.store(id.number(), Ordering::Release);
        }
        Ok(slot)
    }
}

impl fmt::Debug for Types {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let definition = |id| Some((id, self.definition(self.slot(id)?).ok()));
        let mentioned = self.growth.read().mentioned.clone();
        (f.debug_map())
            .entries(mentioned.into_iter().filter_map(definition))
            .finish()
    }
}

impl Entry {
    /// The id's number; 0 until the type is mentioned.
    fn id(&self) -> i32 {
        self.id.load(Ordering::Acquire)
    }
}

impl Slot {
    /// The elements of bytes.
    pub(crate) const BYTE: Self = Self(0);
    /// Floats.
    pub(crate) const FLOAT: Self = Self(4);

    /// The place of a type that every stream has the same place for.
    #[inline]
    fn near(id: Id) -> Option<Self> {
        let number = id.number() as u32;
        let user = number.wrapping_sub(Id::FIRST_USER.number() as u32);
        if user < NEAR as u32 {
            return Some(Self::at(2 * user as usize));
        }
        (0 < number && number < BUILTIN.len() as u32).then_some(Self(number))
    }

    /// The slot of the place `index` in the table.
    fn at(index: usize) -> Self {
        Self((BUILTIN.len() + index) as u32)
    }

    /// The place in the table, for a type that is not built in.
    #[inline]
    fn user(self) -> Option<usize> {
        (self.0 as usize).checked_sub(BUILTIN.len())
    }
}

impl Definition {
    const fn new(slot: Slot, name: Option<Box<str>>, kind: Kind) -> Self {
        Self {
            slot,
            name,
            kind,
            has_interface: OnceLock::new(),
            schema: OnceLock::new(),
        }
    }

    /// Its place.
    pub(crate) fn slot(&self) -> Slot {
        self.slot
    }

    /// The name, which has no meaning and may be empty.
    pub(crate) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    /// Whether a value can contain an interface, if that is known.
    #[inline]
    fn has_interface(&self) -> Option<bool> {
        match self.kind {
            Kind::Interface => Some(true),
            Kind::Slice(_) | Kind::Array(..) | Kind::Map(..) | Kind::Struct(_) => {
                self.has_interface.get().copied()
            }
            _ => Some(false),
        }
    }
}

impl Kind {
    /// What the kind is called in errors.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Byte => "byte",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Uint => "uint",
            Self::Float => "float",
            Self::Complex => "complex",
            Self::Bytes => "bytes",
            Self::String => "string",
            Self::Interface => "interface",
            Self::Slice(_) => "slice",
            Self::Array(..) => "array",
            Self::Map(..) => "map",
            Self::Struct(_) => "struct",
            Self::Opaque(_) => "opaque",
        }
    }

    /// The types inside this one, in order.
    fn inner(&self) -> impl Iterator<Item = Slot> {
        let (first, second, fields) = match self {
            Self::Slice(elem) | Self::Array(elem, _) => (Some(*elem), None, None),
            Self::Map(key, elem) => (Some(*key), Some(*elem), None),
            Self::Struct(structure) => (None, None, Some(structure.slots())),
            _ => (None, None, None),
        };
        first
            .into_iter()
            .chain(second)
            .chain(fields.into_iter().flatten())
    }
}

#[cold]
fn undefined(id: Id) -> Error {
    Error::new(
        Category::Corrupt,
        format_args!("type {} is used but not defined", id.number()),
    )
}

#[cfg(test)]
mod tests;

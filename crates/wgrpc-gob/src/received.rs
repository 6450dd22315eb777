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
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

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
    /// The slots of the ids that senders use first, found without a lock; 0 where there is none.
    near: OnceLock<Box<[AtomicU32]>>,
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
    /// The slots of all other ids.
    far: HashMap<Id, Slot>,
    /// How many ids have been mentioned.
    mentioned: usize,
    /// How many bytes of definitions there have been.
    definitions: usize,
}

/// How many ids, from the first that a user's type can have, are looked up without a lock.
const NEAR: usize = 512;

/// How many types of ours, on average, each type of the sender's may be read into: all of them are
/// remembered.
const PLANS_PER_TYPE: usize = 4;

/// The place of a type in a [`Types`]: the id of a built-in type, or a number of our own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Slot(u32);

/// A type that has been mentioned.
#[derive(Debug)]
struct Entry {
    id: Id,
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
            near: OnceLock::new(),
            growth: RwLock::default(),
            max_types: limits.types.min(Table::<Entry>::CAPACITY),
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

    /// The place of the type `id`, if it has been mentioned.
    #[inline]
    pub(crate) fn slot(&self, id: Id) -> Option<Slot> {
        let number = usize::try_from(id.number()).ok()?;
        if number < BUILTIN.len() {
            return (number > 0).then_some(Slot(number as u32));
        }
        let place = number.checked_sub(Id::FIRST_USER.number() as usize)?;
        if place < NEAR {
            let slot = self.near.get()?[place].load(Ordering::Acquire);
            return (slot > 0).then_some(Slot(slot));
        }
        self.growth.read().far.get(&id).copied()
    }

    /// The id of the type in `slot`.
    fn id(&self, slot: Slot) -> Id {
        match slot.user() {
            None => Id::new(slot.0 as i32),
            // Slots are only made together with their entries.
            Some(index) => self.table.entry(index).map_or(Id::new(0), |entry| entry.id),
        }
    }

    /// The type in `slot`.
    #[inline]
    pub(crate) fn definition(&self, slot: Slot) -> Result<&Definition> {
        if let Some(builtin) = BUILTIN.get(slot.0 as usize) {
            return Ok(builtin);
        }
        let entry = slot.user().and_then(|index| self.table.entry(index));
        match entry.and_then(|entry| entry.definition.get()) {
            Some(definition) => Ok(definition),
            None => Err(undefined(self.id(slot))),
        }
    }

    /// The type `id`, ready for values of it; an error if anything in it is not defined.
    #[inline]
    pub(crate) fn complete(&self, id: Id) -> Result<Complete<'_>> {
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
            .and_then(|index| Some(&self.table.entry(index)?.definition));
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

    /// The place of the type `id`, which is made if the id has not been mentioned before.
    fn refer(&self, growth: &mut RwLockWriteGuard<'_, Growth>, id: Id) -> Result<Slot> {
        let number = id.number() as usize;
        if number < BUILTIN.len() {
            return Ok(Slot(number as u32));
        }
        let near = number
            .checked_sub(Id::FIRST_USER.number() as usize)
            .filter(|&place| place < NEAR)
            .map(|place| {
                let near = self
                    .near
                    .get_or_init(|| (0..NEAR).map(|_| AtomicU32::new(0)).collect());
                &near[place]
            });
        let known = match near {
            Some(near) => match near.load(Ordering::Acquire) {
                0 => None,
                slot => Some(Slot(slot)),
            },
            None => growth.far.get(&id).copied(),
        };
        if let Some(known) = known {
            return Ok(known);
        }
        if growth.mentioned >= self.max_types {
            return Err(Error::limit(
                "types",
                self.max_types,
                "the number of types on the stream",
            ));
        }
        let index = growth.mentioned;
        growth.mentioned += 1;
        let slot = Slot((BUILTIN.len() + index) as u32);
        let definition = OnceLock::new();
        self.table.fill(index, Entry { id, definition });
        match near {
            Some(near) => near.store(slot.0, Ordering::Release),
            None => {
                growth.far.insert(id, slot);
            }
        }
        Ok(slot)
    }
}

impl fmt::Debug for Types {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mentioned = self.growth.read().mentioned;
        f.debug_list()
            .entries((0..mentioned).map_while(|index| self.table.entry(index)))
            .finish()
    }
}

impl Slot {
    /// The elements of bytes.
    pub(crate) const BYTE: Self = Self(0);
    /// Floats.
    pub(crate) const FLOAT: Self = Self(4);

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

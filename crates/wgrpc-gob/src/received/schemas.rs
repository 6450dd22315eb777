//! Schemas of the types that a peer has defined.

use std::collections::HashMap;
use std::sync::LazyLock;
use std::sync::atomic::Ordering;

use super::{Kind, Slot, Types};
use crate::error::Result;
use crate::schema::{Node, Ref, Schema};
use crate::types::{Field, Id, Shape};

/// What a type of a schema is taken to cost, beside its names, and each of its fields.
const COST: usize = 64;

/// Schemas that cost no more are kept, as long as there is room.
const KEPT: usize = 16 << 10;

impl Types {
    /// The type `id` with all the types inside it. The ids are the sender's.
    pub fn schema(&self, id: Id) -> Result<Schema> {
        let slot = self.complete(id)?.slot;
        let nodes = self.nodes(slot);
        Ok(self.make_schema(&nodes))
    }

    /// The ids of the types that have been defined so far, in the order in which they were first
    /// mentioned.
    pub fn ids(&self) -> impl Iterator<Item = Id> {
        let mentioned = self.growth.read().mentioned;
        (0..mentioned)
            .filter_map(|index| self.table.entry(index))
            .filter(|entry| entry.definition.get().is_some())
            .map(|entry| entry.id)
    }

    /// The schema of the type in `slot`, which is complete; `None` if making it costs more than
    /// `budget` has left.
    pub(crate) fn schema_of(&self, slot: Slot, budget: &mut usize) -> Option<Schema> {
        if slot.user().is_none() {
            return Some(BUILTIN[slot.0 as usize].clone());
        }
        let definition = self.definition(slot).ok()?;
        if let Some(schema) = definition.schema.get() {
            return Some(schema.clone());
        }
        let nodes = self.nodes(slot);
        let cost = nodes.iter().map(|node| self.cost(*node)).sum();
        *budget = budget.checked_sub(cost)?;
        let schema = self.make_schema(&nodes);
        let less = |room: usize| room.checked_sub(cost);
        if cost <= KEPT
            && (self.schemas)
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
                .is_ok()
        {
            let _ = definition.schema.set(schema.clone());
        }
        Some(schema)
    }

    /// What the type in `slot` costs in a schema, in bytes, roughly.
    fn cost(&self, slot: Slot) -> usize {
        let inner = match self.kind(slot) {
            Ok(Kind::Struct(structure)) => structure.cost(COST),
            _ => 0,
        };
        COST + self.name(slot).len() + inner
    }

    /// The types that `root` leads to, in the order that a schema has them.
    fn nodes(&self, root: Slot) -> Vec<Slot> {
        let mut order = Vec::new();
        let mut places = HashMap::new();
        let mut next = vec![root];
        while let Some(slot) = next.pop() {
            if places.contains_key(&slot) {
                continue;
            }
            places.insert(slot, order.len());
            order.push(slot);
            let first = next.len();
            if let Ok(kind) = self.kind(slot) {
                next.extend(kind.inner().filter(|inner| !places.contains_key(inner)));
            }
            next[first..].reverse();
        }
        order
    }

    fn make_schema(&self, slots: &[Slot]) -> Schema {
        let places: HashMap<Slot, Ref> = (slots.iter().enumerate())
            .map(|(place, &slot)| (slot, Ref::new(place)))
            .collect();
        let node = |&slot: &Slot| {
            let shape = self
                .kind(slot)
                .map_or(Shape::Bool, |kind| kind.shape(&places));
            Node {
                name: self.name(slot).into(),
                shape,
            }
        };
        let nodes = slots.iter().map(node).collect();
        let ids = slots.iter().map(|&slot| self.id(slot)).collect();
        Schema::numbered(nodes, ids)
    }
}

impl Kind {
    /// The kind in the vocabulary of schemas.
    fn shape(&self, places: &HashMap<Slot, Ref>) -> Shape<Ref> {
        match self {
            Self::Byte | Self::Uint => Shape::Uint,
            Self::Bool => Shape::Bool,
            Self::Int => Shape::Int,
            Self::Float => Shape::Float,
            Self::Complex => Shape::Complex,
            Self::Bytes => Shape::Bytes,
            Self::String => Shape::String,
            Self::Interface => Shape::Interface(Box::default()),
            Self::Slice(elem) => Shape::Slice(places[elem]),
            Self::Array(elem, len) => Shape::Array(places[elem], *len),
            Self::Map(key, elem) => Shape::Map(places[key], places[elem]),
            Self::Opaque(marshaler) => Shape::Opaque(*marshaler),
            Self::Struct(structure) => Shape::Struct(
                (0..structure.len())
                    .map(|number| Field {
                        name: structure.name(number).into(),
                        key: None,
                        ty: places[&structure.slot(number)],
                    })
                    .collect(),
            ),
        }
    }
}

/// The schemas of the built-in types, by their id.
static BUILTIN: LazyLock<Vec<Schema>> = LazyLock::new(|| {
    let schema = |(id, kind): (usize, &Kind)| {
        let node = Node {
            name: Box::default(),
            shape: kind.shape(&HashMap::new()),
        };
        Schema::numbered([node].into(), [Id::new(id as i32)].into())
    };
    super::BUILTIN.iter().enumerate().map(schema).collect()
});

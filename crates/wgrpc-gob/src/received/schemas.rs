//! Schemas of the types that a peer has defined.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::Ordering;

use super::{Definition, Kind, Slot, Types};
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
        let nodes = self.nodes(self.complete(id)?.ty);
        Ok(self.make_schema(&nodes))
    }

    /// The ids of the types that have been defined so far, in the order in which they were first
    /// mentioned.
    pub fn ids(&self) -> impl Iterator<Item = Id> {
        let is_defined = |&id: &Id| {
            let slot = self.slot(id);
            slot.is_some_and(|slot| self.definition(slot).is_ok())
        };
        let mentioned = self.growth.read().mentioned.clone();
        mentioned.into_iter().filter(is_defined)
    }

    /// The schema of `ty`, which is complete; `None` if making it costs more than `budget` has
    /// left.
    pub(crate) fn schema_of(&self, ty: &Definition, budget: &mut usize) -> Option<Schema> {
        if let Some(schema) = ty.schema.get() {
            return Some(schema.clone());
        }
        let nodes = self.nodes(ty);
        let cost = nodes.iter().map(|node| node.cost()).sum();
        *budget = budget.checked_sub(cost)?;
        let schema = self.make_schema(&nodes);
        if cost <= KEPT && (ty.slot.user().is_none() || self.has_room_for_schema(cost)) {
            let _ = ty.schema.set(schema.clone());
        }
        Some(schema)
    }

    /// Whether another schema may be kept, which then takes the room.
    fn has_room_for_schema(&self, cost: usize) -> bool {
        let less = |room: usize| room.checked_sub(cost);
        let room = &self.schemas;
        room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_ok()
    }

    /// The types that `root` leads to, in the order that a schema has them.
    fn nodes<'t>(&'t self, root: &'t Definition) -> Vec<&'t Definition> {
        let mut nodes = Vec::new();
        let mut known = HashSet::new();
        let mut next = vec![root];
        while let Some(ty) = next.pop() {
            if !known.insert(ty.slot) {
                continue;
            }
            nodes.push(ty);
            let first = next.len();
            let inner = ty.kind.inner().filter(|inner| !known.contains(inner));
            next.extend(inner.filter_map(|inner| self.definition(inner).ok()));
            next[first..].reverse();
        }
        nodes
    }

    fn make_schema(&self, nodes: &[&Definition]) -> Schema {
        let places: HashMap<Slot, Ref> = (nodes.iter().enumerate())
            .map(|(place, ty)| (ty.slot, Ref::new(place)))
            .collect();
        let ids = nodes.iter().map(|ty| self.id(ty.slot)).collect();
        let node = |ty: &&Definition| Node {
            name: ty.name().into(),
            shape: ty.kind.shape(&places),
        };
        Schema::numbered(nodes.iter().map(node).collect(), ids)
    }
}

impl Definition {
    /// What the type costs in a schema, in bytes, roughly.
    fn cost(&self) -> usize {
        let inner = match &self.kind {
            Kind::Struct(structure) => structure.cost(COST),
            _ => 0,
        };
        COST + self.name().len() + inner
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

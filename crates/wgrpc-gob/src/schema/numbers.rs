//! Giving types their ids: once a process for static types, once a connection for the others.
//!
//! The id follows from the structure, so that the bytes of a value with a static type are the
//! same on every connection: one encoding serves them all, and only the definitions are sent
//! once for each.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use parking_lot::Mutex;

use super::builder::Ref;
use super::{Node, Schema};
use crate::error::{Category, Error, Result};
use crate::types::{Id, Shape};

/// Where the ids of the types begin that are numbered for one connection.
const FIRST_DYNAMIC: i32 = Id::FIRST_DYNAMIC.number();

/// How many bytes the structures of one connection's types may take together. Each of them spells
/// out the types inside it too, so that of types which refer to each other there could be very
/// many.
const DYNAMIC_STRUCTURES: usize = 2 << 20;

/// How many bytes the descriptions may take whose schemas one connection keeps.
const KEPT_DESCRIPTIONS: usize = 128 << 10;

/// Ids by structure.
#[derive(Debug)]
struct Numbers {
    by_structure: HashMap<Box<[u8]>, Id>,
    next: i32,
    end: i32,
    /// How many bytes of structures there is still room for.
    room: usize,
}

/// Why there is no number for another type.
enum Full {
    Numbers,
    Structures,
}

impl Numbers {
    fn new(first: i32, most: usize, room: usize) -> Self {
        let most = i32::try_from(most).unwrap_or(i32::MAX);
        Self {
            by_structure: HashMap::new(),
            next: first,
            end: first.saturating_add(most),
            room,
        }
    }

    /// The ids of `nodes`.
    fn number(&mut self, nodes: &[Node]) -> std::result::Result<Box<[Id]>, Full> {
        (0..nodes.len())
            .map(|index| {
                if let Some(id) = nodes[index].shape.builtin() {
                    return Ok(id);
                }
                let key = structure(nodes, Ref::new(index));
                if let Some(&id) = self.by_structure.get(&key) {
                    return Ok(id);
                }
                if self.next >= self.end {
                    return Err(Full::Numbers);
                }
                self.room = self.room.checked_sub(key.len()).ok_or(Full::Structures)?;
                let id = Id::new(self.next);
                self.next += 1;
                self.by_structure.insert(key, id);
                Ok(id)
            })
            .collect()
    }
}

/// Numbers the types of a static schema, for the life of the process.
pub(super) fn number_statically(nodes: Box<[Node]>) -> std::result::Result<Schema, String> {
    static NUMBERS: LazyLock<Mutex<Numbers>> = LazyLock::new(|| {
        let first = Id::FIRST_USER.number();
        let most = (FIRST_DYNAMIC - first) as usize;
        Mutex::new(Numbers::new(first, most, usize::MAX))
    });
    match NUMBERS.lock().number(&nodes) {
        Ok(ids) => Ok(Schema::numbered(nodes, ids)),
        Err(Full::Numbers | Full::Structures) => {
            Err("the process has used up the ids for static types".to_owned())
        }
    }
}

/// The types of one connection that have no static schema: inferred from values, or read from
/// another stream. Cheap to clone; the clones share one numbering.
#[derive(Clone, Debug)]
pub struct Dynamics(Arc<Mutex<Known>>);

#[derive(Debug)]
struct Known {
    numbers: Numbers,
    /// The schemas that have been made, by descriptions of their types: they are asked for again
    /// with every value.
    schemas: HashMap<Box<[u8]>, Schema>,
    /// How many bytes of descriptions there is still room for.
    room: usize,
}

impl Dynamics {
    /// Room for `types` types.
    pub fn new(types: usize) -> Self {
        Self(Arc::new(Mutex::new(Known {
            numbers: Numbers::new(FIRST_DYNAMIC, types, DYNAMIC_STRUCTURES),
            schemas: HashMap::new(),
            room: KEPT_DESCRIPTIONS,
        })))
    }

    /// The schema of the types that `description` stands for, numbered. `nodes` makes them, the
    /// root first, if it is not known already.
    pub(crate) fn schema(
        &self,
        description: &[u8],
        nodes: impl FnOnce() -> Result<Box<[Node]>>,
    ) -> Result<Schema> {
        if let Some(schema) = self.0.lock().schemas.get(description) {
            return Ok(schema.clone());
        }
        let nodes = nodes()?;
        let mut known = self.0.lock();
        let schema = match known.numbers.number(&nodes) {
            Ok(ids) => Schema::numbered(nodes, ids),
            Err(full) => return Err(known.numbers.refusal(full)),
        };
        if let Some(room) = known.room.checked_sub(description.len()) {
            known.room = room;
            known.schemas.insert(description.into(), schema.clone());
        }
        Ok(schema)
    }
}

impl Numbers {
    #[cold]
    fn refusal(&self, full: Full) -> Error {
        match full {
            Full::Numbers => {
                let found = "one more type without a static schema";
                Error::limit("types", self.end - FIRST_DYNAMIC, found)
            }
            Full::Structures => Error::new(
                Category::Limit,
                format_args!(
                    "the types without static schemas take more than {DYNAMIC_STRUCTURES} bytes"
                ),
            ),
        }
    }
}

/// A text that two types share exactly if their structures and names agree: the types in
/// depth-first order, one met before by its place in that order.
fn structure(nodes: &[Node], root: Ref) -> Box<[u8]> {
    let mut key = Vec::new();
    let mut order = HashMap::new();
    let mut next = vec![root];
    while let Some(reference) = next.pop() {
        let place = order.len() as u32;
        if let Some(known) = order.get(&reference) {
            key.push(b'^');
            key.extend(u32::to_be_bytes(*known));
            continue;
        }
        order.insert(reference, place);
        let node = &nodes[reference.index()];
        key.extend(node.shape.kind().as_bytes());
        put_text(&mut key, &node.name);
        match &node.shape {
            Shape::Array(_, len) => key.extend(len.to_be_bytes()),
            Shape::Opaque(marshaler) => key.push(*marshaler as u8),
            Shape::Struct(fields) => {
                key.extend(fields.len().to_be_bytes());
                fields
                    .iter()
                    .for_each(|field| put_text(&mut key, &field.name));
            }
            // What may stand in an interface is no part of its type.
            Shape::Interface(_) => continue,
            _ => {}
        }
        let mut inner = node.shape.inner();
        inner.reverse();
        next.extend(inner);
    }
    key.into()
}

fn put_text(key: &mut Vec<u8>, text: &str) {
    key.extend(text.len().to_be_bytes());
    key.extend(text.as_bytes());
}

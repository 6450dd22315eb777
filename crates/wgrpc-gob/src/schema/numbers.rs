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
use crate::error::{Error, Result};
use crate::types::{Id, Shape};

/// Where the ids of the types begin that are numbered for one connection.
const FIRST_DYNAMIC: i32 = Id::FIRST_DYNAMIC.number();

/// Ids by structure.
#[derive(Debug)]
struct Numbers {
    by_structure: HashMap<Box<[u8]>, Id>,
    next: i32,
    end: i32,
}

impl Numbers {
    fn new(first: i32, most: usize) -> Self {
        let most = i32::try_from(most).unwrap_or(i32::MAX);
        Self {
            by_structure: HashMap::new(),
            next: first,
            end: first.saturating_add(most),
        }
    }

    /// The ids of `nodes`, or `None` if there are too many types.
    fn number(&mut self, nodes: &[Node]) -> Option<Box<[Id]>> {
        (0..nodes.len())
            .map(|index| {
                if let Some(id) = nodes[index].shape.builtin() {
                    return Some(id);
                }
                let key = structure(nodes, Ref::new(index));
                if let Some(&id) = self.by_structure.get(&key) {
                    return Some(id);
                }
                let id = Id::new(self.next);
                self.next = self.next.checked_add(1).filter(|&next| next <= self.end)?;
                self.by_structure.insert(key, id);
                Some(id)
            })
            .collect()
    }
}

/// Numbers the types of a static schema, for the life of the process.
pub(super) fn number_statically(nodes: Box<[Node]>) -> std::result::Result<Schema, String> {
    static NUMBERS: LazyLock<Mutex<Numbers>> = LazyLock::new(|| {
        let first = Id::FIRST_USER.number();
        Mutex::new(Numbers::new(first, (FIRST_DYNAMIC - first) as usize))
    });
    match NUMBERS.lock().number(&nodes) {
        Some(ids) => Ok(Schema::numbered(nodes, ids)),
        None => Err("the process has used up the ids for static types".to_owned()),
    }
}

/// The types of one connection that have no static schema: inferred from values, or read from
/// another stream. Cheap to clone; the clones share one numbering.
#[derive(Clone, Debug)]
pub struct Dynamics(Arc<Mutex<Numbers>>);

impl Dynamics {
    /// Room for `types` types.
    pub fn new(types: usize) -> Self {
        Self(Arc::new(Mutex::new(Numbers::new(FIRST_DYNAMIC, types))))
    }

    /// The same types with the numbers that they have here.
    pub(crate) fn renumber(&self, schema: &Schema) -> Result<Schema> {
        schema.check()?;
        self.number(schema.0.nodes.clone())
    }

    /// Numbers the types of `nodes`, whose first is the root.
    pub(crate) fn number(&self, nodes: Box<[Node]>) -> Result<Schema> {
        let mut numbers = self.0.lock();
        match numbers.number(&nodes) {
            Some(ids) => Ok(Schema::numbered(nodes, ids)),
            None => {
                let most = numbers.end - FIRST_DYNAMIC;
                Err(Error::limit(
                    "types",
                    most,
                    "one more type without a static schema",
                ))
            }
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

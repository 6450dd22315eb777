//! Which types one stream has been told of.

use std::collections::HashSet;

use crate::schema::Schema;
use crate::types::Id;

/// The types that have been defined on one stream, so that none is defined twice.
///
/// A value's bytes are made without a stream in mind; what the stream needs to know first is
/// decided here, where the values come in order:
///
/// ```
/// use wgrpc_gob::{Dynamics, Limits, Schema, Sent, encode};
///
/// let (schema, limits) = (Schema::of::<[bool; 2]>(), Limits::default());
/// let dynamics = Dynamics::new(limits.types);
/// let mut message = Vec::new();
/// let needs = encode(schema, &[true, false], &dynamics, &limits, &mut message)?;
///
/// let (mut sent, mut stream) = (Sent::new(), Vec::new());
/// sent.define(schema, &mut stream);
/// for schema in &needs {
///     sent.define(schema, &mut stream);
/// }
/// stream.extend(message);
/// # assert_eq!(stream, wgrpc_gob::to_vec(&[true, false])?);
/// # wgrpc_gob::Result::Ok(())
/// ```
#[derive(Debug, Default)]
pub struct Sent {
    /// The ids of this process: dense, from the first id that a user's type can have.
    statics: Vec<u64>,
    /// The ids of one connection.
    dynamics: HashSet<Id>,
}

impl Sent {
    /// A stream that has carried nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends the definitions of the types of `schema` that the stream has not carried yet, and
    /// marks them. Almost always there are none, and that is seen at once.
    ///
    /// The schema must be numbered for this stream: a static one ([`Schema::of`]), or one that
    /// [`encode`](crate::encode) returned.
    #[inline]
    pub fn define(&mut self, schema: &Schema, out: &mut Vec<u8>) {
        if !self.has(schema) {
            self.define_missing(schema, out);
        }
    }

    /// Whether the stream has carried every definition that `schema` needs.
    #[inline]
    pub fn has(&self, schema: &Schema) -> bool {
        match schema.definitions() {
            [] => true,
            // A type is defined together with all that are inside it, except for what may stand
            // in an interface, which is no part of the type.
            [root, ..] if !schema.has_interface() => self.contains(root.id),
            _ => self.has_all(schema),
        }
    }

    #[cold]
    fn has_all(&self, schema: &Schema) -> bool {
        let mut all = schema.definitions().iter();
        all.all(|definition| self.contains(definition.id))
    }

    #[cold]
    fn define_missing(&mut self, schema: &Schema, out: &mut Vec<u8>) {
        for definition in schema.definitions() {
            if self.insert(definition.id) {
                out.extend_from_slice(&definition.message);
            }
        }
    }

    #[inline]
    fn contains(&self, id: Id) -> bool {
        match Bit::of(id) {
            Some(bit) => (self.statics.get(bit.word)).is_some_and(|word| word & bit.mask != 0),
            None => self.contains_dynamic(id),
        }
    }

    #[cold]
    fn contains_dynamic(&self, id: Id) -> bool {
        self.dynamics.contains(&id)
    }

    /// Marks `id`, and says whether it was not marked before.
    fn insert(&mut self, id: Id) -> bool {
        let Some(bit) = Bit::of(id) else {
            return self.dynamics.insert(id);
        };
        if self.statics.len() <= bit.word {
            self.statics.resize(bit.word + 1, 0);
        }
        let word = &mut self.statics[bit.word];
        let is_new = *word & bit.mask == 0;
        *word |= bit.mask;
        is_new
    }
}

/// The place of a static id in the bit set.
struct Bit {
    word: usize,
    mask: u64,
}

impl Bit {
    #[inline]
    fn of(id: Id) -> Option<Self> {
        let bit = usize::try_from(id.number() - Id::FIRST_USER.number()).ok()?;
        (!id.is_dynamic()).then_some(Self {
            word: bit / 64,
            mask: 1 << (bit % 64),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{Builder, Gob, Ref};

    struct Circle;

    impl Gob for Circle {
        fn describe(types: &mut Builder) -> Ref {
            let float = types.float();
            types.structure("Circle", [("R", "r", float)])
        }
    }

    /// An interface in a struct that allows circles.
    struct Closed;

    impl Gob for Closed {
        fn describe(types: &mut Builder) -> Ref {
            let circle = types.of::<Circle>();
            let shape = types.interface_of([("Circle", "main.Circle", circle)]);
            types.structure("Drawing", [("Shape", "shape", shape)])
        }
    }

    /// The same type on the wire, whose interface allows nothing in particular.
    struct Open;

    impl Gob for Open {
        fn describe(types: &mut Builder) -> Ref {
            let shape = types.interface();
            types.structure("Drawing", [("Shape", "shape", shape)])
        }
    }

    fn define<T: Gob>(sent: &mut Sent) -> Vec<u8> {
        let mut out = Vec::new();
        sent.define(Schema::of::<T>(), &mut out);
        assert!(sent.has(Schema::of::<T>()));
        out
    }

    #[test]
    fn a_type_is_defined_once_for_each_stream() {
        let mut sent = Sent::new();
        let first = define::<Circle>(&mut sent);
        assert!(!first.is_empty());
        assert!(define::<Circle>(&mut sent).is_empty());
        assert!(define::<i64>(&mut sent).is_empty());
        assert_eq!(define::<Circle>(&mut Sent::new()), first);
    }

    #[test]
    fn a_structure_that_occurs_twice_in_one_schema_is_defined_once() {
        let once = define::<Vec<i32>>(&mut Sent::new());
        let both = define::<(Vec<i32>, Vec<i64>)>(&mut Sent::new());
        let count = |bytes: &[u8]| bytes.windows(once.len()).filter(|w| *w == once).count();
        assert_eq!(count(&both), 1);
    }

    #[test]
    fn types_in_an_interface_are_defined_even_if_the_type_around_it_is_known() {
        assert_eq!(Schema::of::<Open>().id(), Schema::of::<Closed>().id());
        let mut sent = Sent::new();
        define::<Open>(&mut sent);
        let circle = define::<Circle>(&mut Sent::new());
        assert_eq!(define::<Closed>(&mut sent), circle);
    }
}

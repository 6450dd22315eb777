//! `uuid::Uuid` as Go's `uuid.UUID` (github.com/google/uuid), a type that marshals itself to its
//! 16 bytes; in text formats it is the usual text on both sides.

use crate::schema::{Builder, Gob, Ref};
use crate::types::Marshaler;

impl Gob for uuid::Uuid {
    fn describe(types: &mut Builder) -> Ref {
        types.opaque("UUID", Marshaler::Binary)
    }
}

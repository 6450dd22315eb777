//! What a message needs besides its bytes: types that its stream has to know, and long bytes that
//! were left out of it.

use std::sync::Arc;

use super::Segment;
use crate::schema::Schema;

/// What a message needs besides the bytes that were appended.
///
/// Most need nothing, which costs no more than a pointer; clones share what there is.
#[derive(Clone, Debug, Default)]
pub struct Needs(Option<Arc<Needed>>);

#[derive(Clone, Debug, Default)]
pub(super) struct Needed {
    pub(super) schemas: Vec<Schema>,
    pub(super) segments: Vec<Segment>,
}

impl Needs {
    /// The schemas that must have been [defined](crate::Sent::define) on the stream before the
    /// message, besides that of its value: the types of what stands in its interfaces, or the whole
    /// type of an inferred value.
    #[inline]
    pub fn schemas(&self) -> &[Schema] {
        self.0.as_deref().map_or(&[], |needed| &needed.schemas)
    }

    /// What was left out of the buffer, in the order of the message.
    #[inline]
    pub fn segments(&self) -> &[Segment] {
        self.0.as_deref().map_or(&[], |needed| &needed.segments)
    }

    /// Whether there is nothing of either.
    #[inline]
    pub(super) fn is_nothing(&self) -> bool {
        self.0.is_none()
    }

    pub(super) fn into_schemas(self) -> Vec<Schema> {
        self.0
            .map_or_else(Vec::new, |needed| Arc::unwrap_or_clone(needed).schemas)
    }

    /// The same, to be changed.
    pub(super) fn noted(&mut self) -> &mut Needed {
        Arc::make_mut(self.0.get_or_insert_default())
    }
}

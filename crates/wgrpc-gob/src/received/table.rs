//! A table that grows while others read it: nothing in it is ever moved, changed or removed.

use std::sync::OnceLock;

/// How many places the first chunk has; each further one has twice as many as the one before.
const FIRST_CHUNK: usize = 16;
const CHUNKS: usize = 20;

/// An append-only table. Reading takes no lock, and growing copies nothing, so that any number
/// of snapshots of it may be around.
#[derive(Debug)]
pub(super) struct Table<T> {
    chunks: [OnceLock<Box<[OnceLock<T>]>>; CHUNKS],
}

impl<T> Table<T> {
    /// How many entries there can be.
    pub(super) const CAPACITY: usize = FIRST_CHUNK * ((1 << CHUNKS) - 1);

    pub(super) const fn new() -> Self {
        Self {
            chunks: [const { OnceLock::new() }; CHUNKS],
        }
    }

    #[inline]
    pub(super) fn entry(&self, index: usize) -> Option<&T> {
        let (chunk, place) = locate(index);
        self.chunks.get(chunk)?.get()?.get(place)?.get()
    }

    /// Fills the place `index`, if it exists and is empty.
    pub(super) fn fill(&self, index: usize, entry: T) {
        let (chunk, place) = locate(index);
        if let Some(chunk_places) = self.chunks.get(chunk) {
            let places = chunk_places
                .get_or_init(|| (0..FIRST_CHUNK << chunk).map(|_| OnceLock::new()).collect());
            // A place that is filled already keeps what it has.
            let _ = places[place].set(entry);
        }
    }
}

/// The chunk, and the place in it, of entry `index`.
#[inline]
fn locate(index: usize) -> (usize, usize) {
    let number = index + FIRST_CHUNK;
    let chunk = (number.ilog2() - FIRST_CHUNK.ilog2()) as usize;
    (chunk, number - (FIRST_CHUNK << chunk))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_has_a_place_of_its_own() {
        let table = Table::new();
        for index in 0..1000 {
            assert_eq!(table.entry(index), None);
            table.fill(index, index);
            table.fill(index, 0);
        }
        assert!((0..1000).all(|index| table.entry(index) == Some(&index)));
        assert_eq!(table.entry(Table::<usize>::CAPACITY), None);
    }
}

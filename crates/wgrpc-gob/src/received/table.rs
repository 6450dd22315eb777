//! A table that grows while others read it: nothing in it is ever moved, changed or removed.

use std::sync::OnceLock;

/// How many places the first chunk has; each further one has twice as many as the one before.
const FIRST_CHUNK: usize = 16;
const CHUNKS: usize = 20;

/// A table whose places begin empty and never move. Reading takes no lock, and growing copies
/// nothing, so that any number of snapshots of it may be around.
#[derive(Debug)]
pub(super) struct Table<T> {
    chunks: [OnceLock<Box<[T]>>; CHUNKS],
}

impl<T: Default> Table<T> {
    /// How many entries there can be.
    pub(super) const CAPACITY: usize = FIRST_CHUNK * ((1 << CHUNKS) - 1);

    pub(super) const fn new() -> Self {
        Self {
            chunks: [const { OnceLock::new() }; CHUNKS],
        }
    }

    /// The place `index`, if there has been need of it or of its neighbours.
    #[inline]
    pub(super) fn get(&self, index: usize) -> Option<&T> {
        let (chunk, place) = locate(index);
        self.chunks.get(chunk)?.get()?.get(place)
    }

    /// The place `index`, which is made if there is none yet; `None` beyond the
    /// [capacity](Self::CAPACITY).
    pub(super) fn make(&self, index: usize) -> Option<&T> {
        let (chunk, place) = locate(index);
        let empty = || (0..FIRST_CHUNK << chunk).map(|_| T::default()).collect();
        self.chunks.get(chunk)?.get_or_init(empty).get(place)
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
    fn every_index_has_a_place_of_its_own() {
        let table = Table::<OnceLock<usize>>::new();
        for index in 0..1000 {
            assert_eq!(table.get(index).and_then(OnceLock::get), None);
            table.make(index).unwrap().set(index).unwrap();
        }
        assert!((0..1000).all(|index| table.get(index).unwrap().get() == Some(&index)));
        assert!(table.make(Table::<OnceLock<usize>>::CAPACITY).is_none());
    }
}

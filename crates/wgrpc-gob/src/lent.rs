//! Bytes that change hands without being copied.
//!
//! serde hands over slices, and a slice does not say who owns it. So whoever has the block that a
//! slice lies in lends it to the thread for as long as the slice is on its way, and whoever gets
//! the slice can become one more owner of the block instead of copying it. It works in both
//! directions: what is read stands in the block that has arrived, and what is written is a block
//! of its own.

use std::cell::Cell;

use bytes::Bytes;

/// Shorter bytes are copied into what is written: that costs less than to keep them apart.
pub(crate) const LONG: usize = 16 << 10;

thread_local! {
    static LENT: Cell<Option<Block>> = const { Cell::new(None) };
}

/// Bytes of which values can keep parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// All of the bytes, which stay in memory as long as somebody keeps a part of them.
    pub bytes: Bytes,
    /// Shorter parts are copied, so that little never keeps much in memory.
    pub least: usize,
}

/// Does `work`; a `bytes::Bytes` that is read meanwhile keeps its part of `block`, instead of a
/// copy of it, if it is read through the adapter [`adapt::bytes`](crate::adapt::bytes).
///
/// ```
/// use bytes::Bytes;
/// use wgrpc_gob::adapt::Go;
/// use wgrpc_gob::{Block, Limits, Scan, Scanner, decode, lend, to_vec};
///
/// let block = Bytes::from(to_vec(&Go(vec![7; 1 << 20]))?);
/// let mut scanner = Scanner::new(Limits::default());
/// let Scan::Value { id, payload, .. } = scanner.scan(&block)? else { panic!() };
/// let lent = Block { bytes: block.clone(), least: 1 << 10 };
/// let Go(value): Go<Bytes> =
///     lend(Some(lent), || decode(scanner.types(), id, &payload, &Limits::default()))?;
/// assert!(block.as_ptr_range().contains(&value.as_ptr()));
/// # Ok::<(), wgrpc_gob::Error>(())
/// ```
pub fn lend<T>(block: Option<Block>, work: impl FnOnce() -> T) -> T {
    let _lease = block.map(|block| Lease {
        outer: LENT.replace(Some(block)),
    });
    work()
}

/// Ends what it has begun even if there is a panic, so that no thread keeps a block.
struct Lease {
    outer: Option<Block>,
}

impl Drop for Lease {
    fn drop(&mut self) {
        LENT.set(self.outer.take());
    }
}

/// `part` as one more owner of the block that is lent, if it is a part of that.
pub(crate) fn shared(part: &[u8]) -> Option<Bytes> {
    let block = LENT.take()?;
    let (all, here) = (block.bytes.as_ptr_range(), part.as_ptr_range());
    let is_inside = all.start <= here.start && here.end <= all.end;
    let shared = (is_inside && part.len() >= block.least).then(|| block.bytes.slice_ref(part));
    LENT.set(Some(block));
    shared
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(bytes: &Bytes) -> Option<Block> {
        Some(Block {
            bytes: bytes.clone(),
            least: 3,
        })
    }

    #[test]
    fn parts_of_what_is_lent_are_shared_unless_they_are_too_short_or_of_something_else() {
        let (bytes, others) = (Bytes::from(vec![7; 9]), [7; 9]);
        lend(block(&bytes), || {
            for part in [&bytes[..], &bytes[2..5], &bytes[6..]] {
                let shared = shared(part).unwrap();
                assert_eq!((shared.as_ptr(), shared.len()), (part.as_ptr(), part.len()));
            }
            assert_eq!(shared(&bytes[2..4]), None);
            assert_eq!(shared(&others), None);
        });
        assert_eq!(shared(&bytes), None);
    }

    #[test]
    fn a_block_is_given_back_to_whom_it_was_lent_before_even_after_a_panic() {
        let (outer, inner) = (Bytes::from(vec![1; 9]), Bytes::from(vec![2; 9]));
        lend(block(&outer), || {
            let panicked = std::panic::catch_unwind(|| {
                lend(block(&inner), || {
                    assert!(shared(&inner).is_some() && shared(&outer).is_none());
                    panic!("in the middle of it");
                })
            });
            assert!(panicked.is_err());
            assert!(shared(&outer).is_some() && shared(&inner).is_none());
        });
        assert!(outer.is_unique() && inner.is_unique());
    }
}

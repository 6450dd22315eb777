//! Bytes in the order in which they are to be written: small pieces side by side in one buffer,
//! large ones as they are.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes};

/// How many pieces go into one system call.
const SLICES: usize = 64;

/// Bytes that wait to be written.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    /// What comes first: finished pieces.
    pieces: VecDeque<Bytes>,
    /// What comes behind them, still growing.
    tail: Vec<u8>,
    len: usize,
    /// How long the tail was when it was last written at once: what comes next is often as long.
    usual: usize,
}

/// No more room than this is made at a time for what usually comes.
const USUAL_MAX: usize = 64 << 10;

impl Queue {
    /// How many bytes wait.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Lets `write` append to the buffer, and takes it back if that fails.
    #[inline]
    pub(crate) fn append<E>(
        &mut self,
        write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let start = self.tail.len();
        if self.tail.capacity() == 0 && self.is_empty() {
            self.tail.reserve(self.usual);
        }
        let result = write(&mut self.tail);
        if result.is_err() {
            self.tail.truncate(start);
        }
        self.len += self.tail.len() - start;
        result
    }

    /// Appends bytes by copying them.
    #[inline]
    pub(crate) fn push_slice(&mut self, bytes: &[u8]) {
        self.tail.extend_from_slice(bytes);
        self.len += bytes.len();
    }

    /// Appends bytes without copying them, which pays if they are many.
    pub(crate) fn push_piece(&mut self, bytes: Bytes) {
        self.close_tail();
        self.len += bytes.len();
        self.pieces.push_back(bytes);
    }

    fn close_tail(&mut self) {
        if !self.tail.is_empty() {
            self.pieces.push_back(std::mem::take(&mut self.tail).into());
        }
    }

    /// The pieces at the front, for one system call.
    pub(crate) fn slices<'a>(&'a self, slices: &mut [IoSlice<'a>; SLICES]) -> usize {
        let tail = Some(&self.tail[..]).filter(|tail| !tail.is_empty());
        let mut count = 0;
        for piece in self
            .pieces
            .iter()
            .map(|piece| &piece[..])
            .chain(tail)
            .take(SLICES)
        {
            slices[count] = IoSlice::new(piece);
            count += 1;
        }
        count
    }

    /// Empty slices for [`slices`](Self::slices) to fill.
    pub(crate) fn no_slices<'a>() -> [IoSlice<'a>; SLICES] {
        [IoSlice::new(&[]); SLICES]
    }

    /// Drops `count` bytes that have been written.
    pub(crate) fn advance(&mut self, mut count: usize) {
        self.len -= count;
        while let Some(piece) = self.pieces.front_mut() {
            if count < piece.len() {
                return piece.advance(count);
            }
            count -= piece.len();
            self.pieces.pop_front();
        }
        if count == self.tail.len() {
            // The usual case: everything went out in one write. The buffer stays for the next.
            if count > 0 {
                self.usual = count.next_power_of_two().min(USUAL_MAX);
            }
            self.tail.clear();
        } else if count > 0 {
            self.close_tail();
            if let Some(piece) = self.pieces.front_mut() {
                piece.advance(count);
            }
        }
    }

    /// Gives memory back that an idle connection does not need.
    pub(crate) fn shrink(&mut self, to: usize) {
        if self.is_empty() && self.tail.capacity() > to {
            self.tail = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGE: usize = 16 << 10;

    /// Takes everything out, `step` bytes at a time.
    fn drain(queue: &mut Queue, step: usize) -> Vec<u8> {
        let mut out = Vec::new();
        while !queue.is_empty() {
            let mut slices = Queue::no_slices();
            let count = queue.slices(&mut slices);
            let all: Vec<u8> = slices[..count]
                .iter()
                .flat_map(|s| s.iter().copied())
                .collect();
            let taken = all.len().min(step);
            out.extend(&all[..taken]);
            queue.advance(taken);
        }
        out
    }

    #[test]
    fn bytes_come_out_in_order_whatever_their_size_and_the_size_of_writes() {
        for step in [997, 4096, LARGE, LARGE + 3, usize::MAX] {
            let mut queue = Queue::default();
            let mut expected: Vec<u8> = Vec::new();
            for (i, len) in [3, LARGE, 5, 6, 2 * LARGE, 1].into_iter().enumerate() {
                let piece = vec![i as u8; len];
                expected.extend(&piece);
                if len < LARGE {
                    queue.push_slice(&piece);
                } else {
                    queue.push_piece(piece.into());
                }
            }
            assert_eq!(queue.len(), expected.len());
            assert!(drain(&mut queue, step) == expected, "in steps of {step}");
            assert_eq!(queue.len(), 0);
        }
    }

    #[test]
    fn room_is_made_once_for_as_much_as_was_written_last() {
        let mut queue = Queue::default();
        let append = |queue: &mut Queue| {
            let appended: Result<(), ()> = queue.append(|tail| {
                tail.extend_from_slice(&[7; 100]);
                Ok(())
            });
            appended.unwrap();
        };
        (0..40).for_each(|_| append(&mut queue));
        drain(&mut queue, usize::MAX);
        queue.shrink(0);
        assert_eq!(queue.tail.capacity(), 0);
        append(&mut queue);
        assert_eq!(queue.tail.capacity(), 4096);
        // What stands behind a piece is often the last.
        queue.push_piece(vec![7; LARGE].into());
        append(&mut queue);
        assert!(queue.tail.capacity() < 4096);
        // Nor is there anything to expect from pieces.
        let mut pieces = Queue::default();
        pieces.push_piece(vec![7; LARGE].into());
        drain(&mut pieces, usize::MAX);
        assert_eq!(pieces.usual, 0);
    }

    #[test]
    fn what_could_not_be_appended_leaves_no_trace() {
        let mut queue = Queue::default();
        queue.push_slice(b"before");
        let failed = queue.append(|tail| {
            tail.extend_from_slice(b"half");
            Err("no")
        });
        assert_eq!(failed, Err("no"));
        assert_eq!(drain(&mut queue, 100), b"before");
    }
}

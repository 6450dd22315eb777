//! Long bytes that are left out of the buffer: they are sent from where they are.
//!
//! All that is known of the message's length, here and around, counts them as if they stood in it.

use bytes::Bytes;

use super::{LONG, Writer, wire};
use crate::lent::shared;

/// Bytes of a message that do not stand in the buffer that it was appended to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Where in the buffer they belong: behind so many of its bytes.
    pub at: usize,
    /// The bytes.
    pub bytes: Bytes,
}

impl Writer<'_> {
    /// Writes bytes that are many, behind their count, or leaves them out if their owner has lent
    /// them.
    pub(super) fn put_long(&mut self, bytes: &[u8]) {
        wire::put_uint(&mut self.out, bytes.len() as u64);
        match Some(bytes).filter(|_| self.leaves_out).and_then(shared) {
            Some(bytes) => {
                // There is so much less room for the rest; that there was enough has been checked.
                self.end -= bytes.len();
                let at = self.out.len();
                self.needs.segments.push(Segment { at, bytes });
            }
            None => {
                // What follows should not move them.
                self.out.reserve(bytes.len() + LONG);
                self.out.extend_from_slice(bytes);
            }
        }
    }

    /// How many bytes of the message there are from `start` on, where nothing was left out.
    #[inline]
    pub(super) fn len_from(&self, start: usize) -> usize {
        let left_out = &self.needs.segments[self.first_behind(start)..];
        let left_out = left_out.iter().map(|segment| segment.bytes.len());
        self.out.len() - start + left_out.sum::<usize>()
    }

    /// Notes that what stands behind `at` will stand behind `to`.
    #[cold]
    pub(super) fn move_segments(&mut self, at: usize, to: usize) {
        let first = self.first_behind(at);
        for segment in &mut self.needs.segments[first..] {
            segment.at = segment.at - at + to;
        }
    }

    /// Puts the bytes that were left out behind `start` into their places, and leaves none out any
    /// more: what stands there is about to be taken apart.
    #[cold]
    pub(super) fn join_segments(&mut self, start: usize) {
        self.leaves_out = false;
        let first = self.first_behind(start);
        // The last one first, so that the others stay where they belong.
        for Segment { at, bytes } in self.needs.segments.drain(first..).rev() {
            self.end += bytes.len();
            self.out.bytes.splice(at..at, bytes);
        }
    }

    /// The first of those that were left out behind `start`. (At `start` itself only something that
    /// ends there can be: a count stands before everything that is left out.)
    #[inline]
    fn first_behind(&self, start: usize) -> usize {
        let segments = &self.needs.segments;
        let is_behind = |segment: &&Segment| segment.at > start;
        segments.len() - segments.iter().rev().take_while(is_behind).count()
    }
}

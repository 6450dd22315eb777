//! Long bytes that are left out of the buffer: they are sent from where they are.
//!
//! All that is known of the message's length, here and around, counts them as if they stood in it.

use bytes::Bytes;

use super::{Long, MANY, Writer, wire};
use crate::lent::shared;

/// Bytes of a message that do not stand in the buffer that it was appended to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Where they belong: behind so many of the message's bytes that stand in the buffer.
    pub at: usize,
    /// The bytes.
    pub bytes: Bytes,
}

impl Writer<'_> {
    /// Bytes that are many, to be left out if their owner has lent them; makes room for them if
    /// not.
    pub(super) fn apart(&mut self, bytes: &[u8]) -> Option<Bytes> {
        let apart = Some(bytes)
            .filter(|_| self.long == Long::LeftOut)
            .and_then(shared);
        if apart.is_none() {
            // What follows should not move them.
            self.out.reserve(bytes.len() + MANY);
        }
        apart
    }

    /// Writes bytes that are many, behind their count, unless they stay apart.
    pub(super) fn put_long(&mut self, bytes: &[u8], apart: Option<Bytes>) {
        wire::put_uint(&mut self.out, bytes.len() as u64);
        match apart {
            Some(bytes) => {
                // There is so much less room for the rest; that there was enough has been checked.
                self.end -= bytes.len();
                let at = self.out.len();
                self.needs.noted().segments.push(Segment { at, bytes });
            }
            None => self.out.extend_from_slice(bytes),
        }
    }

    /// How many bytes of the message there are from `start` on, where nothing was left out.
    #[inline]
    pub(super) fn len_from(&self, start: usize) -> usize {
        let len = self.out.len() - start;
        if self.needs.is_nothing() {
            return len;
        }
        len + self.left_out_from(start)
    }

    #[cold]
    fn left_out_from(&self, start: usize) -> usize {
        let left_out = &self.needs.segments()[self.first_behind(start)..];
        left_out.iter().map(|segment| segment.bytes.len()).sum()
    }

    /// Notes that what stands behind `at` will stand behind `to`.
    #[inline]
    pub(super) fn move_segments(&mut self, at: usize, to: usize) {
        if !self.needs.is_nothing() {
            self.move_all(at, to);
        }
    }

    #[cold]
    fn move_all(&mut self, at: usize, to: usize) {
        let first = self.first_behind(at);
        for segment in &mut self.needs.noted().segments[first..] {
            segment.at = segment.at - at + to;
        }
    }

    /// Puts the bytes that were left out behind `start` into their places, and leaves none out any
    /// more: what stands there is about to be taken apart.
    #[cold]
    pub(super) fn join_segments(&mut self, start: usize) {
        self.long = Long::Copied;
        if self.needs.is_nothing() {
            return;
        }
        let first = self.first_behind(start);
        let segments = self.needs.noted().segments.split_off(first);
        let Some(from) = segments.first().map(|segment| segment.at) else {
            return;
        };
        let rest = self.out.bytes.split_off(from);
        let mut done = 0;
        for Segment { at, bytes } in segments {
            self.end += bytes.len();
            self.out.extend_from_slice(&rest[done..at - from]);
            self.out.extend_from_slice(&bytes);
            done = at - from;
        }
        self.out.extend_from_slice(&rest[done..]);
    }

    /// The first of those that were left out behind `start`. (At `start` itself only something that
    /// ends there can be: a count stands before everything that is left out.)
    fn first_behind(&self, start: usize) -> usize {
        let segments = self.needs.segments();
        let is_behind = |segment: &&Segment| segment.at > start;
        segments.len() - segments.iter().rev().take_while(is_behind).count()
    }
}

//! A value that may come in pieces, because it brings types along.
//!
//! When a sender without foresight meets a new type inside an interface, it defines it on the
//! spot. At the top of a value the definition ends the message, and the value goes on in the
//! next one. Inside another interface it ends a counted piece of that interface's value, and the
//! next piece begins with a count of its own. Here such a value is put together again as it would
//! look had the types been known before.

use super::{defined_id, read_lead, value_id};
use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::received::{Complete, Types};
use crate::walk::{Stop, Walk};
use crate::wire::{Reader, UINT_MAX_LEN};

/// The longest name that Go takes for a type in an interface.
const MAX_NAME: usize = 1024;

/// The progress through one value.
#[derive(Debug)]
pub(super) struct Pieces {
    walk: Walk,
    stop: Option<Stop>,
    /// The interfaces around the place that the walk has come to.
    open: Vec<Interface>,
    /// The value put together, from its first definition on; `None` as long as the message
    /// itself will do.
    whole: Option<Vec<u8>>,
    /// How much of the message has been copied to `whole`.
    copied: usize,
    /// Whether a name has been read and the id of its type is next.
    in_header: bool,
}

#[derive(Debug)]
struct Interface {
    /// Where its count stands: in the message, or in `whole` as soon as there is one.
    count: (usize, usize),
    /// Where its current piece ends in the message.
    end: usize,
}

impl Pieces {
    pub(super) fn begin(
        root: Complete<'_>,
        reader: &mut Reader<'_>,
        limits: &Limits,
    ) -> Result<Self> {
        read_lead(root.ty, reader)?;
        let mut walk = Walk::new(limits);
        let stop = walk.begin(root.ty, reader)?;
        Ok(Self {
            walk,
            stop,
            open: Vec::new(),
            whole: None,
            copied: 0,
            in_header: false,
        })
    }

    /// Whether the value stands in the message as it should.
    pub(super) fn is_one(&self) -> bool {
        self.whole.is_none()
    }

    /// The value put together, its rest being what `reader` has read of the last message.
    pub(super) fn into_payload(mut self, reader: Reader<'_>) -> Vec<u8> {
        self.copy_to(reader.position(), &reader);
        self.whole.unwrap_or_default()
    }

    /// Goes on to the end of the value, or of the message: then it returns `false`.
    pub(super) fn run(&mut self, types: &Types, reader: &mut Reader<'_>) -> Result<bool> {
        loop {
            if self.in_header && !self.read_header(types, reader)? {
                return Ok(false);
            }
            let stop = match self.stop.take() {
                Some(stop) => stop,
                None => self.walk.run(types, reader)?,
            };
            match stop {
                Stop::End => return Ok(true),
                Stop::Interface => self.read_name(reader)?,
                Stop::InterfaceEnd => self.close(reader)?,
            }
        }
    }

    /// Reads the name that an interface value begins with; an empty one is nil.
    fn read_name(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        let at = reader.offset();
        let name = reader.bytes()?;
        if name.len() > MAX_NAME {
            let message = format_args!(
                "the name of a type in an interface has {} bytes, more than {MAX_NAME}",
                name.len()
            );
            return Err(Error::corrupt(at, message));
        }
        self.in_header = !name.is_empty();
        Ok(())
    }

    /// Reads what follows the name: definitions, if any, and then the id of the type and the
    /// size of the value. Returns `false` if the message ends before that.
    fn read_header(&mut self, types: &Types, reader: &mut Reader<'_>) -> Result<bool> {
        loop {
            if reader.is_empty() && self.open.is_empty() {
                self.split(reader.position(), reader);
                self.copied = 0;
                return Ok(false);
            }
            let (start, at) = (reader.position(), reader.offset());
            let number = reader.int()?;
            if number < 0 {
                self.split(start, reader);
                types.define(defined_id(number, at)?, reader)?;
                self.end_piece(reader)?;
                continue;
            }
            let inner = types.complete(value_id(number, at)?)?;
            self.open(reader)?;
            read_lead(inner.ty, reader)?;
            self.stop = self.walk.begin_inside(inner.ty, reader)?;
            self.in_header = false;
            return Ok(true);
        }
    }

    /// Reads the size of the value in an interface.
    fn open(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        let start = reader.position();
        let size = reader.count()?;
        let end = reader.position() + size;
        if self.open.last().is_some_and(|outer| outer.end < end) {
            return Err(cut(reader));
        }
        let count = if self.whole.is_some() {
            self.copy_to(start, reader);
            self.copied = reader.position();
            self.reserve_count()
        } else {
            (start, reader.position())
        };
        self.open.push(Interface { count, end });
        Ok(())
    }

    /// Closes the innermost interface, whose value has been walked over.
    fn close(&mut self, reader: &Reader<'_>) -> Result<()> {
        let Some(inner) = self.open.pop() else {
            return Ok(());
        };
        if reader.position() != inner.end {
            return Err(Error::corrupt(
                reader.offset(),
                "the value in an interface does not have the size that was announced",
            ));
        }
        self.copy_to(inner.end, reader);
        if let Some(whole) = &mut self.whole {
            let (start, end) = inner.count;
            let size = (whole.len() - end) as u64;
            // The longest form of an integer, whatever its value: there was room kept for it.
            whole[start] = 8u8.wrapping_neg();
            whole[start + 1..end].copy_from_slice(&size.to_be_bytes());
        }
        Ok(())
    }

    /// After a definition: it ends the message, or the piece of the interface around it.
    fn end_piece(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        match self.open.last_mut() {
            Some(inner) => {
                if reader.position() != inner.end {
                    return Err(cut(reader));
                }
                let size = reader.count()?;
                inner.end = reader.position() + size;
                if let [.., outer, inner] = &*self.open
                    && outer.end < inner.end
                {
                    return Err(cut(reader));
                }
            }
            None if reader.is_empty() => {}
            None => return Err(cut(reader)),
        }
        self.copied = reader.position();
        Ok(())
    }

    /// Begins to put the value together, if that has not begun: what comes at `position` is to be
    /// left out.
    fn split(&mut self, position: usize, reader: &Reader<'_>) {
        if self.whole.is_none() {
            self.whole = Some(Vec::new());
            let open = std::mem::take(&mut self.open);
            for Interface { count, end } in open {
                self.copy_to(count.0, reader);
                self.copied = count.1;
                let count = self.reserve_count();
                self.open.push(Interface { count, end });
            }
        }
        self.copy_to(position, reader);
    }

    /// Copies the message up to `position`, if the value is being put together.
    fn copy_to(&mut self, position: usize, reader: &Reader<'_>) {
        if let Some(whole) = &mut self.whole {
            whole.extend_from_slice(&reader.taken()[self.copied..position]);
            self.copied = position;
        }
    }

    /// Makes room for a count that is known later.
    fn reserve_count(&mut self) -> (usize, usize) {
        let whole = self.whole.get_or_insert_default();
        let start = whole.len();
        whole.extend([0; UINT_MAX_LEN]);
        (start, start + UINT_MAX_LEN)
    }
}

#[cold]
fn cut(reader: &Reader<'_>) -> Error {
    Error::corrupt(
        reader.offset(),
        "a value in an interface is cut into pieces that do not fit together",
    )
}

//! Writing values: a serde serializer that follows a schema.
//!
//! The schema says what each value is on the wire, serde says what it holds, and where the two
//! disagree the encoding fails: bytes that contradict the definition never leave. A value becomes
//! one message; the definitions that go before it are the business of [`Sent`](crate::Sent).
//!
//! `value.rs` is the serializer proper, `list.rs`, `map.rs` and `structure.rs` its compound
//! halves, `order.rs` puts fields in order, `segment.rs` leaves long bytes out, `needs.rs` notes
//! those and types, `variant.rs` is for enums, `carried.rs` for what brings its own type, and
//! `only.rs` a serializer that takes one kind of value.

mod carried;
mod list;
mod map;
mod needs;
pub(crate) mod only;
mod order;
mod segment;
mod structure;
mod value;
mod variant;

use std::mem::{swap, take};
use std::ops::{Deref, DerefMut};

use serde::Serialize;
use smallvec::SmallVec;

use crate::error::{Category, Error, Result};
use crate::infer::infer;
use crate::limits::Limits;
use crate::schema::{Dynamics, Schema, Type};
use crate::types::Shape;
use crate::wire;

pub use needs::Needs;
use order::Mark;
pub use segment::Segment;
use value::{Always, ValueWriter};
use variant::OpenVariant;

/// From this length on it is worth to make room for bytes and something more at once, and to ask
/// whether they can be left out.
const MANY: usize = 1 << 10;

/// Appends `value` as one message to `out`: its length, the type's id and the value.
///
/// Returns the schemas that the value needs besides `schema`: the types of what stands in its
/// interfaces, or the whole type of an inferred value. They and `schema` must have been
/// [defined](crate::Sent::define) on the stream before the message.
///
/// On error `out` is as it was. `dynamics` is the numbering of the stream's types that have no
/// static schema; a static value without interfaces does not touch it, and its bytes are the same
/// for every stream.
pub fn encode<T: Serialize + ?Sized>(
    schema: &Schema,
    value: &T,
    dynamics: &Dynamics,
    limits: &Limits,
    out: &mut Vec<u8>,
) -> Result<Vec<Schema>> {
    write(Long::Copied, schema, value, dynamics, limits, out).map(Needs::into_schemas)
}

/// As [`encode`], but a `bytes::Bytes` of 16 KiB or more that goes through the adapter
/// [`adapt::bytes`](crate::adapt::bytes) is not copied into `out`: it becomes a [`Segment`]. Only
/// what serde keeps aside, for an untagged enum for instance, and a message with a struct whose
/// fields do not come in the order that they have on the wire is copied nevertheless.
///
/// ```
/// use bytes::Bytes;
/// use wgrpc_gob::adapt::Go;
/// use wgrpc_gob::{Dynamics, Limits, Schema, encode_apart, to_vec};
///
/// let (schema, limits) = (Schema::of::<Go<Bytes>>(), Limits::default());
/// let dynamics = Dynamics::new(limits.types);
/// let value = Go(Bytes::from(vec![7; 1 << 20]));
/// let mut out = Vec::new();
/// let needs = encode_apart(schema, &value, &dynamics, &limits, &mut out)?;
/// let [segment] = needs.segments() else { panic!() };
/// assert_eq!((segment.at, segment.bytes.as_ptr()), (out.len(), value.0.as_ptr()));
/// assert_eq!([&out[..], &segment.bytes].concat(), to_vec(&value)?);
/// # wgrpc_gob::Result::Ok(())
/// ```
///
/// # Errors
/// Those of [`encode`], which leave no trace.
pub fn encode_apart<T: Serialize + ?Sized>(
    schema: &Schema,
    value: &T,
    dynamics: &Dynamics,
    limits: &Limits,
    out: &mut Vec<u8>,
) -> Result<Needs> {
    write(Long::LeftOut, schema, value, dynamics, limits, out)
}

/// What becomes of long bytes whose owner is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Long {
    Copied,
    LeftOut,
}

fn write<T: Serialize + ?Sized>(
    long: Long,
    schema: &Schema,
    value: &T,
    dynamics: &Dynamics,
    limits: &Limits,
    out: &mut Vec<u8>,
) -> Result<Needs> {
    schema.check()?;
    if !schema.is_inferred() {
        return write_message(long, schema, false, value, dynamics, limits, out);
    }
    let inferred = infer(value, dynamics, limits)?;
    let mut needs = write_message(long, &inferred, true, value, dynamics, limits, out)?;
    if !inferred.definitions().is_empty() {
        needs.noted().schemas.push(inferred);
    }
    Ok(needs)
}

fn write_message<T: Serialize + ?Sized>(
    long: Long,
    schema: &Schema,
    is_inferred: bool,
    value: &T,
    dynamics: &Dynamics,
    limits: &Limits,
    out: &mut Vec<u8>,
) -> Result<Needs> {
    let Some(root) = schema.root() else {
        return Err(Error::new(Category::Unsupported, "the type is not known"));
    };
    let start = out.len();
    let width = schema.len_width();
    let mut writer = Writer {
        end: (start + width).saturating_add(limits.message),
        out: Buffer {
            bytes: take(out),
            origin: out,
        },
        levels: limits.depth,
        limits,
        dynamics,
        needs: Needs::default(),
        long,
        marks: Vec::new(),
        variants: SmallVec::new(),
        is_inferred,
        is_json: false,
        failed: false,
    };
    match writer.message(root, width, value) {
        Ok(found) => {
            if found != width {
                schema.note_len_width(found);
            }
            writer.move_segments(start, 0);
            Ok(writer.needs)
        }
        Err(error) => {
            writer.out.truncate(start);
            Err(error)
        }
    }
}

/// What the parts of one message share while it is written.
struct Writer<'a> {
    out: Buffer<'a>,
    /// How long `out` may become, without what is left out of it.
    end: usize,
    /// How many levels deeper the value may nest.
    levels: usize,
    limits: &'a Limits,
    dynamics: &'a Dynamics,
    /// The schemas of what stands in interfaces, and what is left out.
    needs: Needs,
    /// What becomes of long bytes whose owner is known.
    long: Long,
    /// Where the fields begin of those structs being written that are out of order: a stack, the
    /// innermost struct on top.
    marks: Vec<Mark>,
    /// The variants whose payloads are being written, the innermost last.
    variants: SmallVec<[OpenVariant; 4]>,
    /// Whether the schema was found in the value, and may lack what is empty.
    is_inferred: bool,
    /// Whether numbers are what the schema makes of them, and a unit is nothing.
    is_json: bool,
    /// Whether a part failed, so that its bytes are incomplete even if the error is ignored.
    failed: bool,
}

/// The caller's buffer, taken while the message is written: what is used for every byte should not
/// be a pointer to a pointer.
struct Buffer<'a> {
    bytes: Vec<u8>,
    origin: &'a mut Vec<u8>,
}

/// The caller has its buffer again even if a `Serialize` implementation panics.
impl Drop for Buffer<'_> {
    fn drop(&mut self) {
        swap(self.origin, &mut self.bytes);
    }
}

impl Deref for Buffer<'_> {
    type Target = Vec<u8>;

    #[inline]
    fn deref(&self) -> &Vec<u8> {
        &self.bytes
    }
}

impl DerefMut for Buffer<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }
}

impl Writer<'_> {
    /// Writes a message, with `width` bytes left for its length, and says how many that needed.
    ///
    /// To move a long message costs as much as to write it, so `width` should be what the last one
    /// needed.
    fn message<T: Serialize + ?Sized>(
        &mut self,
        root: Type<'_>,
        width: usize,
        value: &T,
    ) -> Result<usize> {
        let start = self.out.len();
        self.out.push(0);
        (1..width).for_each(|_| self.out.push(0));
        wire::put_int(&mut self.out, i64::from(root.id().number()));
        self.framed(root, value)?;
        self.check_whole()?;
        self.check_size()?;
        let len = self.len_from(start + width);
        if width == 1 && len < 0x80 {
            self.out[start] = len as u8;
            return Ok(1);
        }
        self.put_count(start, width, len);
        Ok(wire::uint_len(len as u64))
    }

    /// Writes what follows the id: a struct as it is, anything else after a zero.
    fn framed<T: Serialize + ?Sized>(&mut self, ty: Type<'_>, value: &T) -> Result<()> {
        if !matches!(ty.shape(), Shape::Struct(_)) {
            self.out.push(0);
        }
        value.serialize(ValueWriter {
            writer: self,
            ty,
            place: Always,
        })
    }

    /// Notes that the message needs the types of `schema`, which this connection has numbered.
    fn need(&mut self, schema: &Schema) {
        let mut schemas = self.needs.schemas().iter();
        let is_new = schemas.all(|known| known.id() != schema.id());
        if is_new && !schema.definitions().is_empty() {
            self.needs.noted().schemas.push(schema.clone());
        }
    }

    /// Writes how far behind the field sent before a field stands.
    #[inline]
    fn put_delta(&mut self, delta: u32) {
        if delta < 0x80 {
            self.out.push(delta as u8);
        } else {
            self.put_long_delta(delta);
        }
    }

    /// The same for a struct with more fields than fit into the short form, which is so rare that
    /// its code should not stand in every place that writes a field.
    #[cold]
    fn put_long_delta(&mut self, delta: u32) {
        wire::put_uint(&mut self.out, u64::from(delta));
    }

    /// Leaves room for a count of what follows, and returns where.
    fn open_count(&mut self) -> usize {
        self.out.push(0);
        self.out.len() - 1
    }

    /// Writes the length of what follows the room that was left for it at `at`, moving that if the
    /// length needs more than a byte.
    #[inline]
    fn close_count(&mut self, at: usize) {
        let count = self.len_from(at + 1);
        if count < 0x80 {
            self.out[at] = count as u8;
        } else {
            self.put_count(at, 1, count);
        }
    }

    /// Puts `count` in the place of the `width` bytes at `at`.
    #[cold]
    fn put_count(&mut self, at: usize, width: usize, count: usize) {
        let mut bytes = Vec::with_capacity(wire::UINT_MAX_LEN);
        wire::put_uint(&mut bytes, count as u64);
        self.move_segments(at + width, at + bytes.len());
        self.out.splice(at..at + width, bytes);
    }

    /// Goes one level deeper.
    #[inline]
    fn enter(&mut self) -> Result<()> {
        match self.levels.checked_sub(1) {
            Some(levels) => {
                self.levels = levels;
                Ok(())
            }
            None => Err(Error::limit(
                "depth",
                self.limits.depth,
                "the nesting of the value",
            )),
        }
    }

    /// Comes back from [`enter`](Self::enter).
    #[inline]
    fn leave(&mut self) {
        self.levels += 1;
    }

    /// Fails once the message has grown beyond its limit.
    #[inline]
    fn check_size(&self) -> Result<()> {
        self.check_room(0)
    }

    /// Fails if `more` bytes would take the message beyond its limit.
    #[inline]
    fn check_room(&self, more: usize) -> Result<()> {
        if self.out.len().saturating_add(more) > self.end {
            return Err(self.too_long());
        }
        Ok(())
    }

    #[cold]
    fn too_long(&self) -> Error {
        Error::limit("message", self.limits.message, "the length of the message")
    }

    /// Checks that no part has failed whose error somebody has ignored.
    fn check_whole(&self) -> Result<()> {
        if self.failed {
            return Err(Error::new(
                Category::Message,
                "a `Serialize` implementation went on after a part of its value had failed",
            ));
        }
        Ok(())
    }

    /// Notes that a part has failed, and passes its error on.
    #[cold]
    fn fail(&mut self, error: Error) -> Error {
        self.failed = true;
        error
    }
}

#[cfg(test)]
mod tests;

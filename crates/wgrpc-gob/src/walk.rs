//! Finding where a value ends, without decoding it and without recursion.
//!
//! Only the types say where a gob value ends. A walk keeps what is open in a list of its own, so
//! that neither deep values nor values that pause between two messages need a stack.

use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::received::{Definition, Kind, Slot, Structure, Types};
use crate::types::Id;
use crate::wire::Reader;

/// A walk over one value.
#[derive(Debug)]
pub(crate) struct Walk {
    open: Vec<Open>,
    max_depth: usize,
}

/// What a walk is inside of.
#[derive(Debug)]
enum Open {
    /// A slice or an array.
    Elements { elem: Slot, left: usize },
    /// A map. `left` counts keys and elements: an odd number means that an element is next.
    Entries { key: Slot, elem: Slot, left: usize },
    /// A struct, and the number that the next field has if its delta is 1.
    Fields { structure: Slot, next: usize },
    /// An interface.
    Interface,
}

/// Where a walk has come to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The end of the value.
    End,
    /// Before the value of an interface.
    Interface,
    /// The end of the value that was entered by [`Walk::begin_inside`].
    InterfaceEnd,
}

impl Walk {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            open: Vec::new(),
            max_depth: limits.depth,
        }
    }

    /// Begins with a value of the type `ty`. If it is an interface, the walk stops before it.
    pub(crate) fn begin(
        &mut self,
        ty: &Definition,
        reader: &mut Reader<'_>,
    ) -> Result<Option<Stop>> {
        if skip_scalar(ty, reader)? {
            return Ok(None);
        }
        match ty.kind {
            Kind::Interface => return Ok(Some(Stop::Interface)),
            Kind::Slice(elem) => {
                let left = reader.count()?;
                self.push(Open::Elements { elem, left }, reader)?;
            }
            Kind::Array(elem, len) => {
                let left = read_array_count(reader, len)?;
                self.push(Open::Elements { elem, left }, reader)?;
            }
            Kind::Map(key, elem) => {
                let left = 2 * read_map_count(reader)?;
                self.push(Open::Entries { key, elem, left }, reader)?;
            }
            Kind::Struct(_) => {
                let (structure, next) = (ty.slot(), 0);
                self.push(Open::Fields { structure, next }, reader)?;
            }
            _ => {}
        }
        Ok(None)
    }

    /// Begins with the value in an interface.
    pub(crate) fn begin_inside(
        &mut self,
        ty: &Definition,
        reader: &mut Reader<'_>,
    ) -> Result<Option<Stop>> {
        self.push(Open::Interface, reader)?;
        self.begin(ty, reader)
    }

    /// Goes on to the next stop.
    pub(crate) fn run(&mut self, types: &Types, reader: &mut Reader<'_>) -> Result<Stop> {
        loop {
            let ty = match self.open.last_mut() {
                None => return Ok(Stop::End),
                Some(Open::Interface) => {
                    self.open.pop();
                    return Ok(Stop::InterfaceEnd);
                }
                Some(Open::Elements { elem, left }) => {
                    let elem = types.definition(*elem)?;
                    while *left > 0 && skip_scalar(elem, reader)? {
                        *left -= 1;
                    }
                    (*left > 0).then(|| {
                        *left -= 1;
                        elem
                    })
                }
                Some(Open::Entries { left: 0, .. }) => None,
                Some(Open::Entries { key, elem, left }) => {
                    *left -= 1;
                    Some(types.definition(if *left % 2 == 1 { *key } else { *elem })?)
                }
                Some(Open::Fields { structure, next }) => match &types.definition(*structure)?.kind
                {
                    Kind::Struct(structure) => skip_fields(types, structure, next, reader)?,
                    _ => None,
                },
            };
            let Some(ty) = ty else {
                self.open.pop();
                continue;
            };
            if let Some(stop) = self.begin(ty, reader)? {
                return Ok(stop);
            }
        }
    }

    fn push(&mut self, open: Open, reader: &Reader<'_>) -> Result<()> {
        if self.open.len() >= self.max_depth {
            return Err(too_deep(self.max_depth).at(reader.offset()));
        }
        self.open.push(open);
        Ok(())
    }
}

/// Skips a value that is nothing but bytes; `false` if the value is made of others.
#[inline]
fn skip_scalar(ty: &Definition, reader: &mut Reader<'_>) -> Result<bool> {
    match ty.kind {
        Kind::Byte => {
            reader.byte()?;
        }
        Kind::Bool | Kind::Int | Kind::Uint | Kind::Float => {
            reader.uint()?;
        }
        Kind::Complex => {
            reader.uint()?;
            reader.uint()?;
        }
        Kind::Bytes | Kind::String | Kind::Opaque(_) => {
            reader.bytes()?;
        }
        _ => return Ok(false),
    }
    Ok(true)
}

/// Skips the fields of a struct from number `next` on, up to one that is made of other values, of
/// which it returns the type.
fn skip_fields<'t>(
    types: &'t Types,
    structure: &Structure,
    next: &mut usize,
    reader: &mut Reader<'_>,
) -> Result<Option<&'t Definition>> {
    while let Some(number) = read_field_number(reader, *next, structure.len())? {
        *next = number + 1;
        let ty = types.definition(structure.slot(number))?;
        if !skip_scalar(ty, reader)? {
            return Ok(Some(ty));
        }
    }
    Ok(None)
}

/// Skips a value of the type `ty`. What stands in interfaces is skipped by its size.
pub(crate) fn skip(
    types: &Types,
    ty: &Definition,
    reader: &mut Reader<'_>,
    limits: &Limits,
) -> Result<()> {
    if skip_scalar(ty, reader)? {
        return Ok(());
    }
    let mut walk = Walk::new(limits);
    let mut stop = walk.begin(ty, reader)?;
    loop {
        match stop {
            Some(Stop::End) => return Ok(()),
            Some(Stop::Interface) => {
                if !reader.bytes()?.is_empty() {
                    reader.int()?;
                    reader.bytes()?;
                }
                stop = None;
            }
            Some(Stop::InterfaceEnd) | None => stop = Some(walk.run(types, reader)?),
        }
    }
}

/// Reads the count of an array, which its type must have told already.
pub(crate) fn read_array_count(reader: &mut Reader<'_>, len: usize) -> Result<usize> {
    let at = reader.offset();
    let count = reader.count()?;
    if count != len {
        return Err(Error::corrupt(
            at,
            format_args!("{count} elements in an array of {len}"),
        ));
    }
    Ok(count)
}

/// Reads the count of a map, each entry of which takes two bytes at least.
pub(crate) fn read_map_count(reader: &mut Reader<'_>) -> Result<usize> {
    let at = reader.offset();
    let count = reader.count()?;
    if count > reader.left() / 2 {
        return Err(Error::corrupt(
            at,
            format_args!("{count} map entries with {} bytes left", reader.left()),
        ));
    }
    Ok(count)
}

/// Reads the delta before a struct's field. `next` is the number after the last field's, and
/// `None` the end of the struct.
#[inline]
pub(crate) fn read_field_number(
    reader: &mut Reader<'_>,
    next: usize,
    fields: usize,
) -> Result<Option<usize>> {
    let delta = reader.uint()?;
    if delta == 0 {
        return Ok(None);
    }
    if delta > (fields - next) as u64 {
        return Err(no_such_field(reader, fields));
    }
    Ok(Some(next + delta as usize - 1))
}

#[cold]
fn no_such_field(reader: &Reader<'_>, fields: usize) -> Error {
    Error::corrupt(
        reader.offset(),
        format_args!("a field number beyond the {fields} fields of the struct"),
    )
}

/// The error of a value that nests deeper than `limit`.
#[cold]
pub(crate) fn too_deep(limit: usize) -> Error {
    Error::limit("depth", limit, "the nesting of the value")
}

impl Types {
    /// Skips a value of type `id`, as it stands in a payload that a [`Scanner`](crate::Scanner)
    /// has found. (At the top of a message a byte comes before a value that is no struct; it is
    /// not skipped here.)
    pub fn skip(&self, id: Id, reader: &mut Reader<'_>, limits: &Limits) -> Result<()> {
        skip(self, self.complete(id)?.ty, reader, limits)
    }
}

//! Taking in one type definition: a struct of gob's own type `wireType`.
//!
//! Its members are known beforehand, so it is read by hand. It has exactly one of seven members,
//! one for each kind of type, and each of those begins with the type's name and number.

use super::{Kind, Slot, Structure};
use crate::error::{Error, Result};
use crate::types::{Id, Marshaler};
use crate::wire::Reader;

/// What a definition says: the type's name, which has no meaning, and what the type is.
pub(super) struct Described {
    pub(super) name: Box<str>,
    pub(super) kind: Kind,
}

/// Takes a wireType from `reader`. `refer` finds or reserves the place of a type.
pub(super) fn read(
    reader: &mut Reader<'_>,
    refer: &mut dyn FnMut(Id) -> Result<Slot>,
) -> Result<Described> {
    let at = reader.offset();
    let member = reader.uint()?;
    let described = match member {
        1..=7 => read_member(reader, member, refer)?,
        0 => return Err(Error::corrupt(at, "a type definition that defines nothing")),
        _ => {
            return Err(Error::corrupt(
                at,
                format_args!("a type definition of an unknown kind, {}", member - 1),
            ));
        }
    };
    let at = reader.offset();
    match reader.uint()? {
        0 => Ok(described),
        _ => Err(Error::corrupt(
            at,
            "a type definition that defines two types",
        )),
    }
}

/// The members of a kind of type, by field number: 0 is always the name.
fn read_member(
    reader: &mut Reader<'_>,
    member: u64,
    refer: &mut dyn FnMut(Id) -> Result<Slot>,
) -> Result<Described> {
    let at = reader.offset();
    let mut name = "";
    let mut inner = [None, None];
    let mut len = 0;
    let mut fields = Vec::new();
    let mut names = String::new();
    let mut members = Members::new(reader);
    while let Some((number, reader)) = members.next()? {
        match (member, number) {
            (1..=7, 0) => name = read_common(reader)?,
            (1 | 2, 1) | (4, 1 | 2) => inner[number - 1] = Some(refer(read_id(reader)?)?),
            (1, 2) => len = read_len(reader)?,
            (3, 1) => read_fields(reader, refer, &mut names, &mut fields)?,
            _ => return Err(unknown_member(reader, number)),
        }
    }
    let required = |slot: Option<Slot>| {
        slot.ok_or_else(|| Error::corrupt(at, format_args!("the type `{name}` of nothing")))
    };
    let kind = match member {
        1 => Kind::Array(required(inner[0])?, len),
        2 => Kind::Slice(required(inner[0])?),
        3 => Kind::Struct(Structure::new(names.into(), fields.into())),
        4 => Kind::Map(required(inner[0])?, required(inner[1])?),
        5 => Kind::Opaque(Marshaler::Gob),
        6 => Kind::Opaque(Marshaler::Binary),
        _ => Kind::Opaque(Marshaler::Text),
    };
    Ok(Described {
        name: name.into(),
        kind,
    })
}

/// CommonType: the name, and a number that repeats the type's own or is something else; Go sends
/// another one for types whose marshaling method has a pointer receiver.
fn read_common<'a>(reader: &mut Reader<'a>) -> Result<&'a str> {
    let mut name = "";
    let mut members = Members::new(reader);
    while let Some((number, reader)) = members.next()? {
        match number {
            0 => name = read_name(reader)?,
            1 => {
                reader.int()?;
            }
            _ => return Err(unknown_member(reader, number)),
        }
    }
    Ok(name)
}

fn read_fields(
    reader: &mut Reader<'_>,
    refer: &mut dyn FnMut(Id) -> Result<Slot>,
    names: &mut String,
    fields: &mut Vec<(u32, Slot)>,
) -> Result<()> {
    let count = reader.count()?;
    // A field takes six bytes at least: its name has one, and two more before it.
    fields.reserve_exact(count.min(reader.left() / 6));
    for _ in 0..count {
        let at = reader.offset();
        let (mut name, mut slot) = ("", None);
        let mut members = Members::new(reader);
        while let Some((number, reader)) = members.next()? {
            match number {
                0 => name = read_name(reader)?,
                1 => slot = Some(refer(read_id(reader)?)?),
                _ => return Err(unknown_member(reader, number)),
            }
        }
        let Some(slot) = slot.filter(|_| !name.is_empty()) else {
            return Err(Error::corrupt(at, "a field without a name or a type"));
        };
        names.push_str(name);
        fields.push((names.len() as u32, slot));
    }
    Ok(())
}

fn read_name<'a>(reader: &mut Reader<'a>) -> Result<&'a str> {
    let at = reader.offset();
    std::str::from_utf8(reader.bytes()?)
        .map_err(|_| Error::corrupt(at, "a name in a type definition is not UTF-8"))
}

fn read_id(reader: &mut Reader<'_>) -> Result<Id> {
    let at = reader.offset();
    let number = reader.int()?;
    Id::on_wire(number)
        .ok_or_else(|| Error::corrupt(at, format_args!("{number} is not the id of a type")))
}

fn read_len(reader: &mut Reader<'_>) -> Result<usize> {
    let at = reader.offset();
    let len = reader.int()?;
    usize::try_from(len).map_err(|_| Error::corrupt(at, format_args!("an array of {len} elements")))
}

#[cold]
fn unknown_member(reader: &Reader<'_>, number: usize) -> Error {
    Error::corrupt(
        reader.offset(),
        format_args!("a type definition with an unknown member, {number}"),
    )
}

/// The fields of a struct that are present, one after the other.
struct Members<'r, 'a> {
    reader: &'r mut Reader<'a>,
    next: usize,
}

impl<'r, 'a> Members<'r, 'a> {
    fn new(reader: &'r mut Reader<'a>) -> Self {
        Self { reader, next: 0 }
    }

    /// The number of the next field, and the reader that stands before its value.
    fn next(&mut self) -> Result<Option<(usize, &mut Reader<'a>)>> {
        let delta = self.reader.uint()?;
        if delta == 0 {
            return Ok(None);
        }
        let number = usize::try_from(delta - 1).unwrap_or(usize::MAX);
        let number = self.next.saturating_add(number);
        self.next = number.saturating_add(1);
        Ok(Some((number, self.reader)))
    }
}

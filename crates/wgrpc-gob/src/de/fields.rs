//! The fields of structs: those that are present, and zeros for those that are not.
//!
//! Present fields come with ascending numbers, so a struct is read in one pass: whatever the
//! numbers pass over is absent.

use std::vec::IntoIter;

use serde::de::value::{BorrowedStrDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, MapAccess, SeqAccess};

use super::Source;
use super::plan::{Match, Plan};
use crate::error::{Error, Result};
use crate::received::{Kind, Structure};
use crate::walk::read_field_number;

/// The place in a struct up to which it has been read.
pub(super) struct Cursor<'a, 't, 'de> {
    pub(super) source: &'a mut Source<'t, 'de>,
    structure: &'t Structure,
    /// The number after that of the last field.
    next: usize,
    /// The number of the field that stands next, if its delta has been read.
    upcoming: Option<usize>,
}

impl<'a, 't, 'de> Cursor<'a, 't, 'de> {
    pub(super) fn new(structure: &'t Structure, source: &'a mut Source<'t, 'de>) -> Self {
        Self {
            source,
            structure,
            next: 0,
            upcoming: None,
        }
    }

    /// The number of the field that stands next; at the end, the number of fields.
    #[inline]
    pub(super) fn upcoming(&mut self) -> Result<usize> {
        if let Some(upcoming) = self.upcoming {
            return Ok(upcoming);
        }
        let fields = self.structure.len();
        let number = read_field_number(&mut self.source.reader, self.next, fields)?;
        let upcoming = number.unwrap_or(fields);
        self.upcoming = Some(upcoming);
        Ok(upcoming)
    }

    /// Goes on behind field `number`, whose value is about to be read.
    #[inline]
    pub(super) fn pass(&mut self, number: usize) {
        self.next = number + 1;
        self.upcoming = None;
    }

    /// Skips the fields before `number` that are present. Returns whether that one is.
    #[inline]
    fn advance(&mut self, number: usize) -> Result<bool> {
        loop {
            let upcoming = self.upcoming()?;
            if upcoming >= number {
                return Ok(upcoming == number && number < self.structure.len());
            }
            self.pass(upcoming);
            let slot = self.structure.slot(upcoming);
            let kind = self.source.types.kind(slot)?;
            self.source.skip(slot, kind)?;
        }
    }

    /// Reads field `number` if it is present, or its zero.
    #[inline]
    fn read<S: DeserializeSeed<'de>>(
        &mut self,
        number: usize,
        is_present: bool,
        seed: S,
    ) -> Result<S::Value> {
        let slot = self.structure.slot(number);
        if is_present {
            self.pass(number);
            let kind = self.source.types.kind(slot)?;
            seed.deserialize(self.source.value(slot, kind))
        } else {
            self.source.zero(slot, seed)
        }
    }

    /// Skips the rest.
    fn finish(&mut self) -> Result<()> {
        self.advance(self.structure.len()).map(drop)
    }
}

/// What the value that comes next is.
#[derive(Clone, Copy)]
enum Current<'n> {
    /// A field of the sender's: its number, our name for it, and whether it is present.
    Field(usize, &'n str, bool),
    /// A field of ours only.
    Gap(&'static str),
}

impl Current<'_> {
    #[cold]
    fn locate(self, error: Error, source: &Source<'_, '_>) -> Error {
        let (Self::Field(_, name, _) | Self::Gap(name)) = self;
        error.at(source.reader.offset()).in_field(name)
    }
}

/// The fields that both sides have, by a plan.
pub(super) struct Matched<'a, 't, 'de> {
    cursor: Cursor<'a, 't, 'de>,
    matches: std::slice::Iter<'t, Match>,
    gaps: IntoIter<&'static str>,
    current: Current<'static>,
}

impl<'a, 't, 'de> Matched<'a, 't, 'de> {
    pub(super) fn new(
        structure: &'t Structure,
        plan: &'t Plan,
        gaps: Vec<&'static str>,
        source: &'a mut Source<'t, 'de>,
    ) -> Self {
        Self {
            cursor: Cursor::new(structure, source),
            matches: plan.matches.iter(),
            gaps: gaps.into_iter(),
            current: Current::Gap(""),
        }
    }

    pub(super) fn finish(mut self) -> Result<()> {
        self.cursor.finish()
    }
}

impl<'de> MapAccess<'de> for Matched<'_, '_, 'de> {
    type Error = Error;

    #[inline]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        let name = if let Some(&Match { number, name }) = self.matches.next() {
            let is_present = self.cursor.advance(number)?;
            self.current = Current::Field(number, name, is_present);
            name
        } else if let Some(name) = self.gaps.next() {
            self.current = Current::Gap(name);
            name
        } else {
            return Ok(None);
        };
        seed.deserialize(BorrowedStrDeserializer::new(name))
            .map(Some)
    }

    #[inline]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        let value = match self.current {
            Current::Field(number, _, is_present) => self.cursor.read(number, is_present, seed),
            Current::Gap(_) => seed.deserialize(self.cursor.source.unknown_zero()),
        };
        value.map_err(|error| self.current.locate(error, self.cursor.source))
    }
}

/// All fields of the sender's, by their names on the wire: a struct seen as a map.
///
/// Absent structs, arrays and opaque values, which only pointers can be, are left out: there is
/// no end to the zero of a type that contains itself.
pub(super) struct Named<'a, 't, 'de> {
    cursor: Cursor<'a, 't, 'de>,
    number: usize,
    gaps: IntoIter<&'static str>,
    current: Current<'t>,
}

impl<'a, 't, 'de> Named<'a, 't, 'de> {
    pub(super) fn new(
        structure: &'t Structure,
        gaps: Vec<&'static str>,
        source: &'a mut Source<'t, 'de>,
    ) -> Self {
        Self {
            cursor: Cursor::new(structure, source),
            number: 0,
            gaps: gaps.into_iter(),
            current: Current::Gap(""),
        }
    }

    pub(super) fn finish(mut self) -> Result<()> {
        self.cursor.finish()
    }

    /// Goes on to the next field that is present or has a zero.
    fn next_field(&mut self) -> Result<Option<Current<'t>>> {
        let structure = self.cursor.structure;
        while self.number < structure.len() {
            let number = self.number;
            self.number += 1;
            let is_present = self.cursor.advance(number)?;
            let kind = self.cursor.source.types.kind(structure.slot(number))?;
            if is_present || !matches!(kind, Kind::Struct(_) | Kind::Array(..) | Kind::Opaque(_)) {
                return Ok(Some(Current::Field(
                    number,
                    structure.name(number),
                    is_present,
                )));
            }
        }
        Ok(self.gaps.next().map(Current::Gap))
    }
}

impl<'de> MapAccess<'de> for Named<'_, '_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        let Some(current) = self.next_field()? else {
            return Ok(None);
        };
        self.cursor.source.charge(1, size_of::<K::Value>())?;
        self.current = current;
        let (Current::Field(_, name, _) | Current::Gap(name)) = current;
        seed.deserialize(StrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        self.cursor.source.charge(1, size_of::<V::Value>())?;
        let value = match self.current {
            Current::Field(number, _, is_present) => self.cursor.read(number, is_present, seed),
            Current::Gap(_) => seed.deserialize(self.cursor.source.unknown_zero()),
        };
        value.map_err(|error| self.current.locate(error, self.cursor.source))
    }
}

/// The fields F0, F1, … of a struct that stands for a tuple.
pub(super) struct Numbered<'a, 't, 'de> {
    cursor: Cursor<'a, 't, 'de>,
    number: usize,
}

impl<'a, 't, 'de> Numbered<'a, 't, 'de> {
    pub(super) fn new(structure: &'t Structure, source: &'a mut Source<'t, 'de>) -> Self {
        Self {
            cursor: Cursor::new(structure, source),
            number: 0,
        }
    }

    pub(super) fn finish(mut self) -> Result<()> {
        self.cursor.finish()
    }
}

impl<'de> SeqAccess<'de> for Numbered<'_, '_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        let number = self.number;
        if number == self.cursor.structure.len() {
            return Ok(None);
        }
        self.number += 1;
        let is_present = self.cursor.advance(number)?;
        match self.cursor.read(number, is_present, seed) {
            Ok(value) => Ok(Some(value)),
            Err(error) => {
                let name = self.cursor.structure.name(number);
                Err(error.at(self.cursor.source.reader.offset()).in_field(name))
            }
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.cursor.structure.len() - self.number)
    }
}

/// Whether the struct stands for a tuple of `len` elements.
pub(super) fn is_tuple(structure: &Structure, len: usize) -> bool {
    structure.len() == len
        && (0..len).all(|number| {
            let digits = structure.name(number).strip_prefix('F');
            digits.and_then(|digits| digits.parse().ok()) == Some(number)
        })
}

//! The fields of structs: those that are present, and zeros for those that are not.
//!
//! Present fields come with ascending numbers, so a struct is read in one pass: whatever the
//! numbers pass over is absent.

use std::marker::PhantomData;

use serde::de::value::{BorrowedStrDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, MapAccess, SeqAccess};

use super::plan::{Match, Plan};
use super::source::Source;
use crate::error::{Error, Result};
use crate::received::{Kind, Structure};
use crate::walk::read_field_number;
use crate::zero::ZeroDeserializer;

/// The place in a struct up to which it has been read.
pub(super) struct Cursor<'a, 't, 'de> {
    pub(super) source: &'a mut Source<'t, 'de>,
    structure: &'t Structure,
    /// The number of the present field that stands next; [`END`] at the end.
    upcoming: usize,
}

/// The number of no field.
pub(super) const END: usize = usize::MAX;

impl<'a, 't, 'de> Cursor<'a, 't, 'de> {
    #[inline]
    pub(super) fn new(structure: &'t Structure, source: &'a mut Source<'t, 'de>) -> Result<Self> {
        let mut cursor = Self {
            source,
            structure,
            upcoming: END,
        };
        cursor.look_behind(None)?;
        Ok(cursor)
    }

    /// The number of the present field that stands next; [`END`] at the end.
    pub(super) fn upcoming(&self) -> usize {
        self.upcoming
    }

    /// Reads which field comes behind field `number`, or first of all.
    #[inline]
    pub(super) fn look_behind(&mut self, number: Option<usize>) -> Result<()> {
        let next = number.map_or(0, |number| number + 1);
        let number = read_field_number(&mut self.source.reader, next, self.structure.len())?;
        self.upcoming = number.unwrap_or(END);
        Ok(())
    }

    /// Skips the present fields before `number`. Returns whether that one is present.
    #[inline]
    fn advance(&mut self, number: usize) -> Result<bool> {
        while self.upcoming < number {
            self.skip()?;
        }
        Ok(self.upcoming == number && number != END)
    }

    #[inline(never)]
    fn skip(&mut self) -> Result<()> {
        let slot = self.structure.slot(self.upcoming);
        let ty = self.source.types.definition(slot)?;
        self.source.skip(ty)?;
        self.look_behind(Some(self.upcoming))
    }

    /// Reads field `number` if it is present, or its zero.
    #[inline]
    fn read<S: DeserializeSeed<'de>>(
        &mut self,
        number: usize,
        is_present: bool,
        seed: S,
    ) -> Result<S::Value> {
        let ty = self.source.types.definition(self.structure.slot(number))?;
        if !is_present {
            return self.source.zero(ty, seed);
        }
        let value = seed.deserialize(self.source.value(ty));
        if value.is_ok() {
            self.look_behind(Some(number))?;
        }
        value
    }

    /// Skips the rest.
    #[inline]
    fn finish(&mut self) -> Result<()> {
        self.advance(END).map(drop)
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

/// The fields that the sender does not know and the visitor `S` cannot do without.
struct Missing<'t, S> {
    plan: &'t Plan,
    supplied: usize,
    visitor_type: PhantomData<S>,
}

impl<'t, S> Missing<'t, S> {
    fn new(plan: &'t Plan) -> Self {
        Self {
            plan,
            supplied: 0,
            visitor_type: PhantomData,
        }
    }

    fn next(&mut self) -> Option<&'static str> {
        let field = self.plan.gaps.field::<S>(self.supplied)?;
        self.supplied += 1;
        Some(field)
    }
}

/// The fields that both sides have, by a plan, and those that the visitor `S` cannot do without.
pub(super) struct Matched<'a, 't, 'de, S> {
    cursor: Cursor<'a, 't, 'de>,
    matches: std::slice::Iter<'t, Match>,
    gaps: Missing<'t, S>,
    current: Current<'static>,
}

impl<'a, 't, 'de, S> Matched<'a, 't, 'de, S> {
    #[inline]
    pub(super) fn new(
        structure: &'t Structure,
        plan: &'t Plan,
        source: &'a mut Source<'t, 'de>,
    ) -> Result<Self> {
        Ok(Self {
            cursor: Cursor::new(structure, source)?,
            matches: plan.matches.iter(),
            gaps: Missing::new(plan),
            current: Current::Gap(""),
        })
    }

    #[inline]
    pub(super) fn finish(mut self) -> Result<()> {
        self.cursor.finish()
    }
}

impl<'de, S> MapAccess<'de> for Matched<'_, '_, 'de, S> {
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
pub(super) struct Named<'a, 't, 'de, S> {
    cursor: Cursor<'a, 't, 'de>,
    number: usize,
    gaps: Missing<'t, S>,
    current: Current<'t>,
}

impl<'a, 't, 'de, S> Named<'a, 't, 'de, S> {
    pub(super) fn new(
        structure: &'t Structure,
        plan: &'t Plan,
        source: &'a mut Source<'t, 'de>,
    ) -> Result<Self> {
        Ok(Self {
            cursor: Cursor::new(structure, source)?,
            number: 0,
            gaps: Missing::new(plan),
            current: Current::Gap(""),
        })
    }

    #[inline]
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
            let ty = self
                .cursor
                .source
                .types
                .definition(structure.slot(number))?;
            if is_present || !matches!(ty.kind, Kind::Struct(_) | Kind::Array(..) | Kind::Opaque(_))
            {
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

impl<'de, S> MapAccess<'de> for Named<'_, '_, 'de, S> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        let Some(current) = self.next_field()? else {
            return Ok(None);
        };
        let (Current::Field(_, name, _) | Current::Gap(name)) = current;
        // Whoever keeps the name has a copy of it in every value, and it was sent only once.
        (self.cursor.source).charge(1, size_of::<K::Value>() + name.len())?;
        self.current = current;
        seed.deserialize(StrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        self.cursor.source.charge(1, size_of::<V::Value>())?;
        let value = match self.current {
            Current::Field(number, _, is_present) => self.cursor.read(number, is_present, seed),
            Current::Gap(field) => {
                let source = &self.cursor.source;
                let gaps = source.types.zeros();
                seed.deserialize(ZeroDeserializer::for_field(field, gaps, source.depth))
            }
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
    pub(super) fn new(structure: &'t Structure, source: &'a mut Source<'t, 'de>) -> Result<Self> {
        Ok(Self {
            cursor: Cursor::new(structure, source)?,
            number: 0,
        })
    }

    #[inline]
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

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
    #[inline(always)]
    pub(super) fn new(structure: &'t Structure, source: &'a mut Source<'t, 'de>) -> Result<Self> {
        Ok(Self {
            upcoming: read_upcoming(source, structure, None)?,
            source,
            structure,
        })
    }

    /// The number of the present field that stands next; [`END`] at the end.
    pub(super) fn upcoming(&self) -> usize {
        self.upcoming
    }

    /// Reads which field comes behind field `number`, or first of all.
    #[inline(always)]
    pub(super) fn look_behind(&mut self, number: Option<usize>) -> Result<()> {
        self.upcoming = read_upcoming(self.source, self.structure, number)?;
        Ok(())
    }

    /// Skips the present fields before `number`. Returns whether that one is present.
    #[inline(always)]
    fn advance(&mut self, number: usize) -> Result<bool> {
        while self.upcoming < number {
            self.upcoming = skip(self.source, self.structure, self.upcoming)?;
        }
        Ok(self.upcoming == number && number != END)
    }

    /// Reads field `number` if it is present, or its zero.
    #[inline(always)]
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
        // The value is made where it is returned: to copy what has just been written takes time.
        let mut value = seed.deserialize(self.source.value(ty));
        if value.is_ok()
            && let Err(error) = self.look_behind(Some(number))
        {
            value = Err(error);
        }
        value
    }

    /// Skips the rest.
    #[inline(always)]
    fn finish(&mut self) -> Result<()> {
        self.advance(END).map(drop)
    }
}

/// Reads which field comes behind field `number`, or first of all.
#[inline]
fn read_upcoming(
    source: &mut Source<'_, '_>,
    structure: &Structure,
    number: Option<usize>,
) -> Result<usize> {
    let next = number.map_or(0, |number| number + 1);
    let number = read_field_number(&mut source.reader, next, structure.len())?;
    Ok(number.unwrap_or(END))
}

/// Skips field `number`, and reads which one comes behind it. Takes no `&mut Cursor`, which would
/// keep every cursor out of registers.
#[inline(never)]
fn skip(source: &mut Source<'_, '_>, structure: &Structure, number: usize) -> Result<usize> {
    let ty = source.types.definition(structure.slot(number))?;
    source.skip(ty)?;
    read_upcoming(source, structure, Some(number))
}

/// What the value that comes next is.
#[derive(Clone, Copy)]
enum Current<'n> {
    /// A field of the sender's: its number, our name for it, and whether it is present.
    Field(usize, &'n str, bool),
    /// A field of ours only.
    Gap(&'static str),
}

impl<'n> Current<'n> {
    fn name(self) -> &'n str {
        let (Self::Field(_, name, _) | Self::Gap(name)) = self;
        name
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

    #[inline(always)]
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
    /// Our name for the field that comes next.
    name: &'static str,
    /// Its number, [`END`] if only we have it, and whether it is present.
    number: usize,
    is_present: bool,
}

impl<'a, 't, 'de, S> Matched<'a, 't, 'de, S> {
    #[inline(always)]
    pub(super) fn new(
        structure: &'t Structure,
        plan: &'t Plan,
        source: &'a mut Source<'t, 'de>,
    ) -> Result<Self> {
        Ok(Self {
            cursor: Cursor::new(structure, source)?,
            matches: plan.matches.iter(),
            gaps: Missing::new(plan),
            name: "",
            number: END,
            is_present: false,
        })
    }

    #[inline(always)]
    pub(super) fn finish(mut self) -> Result<()> {
        self.cursor.finish()
    }
}

impl<'de, S> MapAccess<'de> for Matched<'_, '_, 'de, S> {
    type Error = Error;

    #[inline(always)]
    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        if let Some(field) = self.matches.next() {
            self.is_present = self.cursor.advance(field.number)?;
            self.number = field.number;
            self.name = field.name;
        } else if let Some(name) = self.gaps.next() {
            self.number = END;
            self.name = name;
        } else {
            return Ok(None);
        }
        seed.deserialize(BorrowedStrDeserializer::new(self.name))
            .map(Some)
    }

    #[inline(always)]
    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        let mut value = if self.number == END {
            seed.deserialize(self.cursor.source.unknown_zero())
        } else {
            self.cursor.read(self.number, self.is_present, seed)
        };
        if let Err(error) = &mut value {
            locate(error, self.name, self.cursor.source);
        }
        value
    }
}

#[cold]
fn locate(error: &mut Error, name: &str, source: &Source<'_, '_>) {
    error.place(source.reader.offset());
    error.enter_field(name);
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
        let name = current.name();
        // Whoever keeps the name has a copy of it in every value, and it was sent only once.
        (self.cursor.source).charge(1, size_of::<K::Value>() + name.len())?;
        self.current = current;
        seed.deserialize(StrDeserializer::new(name)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        self.cursor.source.charge(1, size_of::<V::Value>())?;
        let mut value = match self.current {
            Current::Field(number, _, is_present) => self.cursor.read(number, is_present, seed),
            Current::Gap(field) => {
                let source = &self.cursor.source;
                let gaps = source.types.zeros();
                seed.deserialize(ZeroDeserializer::for_field(field, gaps, source.depth))
            }
        };
        if let Err(error) = &mut value {
            locate(error, self.current.name(), self.cursor.source);
        }
        value
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

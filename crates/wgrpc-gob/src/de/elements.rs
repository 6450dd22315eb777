//! The elements of slices and arrays, and the entries of maps.

use serde::de::{DeserializeSeed, MapAccess, SeqAccess};

use super::source::Source;
use crate::error::{Error, Result};
use crate::received::{Definition, Slot};

/// What an absent element counts for at least, in bytes. It takes none of the message, so nothing
/// else bounds the work.
const ABSENT: usize = 64;

/// Elements of one type.
pub(super) struct Elements<'a, 't, 'de> {
    source: &'a mut Source<'t, 'de>,
    ty: &'t Definition,
    index: usize,
    count: usize,
}

impl<'a, 't, 'de> Elements<'a, 't, 'de> {
    pub(super) fn new(source: &'a mut Source<'t, 'de>, elem: Slot, count: usize) -> Result<Self> {
        Ok(Self {
            ty: source.types.definition(elem)?,
            source,
            index: 0,
            count,
        })
    }

    /// Skips the elements that were not asked for.
    pub(super) fn finish(self) -> Result<()> {
        if !self.source.is_absent {
            for _ in self.index..self.count {
                self.source.skip(self.ty)?;
            }
        }
        Ok(())
    }
}

impl<'de> SeqAccess<'de> for Elements<'_, '_, 'de> {
    type Error = Error;

    #[inline]
    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>> {
        let index = self.index;
        if index == self.count {
            return Ok(None);
        }
        if index == 0 {
            // All at once: what is too large is refused before memory is reserved for it.
            let least = if self.source.is_absent { ABSENT } else { 1 };
            let size = size_of::<T::Value>().max(least);
            self.source.charge(self.count, size)?;
        }
        self.index += 1;
        let element = if self.source.is_absent {
            self.source.zero(self.ty, seed)
        } else {
            seed.deserialize(self.source.value(self.ty))
        };
        match element {
            Ok(element) => Ok(Some(element)),
            Err(error) => Err(error.at(self.source.reader.offset()).in_element(index)),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        // Every element takes a byte at least, unless all are absent.
        Some((self.count - self.index).min(self.source.reader.left()))
    }
}

/// The entries of a map.
pub(super) struct Entries<'a, 't, 'de> {
    source: &'a mut Source<'t, 'de>,
    key: &'t Definition,
    elem: &'t Definition,
    index: usize,
    count: usize,
}

impl<'a, 't, 'de> Entries<'a, 't, 'de> {
    pub(super) fn new(
        source: &'a mut Source<'t, 'de>,
        key: Slot,
        elem: Slot,
        count: usize,
    ) -> Result<Self> {
        Ok(Self {
            key: source.types.definition(key)?,
            elem: source.types.definition(elem)?,
            source,
            index: 0,
            count,
        })
    }

    /// Skips the entries that were not asked for.
    pub(super) fn finish(self) -> Result<()> {
        for _ in self.index..self.count {
            self.source.skip(self.key)?;
            self.source.skip(self.elem)?;
        }
        Ok(())
    }
}

impl<'de> MapAccess<'de> for Entries<'_, '_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>> {
        let index = self.index;
        if index == self.count {
            return Ok(None);
        }
        if index == 0 {
            self.source.charge(self.count, size_of::<K::Value>())?;
        }
        self.index += 1;
        match seed.deserialize(self.source.value(self.key)) {
            Ok(key) => Ok(Some(key)),
            Err(error) => Err(error.at(self.source.reader.offset()).in_element(index)),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value> {
        let index = self.index - 1;
        if index == 0 {
            self.source.charge(self.count, size_of::<V::Value>())?;
        }
        let value = seed.deserialize(self.source.value(self.elem));
        value.map_err(|error| error.at(self.source.reader.offset()).in_element(index))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.count - self.index)
    }
}

//! The bytes that values are read from, and what may be spent on them.

use serde::de::{Deserialize, DeserializeSeed};

use super::plan::Plan;
use super::value::Value;
use crate::error::{Error, Result};
use crate::limits::Limits;
use crate::received::{Complete, Definition, Structure, Types};
use crate::scanner::read_lead;
use crate::types::Id;
use crate::walk::{self, too_deep};
use crate::wire::Reader;
use crate::zero::ZeroDeserializer;

/// What the zeros of a sender's types are read from.
pub(super) static ZEROS: [u8; 16] = [0; 16];

/// The bytes being read, and what may still be spent on them.
pub(super) struct Source<'t, 'de> {
    pub(super) types: &'t Types,
    pub(super) reader: Reader<'de>,
    pub(super) limits: &'t Limits,
    /// How much deeper values may nest.
    pub(super) depth: usize,
    /// How much memory values may still take.
    pub(super) budget: usize,
    /// What `depth` is at a value that is all that a message or an interface holds.
    pub(super) whole_depth: usize,
    /// Whether the value is absent, hence zero, and read from [`ZEROS`].
    pub(super) is_absent: bool,
}

impl<'t, 'de> Source<'t, 'de> {
    pub(super) fn new(types: &'t Types, reader: Reader<'de>, limits: &'t Limits) -> Self {
        Self {
            types,
            reader,
            limits,
            depth: limits.depth,
            budget: limits.decoded,
            whole_depth: limits.depth,
            is_absent: false,
        }
    }

    /// A value at the beginning of what a message or an interface holds.
    #[inline]
    pub(super) fn whole(&mut self, root: Complete<'t>) -> Result<Value<'_, 't, 'de>> {
        read_lead(root.ty, &mut self.reader)?;
        Ok(self.value(root.ty))
    }

    /// Reads the value that a message holds.
    #[inline]
    pub(super) fn read_whole<T: Deserialize<'de>>(&mut self, root: Complete<'t>) -> Result<T> {
        T::deserialize(self.whole(root)?)
    }

    /// A value of the type `ty` that stands next.
    #[inline]
    pub(super) fn value(&mut self, ty: &'t Definition) -> Value<'_, 't, 'de> {
        Value { source: self, ty }
    }

    /// The zero of the type `ty`, of a value that is absent.
    #[inline(never)]
    pub(super) fn zero<S: DeserializeSeed<'de>>(
        &mut self,
        ty: &'t Definition,
        seed: S,
    ) -> Result<S::Value> {
        // A source of its own: to put another reader in the place of this one would mean to copy
        // what has just been written, for which a processor has to wait.
        let mut zeros = Source {
            types: self.types,
            reader: Reader::new(&ZEROS),
            limits: self.limits,
            depth: self.depth,
            budget: self.budget,
            whole_depth: self.whole_depth,
            is_absent: true,
        };
        let value = seed.deserialize(zeros.value(ty));
        self.budget = zeros.budget;
        value
    }

    /// The zero of something that the sender does not know.
    pub(super) fn unknown_zero(&self) -> ZeroDeserializer<'t, Error> {
        ZeroDeserializer::new(self.types.zeros(), self.depth)
    }

    /// Goes one level deeper, if that is allowed. There is no way back from an error, so only
    /// what was read in full is left again.
    #[inline]
    pub(super) fn enter(&mut self) -> Result<()> {
        match self.depth.checked_sub(1) {
            Some(depth) => self.depth = depth,
            None => return Err(too_deep(self.limits.depth).at(self.reader.offset())),
        }
        Ok(())
    }

    /// Comes back from one level deeper.
    #[inline]
    pub(super) fn leave(&mut self) {
        self.depth += 1;
    }

    /// Accounts for `count` things of `size` bytes.
    #[inline]
    pub(super) fn charge(&mut self, count: usize, size: usize) -> Result<()> {
        let left = count
            .checked_mul(size.max(1))
            .and_then(|cost| self.budget.checked_sub(cost));
        match left {
            Some(left) => {
                self.budget = left;
                Ok(())
            }
            None => Err(self.too_large()),
        }
    }

    #[cold]
    pub(super) fn too_large(&self) -> Error {
        let limit = self.limits.decoded;
        Error::limit("decoded", limit, "the size of the decoded value in bytes")
            .at(self.reader.offset())
    }

    /// How the visitor `V` reads `structure` into `fields`.
    #[inline]
    pub(super) fn plan<V>(
        &self,
        structure: &'t Structure,
        fields: &'static [&'static str],
    ) -> Result<&'t Plan> {
        let plans = structure.plans();
        match plans.plan::<V>(structure, fields, self.types.room_for_plans()) {
            Some(plan) => Ok(plan),
            None => Err(Error::limit(
                "types",
                self.limits.types,
                "the number of types that those of the stream are read into",
            )),
        }
    }

    /// Skips a value of the type `ty`.
    #[inline]
    pub(super) fn skip(&mut self, ty: &Definition) -> Result<()> {
        walk::skip(self.types, ty, &mut self.reader, self.limits)
    }

    /// Skips an interface that is nil; returns whether it was.
    pub(super) fn skip_nil(&mut self) -> Result<bool> {
        let mut ahead = self.reader.clone();
        let is_nil = ahead.uint()? == 0;
        if is_nil {
            self.reader = ahead;
        }
        Ok(is_nil)
    }

    /// Reads the beginning of a value in an interface: the name and the type. `None` is nil.
    pub(super) fn interface(&mut self) -> Result<Option<Inner<'t, 'de>>> {
        let name = self.reader.bytes()?;
        if name.is_empty() {
            return Ok(None);
        }
        let at = self.reader.offset();
        let number = self.reader.int()?;
        let id = Id::on_wire(number)
            .ok_or_else(|| Error::corrupt(at, format_args!("{number} is not the id of a type")))?;
        let root = self.types.complete(id)?;
        let size = self.reader.count()?;
        let end = self.reader.position() + size;
        Ok(Some(Inner { name, root, end }))
    }

    /// Reads the value in an interface, which is one level deeper.
    pub(super) fn inside<R>(
        &mut self,
        inner: &Inner<'t, 'de>,
        read: impl FnOnce(Value<'_, 't, 'de>) -> Result<R>,
    ) -> Result<R> {
        self.enter()?;
        let outer = std::mem::replace(&mut self.whole_depth, self.depth);
        let value = read(self.whole(inner.root)?)?;
        self.whole_depth = outer;
        self.leave();
        if self.reader.position() != inner.end {
            return Err(Error::corrupt(
                self.reader.offset(),
                "the value in an interface does not have the size that was announced",
            ));
        }
        Ok(value)
    }
}

/// The beginning of a value in an interface.
pub(super) struct Inner<'t, 'de> {
    /// The name that the type is registered under.
    pub(super) name: &'de [u8],
    root: Complete<'t>,
    /// Where the value ends.
    end: usize,
}

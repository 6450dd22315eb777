//! `Duration` as Go's `time.Duration`: a whole number of nanoseconds, in every format.
//!
//! It may not be longer than 292 years, and a negative one, which Go has, is an error when read.

use std::time::Duration;

use serde::de::Error as _;
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serializer};

use super::{Adapt, Adapter, DeserializeBy, SerializeBy};
use crate::schema::{Builder, Ref};

/// The adapter for `time.Duration`.
#[derive(Debug)]
pub enum Nanoseconds {}

super::with!(Nanoseconds);

impl Adapter for Nanoseconds {
    fn describe(types: &mut Builder) -> Ref {
        types.int()
    }
}

impl Adapt for Duration {
    type By = Nanoseconds;
}

impl SerializeBy<Nanoseconds> for Duration {
    fn serialize_by<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match i64::try_from(self.as_nanos()) {
            Ok(nanoseconds) => serializer.serialize_i64(nanoseconds),
            Err(_) => Err(S::Error::custom(format_args!(
                "a duration of {} s is more nanoseconds than an int holds",
                self.as_secs()
            ))),
        }
    }
}

impl<'de> DeserializeBy<'de, Nanoseconds> for Duration {
    fn deserialize_by<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let nanoseconds = i64::deserialize(deserializer)?;
        match u64::try_from(nanoseconds) {
            Ok(nanoseconds) => Ok(Self::from_nanos(nanoseconds)),
            Err(_) => Err(D::Error::custom(format_args!(
                "a duration of {nanoseconds} ns is negative"
            ))),
        }
    }
}

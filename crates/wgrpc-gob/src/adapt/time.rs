//! `SystemTime` and [`Time`] as Go's `time.Time`: in gob it marshals itself, in text formats it is
//! RFC 3339.
//!
//! A `SystemTime` is written in UTC, and read from any zone. `Time` keeps the zone's offset, which
//! is all that Go sends of it. Go leaves its zero time out of a struct, so a time that is missing
//! is the zero time, in the year 1: [`Time::ZERO`].

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::visit::{read_bytes, read_text};
use super::{Adapt, Adapter, DeserializeBy, SerializeBy, rfc3339};
use crate::error::{Category, Error};
use crate::schema::{Builder, Gob, Ref};
use crate::types::Marshaler;

/// Go's `time.Time` without its clock: an instant, and the zone that it is shown in.
///
/// ```
/// use wgrpc_gob::Time;
///
/// let time: Time = "2024-02-29T12:34:56.789+05:30".parse()?;
/// assert_eq!(time.offset, Some(19_800));
/// assert_eq!(time.to_string(), "2024-02-29T12:34:56.789+05:30");
/// # wgrpc_gob::Result::Ok(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Time {
    /// Seconds since 1970-01-01T00:00:00Z.
    pub seconds: i64,
    /// Nanoseconds after that second, less than a thousand million.
    pub nanoseconds: u32,
    /// The zone, in seconds east of Greenwich; `None` for UTC. Of an offset that is not whole
    /// minutes, west of Greenwich the odd seconds are not sent: not every Go reads them right.
    pub offset: Option<i32>,
}

/// The adapter for `time.Time`.
#[derive(Debug)]
pub enum GoTime {}

super::with!(GoTime);

impl Adapter for GoTime {
    fn describe(types: &mut Builder) -> Ref {
        types.opaque("Time", Marshaler::Gob)
    }
}

impl Adapt for Time {
    type By = GoTime;
}

impl Adapt for SystemTime {
    type By = GoTime;
}

const NANOSECONDS_IN_SECOND: u32 = 1_000_000_000;

impl Time {
    /// Go's zero time: 0001-01-01T00:00:00Z.
    pub const ZERO: Self = Self {
        seconds: -62_135_596_800,
        nanoseconds: 0,
        offset: None,
    };

    /// The present time, in UTC.
    pub fn now() -> Self {
        Self::from(SystemTime::now())
    }

    /// Whether it is Go's zero time, in whatever zone.
    pub fn is_zero(&self) -> bool {
        self.seconds == Self::ZERO.seconds && self.nanoseconds == 0
    }

    /// The bytes that Go makes of a time: version, seconds since the year 1, nanoseconds, offset
    /// in minutes and, in version 2, the odd seconds of the offset.
    fn to_payload(self) -> Result<([u8; 16], usize), String> {
        let seconds = self.seconds.checked_sub(Self::ZERO.seconds);
        let (Some(seconds), 0..NANOSECONDS_IN_SECOND) = (seconds, self.nanoseconds) else {
            return Err("a time out of range".to_owned());
        };
        let offset = self.offset.map(|offset| (offset / 60, offset % 60));
        let (minutes, odd_seconds) = match offset {
            // Go takes an offset of -1 minute for UTC, and up to 1.26 misreads negative seconds.
            None | Some((-1, _)) => (-1, 0),
            Some((minutes, odd_seconds)) => (minutes, odd_seconds.max(0)),
        };
        let Ok(minutes) = i16::try_from(minutes) else {
            return Err(format!("a zone {minutes} minutes east of Greenwich"));
        };
        let mut bytes = [0; 16];
        let len = if odd_seconds == 0 { 15 } else { 16 };
        bytes[0] = if odd_seconds == 0 { 1 } else { 2 };
        bytes[1..9].copy_from_slice(&seconds.to_be_bytes());
        bytes[9..13].copy_from_slice(&self.nanoseconds.to_be_bytes());
        bytes[13..15].copy_from_slice(&minutes.to_be_bytes());
        bytes[15] = odd_seconds as u8;
        Ok((bytes, len))
    }

    pub(super) fn from_payload(bytes: &[u8]) -> Result<Self, String> {
        let odd_seconds = match bytes {
            // What Go leaves out.
            [] => return Ok(Self::ZERO),
            [1, rest @ ..] if rest.len() == 14 => 0,
            [2, rest @ .., odd_seconds] if rest.len() == 14 => *odd_seconds as i8,
            _ => return Err(format!("{} bytes that are no time", bytes.len())),
        };
        let seconds = i64::from_be_bytes(part(bytes, 1)).checked_add(Self::ZERO.seconds);
        let nanoseconds = u32::from_be_bytes(part(bytes, 9));
        let (Some(seconds), 0..NANOSECONDS_IN_SECOND) = (seconds, nanoseconds) else {
            return Err("a time out of range".to_owned());
        };
        let minutes = i16::from_be_bytes(part(bytes, 13));
        let offset = i32::from(minutes) * 60 + i32::from(odd_seconds);
        Ok(Self {
            seconds,
            nanoseconds,
            offset: (offset != -60).then_some(offset),
        })
    }
}

/// The `N` bytes at `at`.
fn part<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    std::array::from_fn(|i| bytes[at + i])
}

/// The zero time, as in Go.
impl Default for Time {
    fn default() -> Self {
        Self::ZERO
    }
}

impl From<SystemTime> for Time {
    fn from(time: SystemTime) -> Self {
        // Before 1970 the nanoseconds count forwards all the same.
        let (seconds, nanoseconds) = match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => (i128::from(after.as_secs()), after.subsec_nanos()),
            Err(before) => {
                let nanoseconds = before.duration().as_nanos() as i128;
                let in_second = i128::from(NANOSECONDS_IN_SECOND);
                let rest = (-nanoseconds).rem_euclid(in_second);
                ((-nanoseconds).div_euclid(in_second), rest as u32)
            }
        };
        Self {
            seconds: i64::try_from(seconds).unwrap_or(i64::MAX),
            nanoseconds,
            offset: None,
        }
    }
}

/// Fails for a time that the system's clock cannot hold.
impl TryFrom<Time> for SystemTime {
    type Error = Error;

    fn try_from(time: Time) -> Result<Self, Error> {
        let whole = Duration::from_secs(time.seconds.unsigned_abs());
        let second = match time.seconds {
            0.. => Self::UNIX_EPOCH.checked_add(whole),
            ..0 => Self::UNIX_EPOCH.checked_sub(whole),
        };
        let nanoseconds = Duration::from_nanos(time.nanoseconds.into());
        (second.and_then(|second| second.checked_add(nanoseconds))).ok_or_else(|| {
            Error::new(
                Category::OutOfRange,
                format_args!("{time} is beyond the system's clock"),
            )
        })
    }
}

/// As RFC 3339, with the odd seconds of the zone left out.
impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        rfc3339::write(self, f)
    }
}

impl FromStr for Time {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        rfc3339::parse(text).ok_or_else(|| {
            Error::new(
                Category::OutOfRange,
                format_args!("`{text}` is no time as RFC 3339 has them"),
            )
        })
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return match rfc3339::year(self) {
                0..=9999 => serializer.collect_str(self),
                year => Err(S::Error::custom(format_args!(
                    "the year {year} has no place in a text format, which ends with 9999"
                ))),
            };
        }
        let (bytes, len) = self.to_payload().map_err(S::Error::custom)?;
        serializer.serialize_bytes(&bytes[..len])
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return read_text(
                deserializer,
                "a time as RFC 3339 has them",
                |text| match text {
                    // What a missing text is read as.
                    "" => Ok(Self::ZERO),
                    _ => text.parse(),
                },
            );
        }
        read_bytes(deserializer, "a time.Time", |bytes| {
            Self::from_payload(&bytes)
        })
    }
}

impl Gob for Time {
    fn describe(types: &mut Builder) -> Ref {
        GoTime::describe(types)
    }
}

impl SerializeBy<GoTime> for Time {
    fn serialize_by<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize(serializer)
    }
}

impl<'de> DeserializeBy<'de, GoTime> for Time {
    fn deserialize_by<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(deserializer)
    }
}

impl SerializeBy<GoTime> for SystemTime {
    fn serialize_by<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Time::from(*self).serialize(serializer)
    }
}

impl<'de> DeserializeBy<'de, GoTime> for SystemTime {
    fn deserialize_by<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let time = Time::deserialize(deserializer)?;
        Self::try_from(time).map_err(serde::de::Error::custom)
    }
}

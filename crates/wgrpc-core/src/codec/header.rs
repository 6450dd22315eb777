//! The header as text: how every codec but gob writes and reads it, by serde.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::header::{Header, Meta};

/// A [`Header`] for serde. The extensions are left out where they are absent.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Text<'a> {
    #[serde(default)]
    service_method: Cow<'a, str>,
    #[serde(default)]
    seq: u64,
    #[serde(default)]
    error: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "is_zero")]
    ext: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    code: u64,
    #[serde(default, skip_serializing_if = "Entries::is_empty")]
    meta: Entries<'a>,
    #[serde(default, skip_serializing_if = "is_zero")]
    method: u64,
}

/// Metadata as a map, in the order of its entries.
#[derive(Debug, Default)]
struct Entries<'a>(Cow<'a, Meta>);

impl Entries<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Serialize for Entries<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter())
    }
}

impl<'de> Deserialize<'de> for Entries<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bounded;

        impl<'de> Visitor<'de> for Bounded {
            type Value = Meta;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Meta, A::Error> {
                let mut meta = Meta::new();
                let mut count = 0;
                while let Some((key, value)) = map.next_entry::<String, String>()? {
                    count += 1;
                    // Each entry is compared with those before it, so a peer must not choose how
                    // many there are.
                    if count > Meta::ENTRIES {
                        let most = Meta::ENTRIES;
                        return Err(A::Error::custom(format_args!(
                            "metadata of over {most} entries exceeds the limit"
                        )));
                    }
                    meta.insert(key, value);
                }
                Ok(meta)
            }
        }

        let meta = deserializer.deserialize_map(Bounded)?;
        Ok(Self(Cow::Owned(meta)))
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde calls it with a reference"
)]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

impl<'a> From<&'a Header<'_>> for Text<'a> {
    fn from(header: &'a Header<'_>) -> Self {
        Self {
            service_method: Cow::Borrowed(&header.service_method),
            seq: header.seq,
            error: Cow::Borrowed(&header.error),
            ext: header.ext,
            code: header.code,
            method: header.method,
            meta: Entries(Cow::Borrowed(&header.meta)),
        }
    }
}

impl<'a> From<Text<'a>> for Header<'a> {
    fn from(text: Text<'a>) -> Self {
        Self {
            service_method: text.service_method,
            seq: text.seq,
            error: text.error,
            ext: text.ext,
            code: text.code,
            method: text.method,
            meta: text.meta.0,
        }
    }
}

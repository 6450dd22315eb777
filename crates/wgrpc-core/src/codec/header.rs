//! The header as text: how every codec but gob writes and reads it, by serde.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

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
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    meta: BTreeMap<Cow<'a, str>, Cow<'a, str>>,
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
            meta: header
                .meta
                .iter()
                .map(|(k, v)| (k.into(), v.into()))
                .collect(),
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
            meta: Meta::from_unique(text.meta),
        }
    }
}

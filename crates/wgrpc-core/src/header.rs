//! The header that stands before every body, in both directions, and the metadata in it.

use std::borrow::Cow;

use crate::error::{Code, Fault};

/// A request's or response's header.
///
/// The fields behind `error` are extensions, sent only to a peer that knows them; zero stands
/// for absent, in every codec.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Header<'a> {
    /// `Service.Method`.
    pub(crate) service_method: Cow<'a, str>,
    /// Which request a response answers. Chosen by the client.
    pub(crate) seq: u64,
    /// The error's text; empty for a request and for success.
    pub(crate) error: Cow<'a, str>,
    /// What the server understands, in its first response.
    pub(crate) ext: u64,
    /// What kind of error it is.
    pub(crate) code: u64,
    /// In a request that has no `service_method`: what stands for it. Together with one: what
    /// will.
    pub(crate) method: u64,
    /// Metadata.
    pub(crate) meta: Cow<'a, Meta>,
}

/// Borrows whatever is empty, so that nothing has to be dropped.
impl Default for Header<'_> {
    #[inline]
    fn default() -> Self {
        Self {
            service_method: Cow::Borrowed(""),
            seq: 0,
            error: Cow::Borrowed(""),
            ext: 0,
            code: 0,
            method: 0,
            meta: Cow::Borrowed(Meta::NONE),
        }
    }
}

impl Header<'_> {
    /// The same header, owning its texts.
    pub(crate) fn into_owned(self) -> Header<'static> {
        Header {
            service_method: Cow::Owned(self.service_method.into_owned()),
            error: Cow::Owned(self.error.into_owned()),
            seq: self.seq,
            ext: self.ext,
            code: self.code,
            method: self.method,
            meta: Cow::Owned(self.meta.into_owned()),
        }
    }

    /// The error that a response brings, if it does.
    pub(crate) fn fault(&self) -> Option<Fault> {
        if self.error.is_empty() {
            return None;
        }
        let fault = Fault::new(&*self.error);
        Some(match Code::from_number(self.code) {
            Some(code) => fault.with_code(code),
            None => fault,
        })
    }
}

/// Texts that travel with a call, beside its argument or reply: a token, a trace id.
///
/// At most [`Meta::ENTRIES`] entries and [`Meta::BYTES`] bytes in all; in a codec that escapes
/// characters, as JSON does, a request has room for less if it has many of these. Reaches only
/// peers that know metadata: Go programs ignore it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meta(Vec<(String, String)>);

impl Meta {
    /// The most entries.
    pub const ENTRIES: usize = 64;
    /// The most bytes that all keys and values may take together.
    pub const BYTES: usize = 8 << 10;

    /// No metadata.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// No metadata, to be borrowed.
    pub(crate) const NONE: &'static Self = &Self::new();

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(k, _)| k == key)
            .map(|(_, value)| value.as_str())
    }

    /// Sets `key` to `value`, in place of an earlier value.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<String>) {
        let (key, value) = (key.into(), value.into());
        match self.0.iter_mut().find(|(k, _)| *k == key) {
            Some(entry) => entry.1 = value,
            None => self.0.push((key, value)),
        }
    }

    /// Every entry, in the order in which they were set.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Why this is too much metadata to send or accept, if it is.
    #[inline]
    pub(crate) fn excess(&self) -> Option<String> {
        if self.is_empty() {
            return None;
        }
        self.excess_of_some()
    }

    #[inline(never)]
    fn excess_of_some(&self) -> Option<String> {
        let bytes: usize = self
            .0
            .iter()
            .map(|(key, value)| key.len() + value.len())
            .sum();
        if self.len() > Self::ENTRIES {
            let (len, most) = (self.len(), Self::ENTRIES);
            return Some(format!(
                "metadata of {len} entries exceeds the limit of {most}"
            ));
        }
        (bytes > Self::BYTES).then(|| {
            format!(
                "metadata of {bytes} bytes exceeds the limit of {}",
                Self::BYTES
            )
        })
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Meta {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut meta = Self::new();
        for (key, value) in entries {
            meta.insert(key, value);
        }
        meta
    }
}

impl<K: Into<String>, V: Into<String>> Extend<(K, V)> for Meta {
    fn extend<I: IntoIterator<Item = (K, V)>>(&mut self, entries: I) {
        for (key, value) in entries {
            self.insert(key, value);
        }
    }
}

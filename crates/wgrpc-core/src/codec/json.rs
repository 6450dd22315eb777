//! JSON as Go's encoding/json writes and reads it, for any serde type.
//!
//! serde_json writes and parses; this module stands between it and the type, and makes the values
//! those of Go. [`Frame`] finds where a value ends in a stream; [`read`] and [`write()`] convert
//! one.
//!
//! | Rust | JSON | Go |
//! | --- | --- | --- |
//! | bool, integers, strings | the same | the same |
//! | floats | `1`, `1e+21`; NaN and infinities are an error | float64 |
//! | `Vec<u8>`, other bytes | base64; on reading also a list of numbers | \[]byte |
//! | char | an integer; on reading also one character in a string | rune |
//! | `Option` | the value or null | a pointer |
//! | `()`, a unit struct | `{}`, in lists null; on reading anything, which is dropped | struct{} |
//! | tuple, `[T; N]` | an array | \[N]T; Go has none for a tuple |
//! | a map's key | a string; integers and chars as their digits | map\[K]V |
//! | enum, a variant without data | its name in a string | a string type, if none has data |
//! | enum, a variant with data | `{"Name":data}` | a struct with a pointer for each variant |
//!
//! Reading is as forgiving as Go is, wherever serde leaves a choice:
//!
//! * `null` is Go's zero of whatever is asked for: 0, "", false, an empty list or map, a struct of
//!   zeros. So is a key that is absent, unless serde's `default` says otherwise; see [`read`].
//! * A struct's keys match exactly, or else without regard to ASCII case; unknown ones are dropped.
//! * Missing elements of an array of fixed length are zeros, superfluous ones are dropped.
//! * Of an enum's object the one entry counts that is not null, for Go writes them all.
//!
//! It is stricter than Go in these: a key that comes twice in one struct is an error (in a map the
//! last one wins), so are half a surrogate pair and bytes that are not UTF-8, where Go puts U+FFFD.
//!
//! Beyond reach, because serde reads it without saying what it wants: inside a `flatten`ed struct
//! and in enums that are untagged or tagged inside, null and absent keys are no zeros, bytes no
//! base64. The keys of a struct with a flattened part do not match loosely, and a `Vec<u8>` in it
//! is written as a list of numbers, unless an adapter writes it.

mod de;
mod error;
mod frame;
mod ser;

pub(crate) use de::read;
pub(crate) use frame::Frame;
pub(crate) use ser::{write, write_untyped};

/// How deep arrays and objects may nest.
const DEPTH_MAX: usize = 64;

#[cfg(test)]
mod tests;

//! Go's encoding/gob for serde: the format, its types and its streams.

//! How much a peer may make us spend.

/// Bounds on what is read from a stream, and on what is written to it.
///
/// gob was not made for hostile input and Go's decoder has fixed and generous bounds. These are
/// checked before memory is reserved, and an error that one causes names it.
///
/// ```
/// let limits = wgrpc_gob::Limits { depth: 512, ..Default::default() };
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest message, read or written, in bytes. A value is one message, or several when
    /// new types first appear inside an interface; then the sum counts.
    pub message: usize,
    /// The most memory that one value may take once decoded, in bytes, by a rough count of its
    /// elements: what keeps a small message from growing into a large value.
    pub decoded: usize,
    /// How deep values may nest. A linked list nests once for each element.
    ///
    /// Finding and skipping values takes no stack. Decoding one takes some for each level, most of
    /// it for what serde derives for the type: reckon with 4 KiB a level unoptimized and with less
    /// than 1 KiB optimized, hence with 256 KiB at the default of 64.
    pub depth: usize,
    /// The most types that a peer may define on one stream, and that values without a static
    /// schema may define on a stream of ours.
    pub types: usize,
    /// The most bytes of type definitions on one stream.
    pub definitions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message: 16 << 20,
            decoded: 64 << 20,
            depth: 64,
            types: 1024,
            definitions: 256 << 10,
        }
    }
}

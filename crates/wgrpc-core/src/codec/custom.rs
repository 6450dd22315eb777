//! The seam for codecs of the user's own.

use serde::de::DeserializeOwned;

use super::CodecError;

/// A codec of the user's own, chosen by its name in the handshake.
///
/// A message is two values, header and body, one behind the other. The codec turns values into
/// bytes and back, and finds where a value ends. It has no state: every value is encoded on its
/// own. The crate `wgrpc` has MessagePack as an example.
pub trait Codec: Send + Sync + 'static {
    /// The name by which the handshake asks for the codec: `application/msgpack`.
    fn name(&self) -> &str;

    /// Appends `value` to `out`.
    ///
    /// # Errors
    /// If the value has no form in this codec; what was appended is then dropped.
    fn encode(
        &self,
        value: &dyn erased_serde::Serialize,
        out: &mut Vec<u8>,
    ) -> Result<(), CodecError>;

    /// Decodes one value from all of `bytes`, by handing a deserializer to `target`.
    ///
    /// # Errors
    /// If the bytes are not a value, or not one of the type that `target` wants.
    fn decode(&self, bytes: &[u8], target: &mut dyn Target) -> Result<(), CodecError>;

    /// The length of the value at the front of `bytes`, or `None` while it is not known.
    ///
    /// The length may be that of a value which has not arrived in full. Then the codec is asked
    /// again when it has; after `None` it is asked whenever more has arrived.
    ///
    /// # Errors
    /// If the bytes cannot be the beginning of a value: the connection ends.
    fn frame(&self, bytes: &[u8]) -> Result<Option<usize>, CodecError>;
}

/// Where [`Codec::decode`] puts what it decodes.
pub trait Target {
    /// Takes a value from `deserializer`.
    ///
    /// # Errors
    /// Those of the deserializer, and those of the type that is wanted.
    fn read(
        &mut self,
        deserializer: &mut dyn erased_serde::Deserializer<'_>,
    ) -> Result<(), erased_serde::Error>;
}

/// The value of type `T` that a codec decodes.
pub(super) struct Slot<T>(pub(super) Option<T>);

impl<T: DeserializeOwned> Target for Slot<T> {
    fn read(
        &mut self,
        deserializer: &mut dyn erased_serde::Deserializer<'_>,
    ) -> Result<(), erased_serde::Error> {
        self.0 = Some(erased_serde::deserialize(deserializer)?);
        Ok(())
    }
}

//! `url::Url` as Go's `url.URL`, a type that marshals itself to the URL's text.
//!
//! serde writes the text, and that is what gob carries. (Go's encoding/json knows nothing of this
//! and makes a struct of the parts.)

use crate::schema::{Builder, Gob, Ref};
use crate::types::Marshaler;

impl Gob for url::Url {
    fn describe(types: &mut Builder) -> Ref {
        types.opaque("URL", Marshaler::Binary)
    }
}

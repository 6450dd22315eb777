//! Complex numbers, which Go has and Rust has not.

use serde::{Deserialize, Serialize};

use crate::schema::{Builder, Gob, Ref};

/// Go's `complex64` or `complex128`. To serde it is a pair, so that other formats see `[re, im]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "(f64, f64)", into = "(f64, f64)")]
pub struct Complex {
    /// The real part.
    pub re: f64,
    /// The imaginary part.
    pub im: f64,
}

impl From<(f64, f64)> for Complex {
    fn from((re, im): (f64, f64)) -> Self {
        Self { re, im }
    }
}

impl From<Complex> for (f64, f64) {
    fn from(complex: Complex) -> Self {
        (complex.re, complex.im)
    }
}

impl Gob for Complex {
    fn describe(types: &mut Builder) -> Ref {
        types.complex()
    }
}

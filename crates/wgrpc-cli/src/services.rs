//! The services that `serve` and `demo` offer.

use std::time::Duration;

use wgrpc::gob::Dynamic;
use wgrpc::{ServerBuilder, message, service};

/// Puts the demo services into a server.
pub(crate) fn register(server: ServerBuilder) -> ServerBuilder {
    server.register(Arith).register(Echo)
}

/// Two whole numbers.
#[message]
#[derive(Clone, Copy, Debug)]
pub(crate) struct Args {
    pub(crate) a: i64,
    pub(crate) b: i64,
}

/// What a division gives.
#[message]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quotient {
    pub(crate) quo: i64,
    pub(crate) rem: i64,
}

struct Arith;

#[service]
impl Arith {
    #[method(idempotent)]
    fn multiply(&self, args: Args) -> i64 {
        // As in Go, where numbers that grow too large wrap around.
        args.a.wrapping_mul(args.b)
    }

    #[method(idempotent)]
    fn divide(&self, Args { a, b }: Args) -> Result<Quotient, &'static str> {
        if b == 0 {
            return Err("divide by zero");
        }
        Ok(Quotient {
            quo: a.wrapping_div(b),
            rem: a.wrapping_rem(b),
        })
    }

    #[method(idempotent)]
    async fn sleep(&self, milliseconds: i64) -> i64 {
        let milliseconds_or_none = u64::try_from(milliseconds).unwrap_or(0);
        tokio::time::sleep(Duration::from_millis(milliseconds_or_none)).await;
        milliseconds
    }
}

struct Echo;

#[service]
impl Echo {
    /// The argument brings its type along, and the reply takes it back.
    #[method(idempotent)]
    fn echo(&self, value: Dynamic) -> Dynamic {
        value
    }
}

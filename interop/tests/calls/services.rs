//! The demo services of the Go peer, in Rust: the same names, the same types.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use wgrpc::gob::adapt::Go;
use wgrpc::gob::{Interface, Time};
use wgrpc::{Fault, ServerBuilder, message, service};

/// The arguments of `Arith.Multiply` and `Arith.Divide`.
#[message]
#[derive(Clone, Debug, PartialEq)]
pub struct Args {
    pub a: i64,
    pub b: i64,
}

/// The reply of `Arith.Divide`.
#[message]
#[derive(Clone, Debug, PartialEq)]
pub struct Quotient {
    pub quo: i64,
    pub rem: i64,
}

/// A struct inside a [`Record`].
#[message]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Inner {
    pub name: String,
    pub value: f64,
}

/// A field of every kind that gob and JSON have in common.
#[message]
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    pub bool: bool,
    pub int: i64,
    pub int8: i8,
    pub int16: i16,
    pub int32: i32,
    pub int64: i64,
    pub uint: u64,
    pub uint8: u8,
    pub uint16: u16,
    pub uint32: u32,
    pub uint64: u64,
    pub float32: f32,
    pub float64: f64,
    pub string: String,
    pub bytes: Vec<u8>,
    pub char: char,
    pub ints: Vec<i64>,
    pub nil_ints: Option<Vec<i64>>,
    pub empty_ints: Vec<i64>,
    pub strings: Vec<String>,
    pub counts: BTreeMap<String, i64>,
    pub nil_counts: Option<BTreeMap<String, i64>>,
    pub empty_counts: BTreeMap<String, i64>,
    pub names: BTreeMap<i64, String>,
    pub inner: Inner,
    pub inners: Vec<Inner>,
    pub groups: BTreeMap<String, Vec<Inner>>,
    pub inner_ptr: Option<Inner>,
    pub nil_ptr: Option<Inner>,
    pub int_ptr: Option<i64>,
    pub time: Time,
    /// Nanoseconds, as in Go, and like there also below zero.
    pub duration: i64,
    pub array: [i64; 3],
}

/// A value of a type that only its sender knows.
#[message]
#[derive(Clone, Debug, PartialEq)]
pub struct Any {
    pub v: Option<Interface>,
}

/// The arguments of `Large.Size`.
#[message]
#[derive(Clone, Debug)]
pub struct SizeArgs {
    pub payload: Bytes,
    pub want: i64,
}

pub struct Arith;

#[service]
impl Arith {
    fn multiply(&self, args: Args) -> i64 {
        args.a.wrapping_mul(args.b)
    }

    async fn divide(&self, args: Args) -> Result<Quotient, Fault> {
        if args.b == 0 {
            return Err(Fault::new("divide by zero"));
        }
        Ok(Quotient {
            quo: args.a / args.b,
            rem: args.a % args.b,
        })
    }

    async fn sleep(&self, milliseconds: i64) -> Result<i64, Fault> {
        tokio::time::sleep(Duration::from_millis(milliseconds.try_into()?)).await;
        Ok(milliseconds)
    }

    fn fail(&self, text: String) -> Result<i64, Fault> {
        Err(Fault::new(text))
    }
}

pub struct Echo;

#[service]
impl Echo {
    fn bytes(&self, bytes: Vec<u8>) -> Vec<u8> {
        bytes
    }

    fn blobs(&self, blobs: BTreeMap<String, Vec<Vec<u8>>>) -> BTreeMap<String, Vec<Vec<u8>>> {
        blobs
    }

    fn string(&self, text: String) -> String {
        text
    }

    async fn record(&self, record: Record) -> Record {
        record
    }

    async fn any(&self, any: Any) -> Any {
        any
    }
}

pub struct Large;

#[service]
impl Large {
    async fn size(&self, args: SizeArgs) -> Result<Go<Bytes>, Fault> {
        if args.payload != pattern(args.payload.len()) {
            return Err(Fault::new("the payload was damaged on its way"));
        }
        Ok(Go(pattern(usize::try_from(args.want)?).into()))
    }
}

/// Bytes of which each is its index modulo 251.
pub fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|index| (index % 251) as u8).collect()
}

/// A server of all of it.
pub fn demo() -> ServerBuilder {
    wgrpc::Server::builder()
        .register(Arith)
        .register(Echo)
        .register(Large)
}

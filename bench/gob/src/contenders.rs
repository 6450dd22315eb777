//! Who takes part, and how each of them is driven.
//!
//! The Rust contenders implement [`Writer`] and [`Reader`], from which the same loops are made for
//! each. Go is a program of its own, which takes its times itself: see `go.rs`. prost has types of
//! its own.

mod bincode;
mod go;
pub(crate) mod gob01;
mod gobwire;
mod json;
mod messagepack;
mod plain;
mod postcard;
mod prost;
mod wgrpc;

use std::fmt;
use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use self::plain::{Buffer, Plain, Slice};
use crate::values::{self, Kind, Sample, Value, differs};

/// Writes values into a buffer.
pub(crate) trait Writer: Default + 'static {
    /// Empties the buffer. What the stream has told of its types stays told.
    fn clear(&mut self);
    fn put<T: Value>(&mut self, value: &T) -> Result<()>;
    fn bytes(&self) -> &[u8];
}

/// Reads the values of a stream.
pub(crate) trait Reader: Sized + 'static {
    /// A reader of `bytes`.
    fn new(bytes: &[u8]) -> Self;
    /// Goes on with `bytes`, the rest of the stream.
    fn replace(&mut self, bytes: &[u8]);
    /// Goes back to the beginning of those, to read them once more.
    fn rewind(&mut self);
    fn take<T: Value>(&mut self) -> Result<T>;
}

/// Encoding or decoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Encode,
    Decode,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Encode => "encode",
            Self::Decode => "decode",
        })
    }
}

/// What is done over and over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation {
    pub(crate) direction: Direction,
    pub(crate) kind: Kind,
}

impl Operation {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Kind::ALL.into_iter().flat_map(|kind| {
            [Direction::Encode, Direction::Decode].map(|direction| Self { direction, kind })
        })
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.direction, self.kind.title())
    }
}

/// Repeats an operation so many times, and says how long that took.
pub(crate) type Work = Box<dyn FnMut(u64) -> Result<Duration>>;

pub(crate) struct Contender {
    pub(crate) name: &'static str,
    work: Box<dyn Fn(Operation) -> Result<Work>>,
}

impl Contender {
    /// Prepares an operation, after a proof that its result is right.
    pub(crate) fn work(&self, operation: Operation) -> Result<Work> {
        (self.work)(operation)
    }
}

/// Every contender, wgrpc-gob first; Go is missing where it is not installed.
pub(crate) fn all() -> Result<Vec<Contender>> {
    let mut all = vec![contender::<wgrpc::Stream, wgrpc::Decoding>("wgrpc-gob")];
    all.extend(go::contender()?);
    all.push(contender::<gobwire::Stream, gobwire::Decoding>("gobwire"));
    all.push(contender::<gob01::Stream, gob01::Decoding>("gob"));
    all.push(plain::<json::Json>("serde_json"));
    all.push(plain::<bincode::Bincode>("bincode"));
    all.push(plain::<postcard::Postcard>("postcard"));
    all.push(plain::<messagepack::MessagePack>("rmp-serde"));
    all.push(prost::contender());
    Ok(all)
}

fn plain<P: Plain>(name: &'static str) -> Contender {
    contender::<Buffer<P>, Slice<P>>(name)
}

fn contender<W: Writer, R: Reader>(name: &'static str) -> Contender {
    let work = move |Operation { direction, kind }| match kind {
        Kind::Call => prepare::<W, R, _>(name, values::call(), direction),
        Kind::Ints => prepare::<W, R, _>(name, values::ints(), direction),
        Kind::Structs => prepare::<W, R, _>(name, values::structs(), direction),
        Kind::Maps => prepare::<W, R, _>(name, values::maps(), direction),
        Kind::Blob => prepare::<W, R, _>(name, values::blob(), direction),
    };
    Contender {
        name,
        work: Box::new(work),
    }
}

fn prepare<W: Writer, R: Reader, S: Sample>(
    name: &str,
    sample: S,
    direction: Direction,
) -> Result<Work> {
    let mut writer = W::default();
    sample.put(&mut writer)?;
    let mut reader = R::new(writer.bytes());
    ensure!(S::take(&mut reader)? == sample, differs::<S>(name));
    // From here on the stream is warm.
    writer.clear();
    sample.put(&mut writer)?;
    reader.replace(writer.bytes());
    ensure!(S::take(&mut reader)? == sample, differs::<S>(name));

    Ok(match direction {
        Direction::Encode => timed(move || {
            writer.clear();
            black_box(&sample).put(&mut writer)?;
            black_box(writer.bytes());
            Ok(())
        }),
        Direction::Decode => timed(move || {
            reader.rewind();
            black_box(S::take(&mut reader)?);
            Ok(())
        }),
    })
}

fn timed(mut operation: impl FnMut() -> Result<()> + 'static) -> Work {
    Box::new(move |times| {
        let start = Instant::now();
        for _ in 0..times {
            operation()?;
        }
        Ok(start.elapsed())
    })
}

//! prost, with messages of its own: its types are not serde's, and a list or a map has to be a
//! field of a message.

use std::collections::HashMap;
use std::hint::black_box;

use anyhow::{Result, ensure};
use prost::Message;

use super::{Contender, Direction, Operation, Work, timed};
use crate::values::{self, Kind, differs};

#[derive(PartialEq, Message)]
struct Call {
    #[prost(message, required, tag = "1")]
    header: Header,
    #[prost(message, required, tag = "2")]
    args: Args,
}

#[derive(PartialEq, Message)]
struct Header {
    #[prost(string, tag = "1")]
    service_method: String,
    #[prost(uint64, tag = "2")]
    seq: u64,
    #[prost(string, tag = "3")]
    error: String,
}

#[derive(PartialEq, Message)]
struct Args {
    #[prost(sint64, tag = "1")]
    a: i64,
    #[prost(sint64, tag = "2")]
    b: i64,
}

#[derive(PartialEq, Message)]
struct Ints {
    #[prost(sint64, repeated, tag = "1")]
    ints: Vec<i64>,
}

#[derive(PartialEq, Message)]
struct Records {
    #[prost(message, repeated, tag = "1")]
    records: Vec<Record>,
}

#[derive(PartialEq, Message)]
struct Record {
    #[prost(sint64, tag = "1")]
    id: i64,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(double, tag = "3")]
    score: f64,
    #[prost(bool, tag = "4")]
    active: bool,
}

#[derive(PartialEq, Message)]
struct Maps {
    #[prost(map = "string, message", tag = "1")]
    maps: HashMap<String, Inner>,
}

#[derive(PartialEq, Message)]
struct Inner {
    #[prost(map = "string, sint64", tag = "1")]
    map: HashMap<String, i64>,
}

#[derive(PartialEq, Message)]
struct Blob {
    #[prost(bytes = "vec", tag = "1")]
    data: Vec<u8>,
}

pub(crate) fn contender() -> Contender {
    Contender {
        name: "prost",
        work: Box::new(work),
    }
}

fn work(Operation { direction, kind }: Operation) -> Result<Work> {
    match kind {
        Kind::Call => prepare(call(), direction),
        Kind::Ints => prepare(
            Ints {
                ints: values::ints(),
            },
            direction,
        ),
        Kind::Structs => prepare(records(), direction),
        Kind::Maps => prepare(maps(), direction),
        Kind::Blob => prepare(
            Blob {
                data: values::blob().data,
            },
            direction,
        ),
    }
}

fn prepare<M: Message + Default + PartialEq + 'static>(
    message: M,
    direction: Direction,
) -> Result<Work> {
    let mut buffer = message.encode_to_vec();
    ensure!(M::decode(&*buffer)? == message, differs::<M>("prost"));
    Ok(match direction {
        Direction::Encode => timed(move || {
            buffer.clear();
            black_box(&message).encode(&mut buffer)?;
            black_box(&buffer);
            Ok(())
        }),
        Direction::Decode => timed(move || {
            black_box(M::decode(&*buffer)?);
            Ok(())
        }),
    })
}

fn call() -> Call {
    let (header, values::Args { a, b }) = values::call();
    Call {
        header: Header {
            service_method: header.service_method,
            seq: header.seq,
            error: header.error,
        },
        args: Args { a, b },
    }
}

fn records() -> Records {
    let records = values::structs().into_iter().map(|record| Record {
        id: record.id,
        name: record.name,
        score: record.score,
        active: record.active,
    });
    Records {
        records: records.collect(),
    }
}

fn maps() -> Maps {
    let maps = values::maps().into_iter();
    Maps {
        maps: maps.map(|(key, map)| (key, Inner { map })).collect(),
    }
}

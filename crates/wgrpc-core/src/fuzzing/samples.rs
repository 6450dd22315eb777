//! Types that bytes are read into: at least one of every kind that codecs treat in a way of its
//! own.
//!
//! Their fields are named like those of the Go types that the vectors in `interop/` are made of, so
//! that these find something to read.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use wgrpc_gob::{Complex, Dynamic, Gob, Interface, adapt};

/// Something that is done with each of the types.
pub(super) trait Visit {
    /// Does it with `T`.
    fn visit<T: Serialize + for<'de> Deserialize<'de> + Gob>(&mut self);
}

/// Does `what` with every type.
pub(super) fn visit_all(what: &mut impl Visit) {
    what.visit::<bool>();
    what.visit::<i64>();
    what.visit::<u8>();
    what.visit::<f32>();
    what.visit::<char>();
    what.visit::<String>();
    what.visit::<(i8, String)>();
    what.visit::<[u16; 3]>();
    what.visit::<Vec<i32>>();
    what.visit::<Vec<Vec<u8>>>();
    what.visit::<BTreeMap<String, i64>>();
    what.visit::<BTreeMap<i64, Vec<Option<bool>>>>();
    what.visit::<Scalars>();
    what.visit::<Adapted>();
    what.visit::<Nested>();
    what.visit::<Mid<Option<Point>>>();
    what.visit::<Mid<[Point; 2]>>();
    what.visit::<Mid<Vec<Point>>>();
    what.visit::<Mid<()>>();
    what.visit::<Mid<Option<Interface>>>();
    what.visit::<Vec<Option<Interface>>>();
    what.visit::<Dynamic>();
    what.visit::<Tree>();
    what.visit::<Nest>();
    what.visit::<Folder>();
    what.visit::<Shape>();
    what.visit::<Weekday>();
}

#[derive(Serialize, Deserialize, Gob)]
pub(super) struct Scalars {
    bool: bool,
    int: i64,
    int8: i8,
    int16: i16,
    int32: i32,
    uint: u64,
    uint8: u8,
    uint16: u16,
    uint32: u32,
    float32: f32,
    float64: f64,
    complex128: Complex,
    string: Box<str>,
    #[serde(with = "adapt::bytes")]
    bytes: Vec<u8>,
}

#[derive(Serialize, Deserialize, Gob)]
pub(super) struct Adapted {
    name: String,
    #[serde(with = "adapt::time")]
    at: SystemTime,
    #[serde(with = "adapt::time")]
    until: Option<SystemTime>,
    #[serde(with = "adapt::duration")]
    every: Duration,
    #[serde(with = "adapt::big_int")]
    big: i128,
    #[serde(with = "adapt::ip")]
    ip: IpAddr,
    #[serde(with = "adapt::netip_addr")]
    addr: IpAddr,
    #[serde(with = "adapt::netip_addr_port")]
    port: SocketAddr,
    #[serde(with = "adapt::netip_prefix")]
    prefix: (IpAddr, u8),
}

#[derive(Serialize, Deserialize, Gob)]
pub(super) struct Point {
    x: i64,
    y: i64,
}

#[derive(Serialize, Deserialize, Gob)]
pub(super) struct Nested {
    #[serde(rename = "Name")]
    label: String,
    #[serde(alias = "Corners", default)]
    points: Vec<Point>,
    tags: BTreeMap<String, Point>,
    shape: Option<Shape>,
    day: Option<Weekday>,
    from: Point,
    to: (Point, Option<i8>),
    #[serde(skip)]
    _unseen: (),
}

/// The field of every type in turn between two others: it must not be read too far.
#[derive(Serialize, Deserialize, Gob)]
pub(super) struct Mid<T> {
    before: i64,
    v: T,
    after: String,
}

#[derive(Serialize, Deserialize, Gob)]
pub(super) struct Tree {
    key: String,
    left: Option<Box<Self>>,
    right: Option<Box<Self>>,
}

#[derive(Serialize, Deserialize, Gob)]
pub(super) struct Nest(Vec<Self>);

#[derive(Serialize, Deserialize, Gob)]
pub(super) struct Folder {
    files: BTreeMap<String, i64>,
    folders: BTreeMap<String, Self>,
}

#[derive(Serialize, Deserialize, Gob)]
pub(super) enum Shape {
    Circle { radius: f64 },
    Square(f64),
    Line(Point, Point),
    Nobody,
}

#[derive(Serialize, Deserialize, Gob)]
pub(super) enum Weekday {
    Sunday,
    Monday,
    #[serde(other)]
    Later,
}

/// What can only be read, because nothing tells its type: fields that are not known are kept.
#[derive(Deserialize)]
pub(super) struct Open {
    #[serde(default)]
    _x: i64,
    #[serde(flatten)]
    _rest: BTreeMap<String, serde_json::Value>,
}

/// A variant that is found by trying one after the other.
#[derive(Deserialize)]
#[serde(untagged)]
#[expect(dead_code, reason = "only read")]
pub(super) enum Any {
    Number(i64),
    Text(String),
    Point(Point),
    List(Vec<Self>),
}

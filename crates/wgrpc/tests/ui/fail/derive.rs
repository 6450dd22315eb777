//! Types that no schema can be derived for.

use wgrpc::gob::Gob;

#[derive(Gob)]
#[gob(crate = "wgrpc::gob")]
#[gob(interface)]
enum Unregistered {
    Circle(f64),
}

#[derive(Gob)]
#[gob(crate = "wgrpc::gob", int)]
struct NoEnum;

#[derive(Gob)]
#[gob(crate = "wgrpc::gob")]
struct Unknown {
    #[gob(nmae = "ID")]
    id: i64,
}

#[derive(Gob)]
#[gob(crate = "wgrpc::gob")]
struct NoGoName {
    _1: i64,
}

#[derive(Gob)]
#[gob(crate = "wgrpc::gob")]
#[serde(remote = "Other")]
struct Remote {
    id: i64,
}

fn main() {}

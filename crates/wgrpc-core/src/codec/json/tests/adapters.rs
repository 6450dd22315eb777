//! The types that wgrpc-gob has adapters for, against what Go writes for its own.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use wgrpc_gob::{Time, adapt};

use super::{same, value};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
struct Adapted {
    #[serde(with = "adapt::duration")]
    d: Duration,
    #[serde(with = "adapt::time")]
    t: Time,
    #[serde(with = "adapt::big_int")]
    b: i128,
    #[serde(with = "adapt::ip")]
    i: IpAddr,
    #[serde(with = "adapt::netip_addr")]
    a: IpAddr,
    #[serde(with = "adapt::netip_addr_port")]
    p: SocketAddr,
    #[serde(with = "adapt::netip_prefix")]
    x: (IpAddr, u8),
    #[serde(with = "adapt::bytes")]
    y: Vec<u8>,
}

#[test]
fn the_forms_are_those_of_go() {
    let expected = Adapted {
        d: Duration::from_nanos(1500),
        t: "2024-02-03T04:05:06.000000007+01:30".parse().unwrap(),
        b: i128::MIN,
        i: "10.0.0.1".parse().unwrap(),
        a: "::1".parse().unwrap(),
        p: "[::1]:80".parse().unwrap(),
        x: ("10.0.0.0".parse().unwrap(), 8),
        y: vec![1],
    };
    let text = concat!(
        r#"{"D":1500,"T":"2024-02-03T04:05:06.000000007+01:30","#,
        r#""B":-170141183460469231731687303715884105728,"I":"10.0.0.1","A":"::1","#,
        r#""P":"[::1]:80","X":"10.0.0.0/8","Y":"AQ=="}"#
    );
    same(expected, text);
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
struct Zeros {
    #[serde(with = "adapt::duration")]
    d: Duration,
    #[serde(with = "adapt::time")]
    t: Time,
    #[serde(with = "adapt::big_int")]
    b: i128,
    #[serde(with = "adapt::bytes")]
    y: Vec<u8>,
}

#[test]
fn zeros_are_understood() {
    let zeros = Zeros {
        d: Duration::ZERO,
        t: Time::ZERO,
        b: 0,
        y: Vec::new(),
    };
    let texts = [
        r#"{"D":0,"T":"0001-01-01T00:00:00Z","B":null,"Y":null}"#,
        r#"{"D":null,"T":null,"Y":""}"#,
        "{}",
    ];
    for text in texts {
        assert_eq!(value::<Zeros>(text), zeros, "{text}");
    }
}

//! What the adapters write, in gob and in JSON, against what Go writes.

use core::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime};

use serde::de::DeserializeOwned;

use super::*;
use crate::{Dynamics, Limits, Schema, Time, encode, wire};

/// The value behind the length, the id and the zero of its message.
fn gob<T: Serialize + Gob>(value: &T) -> Vec<u8> {
    try_gob(value).unwrap()
}

fn try_gob<T: Serialize + Gob>(value: &T) -> crate::Result<Vec<u8>> {
    let mut out = Vec::new();
    let limits = Limits::default();
    encode(
        Schema::of::<T>(),
        value,
        &Dynamics::new(0),
        &limits,
        &mut out,
    )?;
    let mut reader = wire::Reader::new(&out);
    reader.uint()?;
    reader.int()?;
    assert_eq!(reader.byte()?, 0);
    Ok(reader.rest().to_vec())
}

/// The payload of an opaque value, or bytes.
fn payload<T: Serialize + Gob>(value: &T) -> Vec<u8> {
    let bytes = gob(value);
    let mut reader = wire::Reader::new(&bytes);
    let payload = reader.bytes().unwrap().to_vec();
    assert!(reader.is_empty());
    payload
}

fn json<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap()
}

fn from_json<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).unwrap()
}

fn refused<T: DeserializeOwned + std::fmt::Debug>(text: &str) {
    serde_json::from_str::<T>(text).unwrap_err();
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    (digits.chunks(2))
        .map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap())
        .collect()
}

#[test]
fn times_are_the_bytes_that_go_makes_of_them() {
    for (text, bytes) in [
        ("0001-01-01T00:00:00Z", "01 0000000000000000 00000000 ffff"),
        ("1970-01-01T00:00:00Z", "01 0000000e7791f700 00000000 ffff"),
        (
            "2024-02-29T12:34:56.789Z",
            "01 0000000edd7270f0 2f072f40 ffff",
        ),
        (
            "2024-02-29T18:04:56.789+05:30",
            "01 0000000edd7270f0 2f072f40 014a",
        ),
        (
            "2024-02-29T04:34:56.789-08:00",
            "01 0000000edd7270f0 2f072f40 fe20",
        ),
        (
            "2024-02-29T12:34:56.789+00:00",
            "01 0000000edd7270f0 2f072f40 0000",
        ),
    ] {
        let time: Time = text.parse().unwrap();
        assert_eq!(payload(&time), hex(bytes), "{text}");
        assert_eq!(time.to_string(), text);
        assert_eq!(json(&time), format!("\"{text}\""));
        assert_eq!(from_json::<Time>(&json(&time)), time);
        assert_eq!(Time::from_payload(&hex(bytes)), Ok(time));
    }
    assert_eq!(Time::from_payload(&[]), Ok(Time::ZERO));
    assert!(Time::default().is_zero());
}

#[test]
fn a_zone_with_odd_seconds_is_kept_as_far_as_every_go_reads_it() {
    let instant: Time = "2024-02-29T12:34:56.789Z".parse().unwrap();
    let at = |offset| Time {
        offset: Some(offset),
        ..instant
    };
    let east = at(3600 + 23 * 60 + 45);
    assert_eq!(payload(&east), hex("02 0000000edd7270f0 2f072f40 0053 2d"));
    assert_eq!(Time::from_payload(&payload(&east)), Ok(east));
    assert_eq!(
        Time::from_payload(&payload(&at(-75 * 60 - 30))),
        Ok(at(-75 * 60))
    );
    // Go takes an offset of -1 minute for UTC.
    assert_eq!(Time::from_payload(&payload(&at(-60))), Ok(instant));
    assert_eq!(Time::from_payload(&payload(&at(-75))), Ok(instant));
    assert!(try_gob(&at(i32::MAX)).is_err());
}

#[test]
fn bytes_that_are_no_time_are_refused() {
    for bytes in [
        "01",
        "03 0000000e7791f700 00000000 ffff",
        "01 0000000e7791f700 00000000 ffff 00",
        "02 0000000e7791f700 00000000 ffff",
        "01 0000000e7791f700 3b9aca00 ffff",
        "01 0000000e7791f700 ffffffff ffff",
        "01 8000000000000000 00000000 ffff",
    ] {
        assert!(Time::from_payload(&hex(bytes)).is_err(), "{bytes}");
    }
}

#[test]
fn the_system_clock_goes_both_ways() {
    for nanoseconds in [0, 1, 999_999_999, 1_000_000_000, 1_700_000_000_123_456_789] {
        let distance = Duration::from_nanos(nanoseconds);
        for system in [
            SystemTime::UNIX_EPOCH + distance,
            SystemTime::UNIX_EPOCH - distance,
        ] {
            let time = Time::from(system);
            assert_eq!(SystemTime::try_from(time).unwrap(), system);
            assert_eq!(gob(&Go(system)), gob(&time));
            assert_eq!(from_json::<Go<SystemTime>>(&json(&Go(system))).0, system);
        }
    }
    let before = SystemTime::UNIX_EPOCH - Duration::from_nanos(1);
    assert_eq!(
        Time::from(before).to_string(),
        "1969-12-31T23:59:59.999999999Z"
    );
    let beyond = Time {
        seconds: i64::MAX,
        ..Time::ZERO
    };
    assert!(try_gob(&beyond).is_err());
    assert!(serde_json::to_string(&beyond).is_err());
}

#[test]
fn big_integers_are_a_sign_and_a_magnitude() {
    for (value, bytes) in [
        (0, "02"),
        (1, "02 01"),
        (-1, "03 01"),
        (255, "02 ff"),
        (256, "02 01 00"),
        (i128::MAX, "02 7fffffffffffffffffffffffffffffff"),
        (i128::MIN, "03 80000000000000000000000000000000"),
    ] {
        assert_eq!(payload(&Go(value)), hex(bytes), "{value}");
        assert_eq!(json(&Go(value)), value.to_string());
        assert_eq!(from_json::<Go<i128>>(&value.to_string()).0, value);
        if let Ok(value) = u128::try_from(value) {
            assert_eq!(payload(&Go(value)), hex(bytes), "{value}");
        }
    }
    assert_eq!(
        payload(&Go(u128::MAX)),
        hex("02 ffffffffffffffffffffffffffffffff")
    );
    assert_eq!(json(&Go(u128::MAX)), u128::MAX.to_string());
}

#[test]
fn durations_are_nanoseconds_in_every_format() {
    let duration = Go(Duration::from_millis(1500));
    assert_eq!(gob(&duration), gob(&1_500_000_000_i64));
    assert_eq!(json(&duration), "1500000000");
    assert_eq!(from_json::<Go<Duration>>("1500000000"), duration);
    refused::<Go<Duration>>("-1");
    assert!(try_gob(&Go(Duration::MAX)).is_err());
}

#[test]
fn bytes_are_base64_in_text_formats() {
    for (bytes, text) in [
        (&b""[..], ""),
        (b"a", "YQ=="),
        (b"ab", "YWI="),
        (b"\xff\xfe\xfd", "//79"),
    ] {
        let value = Go(bytes.to_vec());
        assert_eq!(payload(&value), bytes);
        assert_eq!(json(&value), format!("\"{text}\""));
        assert_eq!(from_json::<Go<Vec<u8>>>(&json(&value)), value);
    }
    assert_eq!(from_json::<Go<Vec<u8>>>("null").0, b"");
    assert_eq!(from_json::<Go<Vec<u8>>>("[97, 98]").0, b"ab");
    assert_eq!(from_json::<Go<Vec<u8>>>("\"YW\\r\\nI=\"").0, b"ab");
    assert_eq!(from_json::<Go<[u8; 2]>>("\"YWI=\"").0, *b"ab");
    assert_eq!(from_json::<Go<[u8; 2]>>("\"\"").0, [0, 0]);
    assert_eq!(payload(&Go(*b"ab")), b"ab");
    refused::<Go<Vec<u8>>>("\"YWI\"");
    refused::<Go<Vec<u8>>>("\"*\"");
    refused::<Go<Vec<u8>>>("1");
    refused::<Go<[u8; 2]>>("\"YQ==\"");
}

#[test]
fn addresses_are_bytes_in_gob_and_texts_elsewhere() {
    let ip = |text: &str| Go(text.parse::<IpAddr>().unwrap());
    assert_eq!(payload(&ip("192.0.2.1")), [192, 0, 2, 1]);
    assert_eq!(payload(&ip("::1")), hex("00000000000000000000000000000001"));
    assert_eq!(json(&ip("2001:db8::1")), "\"2001:db8::1\"");
    assert_eq!(from_json::<Go<IpAddr>>("\"192.0.2.1\""), ip("192.0.2.1"));
    refused::<Go<IpAddr>>("\"\"");

    let socket = |text: &str| Go(text.parse::<SocketAddr>().unwrap());
    assert_eq!(payload(&socket("192.0.2.1:258")), [192, 0, 2, 1, 2, 1]);
    let scoped = "[fe80::1%7]:80";
    assert_eq!(
        payload(&socket(scoped)),
        hex("fe800000000000000000000000000001 37 5000")
    );
    assert_eq!(json(&socket(scoped)), format!("{scoped:?}"));
    assert_eq!(
        from_json::<Go<SocketAddr>>(&format!("{scoped:?}")),
        socket(scoped)
    );

    let prefix = Go((ip("192.0.2.0").0, 24));
    assert_eq!(payload(&prefix), [192, 0, 2, 0, 24]);
    assert_eq!(json(&prefix), "\"192.0.2.0/24\"");
    assert_eq!(from_json::<Go<(IpAddr, u8)>>("\"192.0.2.0/24\""), prefix);
    refused::<Go<(IpAddr, u8)>>("\"192.0.2.0/33\"");
    refused::<Go<(IpAddr, u8)>>("\"192.0.2.0\"");
    assert!(try_gob(&Go((ip("::").0, 129))).is_err());
}

#[test]
fn a_field_takes_its_adapter_from_the_module() {
    #[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(default)]
    struct Job {
        #[serde(with = "crate::adapt::duration")]
        timeout: Option<Duration>,
        #[serde(with = "crate::adapt::bytes", skip_serializing_if = "Vec::is_empty")]
        input: Vec<u8>,
        #[serde(with = "crate::adapt::netip_addr")]
        host: Option<IpAddr>,
    }
    impl Gob for Job {
        fn describe(types: &mut Builder) -> Ref {
            let fields = [
                ("Timeout", "timeout", duration::describe(types)),
                ("Input", "input", bytes::describe(types)),
                ("Host", "host", netip_addr::describe(types)),
            ];
            types.structure("Job", fields)
        }
    }
    let job = Job {
        timeout: Some(Duration::ZERO),
        input: b"ab".to_vec(),
        host: Some([192, 0, 2, 1].into()),
    };
    let message = |job: &Job| {
        let mut out = Vec::new();
        let limits = Limits::default();
        encode(
            Schema::of::<Job>(),
            job,
            &Dynamics::new(0),
            &limits,
            &mut out,
        )
        .unwrap();
        out.split_off(3)
    };
    assert_eq!(message(&job), hex("01 00 01 02 6162 01 04 c0000201 00"));
    assert_eq!(message(&Job::default()), hex("00"));
    let text = r#"{"timeout":0,"input":"YWI=","host":"192.0.2.1"}"#;
    assert_eq!(json(&job), text);
    assert_eq!(from_json::<Job>(text), job);
    assert_eq!(
        from_json::<Job>(r#"{"timeout":null,"host":null}"#),
        Job::default()
    );
}

#[cfg(feature = "url")]
#[test]
fn a_url_is_opaque_and_its_text() {
    let url = ::url::Url::parse("https://example.com/a?b=c").unwrap();
    assert_eq!(payload(&url), url.as_str().as_bytes());
    assert_eq!(
        crate::from_slice::<::url::Url>(&crate::to_vec(&url).unwrap()).unwrap(),
        url
    );
}

#[cfg(feature = "uuid")]
#[test]
fn a_uuid_is_opaque_and_its_bytes() {
    let uuid = ::uuid::Uuid::from_u128(0x0102_0304 << 96 | 5);
    assert_eq!(payload(&uuid), uuid.as_bytes());
    assert_eq!(
        crate::from_slice::<::uuid::Uuid>(&crate::to_vec(&uuid).unwrap()).unwrap(),
        uuid
    );
}

//! Long bytes that are left out: put into their places, they make the message that it would be
//! without.

use std::collections::BTreeMap;

use ::bytes::Bytes;
use serde::Serializer;
use serde::ser::{SerializeSeq as _, SerializeStruct as _};

use super::*;
use crate::adapt::Go;
use crate::infer::Inferred;

const LONG: usize = 16 << 10;

fn bytes(len: usize) -> Go<Bytes> {
    Go((0..len).map(|index| index as u8).collect())
}

/// Checks the message, of which `count` segments are left out.
#[track_caller]
fn check<T: Serialize + Gob>(value: &T, count: usize) {
    check_with(Schema::of::<T>(), value, count);
}

#[track_caller]
fn check_with<T: Serialize>(schema: &Schema, value: &T, count: usize) {
    let limits = Limits::default();
    // Written again, it is known how long its length is.
    for _ in 0..2 {
        let dynamics = Dynamics::new(limits.types);
        let mut out = b"before".to_vec();
        let needs = encode_apart(schema, value, &dynamics, &limits, &mut out).unwrap();
        assert_eq!(needs.segments().len(), count);
        let out = out.strip_prefix(b"before").unwrap();
        let (mut joined, mut done) = (Vec::new(), 0);
        for Segment { at, bytes } in needs.segments() {
            joined.extend_from_slice(&out[done..*at]);
            joined.extend_from_slice(bytes);
            done = *at;
        }
        joined.extend_from_slice(&out[done..]);
        let (dynamics, mut whole) = (Dynamics::new(limits.types), Vec::new());
        encode(schema, value, &dynamics, &limits, &mut whole).unwrap();
        assert!(joined == whole);
    }
}

#[derive(Clone, Serialize)]
struct Blob {
    name: String,
    data: Go<Bytes>,
    more: Option<Go<Bytes>>,
    number: i64,
}
gob_struct!(Blob {
    "Name" "name": String,
    "Data" "data": Go<Bytes>,
    "More" "more": Option<Go<Bytes>>,
    "Number" "number": i64,
});

fn blob(len: usize) -> Blob {
    Blob {
        name: "x".to_owned(),
        data: bytes(len),
        more: None,
        number: 7,
    }
}

/// Its fields come in another order than they have on the wire.
#[derive(Clone, Serialize)]
struct Reversed {
    before: Go<Bytes>,
    data: Go<Bytes>,
    number: i64,
}
gob_struct!(Reversed {
    "Before" "before": Go<Bytes>,
    "Number" "number": i64,
    "Data" "data": Go<Bytes>,
});

fn reversed(len: usize) -> Reversed {
    Reversed {
        before: bytes(len),
        data: bytes(len),
        number: 7,
    }
}

#[test]
fn only_long_bytes_with_an_owner_are_left_out() {
    check(&bytes(0), 0);
    check(&bytes(LONG - 1), 0);
    check(&bytes(LONG), 1);
    check(&blob(1 << 20), 1);
    check(&Go(vec![7; 1 << 20]), 0);
    let both = Blob {
        more: Some(bytes(LONG)),
        ..blob(LONG)
    };
    check(&both, 2);
    check(&vec![both.clone(), blob(3), both], 4);
}

#[test]
fn they_are_in_the_lengths_of_all_that_is_around_them() {
    #[derive(Serialize)]
    enum Either {
        Left(Blob),
        Right(Go<Bytes>),
    }
    struct Union;
    impl Gob for Union {
        fn describe(types: &mut Builder) -> Ref {
            let (left, right) = (types.of::<Blob>(), types.of::<Go<Bytes>>());
            types.union(
                "Either",
                [("Left", "Left", left), ("Right", "Right", right)],
            )
        }
    }
    struct Registered;
    impl Gob for Registered {
        fn describe(types: &mut Builder) -> Ref {
            let (left, right) = (types.of::<Blob>(), types.of::<Go<Bytes>>());
            types.interface_of([("Left", "left", left), ("Right", "right", right)])
        }
    }
    let values = || vec![Either::Left(blob(LONG)), Either::Right(bytes(LONG))];
    for schema in [Schema::of::<Vec<Union>>(), Schema::of::<Vec<Registered>>()] {
        check_with(schema, &values(), 2);
    }
}

#[test]
fn a_count_that_was_not_known_before_moves_them() {
    struct Some200;
    impl Serialize for Some200 {
        fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
            let lens = [LONG; 3].into_iter().chain([1; 197]);
            serializer.collect_seq(lens.filter(|len| *len > 0).map(bytes))
        }
    }
    impl Gob for Some200 {
        fn describe(types: &mut Builder) -> Ref {
            types.of::<Vec<Go<Bytes>>>()
        }
    }
    check(&(bytes(LONG), Some200, bytes(LONG)), 5);
}

#[test]
fn a_struct_that_is_put_in_order_has_all_its_bytes_and_those_before_it_stay_out() {
    check(&(blob(LONG), reversed(LONG)), 1);
    check(&BTreeMap::from([(bytes(LONG), reversed(LONG))]), 1);
    check(&vec![reversed(LONG), reversed(3)], 0);
}

#[test]
fn of_a_value_without_a_schema_too() {
    check_with(Schema::of::<Inferred<Blob>>(), &Inferred(blob(LONG)), 1);
}

#[test]
fn they_count_for_the_limit_of_messages_and_a_failed_encoding_keeps_nothing() {
    let value = (bytes(LONG), bytes(LONG));
    let whole = message(&value).len();
    let schema = Schema::of::<(Go<Bytes>, Go<Bytes>)>();
    for (message, is_allowed) in [(whole, true), (whole - 4, false), (LONG + 100, false)] {
        let limits = Limits {
            message,
            ..Limits::default()
        };
        let dynamics = Dynamics::new(limits.types);
        let mut out = b"before".to_vec();
        let written = encode_apart(schema, &value, &dynamics, &limits, &mut out);
        assert_eq!(written.is_ok(), is_allowed, "{message} of {whole} bytes");
        drop(written);
        if !is_allowed {
            assert_eq!(out, b"before");
        }
    }
    assert!(value.0.0.is_unique() && value.1.0.is_unique());
}

#[test]
fn a_value_that_ignores_a_failed_part_fails_before_its_fields_are_put_in_order() {
    type Done<S> = std::result::Result<<S as Serializer>::Ok, <S as Serializer>::Error>;
    /// Leaves bytes out, and fails then.
    struct Broken;
    impl Serialize for Broken {
        fn serialize<S: Serializer>(&self, serializer: S) -> Done<S> {
            let mut blob = serializer.serialize_struct("Blob", 4)?;
            blob.serialize_field("data", &bytes(LONG))?;
            Err(serde::ser::Error::custom("broken"))
        }
    }
    struct Ignoring;
    impl Serialize for Ignoring {
        fn serialize<S: Serializer>(&self, serializer: S) -> Done<S> {
            let mut list = serializer.serialize_seq(None)?;
            assert!(list.serialize_element(&Broken).is_err());
            list.end()
        }
    }
    struct Careless;
    gob_struct!(Careless {
        "Number" "number": i64,
        "Other" "other": i64,
        "Items" "items": Vec<Blob>,
    });
    impl Serialize for Careless {
        fn serialize<S: Serializer>(&self, serializer: S) -> Done<S> {
            let mut fields = serializer.serialize_struct("Careless", 3)?;
            fields.serialize_field("other", &7)?;
            fields.serialize_field("items", &Ignoring)?;
            fields.serialize_field("number", &7)?;
            fields.end()
        }
    }
    let (schema, limits) = (Schema::of::<Careless>(), Limits::default());
    let (dynamics, mut out) = (Dynamics::new(limits.types), b"before".to_vec());
    let error = encode_apart(schema, &Careless, &dynamics, &limits, &mut out).unwrap_err();
    assert!(
        error.to_string().contains("went on after a part"),
        "{error}"
    );
    assert_eq!(out, b"before");
}

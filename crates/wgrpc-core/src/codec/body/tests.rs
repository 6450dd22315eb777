//! What is shared with a block that was read, and what is copied.

use std::borrow::Cow;

use serde::Serialize;
use wgrpc_gob::adapt::Go;
use wgrpc_gob::{Gob, Limits, Scan, Scanner, to_vec};

use super::*;

/// Hands over a block of at least `len` bytes with a message in front that holds `value`, the body
/// of that message, and what decodes it.
fn receive<T: Serialize + Gob>(
    value: &T,
    len: usize,
    check: impl FnOnce(&Decoding, Body<'_>, &Bytes),
) {
    let mut bytes = to_vec(value).unwrap();
    bytes.resize(len.max(bytes.len()), 0);
    let block = Bytes::from(bytes);
    let limits = Limits::default();
    let mut scanner = Scanner::new(limits.clone());
    let Ok(Scan::Value {
        id,
        payload: Cow::Borrowed(payload),
        ..
    }) = scanner.scan(&block)
    else {
        panic!("a message should stand in the block");
    };
    let types = scanner.types().clone();
    let decoding = Decoding::Gob(Arc::new(Stream { types, limits }));
    check(&decoding, Body::borrowed(Some(id), payload), &block);
    assert!(block.is_unique(), "nothing keeps it longer than its parts");
}

fn bytes(len: usize) -> Go<Vec<u8>> {
    Go(vec![7; len])
}

fn is_in(block: &Bytes, value: &Bytes) -> bool {
    block.as_ptr_range().contains(&value.as_ptr())
}

#[test]
fn a_value_is_shared_if_it_is_long_and_keeps_little_else_in_memory() {
    for (value, block, is_shared) in [
        (SHARED - 1, 0, false),
        (SHARED, 0, true),
        (SHARED, PINNED * SHARED, true),
        (SHARED, PINNED * (SHARED + 1), false),
        (1 << 20, 0, true),
    ] {
        receive(&bytes(value), block, |decoding, body, block| {
            let mut body = body;
            let kept = body.keep(block);
            for body in [body, kept] {
                let Go(found): Go<Bytes> = decoding.decode(&body).unwrap();
                assert!(found == vec![7; value]);
                let len = block.len();
                assert_eq!(is_in(block, &found), is_shared, "{value} bytes of {len}");
            }
        });
    }
}

#[test]
fn what_a_value_keeps_is_measured_by_all_that_was_read() {
    // Each value is an eighth of the body, which is an eighth of the block.
    let values = vec![bytes(SHARED); PINNED];
    receive(
        &values,
        PINNED * PINNED * SHARED,
        |decoding, mut body, block| {
            let body = body.keep(block);
            assert!(matches!(body.bytes, Payload::Shared(_)));
            let found: Vec<Go<Bytes>> = decoding.decode(&body).unwrap();
            assert!(found.iter().all(|Go(value)| !is_in(block, value)));
        },
    );
}

#[test]
fn a_short_body_is_copied_from_wherever_it_stands() {
    for len in [0, 1, INLINE - 1, INLINE] {
        for behind in [0, 1, INLINE] {
            let block: Vec<u8> = (0..(7 + len + behind) as u8).collect();
            let body = Body::borrowed(None, &block[7..7 + len]);
            let place = body.short(&block).unwrap();
            assert_eq!(Body::at(place, &block).bytes(), &block[7..7 + len]);
        }
    }
    let block = [0; INLINE + 1];
    assert!(Body::borrowed(None, &block).short(&block).is_none());
}

#[test]
fn a_value_that_does_not_decode_keeps_nothing() {
    receive(&(bytes(SHARED), 7), 0, |decoding, mut body, block| {
        let body = body.keep(block);
        let decoded = decoding.decode::<(Go<Bytes>, String)>(&body);
        assert!(decoded.is_err());
    });
}

#[test]
fn damaged_bodies_do_no_harm() {
    let value = (bytes(SHARED), "text".to_owned(), bytes(SHARED));
    receive(&value, 0, |decoding, body, _| {
        let whole = body.bytes();
        let near = |at: usize| (1..12).contains(&at) || (SHARED - 12..SHARED + 24).contains(&at);
        for at in (0..whole.len()).filter(|at| near(*at)) {
            for change in [0x01, 0x80, 0xff] {
                let mut damaged = whole.to_vec();
                damaged[at] ^= change;
                for len in [at, damaged.len()] {
                    let damaged = Bytes::copy_from_slice(&damaged[..len]);
                    let mut body = Body::borrowed(body.id, &damaged);
                    body.share(&damaged);
                    let _ = decoding.decode::<(Go<Bytes>, String, Go<Bytes>)>(&body);
                    drop(body);
                    assert!(
                        damaged.is_unique(),
                        "nothing keeps it longer than its parts"
                    );
                }
            }
        }
    });
}

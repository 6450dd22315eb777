//! How deep values may nest, on a small stack.

use std::thread;

use serde::{Deserialize, Serialize};

use super::super::error::Error;
use super::super::{DEPTH_MAX, Frame, write_untyped};
use super::read;

const STACK: usize = 256 << 10;

fn on_a_small_stack(test: fn()) {
    let thread = thread::Builder::new().stack_size(STACK).spawn(test);
    thread.unwrap().join().unwrap();
}

/// One level of JSON for each of its own.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Lists(Vec<Self>);

/// The same as a struct.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Chain {
    next: Option<Box<Self>>,
    other: Option<i64>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Either {
    Left(Box<Self>),
    Right { right: Box<Self> },
    End,
}

fn lists(depth: usize) -> Lists {
    (1..depth).fold(Lists::default(), |inner, _| Lists(vec![inner]))
}

fn chain(depth: usize) -> Chain {
    (1..depth).fold(Chain::default(), |inner, _| Chain {
        next: Some(inner.into()),
        other: None,
    })
}

/// Writes it, finds its end and reads it again.
fn trip<T: Serialize + for<'de> Deserialize<'de>>(value: &T) -> Result<T, Error> {
    let mut text = Vec::new();
    write_untyped(value, &mut text)?;
    let range = Frame::new(usize::MAX).scan(&[&text[..], b"\n"].concat())?;
    assert_eq!(range, Some(0..text.len()));
    read(&text)
}

#[test]
fn values_of_the_depth_that_is_allowed_pass() {
    on_a_small_stack(|| {
        let value = lists(DEPTH_MAX);
        assert_eq!(trip(&value).unwrap(), value);
        let value = chain(DEPTH_MAX);
        assert_eq!(trip(&value).unwrap(), value);
        let value = (0..DEPTH_MAX / 3).fold(Either::End, |inner, _| Either::Right {
            right: Either::Left(inner.into()).into(),
        });
        assert_eq!(trip(&value).unwrap(), value);
        let text = "[".repeat(DEPTH_MAX) + &"]".repeat(DEPTH_MAX);
        trip(&read::<serde_json::Value>(text.as_bytes()).unwrap()).unwrap();
    });
}

#[test]
fn deeper_values_are_not_written() {
    on_a_small_stack(|| {
        let error = trip(&lists(DEPTH_MAX + 1)).unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with(": lists, maps and structs nested more than 64 deep")
        );
        let error = trip(&chain(DEPTH_MAX + 1)).unwrap_err();
        assert!(error.to_string().starts_with("next.next.next."), "{error}");
        let value = (0..DEPTH_MAX).fold(Either::End, |inner, _| Either::Left(inner.into()));
        trip(&value).unwrap();
        trip(&Either::Left(value.into())).unwrap_err();
    });
}

#[test]
fn deeper_values_have_no_frame() {
    on_a_small_stack(|| {
        for depth in [DEPTH_MAX + 1, 1_000_000] {
            for open in ["[", "{\"A\":", "[{\"\":"] {
                let mut frame = Frame::new(usize::MAX);
                let error = frame.scan(open.repeat(depth).as_bytes()).unwrap_err();
                let message = "arrays and objects nested more than 64 deep at byte ";
                assert!(error.to_string().starts_with(message), "{error}");
            }
        }
    });
}

#[test]
fn small_texts_do_not_become_large_values() {
    #[derive(Clone, Debug, Default, PartialEq, Deserialize)]
    struct Large {
        fields: [[u64; 16]; 16],
    }

    let most = wgrpc_gob::Limits::default().decoded / size_of::<Large>();
    let text = |len: usize| format!("[{}null]", "{},".repeat(len - 1));
    let list: Vec<Large> = read(text(most).as_bytes()).unwrap();
    assert_eq!(list.len(), most);
    let error = read::<Vec<Large>>(text(most + 1).as_bytes()).unwrap_err();
    let message = "the value exceeds the limit `decoded` of 67108864 bytes";
    assert!(error.to_string().contains(message), "{error}");
    let map = format!("{{{}\"\":{{}}}}", "\"\":{},".repeat(most));
    let error = read::<std::collections::BTreeMap<String, Large>>(map.as_bytes()).unwrap_err();
    assert!(error.to_string().contains(message), "{error}");
    // What is dropped takes no memory.
    read::<Large>(format!("{{\"other\":{}}}", text(most + 1)).as_bytes()).unwrap();
}

#[test]
fn without_a_frame_too_depth_is_bounded() {
    let text = "[".repeat(1_000_000);
    let error = read::<Lists>(text.as_bytes()).unwrap_err();
    assert!(
        error.to_string().contains("recursion limit exceeded"),
        "{error}"
    );
    // What nobody asked for is passed over without recursion.
    let error = read::<()>(text.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("EOF while parsing"), "{error}");
}

//! `wgrpc gob print`: real streams, damaged ones, and everything that Go wrote.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use interop::{encode_hex, vectors};

use crate::command::{Outcome, run, run_with_input, wgrpc};

fn lossless(stream: &[u8]) -> Outcome {
    run_with_input(&["gob", "print", "--lossless"], stream)
}

#[test]
fn types_are_go_source_and_values_lines_of_json() {
    let stream = vectors::gob()
        .into_iter()
        .find(|vector| vector.name == "struct/line-zero");
    let mut stream = stream.unwrap().stream;
    // An int behind it.
    stream.extend([0x03, 0x04, 0x00, 0x06]);
    let printed = "\
type Line struct {
\tFrom Point
\tTo   Point
}

type Point struct {
\tX int
\tY int
}

// Line
{\"From\":{\"X\":0,\"Y\":0},\"To\":{\"X\":0,\"Y\":0}}
// int
3
";
    assert_eq!(run_with_input(&["gob", "print"], &stream).ok(), printed);
    assert_eq!(
        run_with_input(&["gob", "print", "-"], &stream).ok(),
        printed
    );
    assert_eq!(lossless(&stream).ok(), "{\"From\":{},\"To\":{}}\n3\n");
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &stream).unwrap();
    assert_eq!(
        run(&["gob", "print", &file.path().display().to_string()]).ok(),
        printed
    );
    let hex = encode_hex(&stream).to_uppercase();
    assert_eq!(
        run_with_input(&["gob", "print", "--hex"], hex.as_bytes()).ok(),
        printed
    );
}

#[test]
fn hexadecimal_digits_may_have_blanks_between_them() {
    let hex = b" 03 0\n4\t00 06\r\n0304 0008";
    assert_eq!(
        run_with_input(&["gob", "print", "--hex", "--lossless"], hex).ok(),
        "3\n4\n"
    );
    for (hex, complaint) in [
        (
            &b"03040006 03g"[..],
            "error: 'g' is no hexadecimal digit (at character 11)\n",
        ),
        (
            b"03040006 0",
            "error: half a byte at the end (at character 10)\n",
        ),
    ] {
        let outcome = run_with_input(&["gob", "print", "--hex", "--lossless"], hex);
        assert_eq!((outcome.status, &*outcome.stdout), (Some(1), "3\n"));
        assert_eq!(outcome.stderr, complaint);
    }
}

#[test]
fn everything_that_go_writes_is_printed_without_loss() {
    // Structs that their message cuts off are damaged to us, though Go is lenient.
    let is_whole = |vector: &vectors::Vector| !vector.name.starts_with("struct/cut");
    let accepted = vectors::accepted().into_iter().filter(is_whole);
    for vector in vectors::gob().into_iter().chain(accepted) {
        let printed = lossless(&vector.stream).ok();
        let lines: Vec<&str> = printed.split_terminator('\n').collect();
        assert_eq!(lines, vector.values, "{}", vector.name);
    }
}

#[test]
fn everything_that_go_writes_is_printed_as_source_and_json() {
    for vector in vectors::gob() {
        let printed = run_with_input(&["gob", "print"], &vector.stream).ok();
        let is_source = |line: &&str| {
            line.is_empty()
                || *line == "}"
                || ["type ", "\t", "// "].iter().any(|s| line.starts_with(s))
        };
        let values: Vec<&str> = printed
            .split_terminator('\n')
            .filter(|line| !is_source(line))
            .collect();
        assert_eq!(
            values.len(),
            vector.values.len(),
            "{}: {printed}",
            vector.name
        );
        for value in values {
            let parsed = serde_json::from_str::<serde::de::IgnoredAny>(value);
            // A parser of JSON has a limit of its own on how deep values nest.
            assert!(
                parsed.is_ok() || vector.name.starts_with("deep/"),
                "{}",
                vector.name
            );
        }
    }
}

#[test]
fn a_damaged_stream_is_printed_as_far_as_it_can_be_read() {
    // An int, then each of the streams that must be refused.
    let good = [0x03, 0x04, 0x00, 0x06];
    for hostile in vectors::hostile() {
        let Outcome {
            status,
            stdout,
            stderr,
        } = lossless(&[&good, &*hostile.stream].concat());
        let name = &hostile.name;
        if name.starts_with("limit/") {
            // This command has wider limits.
            assert!(matches!(status, Some(0 | 1)), "{name}: {stderr}");
            continue;
        }
        assert_eq!(status, Some(1), "{name}: {stdout}");
        assert!(stdout.starts_with("3\n"), "{name}: {stdout}");
        assert!(
            stderr.starts_with("error: ") && stderr.contains("(at byte "),
            "{name}: {stderr}"
        );
    }
}

#[test]
fn the_error_says_where_and_why() {
    let outcome = lossless(&[0x03, 0x04, 0x00, 0x06, 0x03, 0x04]);
    assert_eq!((outcome.status, &*outcome.stdout), (Some(1), "3\n"));
    assert_eq!(
        outcome.stderr,
        "error: the stream ends within a value (at byte 6)\n"
    );
}

#[test]
fn an_empty_stream_has_no_values() {
    assert_eq!(run(&["gob", "print"]).ok(), "");
}

#[test]
fn a_file_that_is_not_there_is_status_2() {
    let complaint = run(&["gob", "print", "there-is-no-such-file"]).failed(2);
    assert!(
        complaint.starts_with("error: there-is-no-such-file: "),
        "{complaint}"
    );
}

#[test]
fn types_with_one_name_or_none_get_names_of_their_own() {
    let printed = |name: &str| {
        let vector = vectors::gob()
            .into_iter()
            .find(|vector| vector.name == name)
            .unwrap();
        run_with_input(&["gob", "print"], &vector.stream).ok()
    };
    assert!(printed("struct/unnamed").contains("type Struct struct {\n\tA int\n\tB string\n}"));
    assert!(printed("struct/generic").contains("type Pair_string_bool struct {"));
    let opaque = printed("opaque/pointers");
    assert!(opaque.contains("\ntype Opaque_2 struct{} // marshals itself: GobEncode\n"));
}

#[test]
fn an_unnamed_type_that_contains_itself_is_declared() {
    // Type 64 is a slice of itself; a value of it is [[]].
    let stream = b"0c7f020102ff800001ff800000 05ff80000100";
    let printed = run_with_input(&["gob", "print", "--hex"], stream).ok();
    assert_eq!(printed, "type List [][][][]List\n\n// [][][][]List\n[[]]\n");
}

#[test]
fn types_that_contain_each_other_many_times_are_declared_soon() {
    // Type n is map[n+1]n+1: written out, 2^40 strings.
    let mut stream = String::new();
    for n in 0..40 {
        // Two bytes a number: ids from 64 up, zigzag.
        let id = |n: u32| format!("ff{:02x}", (64 + n) * 2);
        let of = |n| if n < 40 { id(n) } else { "0c".to_owned() };
        let defines = format!("ff{:02x}", (64 + n) * 2 - 1);
        let body = format!(
            "{defines}040102{}0001{}01{}0000",
            id(n),
            of(n + 1),
            of(n + 1)
        );
        stream += &format!("{:02x}{body}", body.len() / 2);
    }
    let outcome = run_with_input(&["gob", "print", "--hex"], stream.as_bytes());
    // The types are announced, and no value comes.
    assert_eq!(outcome.status, Some(1), "{outcome:?}");
}

#[test]
fn values_are_printed_as_they_arrive() {
    let mut child = wgrpc(&["gob", "print", "--lossless"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    for (byte, line) in [(0x06, "3"), (0x08, "4")] {
        stdin.write_all(&[0x03, 0x04, 0x00, byte]).unwrap();
        assert_eq!(lines.next().unwrap().unwrap(), line);
    }
    drop(stdin);
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let stream = [0x03, 0x04, 0x00, 0x06].repeat(100_000);
    let mut child = wgrpc(&["gob", "print", "--lossless"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    // It does not read everything.
    let _ = child.stdin.take().unwrap().write_all(&stream);
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), &*output.stderr), (Some(0), &b""[..]));
}

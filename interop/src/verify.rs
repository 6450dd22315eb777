//! What Go reads in gob streams that we wrote.

use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::hex::encode_hex;
use crate::peer::go_peer;

/// A gob stream for Go to decode.
#[derive(Clone, Debug)]
pub struct Question {
    /// Comes back with the answer.
    pub name: String,
    /// The Go type of all values, or one type a value separated by ` | `, without pointers:
    /// the `go_type` of a vector, one of `peer verify -types`, or `any` to take the types from the
    /// stream.
    pub go_type: String,
    /// The whole stream.
    pub stream: Vec<u8>,
}

/// What Go read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The question's name.
    pub name: String,
    /// Whether the whole stream could be decoded.
    pub ok: bool,
    /// Each value in the lossless form, zero fields left out as Go would when sending it.
    pub values: Vec<String>,
    /// Each value in the lossless form, with everything that a Go program finds in it.
    pub seen: Vec<String>,
    /// Go's error; empty when there was none.
    pub error: String,
}

/// Asks Go all the questions in one go; the answers come in the same order.
///
/// # Panics
///
/// When the Go peer fails; a stream that it cannot decode is an answer.
#[must_use]
pub fn verify(questions: &[Question]) -> Vec<Answer> {
    let lines = questions.iter().map(Question::line).collect::<String>();
    let mut child = Command::new(go_peer())
        .arg("verify")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start the Go peer: {error}"));
    let mut stdin = child.stdin.take().expect("stdin was asked to be piped");
    // Written from a thread of its own: the peer answers while it reads.
    let writer = thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child
        .wait_with_output()
        .unwrap_or_else(|error| panic!("cannot read from the Go peer: {error}"));
    let written = writer.join().expect("writing to a pipe does not panic");
    let answers: Vec<Answer> = String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(answer)
        .collect();
    assert!(
        written.is_ok() && output.status.success() && answers.len() == questions.len(),
        "peer verify answered {} of {} questions and ended with {}:\n{}",
        answers.len(),
        questions.len(),
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    answers
}

impl Question {
    fn line(&self) -> String {
        #[derive(Serialize)]
        struct Line<'a> {
            name: &'a str,
            r#type: &'a str,
            hex: String,
        }
        let line = Line {
            name: &self.name,
            r#type: &self.go_type,
            hex: encode_hex(&self.stream),
        };
        let line = serde_json::to_string(&line).expect("three strings have a JSON form");
        line + "\n"
    }
}

fn answer(line: &str) -> Answer {
    #[derive(Deserialize)]
    struct Line {
        name: String,
        ok: bool,
        values: Vec<Box<RawValue>>,
        seen: Vec<Box<RawValue>>,
        error: String,
    }
    let line: Line = serde_json::from_str(line)
        .unwrap_or_else(|error| panic!("{error} in the Go peer's answer {line:?}"));
    let texts = |values: Vec<Box<RawValue>>| values.iter().map(|v| v.get().to_owned()).collect();
    Answer {
        name: line.name,
        ok: line.ok,
        values: texts(line.values),
        seen: texts(line.seen),
        error: line.error,
    }
}

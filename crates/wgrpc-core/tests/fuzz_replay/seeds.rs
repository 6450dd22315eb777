//! Known inputs: those in `fuzz/seeds`, and what Go has written, in `interop/vectors`.
//!
//! A line of `fuzz/seeds/TARGET.txt` is a name and the input, as `hex 0a0b` or as `text …` to the
//! end of the line, with the escapes of Rust's byte strings. Also used by the build script in
//! `fuzz/`, which makes a file of each for libFuzzer.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;

/// Streams longer than this are left to tests of their own.
const LEN_MAX: usize = 8 << 10;

pub(crate) struct Seed {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

impl Seed {
    fn new(name: impl Into<String>, bytes: Vec<u8>) -> Self {
        let name = name.into();
        Self { name, bytes }
    }
}

/// All seeds of `target`.
pub(crate) fn read(target: &str) -> Vec<Seed> {
    let path = root().join("fuzz/seeds").join(target).with_extension("txt");
    let mut seeds: Vec<_> = text(&path)
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| parse(line).unwrap_or_else(|| panic!("{}: {line}", path.display())))
        .collect();
    match target {
        "gob_stream" | "gob_typed" | "gob_types" => {
            for file in ["gob.jsonl", "accepted.jsonl", "hostile.jsonl"] {
                seeds.extend(vectors(file).iter().map(|it| it.seed(&it.hex)));
            }
        }
        "json_frame" | "json_typed" => {
            seeds.extend(vectors("gob.jsonl").iter().map(Vector::json));
        }
        "option" | "connect" | "server" => {
            let client = |it: &Vector| it.seed(&it.client_hex);
            seeds.extend(vectors("conversations.jsonl").iter().map(client));
        }
        "client" | "messages" => {
            for it in &vectors("conversations.jsonl") {
                seeds.push(it.messages(&it.server_hex));
                seeds.push(it.messages(&it.client_hex));
            }
        }
        _ => {}
    }
    seeds.retain(|seed| seed.bytes.len() <= LEN_MAX);
    seeds
}

/// The line for an input in the file of its target.
pub(crate) fn line(name: &str, bytes: &[u8]) -> String {
    let mut line = format!("{} hex ", name.replace(' ', "-"));
    for byte in bytes {
        write!(line, "{byte:02x}").unwrap();
    }
    line
}

fn parse(line: &str) -> Option<Seed> {
    let (name, rest) = line.split_once(' ')?;
    let bytes = match rest.split_once(' ').unwrap_or((rest, "")) {
        ("hex", digits) => hex(digits)?,
        ("text", text) => unescape(text)?,
        _ => return None,
    };
    Some(Seed::new(name, bytes))
}

fn hex(digits: &str) -> Option<Vec<u8>> {
    let pair = |at| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    (0..digits.len()).step_by(2).map(pair).collect()
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, escape)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        let (byte, len) = match escape.bytes().next()? {
            b'n' => (b'\n', 1),
            b'r' => (b'\r', 1),
            b't' => (b'\t', 1),
            b'\\' => (b'\\', 1),
            b'x' => (hex(escape.get(1..3)?)?[0], 3),
            _ => return None,
        };
        bytes.push(byte);
        rest = &escape[len..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    Some(bytes)
}

/// One line of a file of vectors.
#[derive(Deserialize)]
struct Vector {
    name: String,
    #[serde(default)]
    codec: String,
    #[serde(default)]
    hex: String,
    #[serde(default)]
    client_hex: String,
    #[serde(default)]
    server_hex: String,
    #[serde(default)]
    values: Vec<Box<RawValue>>,
}

impl Vector {
    fn seed(&self, digits: &str) -> Seed {
        Seed::new(&*self.name, hex(digits).unwrap())
    }

    /// The values as JSON, one a line.
    fn json(&self) -> Seed {
        let lines: String = self
            .values
            .iter()
            .map(|value| format!("{value}\n"))
            .collect();
        Seed::new(&*self.name, lines.into_bytes())
    }

    /// The messages of one side, behind a byte that says which codec they are in.
    fn messages(&self, digits: &str) -> Seed {
        let Seed { name, bytes } = self.seed(digits);
        let end = |what: &[u8]| {
            let at = bytes.windows(what.len()).position(|it| it == what);
            at.map_or(0, |at| at + what.len())
        };
        let start = match &bytes[..] {
            [b'H', b'T', b'T', b'P', ..] => end(b"\n\n"),
            _ => end(b"\"HandleTimeout\":0}\n").max(end(b"\"HandleTimeout\":50000000}\n")),
        };
        let codec = u8::from(self.codec == "application/json");
        Seed::new(name, [&[codec], &bytes[start..]].concat())
    }
}

fn vectors(file: &str) -> Vec<Vector> {
    let path = root().join("interop/vectors").join(file);
    let vector = |line| serde_json::from_str(line).unwrap();
    text(&path).lines().map(vector).collect()
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The workspace, of which both `fuzz` and `crates/wgrpc-core` are a part.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let is_root = |folder: &&Path| folder.join("interop/vectors").is_dir();
    here.ancestors().find(is_root).unwrap().to_owned()
}

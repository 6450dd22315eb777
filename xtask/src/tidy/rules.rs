//! The rules about the text of one file.

use super::Problem;
use super::source::File;

/// Words of the wire, and the one file of the published crates that may spell them. Whoever else
/// needs one names the constant there, so that no two places can come to disagree.
const VOCABULARY: &[(&[&str], &str)] = &[
    (
        &[
            "57775718",
            "57_775_718",
            "0x03719666",
            "0x0371_9666",
            "/_wgprc_",
            "/_wgrpc_",
            "/debug/wgrpc",
            "Connected to Wg RPC",
            "application/gob",
            "\"ServiceMethod\"",
        ],
        "crates/wgrpc-core/src/protocol.rs",
    ),
    (
        &["\"/wgrpc/registry\"", "x-wgrpc-", "X-Wgrpc-", "X-WgRPC-"],
        "crates/wgrpc-registry/src/api.rs",
    ),
];

/// The codec is a pure function of bytes.
const NO_IO: &str = "crates/wgrpc-gob/src/";

/// Where it meets `std::io`: its readers and writers, and the error that they pass on.
const STD_IO: &[&str] = &["crates/wgrpc-gob/src/io", "crates/wgrpc-gob/src/error.rs"];

/// Where asynchronous streams are named: by what connects; everywhere else there are messages.
const STREAMS: &[&str] = &[
    "crates/wgrpc-core/src/client/builder.rs",
    "crates/wgrpc-core/src/client/connector.rs",
    "crates/wgrpc-core/src/connection",
    "crates/wgrpc-core/src/fuzzing",
    "crates/wgrpc-core/src/http",
    "crates/wgrpc-core/src/server.rs",
    "crates/wgrpc-core/src/server/handshake.rs",
    "crates/wgrpc-core/src/transport",
    "crates/wgrpc-registry/src/client.rs",
    "crates/wgrpc-registry/src/client/exchange.rs",
    "crates/wgrpc-registry/src/fuzzing.rs",
];

/// The only state that a process shares is the schemas of its types, the numbers that they have
/// and those of its threads, and whether it may use more than one processor. The others are a
/// thread's: scratch buffers and the block that is lent, which are empty between two uses; which
/// connection had the thread last and which ones wait on it, none of which it keeps.
const SHARED_STATE: &[&str] = &[
    "crates/wgrpc-gob/src/schema",
    "crates/wgrpc-gob/src/lent.rs",
    "crates/wgrpc-core/src/client/call.rs",
    "crates/wgrpc-core/src/connection/busy_poll",
    "crates/wgrpc-core/src/connection/inbox.rs",
];

/// What a `static` with state that can change is made of.
const STATE: &[&str] = &["Atomic", "Cell", "LazyLock", "Mutex", "Once", "RwLock"];

/// Left-overs of work that is not done.
const LEFT_OVERS: &[&str] = &["todo!", "dbg!", "unimplemented!"];

/// Folders that exist on somebody's machine, and on nobody else's.
const MACHINE_FOLDERS: &[&str] = &["/work/", "/root/", "/home/"];

/// The rules are spelled here and tried out beside it.
const RULES: &str = "xtask/src/tidy/";

const COLUMNS: usize = 100;

pub(super) fn check(file: &File) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !file.path.starts_with(RULES) {
        machine_folders(file, &mut problems);
    }
    if file.is_rust() {
        header(file, &mut problems);
        columns(file, &mut problems);
        if !file.path.starts_with(RULES) {
            left_overs(file, &mut problems);
        }
    }
    if file.is_library_source() {
        let code = file.library_code();
        vocabulary(file, &code, &mut problems);
        io(file, &code, &mut problems);
        streams(file, &code, &mut problems);
        shared_state(file, &code, &mut problems);
    }
    problems
}

/// Every file says in its first line what it is for, and a module's file has the module's name.
fn header(file: &File, problems: &mut Vec<Problem>) {
    if !file.text.starts_with("//! ") {
        problems.push(Problem::new(
            file,
            1,
            "the first line has to be a `//!` header",
        ));
    }
    if file.path.ends_with("/mod.rs") {
        let message = "a module `foo` has its code in `foo.rs` beside `foo/`, not in `mod.rs`";
        problems.push(Problem::new(file, 1, message));
    }
}

/// rustfmt leaves comments and strings alone.
fn columns(file: &File, problems: &mut Vec<Problem>) {
    for (number, line) in numbered(&file.text) {
        let width = line.chars().count();
        if width > COLUMNS {
            let message = format!("{width} columns, where {COLUMNS} is the most");
            problems.push(Problem::new(file, number, message));
        }
    }
}

fn left_overs(file: &File, problems: &mut Vec<Problem>) {
    for (number, line) in numbered(&file.code()) {
        for word in LEFT_OVERS.iter().filter(|word| line.contains(**word)) {
            problems.push(Problem::new(
                file,
                number,
                format!("`{word}` was left behind"),
            ));
        }
    }
}

fn machine_folders(file: &File, problems: &mut Vec<Problem>) {
    for (number, line) in numbered(&file.text) {
        for folder in MACHINE_FOLDERS
            .iter()
            .filter(|folder| names_folder(line, folder))
        {
            let message = format!("`{folder}` is a folder of one machine only");
            problems.push(Problem::new(file, number, message));
        }
    }
}

/// Whether the folder stands there as the beginning of a path, not within one.
fn names_folder(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || ".-_~}".contains(c))
    })
}

fn vocabulary(file: &File, code: &str, problems: &mut Vec<Problem>) {
    for (words, home) in VOCABULARY.iter().filter(|(_, home)| *home != file.path) {
        for (number, line) in numbered(code) {
            for word in words.iter().filter(|word| line.contains(**word)) {
                let message = format!("`{word}` is a word of the wire: only {home} may spell it");
                problems.push(Problem::new(file, number, message));
            }
        }
    }
}

fn io(file: &File, code: &str, problems: &mut Vec<Problem>) {
    if !file.path.starts_with(NO_IO) {
        return;
    }
    // Addresses of std::net are values like others; its sockets are not.
    let mut banned = vec![
        "tokio",
        "TcpStream",
        "TcpListener",
        "UdpSocket",
        "Unix",
        "std::fs",
    ];
    if !STD_IO.iter().any(|home| file.path.starts_with(home)) {
        banned.push("std::io");
    }
    for (number, line) in numbered(code) {
        for word in banned.iter().filter(|word| line.contains(**word)) {
            let message = format!("`{word}` in the codec, which does no I/O outside its streams");
            problems.push(Problem::new(file, number, message));
        }
    }
}

fn streams(file: &File, code: &str, problems: &mut Vec<Problem>) {
    if STREAMS.iter().any(|home| file.path.starts_with(home)) {
        return;
    }
    for (number, line) in numbered(code) {
        for word in ["AsyncRead", "AsyncWrite"] {
            if line.contains(word) {
                let message = format!("`{word}`: only transports and connections know streams");
                problems.push(Problem::new(file, number, message));
            }
        }
    }
}

fn shared_state(file: &File, code: &str, problems: &mut Vec<Problem>) {
    if SHARED_STATE.iter().any(|home| file.path.starts_with(home)) {
        return;
    }
    for (number, line) in numbered(code) {
        if declares_state(line) || line.contains("thread_local!") {
            let message = "state that the whole process shares: hand it in where it is used";
            problems.push(Problem::new(file, number, message));
        }
    }
}

/// Whether the line declares a static of a type that can change behind a shared reference.
fn declares_state(line: &str) -> bool {
    let Some((before, declaration)) = line.split_once("static ") else {
        return false;
    };
    // `&'static T` is a lifetime.
    let is_item = !before.ends_with('\'');
    let its_type = declaration.split('=').next().unwrap_or_default();
    is_item && STATE.iter().any(|state| its_type.contains(state))
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line))
}

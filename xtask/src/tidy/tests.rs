//! Each rule on a text that breaks it, and on one that nearly does.

use crate::metadata::Dependency;

use super::source::File;
use super::{Problem, arrows, links, modules, readme, rules};

fn file(path: &str, text: &str) -> File {
    File {
        path: path.to_owned(),
        text: text.to_owned(),
    }
}

/// The text rules are broken in these lines of the file, and in no other.
#[track_caller]
fn check_lines(path: &str, text: &str, expected: &[usize]) {
    let problems = rules::check(&file(path, text));
    let lines: Vec<_> = problems.iter().map(|problem| problem.line).collect();
    assert_eq!(lines, expected, "{problems:?}");
}

fn paths(problems: &[Problem]) -> Vec<&str> {
    problems
        .iter()
        .map(|problem| problem.path.as_str())
        .collect()
}

const CORE: &str = "crates/wgrpc-core/src/server.rs";
const GOB: &str = "crates/wgrpc-gob/src/de.rs";

#[test]
fn a_source_file_begins_with_its_header() {
    check_lines(CORE, "//! A server.\n", &[]);
    check_lines(CORE, "// A server.\n", &[1]);
    check_lines(CORE, "\n//! A server.\n", &[1]);
    check_lines("docs/page.md", "A page.\n", &[]);
}

#[test]
fn no_module_is_called_mod() {
    check_lines(
        "crates/wgrpc-core/src/server/mod.rs",
        "//! A server.\n",
        &[1],
    );
}

#[test]
fn lines_are_counted_in_characters() {
    check_lines(CORE, &format!("//! {}\n", "ü".repeat(96)), &[]);
    check_lines(CORE, &format!("//! {}\n", "u".repeat(97)), &[1]);
}

#[test]
fn left_overs_are_found_in_code_but_not_in_comments() {
    let text = "//! A file.\n// todo!() says that\nfn f() { todo!() }\nfn g() { dbg!(1) }\n";
    check_lines("interop/src/lib.rs", text, &[3, 4]);
}

#[test]
fn folders_of_a_machine_are_found_in_every_file() {
    check_lines(
        "README.md",
        "see /work/main\nand src/work/x, /network/\n",
        &[1],
    );
    check_lines("docs/a.md", "a `/home/me/x`\n", &[1]);
}

#[test]
fn words_of_the_wire_have_one_home() {
    let text = "//! A file: 57775718.\nconst MAGIC: i32 = 57_775_718;\n";
    check_lines(CORE, text, &[2]);
    check_lines("crates/wgrpc-core/src/protocol.rs", text, &[]);
    check_lines("crates/wgrpc-core/tests/wire.rs", text, &[]);
    let path = "//! A file.\nlet path = \"/_wgprc_\"; // \"ServiceMethod\"\n";
    check_lines(CORE, path, &[2]);
    let header = "//! A file.\nconst SERVER: &str = \"x-wgrpc-server\";\n";
    check_lines("crates/wgrpc-registry/src/api.rs", header, &[]);
    check_lines("crates/wgrpc-registry/src/client.rs", header, &[2]);
    check_lines("crates/wgrpc-core/src/protocol.rs", header, &[2]);
}

#[test]
fn tests_may_spell_the_wire() {
    let inline = "//! A file.\n#[cfg(test)]\nmod tests {\n    const M: i32 = 57775718;\n}\n";
    check_lines(CORE, inline, &[]);
    let beside = "//! A file.\n#[cfg(test)]\nmod tests;\nconst M: i32 = 57775718;\n";
    check_lines(CORE, beside, &[4]);
    let own_file = "//! Tests.\nconst M: i32 = 57775718;\n";
    check_lines("crates/wgrpc-core/src/server/tests.rs", own_file, &[]);
}

#[test]
fn strings_are_no_comments_and_comments_no_strings() {
    let text = concat!(
        "//! A file.\n",
        "const A: &str = \"https://a\"; const M: i32 = 57775718;\n",
        "const B: &str = r#\"/* \"#; const M: i32 = 57775718;\n",
        "const C: char = '\"'; /* \" */ const M: i32 = 57775718;\n",
        "fn d<'a>(_: &'a str) {} // '57775718\n",
        "/* /* nested */ 57775718\n 57775718 */\n",
        "const E: &str = \"\\\"//\"; const M: i32 = 57775718;\n",
    );
    check_lines(CORE, text, &[2, 3, 4, 8]);
}

#[test]
fn the_codec_does_no_io() {
    let text = "//! For tokio.\nuse std::io;\nuse std::net::IpAddr;\nuse std::net::TcpStream;\n\
                use tokio::net;\n";
    check_lines(GOB, text, &[2, 4, 5]);
    check_lines("crates/wgrpc-gob/src/io.rs", text, &[4, 5]);
    check_lines(CORE, text, &[]);
}

#[test]
fn only_transports_and_connections_know_streams() {
    let text = "//! AsyncRead.\nuse tokio::io::AsyncRead;\nfn f<S: AsyncWriteExt>(_: S) {}\n";
    check_lines("crates/wgrpc-core/src/client.rs", text, &[2, 3]);
    check_lines("crates/wgrpc-core/src/server/link.rs", text, &[2, 3]);
    check_lines("crates/wgrpc/src/lib.rs", text, &[2, 3]);
    for home in [
        "connection/outbox.rs",
        "transport.rs",
        "http.rs",
        "server.rs",
    ] {
        check_lines(&format!("crates/wgrpc-core/src/{home}"), text, &[]);
    }
    check_lines("crates/wgrpc-core/tests/it/raw.rs", text, &[]);
}

#[test]
fn no_state_is_shared_by_the_process() {
    let text =
        "//! A file.\nstatic N: AtomicU64 = AtomicU64::new(0);\nfn f(_: &'static Mutex) {}\n";
    check_lines(CORE, text, &[2]);
    check_lines("crates/wgrpc-gob/src/schema/numbers.rs", text, &[]);
    check_lines(CORE, "//! A file.\nthread_local! {}\n", &[2]);
    check_lines(CORE, "//! A file.\nstatic NAME: &str = \"Mutexes\";\n", &[]);
}

#[test]
fn crates_depend_along_the_arrows() {
    let on = |name: &str, kind: Option<&str>| Dependency {
        name: name.to_owned(),
        kind: kind.map(str::to_owned),
    };
    assert_eq!(
        arrows::broken_arrows("wgrpc-core", &[on("wgrpc-gob", None)]),
        []
    );
    assert_eq!(arrows::broken_arrows("wgrpc-gob", &[on("serde", None)]), []);
    assert_eq!(
        arrows::broken_arrows("wgrpc-gob", &[on("wgrpc", Some("dev"))]),
        []
    );
    assert_eq!(
        arrows::broken_arrows("wgrpc-gob", &[on("wgrpc-core", None)]).len(),
        1
    );
    assert_eq!(
        arrows::broken_arrows("wgrpc-core", &[on("wgrpc", Some("build"))]).len(),
        1
    );
    assert_eq!(arrows::broken_arrows("unheard-of", &[]).len(), 1);
}

#[test]
fn a_file_that_no_module_names_is_dead() {
    let files = [
        file(
            "a/src/lib.rs",
            "mod one;\npub(crate) mod two;\n#[path = \"odd.rs\"]\nmod three;\n",
        ),
        file("a/src/one.rs", "#[cfg(test)] mod tests;\n// mod dead;\n"),
        file("a/src/one/tests.rs", ""),
        file("a/src/two.rs", "include!(\"two.in.rs\");"),
        file("a/src/two.in.rs", ""),
        file("a/src/odd.rs", ""),
        file("a/src/dead.rs", ""),
        file("a/src/one/dead.rs", ""),
        file("a/tests/it/main.rs", "mod calls;"),
        file("a/tests/it/calls.rs", ""),
        file("a/tests/ui/fail.rs", ""),
    ];
    let roots = ["a/src/lib.rs", "a/tests/it/main.rs"].map(str::to_owned);
    assert_eq!(
        paths(&modules::check(&files, &roots)),
        ["a/src/dead.rs", "a/src/one/dead.rs"]
    );
}

#[test]
fn the_readme_shows_the_example() {
    let readme = "# Title\n\n```rust\nfn main() {\n}\n```\n\n```rust\nother\n```\n";
    let example = |text| file("crates/wgrpc/examples/hello.rs", text);
    let check = |text| readme::check(&[file("README.md", readme), example(text)]);
    assert_eq!(check("//! Hello.\n\nfn main() {\n}\n"), []);
    assert_eq!(check("//! Hello.\n\nfn main() {}\n")[0].line, 4);
    assert_eq!(readme::check(&[file("README.md", "text")]), []);
    assert_eq!(
        readme::check(&[file("README.md", "text"), example("fn main() {}")]).len(),
        1
    );
}

#[test]
fn links_lead_to_files_or_folders() {
    let files = [
        file(
            "docs/a.md",
            "[b](b.md#part) [up](../src/) [web](https://x.org/y) [here](#part)\n",
        ),
        file("docs/b.md", "\n[gone](c.md) and [gone](../src/x.rs)\n"),
        file("src/lib.rs", ""),
    ];
    let problems = links::check(&files);
    assert_eq!(paths(&problems), ["docs/b.md", "docs/b.md"]);
    assert_eq!(problems[0].line, 2);
}

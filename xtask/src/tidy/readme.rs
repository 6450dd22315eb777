//! The first program in the README is an example that the tests compile, and it stays small.

use super::Problem;
use super::source::File;

const README: &str = "README.md";
const EXAMPLE: &str = "crates/wgrpc/examples/hello.rs";
const LINES: usize = 25;

pub(super) fn check(files: &[File]) -> Vec<Problem> {
    let find = |path| files.iter().find(|file| file.path == path);
    let (Some(readme), Some(example)) = (find(README), find(EXAMPLE)) else {
        return Vec::new();
    };
    let Some((line, shown)) = first_rust_block(&readme.text) else {
        return vec![Problem::new(readme, 1, "no Rust program is shown")];
    };
    let mut problems = Vec::new();
    if shown != without_header(&example.text) {
        let message = format!("the first program shown differs from {EXAMPLE}");
        problems.push(Problem::new(readme, line, message));
    }
    if shown.lines().count() > LINES {
        let message = format!("the first program shown has more than {LINES} lines");
        problems.push(Problem::new(readme, line, message));
    }
    problems
}

/// The text within the first fence that is marked as Rust, and the number of its first line.
pub(super) fn first_rust_block(markdown: &str) -> Option<(usize, String)> {
    let mut lines = markdown.lines().enumerate();
    let (fence, _) = lines.find(|(_, line)| line.starts_with("```rust"))?;
    let block = lines
        .map(|(_, line)| line)
        .take_while(|line| !line.starts_with("```"));
    Some((fence + 2, block.map(|line| format!("{line}\n")).collect()))
}

/// What follows the `//!` lines, which every source file has, and the attributes for the whole
/// file: no reader of the README needs them.
pub(super) fn without_header(source: &str) -> String {
    let is_header =
        |line: &&str| line.starts_with("//!") || line.starts_with("#![") || line.is_empty();
    source
        .lines()
        .skip_while(is_header)
        .map(|line| format!("{line}\n"))
        .collect()
}

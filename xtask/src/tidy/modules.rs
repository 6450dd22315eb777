//! Dead files: a source file that no module names is compiled by nobody.

use std::collections::BTreeSet;

use super::Problem;
use super::source::File;

/// Sources that are compiled by a test one by one: they must not all compile.
const COMPILED_BY_TESTS: &str = "/tests/ui/";

/// `roots` are the files where the targets of all packages begin.
pub(super) fn check(files: &[File], roots: &[String]) -> Vec<Problem> {
    let sources: Vec<_> = files.iter().filter(|file| file.is_rust()).collect();
    let mut alive: BTreeSet<String> = roots.iter().cloned().collect();
    let mut waiting = roots.to_vec();
    while let Some(path) = waiting.pop() {
        let Some(file) = sources.iter().find(|file| file.path == path) else {
            continue;
        };
        for child in children(file, roots.contains(&path)) {
            if alive.insert(child.clone()) {
                waiting.push(child);
            }
        }
    }
    sources
        .into_iter()
        .filter(|file| !alive.contains(&file.path) && !file.path.contains(COMPILED_BY_TESTS))
        .map(|file| Problem::new(file, 1, "no module names this file: nothing compiles it"))
        .collect()
}

/// The files that a file names by `mod name;`, by a path attribute before it, or by `include!`.
fn children(file: &File, is_root: bool) -> Vec<String> {
    let (folder, name) = file.path.rsplit_once('/').unwrap_or((".", &file.path));
    let modules = match name.strip_suffix(".rs") {
        Some(stem) if !is_root => format!("{folder}/{stem}"),
        _ => folder.to_owned(),
    };
    let mut children = Vec::new();
    let mut path_attribute = None;
    for line in file.code().lines().map(str::trim) {
        if let Some(path) = quoted_after(line, "#[path") {
            path_attribute = Some(path.to_owned());
        } else if let Some(path) = quoted_after(line, "include!(") {
            children.push(format!("{folder}/{path}"));
        } else if let Some(module) = declared_module(line) {
            let path = path_attribute.take().map(|path| format!("{folder}/{path}"));
            children.push(path.unwrap_or_else(|| format!("{modules}/{module}.rs")));
        }
    }
    children
}

/// `name` of `mod name;`, whatever its visibility.
fn declared_module(line: &str) -> Option<&str> {
    let (before, name) = line.strip_suffix(';')?.rsplit_once("mod ")?;
    let before = before.trim_end();
    let is_declaration = before.is_empty() || before.ends_with(')') || before.ends_with("pub");
    let is_attribute = before.ends_with(']');
    (is_declaration || is_attribute).then_some(name.trim())
}

fn quoted_after<'a>(line: &'a str, start: &str) -> Option<&'a str> {
    line.split_once(start)?.1.split('"').nth(1)
}

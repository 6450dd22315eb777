//! Links from one document to a file of the tree lead somewhere.

use super::Problem;
use super::source::File;

pub(super) fn check(files: &[File]) -> Vec<Problem> {
    let documents = files.iter().filter(|file| file.path.ends_with(".md"));
    let mut problems = Vec::new();
    for document in documents {
        for (index, line) in document.text.lines().enumerate() {
            for target in targets(line) {
                let path = resolve(&document.path, target);
                let folder = format!("{path}/");
                if !files
                    .iter()
                    .any(|file| file.path == path || file.path.starts_with(&folder))
                {
                    let message = format!("`{target}` is linked and not there");
                    problems.push(Problem::new(document, index + 1, message));
                }
            }
        }
    }
    problems
}

/// The links of a line that lead to files: `](path)`, without the anchor.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let links = line
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next());
    links.filter_map(|link| {
        let path = link.split('#').next().unwrap_or_default();
        (!path.is_empty() && !path.contains(':')).then_some(path)
    })
}

/// The path from the workspace's folder on, for a link from this document.
fn resolve(document: &str, target: &str) -> String {
    let mut parts: Vec<_> = document.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

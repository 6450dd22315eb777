//! A file of the tree, and what of a Rust file is code.

/// A text file; its path is relative to the workspace's folder, with `/` on every system.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) text: String,
}

impl File {
    pub(super) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether this file belongs to a published crate and is no test.
    pub(super) fn is_library_source(&self) -> bool {
        self.is_rust()
            && self.path.starts_with("crates/")
            && self.path.contains("/src/")
            && !self.path.contains("/tests/")
            && !self.path.ends_with("/tests.rs")
    }

    /// The text without comments; lines keep their numbers.
    pub(super) fn code(&self) -> String {
        blank_comments(&self.text)
    }

    /// The code up to the tests at the end of the file.
    pub(super) fn library_code(&self) -> String {
        let mut code = self.code();
        let marker = code.match_indices("#[cfg(test)]").find(|(at, marker)| {
            // A module with a body: what is in a file of its own is no part of this one.
            let declaration = code[at + marker.len()..].trim_start();
            declaration.starts_with("mod ") && declaration.lines().next().is_some_and(opens_body)
        });
        if let Some((at, _)) = marker {
            code.truncate(at);
        }
        code
    }
}

fn opens_body(line: &str) -> bool {
    line.trim_end().ends_with('{')
}

/// Replaces comments by blanks. Strings stay, whatever is in them.
fn blank_comments(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let comment = comment_length(rest);
        let length = comment
            .or_else(|| literal_length(rest))
            .unwrap_or_else(|| first.len_utf8());
        let (token, tail) = rest.split_at(length);
        if comment.is_some() {
            code.extend(token.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        } else {
            code.push_str(token);
        }
        rest = tail;
    }
    code
}

fn comment_length(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if !text.starts_with("/*") {
        return None;
    }
    let mut depth = 0_usize;
    let mut at = 0;
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    Some(at)
}

/// The length of the string or character that the text begins with, if it begins with one.
fn literal_length(text: &str) -> Option<usize> {
    if let Some(raw) = text.strip_prefix('r') {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let body = raw[hashes..].strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        let length = body.find(&end).map_or(body.len(), |at| at + end.len());
        return Some(text.len() - body.len() + length);
    }
    if let Some(body) = text.strip_prefix('"') {
        return Some(1 + quoted_length(body, '"'));
    }
    let body = text.strip_prefix('\'')?;
    let first = body.chars().next()?;
    // Anything else that begins with an apostrophe is a lifetime or a label.
    let is_character = first == '\\' || body[first.len_utf8()..].starts_with('\'');
    is_character.then(|| 1 + quoted_length(body, '\''))
}

/// The length up to and including the closing quote.
fn quoted_length(body: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in body.char_indices() {
        if c == quote && !escaped {
            return at + quote.len_utf8();
        }
        escaped = c == '\\' && !escaped;
    }
    body.len()
}

//! Where a JSON value ends: the framing of a stream of values.

use std::ops::Range;

use memchr::memchr2;

use super::DEPTH_MAX;
use super::error::Error;

/// The most characters of a number.
const NUMBER_MAX: usize = 64;

/// Finds one value after another at the front of a buffer that grows.
///
/// It remembers where it stands, so each byte is looked at once, however small the pieces are that
/// the buffer grows by. It does not check that a value is JSON, which is [`read`](super::read)'s
/// business, but does bound what a reader will meet: a value's length, its depth, and the length
/// of its numbers.
///
/// An array, an object or a string ends with its last byte. A number, true, false and null end
/// where something else follows, so at the top they need a blank or line end behind them.
#[derive(Debug)]
pub(crate) struct Frame {
    length_max: usize,
    /// How many bytes of the buffer have been looked at.
    scanned: usize,
    /// Where the value begins, once it has.
    start: usize,
    depth: usize,
    /// Of each open array and object, the innermost in the lowest bit: whether it is an object.
    objects: u64,
    state: State,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// Before, between or behind the tokens.
    Between,
    /// In a number, true, false or null of so many characters yet.
    Word(usize),
    String,
    /// Behind a backslash in a string.
    Escape,
}

impl Frame {
    /// A scanner of values that end at most `length_max` bytes behind the front of the buffer:
    /// blanks before them count.
    pub(crate) fn new(length_max: usize) -> Self {
        Self {
            length_max,
            scanned: 0,
            start: 0,
            depth: 0,
            objects: 0,
            state: State::Between,
        }
    }

    /// Where the next value lies in `bytes`; `None` if it has not arrived completely.
    ///
    /// `bytes` is what was given the last time and perhaps more behind it. Once a value was found,
    /// the caller drops everything up to its end, and the next call begins at the new front.
    ///
    /// After an error there is no telling where the next value would begin.
    pub(crate) fn scan(&mut self, bytes: &[u8]) -> Result<Option<Range<usize>>, Error> {
        // One more than is allowed, because some values end only where something else begins.
        let window = &bytes[..bytes.len().min(self.length_max.saturating_add(1))];
        while let Some(&byte) = window.get(self.scanned) {
            match self.state {
                State::String => {
                    let rest = &window[self.scanned..];
                    let Some(at) = memchr2(b'"', b'\\', rest) else {
                        self.scanned = window.len();
                        break;
                    };
                    self.scanned += at + 1;
                    if rest[at] == b'\\' {
                        self.state = State::Escape;
                    } else if self.depth == 0 {
                        return self.end().map(Some);
                    } else {
                        self.state = State::Between;
                    }
                }
                State::Escape => {
                    self.scanned += 1;
                    self.state = State::String;
                }
                State::Word(length) if is_word(byte) => {
                    if length == NUMBER_MAX {
                        let message = format!("a number of more than {NUMBER_MAX} characters");
                        return Err(Error::new(message).at_byte(self.scanned));
                    }
                    self.scanned += 1;
                    self.state = State::Word(length + 1);
                }
                State::Word(_) if self.depth == 0 => return self.end().map(Some),
                State::Word(_) | State::Between => {
                    self.state = State::Between;
                    if self.depth == 0 && !is_blank(byte) {
                        self.start = self.scanned;
                    }
                    self.begin(byte)?;
                    self.scanned += 1;
                    if self.depth == 0 && matches!(byte, b'}' | b']') {
                        return self.end().map(Some);
                    }
                }
            }
        }
        self.check_length()?;
        Ok(None)
    }

    /// How many bytes at the front are blanks before a value that has not begun. The caller drops
    /// them: a line end behind the last value is no part of a next one.
    pub(crate) fn take_blanks(&mut self) -> usize {
        match self.state {
            State::Between if self.depth == 0 => std::mem::take(&mut self.scanned),
            _ => 0,
        }
    }

    /// Takes the first byte of a token.
    fn begin(&mut self, byte: u8) -> Result<(), Error> {
        match byte {
            b'"' => self.state = State::String,
            b'{' | b'[' => self.open(byte == b'{')?,
            b'}' | b']' => self.close(byte)?,
            b',' | b':' if self.depth > 0 => {}
            _ if is_blank(byte) => {}
            _ if is_word(byte) => self.state = State::Word(1),
            _ => return Err(self.unexpected(byte)),
        }
        Ok(())
    }

    fn open(&mut self, is_object: bool) -> Result<(), Error> {
        if self.depth == DEPTH_MAX {
            let message = format!("arrays and objects nested more than {DEPTH_MAX} deep");
            return Err(Error::new(message).at_byte(self.scanned));
        }
        self.depth += 1;
        self.objects = self.objects << 1 | u64::from(is_object);
        Ok(())
    }

    fn close(&mut self, byte: u8) -> Result<(), Error> {
        let is_object = self.objects & 1 == 1;
        if self.depth == 0 || is_object != (byte == b'}') {
            return Err(self.unexpected(byte));
        }
        self.depth -= 1;
        self.objects >>= 1;
        Ok(())
    }

    /// The value that ends here; the next call begins anew.
    fn end(&mut self) -> Result<Range<usize>, Error> {
        self.check_length()?;
        let range = self.start..self.scanned;
        *self = Self::new(self.length_max);
        Ok(range)
    }

    fn check_length(&self) -> Result<(), Error> {
        if self.scanned > self.length_max {
            let message = format!("a JSON value of more than {} bytes", self.length_max);
            return Err(Error::new(message));
        }
        Ok(())
    }

    #[cold]
    fn unexpected(&self, byte: u8) -> Error {
        let byte = byte.escape_ascii();
        Error::new(format_args!("not JSON: unexpected `{byte}`")).at_byte(self.scanned)
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Whether a number, true, false or null may contain it.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')
}

#[cfg(test)]
mod tests;

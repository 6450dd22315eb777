//! `wgrpc gob print`: prints any gob stream, whatever is in it.
//!
//! Values are printed as they arrive, so that a stream can be watched; a damaged one is printed as
//! far as it can be read.

use std::fs::File;
use std::io::{self, Read, Write};

use wgrpc::gob::{Decoder, Dynamic, GoSource, Limits};

use crate::args::{Input, Print};
use crate::exit::{Failure, Status};
use crate::plain::Plain;

/// How much is read at a time.
const PORTION: usize = 64 << 10;

/// A file of one's own may be large; that values nest deeply is still a danger to the stack.
const LIMITS: Limits = Limits {
    message: 1 << 30,
    decoded: 1 << 31,
    depth: 512,
    types: 1 << 16,
    definitions: 64 << 20,
};

pub(crate) fn run(print: &Print) -> Result<(), Failure> {
    let mut input: Box<dyn Read> = match &print.input {
        Input::Stdin => Box::new(io::stdin().lock()),
        Input::File(path) => {
            let file = File::open(path);
            let reason = |error| Failure::usage(format_args!("{}: {error}", path.display()));
            Box::new(file.map_err(reason)?)
        }
    };
    let mut printer = Printer {
        decoder: Decoder::with_limits(LIMITS),
        out: io::BufWriter::new(io::stdout().lock()),
        form: if print.lossless {
            Form::Lossless
        } else {
            Form::Plain(Types::default())
        },
        hex: print.hex.then(Hex::default),
        damages: Vec::new(),
    };
    let end = printer.print_all(&mut input);
    // What was readable is seen before what is said about the rest.
    printer.out.flush().map_err(Failure::output)?;
    end?;
    match printer.damages.as_slice() {
        [] => Ok(()),
        damages => Err(Failure::new(Status::Failed, damages.join("\n       "))),
    }
}

struct Printer<W> {
    decoder: Decoder,
    out: W,
    form: Form,
    hex: Option<Hex>,
    /// What was wrong with single values.
    damages: Vec<String>,
}

/// How values are printed.
enum Form {
    Plain(Types),
    Lossless,
}

/// What has been said about types.
#[derive(Default)]
struct Types {
    source: GoSource,
    /// The type of the last value.
    last: Option<String>,
}

impl<W: Write> Printer<W> {
    fn print_all(&mut self, input: &mut dyn Read) -> Result<(), Failure> {
        let mut portion = vec![0; PORTION];
        loop {
            let read = match input.read(&mut portion) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read.map_err(|error| damaged(format_args!("cannot read: {error}")))?,
            };
            if read == 0 {
                break;
            }
            let not_hex = match &mut self.hex {
                None => {
                    self.decoder.push(&portion[..read]);
                    None
                }
                Some(hex) => {
                    let mut bytes = Vec::with_capacity(read / 2);
                    let result = hex.decode(&portion[..read], &mut bytes);
                    self.decoder.push(&bytes);
                    result.err()
                }
            };
            self.print_values()?;
            if let Some(reason) = not_hex {
                return Err(damaged(reason));
            }
            self.out.flush().map_err(Failure::output)?;
        }
        if let Some(hex) = &self.hex {
            hex.finish().map_err(damaged)?;
        }
        self.print_types()?;
        self.decoder.finish().map_err(damaged)
    }

    /// Prints the values that have arrived.
    fn print_values(&mut self) -> Result<(), Failure> {
        loop {
            match self.decoder.next_value() {
                Ok(None) => return Ok(()),
                Ok(Some(value)) => self.print_value(&value)?,
                Err(error) if error.is_stream_usable() => self.damages.push(error.to_string()),
                Err(error) => {
                    self.print_types()?;
                    return Err(damaged(error));
                }
            }
        }
    }

    fn print_value(&mut self, value: &Dynamic) -> Result<(), Failure> {
        self.print_types()?;
        let text = match &mut self.form {
            Form::Lossless => value.to_lossless(),
            Form::Plain(types) => {
                let mut source = String::new();
                let is = value
                    .schema
                    .root()
                    .map(|ty| types.source.expression(ty, &mut source));
                self.out
                    .write_all(source.as_bytes())
                    .map_err(Failure::output)?;
                if is != types.last {
                    types.last = is;
                    let is = types.last.as_deref().unwrap_or_default();
                    writeln!(self.out, "// {is}").map_err(Failure::output)?;
                }
                serde_json::to_string(&Plain(value)).map_err(damaged)?
            }
        };
        writeln!(self.out, "{text}").map_err(Failure::output)
    }

    /// Prints the types that have been defined since the last time.
    fn print_types(&mut self) -> Result<(), Failure> {
        let Form::Plain(types) = &mut self.form else {
            return Ok(());
        };
        let source = types.source.declare_new(self.decoder.types());
        self.out
            .write_all(source.as_bytes())
            .map_err(Failure::output)
    }
}

fn damaged(reason: impl std::fmt::Display) -> Failure {
    Failure::new(Status::Failed, reason)
}

/// Decodes hexadecimal text that comes in portions. Blanks between digits do not matter.
#[derive(Default)]
struct Hex {
    /// The first digit of a byte whose second has not come yet.
    half: Option<u8>,
    /// How many characters there have been.
    offset: u64,
}

impl Hex {
    /// Appends the bytes that `text` stands for to `out`.
    fn decode(&mut self, text: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
        for &character in text {
            let character = char::from(character);
            self.offset += 1;
            if character.is_ascii_whitespace() {
                continue;
            }
            let Some(digit) = character.to_digit(16) else {
                let place = self.offset - 1;
                return Err(format!(
                    "{character:?} is no hexadecimal digit (at character {place})"
                ));
            };
            let digit = digit as u8;
            match self.half.take() {
                Some(high) => out.push(high << 4 | digit),
                None => self.half = Some(digit),
            }
        }
        Ok(())
    }

    fn finish(&self) -> Result<(), String> {
        match self.half {
            None => Ok(()),
            Some(_) => Err(format!(
                "half a byte at the end (at character {})",
                self.offset
            )),
        }
    }
}

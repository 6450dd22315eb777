//! What the demo prints, and whether everything was as expected.

use std::fmt::Display;
use std::io::Write as _;

use crate::exit::{Failure, Status};
use crate::style;

/// Prints what happens, and counts what was unexpected.
pub(super) struct Report {
    unexpected: usize,
}

impl Report {
    pub(super) fn new() -> Self {
        Self { unexpected: 0 }
    }

    pub(super) fn title(&self, text: &str) -> Result<(), Failure> {
        print(style::strong(text))
    }

    pub(super) fn section(&self, text: &str) -> Result<(), Failure> {
        print(format_args!("\n{text}"))
    }

    /// Something to know.
    pub(super) fn line(&self, text: &str) -> Result<(), Failure> {
        print(format_args!("    {}", style::faint(text)))
    }

    /// Something that went as expected.
    pub(super) fn good(&self, what: &str, result: &str) -> Result<(), Failure> {
        print(format_args!(
            "  {} {what:<24}{}",
            style::good("✓"),
            style::strong(result)
        ))
    }

    /// Something that did not.
    pub(super) fn bad(&mut self, what: &str, result: &str) -> Result<(), Failure> {
        self.unexpected += 1;
        print(format_args!(
            "  {} {what:<24}{}",
            style::bad("✗"),
            style::bad(result)
        ))
    }

    /// What came of it all.
    pub(super) fn finish(&self) -> Result<(), Failure> {
        match self.unexpected {
            0 => Ok(()),
            1 => Err(Failure::new(
                Status::Failed,
                "one thing was not as expected",
            )),
            count => {
                let what = format_args!("{count} things were not as expected");
                Err(Failure::new(Status::Failed, what))
            }
        }
    }
}

fn print(line: impl Display) -> Result<(), Failure> {
    writeln!(anstream::stdout(), "{line}").map_err(Failure::output)
}

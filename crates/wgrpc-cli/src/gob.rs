//! `wgrpc gob`: looking into gob streams.

mod print;

use crate::args::{Gob, GobCommand};
use crate::exit::Failure;

pub(crate) fn run(gob: &Gob) -> Result<(), Failure> {
    match &gob.command {
        GobCommand::Print(print) => print::run(print),
    }
}

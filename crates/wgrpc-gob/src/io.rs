//! Streams over `std::io`: the only place where the codec meets a reader or a writer.

mod reader;
mod writer;

pub use reader::Reader;
pub use writer::Writer;

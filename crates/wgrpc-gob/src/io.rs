//! Streams over `std::io`: the only place where the codec meets a reader or a writer.

mod reader;

pub use reader::Reader;

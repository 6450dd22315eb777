//! What stands out on a terminal, and how. `anstream` leaves it out elsewhere.

use std::fmt::{self, Display};

use anstyle::{AnsiColor, Style};

/// Something that went wrong.
pub(crate) fn bad(text: impl Display) -> impl Display {
    Styled(AnsiColor::Red.on_default().bold(), text)
}

/// Something that went as it should.
pub(crate) fn good(text: impl Display) -> impl Display {
    Styled(AnsiColor::Green.on_default(), text)
}

/// What matters.
pub(crate) fn strong(text: impl Display) -> impl Display {
    Styled(Style::new().bold(), text)
}

/// What explains.
pub(crate) fn faint(text: impl Display) -> impl Display {
    Styled(Style::new().dimmed(), text)
}

struct Styled<T>(Style, T);

impl<T: Display> Display for Styled<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        // Width and alignment are those of the text.
        self.1.fmt(f)?;
        write!(f, "{:#}", self.0)
    }
}

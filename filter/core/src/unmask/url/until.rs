//! Where a URL ends.

/// What ends a URL.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Until {
    /// White space or a tag.
    Space,
    /// White space: Markdown's definition of a link.
    White,
    /// `>` or the line's end.
    Angle { escaped: bool },
    /// An attribute without quotes: white space or `>`.
    Attribute,
    /// Within an attribute in this quote: that, or white space.
    Listed(u8),
    /// An attribute in this quote.
    Quoted(u8),
    /// Markdown's `](`: the parenthesis that closes it, or white space.
    Parenthesis { open: u32, escaped: bool },
    /// This sign, or a blank line.
    Quote { quote: u8, after_line: bool },
    /// Markdown's code: a backtick or white space.
    Code,
}

impl Until {
    /// What ends a URL that stands behind these two characters.
    pub(super) fn behind(before: u8, opener: u8) -> Self {
        match (before, opener) {
            (b']', b'(') => Self::Parenthesis { open: 0, escaped: false },
            (b'\\', b'<') => Self::White,
            (_, b'<') => Self::Angle { escaped: false },
            (_, b'=') => Self::Attribute,
            (_, b'`') => Self::Code,
            (_, b'"' | b'\'') => Self::Quote { quote: opener, after_line: false },
            _ => Self::Space,
        }
    }

    pub(super) fn is_reached(&mut self, byte: u8) -> bool {
        let space = byte.is_ascii_whitespace();
        match self {
            Self::Space => space || byte == b'<',
            Self::White => space,
            Self::Angle { escaped } => {
                let was_escaped = core::mem::replace(escaped, byte == b'\\' && !*escaped);
                (byte == b'>' && !was_escaped) || byte == b'\n'
            }
            Self::Listed(quote) => space || byte == *quote,
            Self::Quoted(quote) => byte == *quote,
            Self::Attribute => space || byte == b'>',
            Self::Code => space || byte == b'`',
            Self::Parenthesis { open, escaped } => {
                let (was_escaped, was_open) = (*escaped, *open);
                *escaped = byte == b'\\' && !was_escaped;
                match byte {
                    b'(' if !was_escaped => *open = was_open.saturating_add(1),
                    b')' if !was_escaped => *open = was_open.saturating_sub(1),
                    _ => {}
                }
                space || (byte == b')' && !was_escaped && was_open == 0)
            }
            Self::Quote { quote, after_line } => {
                let blank = byte == b'\n' && *after_line;
                *after_line = byte == b'\n' || (*after_line && space);
                byte == *quote || blank
            }
        }
    }
}

//! The content of strings: most of every body.

use super::{Lexer, Malformed, Piece, State, Unescaped};

impl Lexer {
    /// Reads on in the open string for as long as it has plain text and escapes of one letter; tells `each` of them as
    /// [`next`](Self::next) would, with where they stand in `input`. Returns how many bytes that was: none if no
    /// string is open.
    ///
    /// The same machine, without a step for each piece: none of these changes its state.
    pub fn read_on(&self, input: &[u8], mut each: impl FnMut(usize, usize, Piece)) -> usize {
        if !matches!(self.state, State::String { .. }) {
            return 0;
        }
        let mut at = 0;
        loop {
            let rest = input.get(at..).unwrap_or_default();
            let plain = plain_length(rest);
            if plain > 0 {
                each(at, plain, Piece::Text);
                at += plain;
            }
            let escape = match rest.get(plain..) {
                Some([b'\\', letter, ..]) => simple_escape(*letter),
                _ => None,
            };
            let Some(character) = escape else { return at };
            each(at, 2, Piece::Escape(Unescaped::Ascii(character)));
            at += 2;
        }
    }

    pub(super) fn in_escape(
        &mut self,
        key: bool,
        digits: Option<(u8, u16)>,
        byte: u8,
        rest: &[u8],
    ) -> Result<(usize, Piece), Malformed> {
        let (mut length, mut count, mut unit) = match digits {
            None if byte != b'u' => {
                let character = simple_escape(byte).ok_or(Malformed::Syntax)?;
                self.state = State::String { key };
                return Ok((1, Piece::Escape(Unescaped::Ascii(character))));
            }
            None => (1, 0, 0),
            Some((count, unit)) => (1, count + 1, unit << 4 | hex_value(byte)?),
        };
        for &byte in rest {
            if count == 4 {
                break;
            }
            unit = unit << 4 | hex_value(byte)?;
            count += 1;
            length += 1;
        }
        if count < 4 {
            self.state = State::Escape { key, digits: Some((count, unit)) };
            return Ok((length, Piece::EscapePart));
        }
        self.state = State::String { key };
        let unescaped = match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii() => Unescaped::Ascii(byte),
            _ => Unescaped::Unit(unit),
        };
        Ok((length, Piece::Escape(unescaped)))
    }
}

fn hex_value(byte: u8) -> Result<u16, Malformed> {
    char::from(byte).to_digit(16).and_then(|digit| u16::try_from(digit).ok()).ok_or(Malformed::Syntax)
}

/// What a backslash and this letter stand for.
fn simple_escape(letter: u8) -> Option<u8> {
    Some(match letter {
        b'"' | b'\\' | b'/' => letter,
        b'b' => 0x08,
        b'f' => 0x0c,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        _ => return None,
    })
}

/// How many bytes of string content come before a quote, a backslash or a control character.
pub(super) fn plain_length(input: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([0x01; 8]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
    // Eight bytes at a time: a byte of `zero(x)` has its high bit set if that byte of x is zero. Bytes behind the first
    // such byte may have it set too.
    let zero = |x: u64| x.wrapping_sub(ONES) & !x & HIGHS;
    let mut length = 0;
    let (words, rest) = input.as_chunks::<8>();
    for word in words {
        let word = u64::from_le_bytes(*word);
        let quote = zero(word ^ (ONES * b'"' as u64));
        let backslash = zero(word ^ (ONES * b'\\' as u64));
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
        let special = quote | backslash | control;
        if special != 0 {
            return length + special.trailing_zeros() as usize / 8;
        }
        length += 8;
    }
    length + rest.iter().take_while(|&&byte| byte >= 0x20 && byte != b'"' && byte != b'\\').count()
}

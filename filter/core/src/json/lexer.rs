//! An incremental JSON lexer (RFC 8259) that tells what each byte is.
//!
//! Requests, responses and JSON inside JSON strings are all read by this one machine, so they cannot
//! disagree about where a string begins. It never looks back and owns no input: [`Lexer::next`] is given
//! whatever bytes there are, in pieces of any size, and says what a prefix of them is.

mod content;
mod number;

use content::plain_length;
use number::Number;

/// Deepest nesting of objects and arrays that is read.
///
/// Deeper documents are [`Malformed::TooDeep`]. 128 is what serde_json permits; no provider's API comes near.
pub const MAX_DEPTH: u8 = 128;

/// What a run of input bytes is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Piece {
    /// `]` or `}`.
    Close,
    /// The last byte (or all) of an escape in a string.
    Escape(Unescaped),
    /// Part of an escape whose end is not here yet.
    EscapePart,
    /// `[`, or `{` if `object`.
    Open {
        /// True for `{`.
        object: bool,
    },
    /// Part of a number, `true`, `false` or `null`; `first` at its first byte.
    Scalar {
        /// True when the scalar begins here.
        first: bool,
    },
    /// White space, `,` or `:`.
    Space,
    /// The closing quote.
    StringEnd,
    /// The opening quote.
    StringStart {
        /// True for the name of a member.
        key: bool,
    },
    /// Plain content of a string.
    Text,
}

/// What an escape stands for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unescaped {
    /// An ASCII character.
    Ascii(u8),
    /// Any other UTF-16 unit, possibly half of a pair.
    Unit(u16),
}

/// Why the input is not JSON.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Malformed {
    /// The grammar does not permit this byte here.
    Syntax,
    /// More than [`MAX_DEPTH`] levels.
    TooDeep,
}

/// What the input as a whole may be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Documents {
    /// Objects and arrays one after the other, as pasted output and newline-delimited JSON have them.
    Containers,
    /// Values one after the other, as newline-delimited JSON has them.
    Many,
    /// Exactly one value.
    One,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    AfterKey,
    AfterValue,
    Done,
    Escape { key: bool, digits: Option<(u8, u16)> },
    FirstItem,
    FirstKey,
    Key,
    Literal(&'static [u8]),
    Number(Number),
    String { key: bool },
    Value,
}

/// The machine. See the [module](self).
#[derive(Clone, Debug)]
pub struct Lexer {
    documents: Documents,
    state: State,
    /// One bit a level: 1 for an object.
    levels: u128,
    depth: u8,
}

impl Lexer {
    /// Starts before the first byte.
    pub fn new(documents: Documents) -> Self {
        Self { documents, state: State::Value, levels: 0, depth: 0 }
    }

    /// Starts within a string that is a value, at its content.
    pub fn in_string() -> Self {
        Self { state: State::String { key: false }, ..Self::new(Documents::One) }
    }

    /// Says what the first bytes of `input` are: how many (at least one), and which [`Piece`].
    ///
    /// `None` for empty input. After an error the machine is of no more use.
    pub fn next(&mut self, input: &[u8]) -> Option<Result<(usize, Piece), Malformed>> {
        let (&byte, rest) = input.split_first()?;
        Some(match self.state {
            State::String { key } => self.string(key, byte, input),
            State::Escape { key, digits } => self.in_escape(key, digits, byte, rest),
            State::Number(_) | State::Literal(_) if !ends_scalar(byte) => self.in_scalar(input),
            _ => self.between(byte, rest),
        })
    }

    /// True when everything that was opened is closed, so that the input may end here.
    pub fn is_complete(&self) -> bool {
        match self.state {
            State::Done => true,
            State::Number(number) => self.depth == 0 && number.is_complete(),
            State::Literal(rest) => self.depth == 0 && rest.is_empty(),
            State::Value => self.documents != Documents::One && self.depth == 0,
            _ => false,
        }
    }

    fn string(&mut self, key: bool, byte: u8, input: &[u8]) -> Result<(usize, Piece), Malformed> {
        match byte {
            b'"' => {
                if key {
                    self.state = State::AfterKey;
                } else {
                    self.value_ended();
                }
                Ok((1, Piece::StringEnd))
            }
            b'\\' => {
                self.state = State::Escape { key, digits: None };
                // Take what there is of the escape at once; its pieces are few.
                match input.get(1..).and_then(|rest| rest.split_first()) {
                    None => Ok((1, Piece::EscapePart)),
                    Some((&byte, rest)) => {
                        self.in_escape(key, None, byte, rest).map(|(length, piece)| (length + 1, piece))
                    }
                }
            }
            0..0x20 => Err(Malformed::Syntax),
            _ => Ok((plain_length(input), Piece::Text)),
        }
    }

    fn in_scalar(&mut self, input: &[u8]) -> Result<(usize, Piece), Malformed> {
        let mut length = 0;
        for &byte in input {
            if ends_scalar(byte) {
                break;
            }
            self.state = match self.state {
                State::Number(number) => State::Number(number.next(byte).ok_or(Malformed::Syntax)?),
                State::Literal(expected) => match expected.split_first() {
                    Some((&first, rest)) if first == byte => State::Literal(rest),
                    _ => return Err(Malformed::Syntax),
                },
                other => other,
            };
            length += 1;
        }
        Ok((length, Piece::Scalar { first: false }))
    }

    /// Everything that is not inside a string, an escape or a scalar.
    fn between(&mut self, byte: u8, rest: &[u8]) -> Result<(usize, Piece), Malformed> {
        match self.state {
            State::Number(number) if !number.is_complete() => return Err(Malformed::Syntax),
            State::Literal(expected) if !expected.is_empty() => return Err(Malformed::Syntax),
            State::Number(_) | State::Literal(_) => self.value_ended(),
            _ => {}
        }
        if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            let more = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
            return Ok((1 + more, Piece::Space));
        }
        let piece = match (self.state, byte) {
            (State::FirstKey | State::Key, b'"') => {
                self.state = State::String { key: true };
                Piece::StringStart { key: true }
            }
            (State::AfterKey, b':') => {
                self.state = State::Value;
                Piece::Space
            }
            (State::AfterValue, b',') => {
                self.state = if self.in_object() { State::Key } else { State::Value };
                Piece::Space
            }
            (State::FirstKey, b'}') | (State::FirstItem, b']') => self.close(),
            (State::AfterValue, b'}') if self.in_object() => self.close(),
            (State::AfterValue, b']') if !self.in_object() => self.close(),
            (State::Value | State::FirstItem, _) => return self.value(byte),
            _ => return Err(Malformed::Syntax),
        };
        Ok((1, piece))
    }

    fn value(&mut self, byte: u8) -> Result<(usize, Piece), Malformed> {
        if self.depth == 0 && self.documents == Documents::Containers && !matches!(byte, b'{' | b'[') {
            return Err(Malformed::Syntax);
        }
        let piece = match byte {
            b'{' | b'[' => {
                if self.depth == MAX_DEPTH {
                    return Err(Malformed::TooDeep);
                }
                let object = byte == b'{';
                self.levels = self.levels << 1 | u128::from(object);
                self.depth += 1;
                self.state = if object { State::FirstKey } else { State::FirstItem };
                Piece::Open { object }
            }
            b'"' => {
                self.state = State::String { key: false };
                Piece::StringStart { key: false }
            }
            _ => {
                self.state = match byte {
                    b't' => State::Literal(b"rue"),
                    b'f' => State::Literal(b"alse"),
                    b'n' => State::Literal(b"ull"),
                    b'-' => State::Number(Number::Minus),
                    b'0' => State::Number(Number::Zero),
                    b'1'..=b'9' => State::Number(Number::Digits),
                    _ => return Err(Malformed::Syntax),
                };
                Piece::Scalar { first: true }
            }
        };
        Ok((1, piece))
    }

    fn close(&mut self) -> Piece {
        self.levels >>= 1;
        self.depth -= 1;
        self.value_ended();
        Piece::Close
    }

    fn in_object(&self) -> bool {
        self.levels & 1 == 1
    }

    fn value_ended(&mut self) {
        self.state = match (self.depth, self.documents) {
            (0, Documents::One) => State::Done,
            (0, Documents::Containers | Documents::Many) => State::Value,
            _ => State::AfterValue,
        };
    }
}

fn ends_scalar(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b',' | b':' | b']' | b'}' | b'[' | b'{' | b'"')
}

#[cfg(test)]
mod tests;

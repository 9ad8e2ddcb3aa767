//! What opens the place of a URL, and the word there that may become one.

use super::until::Until;

/// What stands since `](`, `="`, `]:` or the like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lead {
    until: Until,
    /// Only white space so far.
    is_blank: bool,
    entity: Entity,
}

/// A character of HTML that is spelled as a number: `&#58;`, which HTML reads without the semicolon too.
#[derive(Clone, Copy, Debug)]
enum Entity {
    None,
    Ampersand,
    Hash,
    Number { radix: u32, value: u32 },
}

impl Lead {
    pub(super) fn new(until: Until) -> Self {
        Self { until, is_blank: true, entity: Entity::None }
    }

    /// What ends a URL that begins here.
    pub(super) fn until(&self) -> Until {
        self.until
    }

    /// True if the value of an attribute begins here, in quotes or not.
    pub(super) fn is_attribute(&self) -> bool {
        self.is_blank && self.until == Until::Attribute
    }

    /// The word goes on with this character, or there is none.
    pub(super) fn and(self, byte: u8) -> Option<Self> {
        let is_left_out = matches!(byte, b'\t' | b'\n' | b'\r');
        let is_word = byte.is_ascii_alphanumeric() || matches!(byte, b'&' | b'#' | b';' | b'/' | b'\\');
        let is_blank = self.is_blank && byte <= b' ';
        (is_blank || is_left_out || is_word).then(|| Self { is_blank, entity: self.entity.and(byte), ..self })
    }

    /// True if what stands before this character, or with it, is an entity that a URL's beginning can be written with.
    pub(super) fn is_entity(&self, byte: u8, recent: u64) -> bool {
        const NAMES: [&[u8]; 5] = [b"&colon", b"&sol", b"&bsol", b"&Tab", b"&NewLine"];
        let recent = recent.to_be_bytes();
        match self.entity {
            Entity::Number { radix, value } if char::from(byte).to_digit(radix).is_none() => {
                matches!(value, 9 | 10 | 13 | 47 | 58 | 92)
            }
            _ => byte == b';' && NAMES.iter().any(|name| recent.ends_with(name)),
        }
    }
}

impl Entity {
    fn and(self, byte: u8) -> Self {
        let (radix, value) = match (self, byte) {
            (_, b'&') => return Self::Ampersand,
            (Self::Ampersand, b'#') => return Self::Hash,
            (Self::Hash, b'x' | b'X') => return Self::Number { radix: 16, value: 0 },
            (Self::Hash, _) => (10, 0),
            (Self::Number { radix, value }, _) => (radix, value),
            _ => return Self::None,
        };
        char::from(byte).to_digit(radix).map_or(Self::None, |digit| Self::Number {
            radix,
            value: value.saturating_mul(radix).saturating_add(digit),
        })
    }
}

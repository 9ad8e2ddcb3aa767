//! The grammar of a number.

/// What has been read of a number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Number {
    Digits,
    Exponent,
    ExponentDigits,
    ExponentSign,
    Fraction,
    FractionDigits,
    Minus,
    Zero,
}

impl Number {
    pub(super) fn next(self, byte: u8) -> Option<Self> {
        Some(match (self, byte) {
            (Self::Minus, b'0') => Self::Zero,
            (Self::Minus, b'1'..=b'9') | (Self::Digits, b'0'..=b'9') => Self::Digits,
            (Self::Digits | Self::Zero, b'.') => Self::Fraction,
            (Self::Fraction | Self::FractionDigits, b'0'..=b'9') => Self::FractionDigits,
            (Self::Digits | Self::Zero | Self::FractionDigits, b'e' | b'E') => Self::Exponent,
            (Self::Exponent, b'+' | b'-') => Self::ExponentSign,
            (Self::Exponent | Self::ExponentSign | Self::ExponentDigits, b'0'..=b'9') => Self::ExponentDigits,
            _ => return None,
        })
    }

    pub(super) fn is_complete(self) -> bool {
        matches!(self, Self::Digits | Self::ExponentDigits | Self::FractionDigits | Self::Zero)
    }
}

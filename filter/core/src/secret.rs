//! Originals, in a type that does not print.

use alloc::boxed::Box;
use core::borrow::Borrow;
use core::fmt;

/// An identifier as the application wrote it.
///
/// `Debug` shows its length, never its bytes; there is no `Display`.
#[derive(Clone, Eq, Ord, PartialEq, PartialOrd)]
pub struct Secret(Box<[u8]>);

impl Secret {
    /// Takes a copy of `value`.
    pub fn new(value: &[u8]) -> Self {
        Self(value.into())
    }

    /// The bytes, for the few places that put them back or send them to the bridge.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl Borrow<[u8]> for Secret {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.0.len())
    }
}

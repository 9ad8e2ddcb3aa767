//! JSON read in place: positions are kept, nothing is ever re-serialized.

pub mod escape;
pub mod lexer;
pub mod pointer;
pub mod read;
pub mod shape;
mod view;

pub use lexer::{Documents, Lexer, Malformed, Piece, Unescaped};
pub use shape::{Rule, Shape, Walk};

//! What an API's JSON looks like, as data, and the walk that follows a document through it.
//!
//! A [`Shape`] says how a string at some place is treated and what the known members of an object there
//! are. Arrays are transparent: their items have the array's own shape. A member that the shape does not
//! know is text (the safe side), or, below a shape without members, what its parent is.

use super::{Piece, Unescaped};
use alloc::vec::Vec;
use core::fmt;

/// Longest member name that a shape can know, in bytes. Longer names are unknown names.
const MAX_NAME: usize = 64;

/// How one place in a document is treated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rule {
    /// Text of a stream that goes on in the next events, as the channel of this name.
    Channel(&'static str),
    /// In an event: what it says about the stream when it is present and not `null`.
    Ends(Ends),
    /// In an event: a member to keep when the event is repeated for text that was held back.
    Envelope,
    /// In an event: its type, and what the types say.
    EventType(&'static [(&'static str, Says)]),
    /// Not rewritten: the provider gave it its value or reads it as a keyword. Scanned in requests.
    Fixed,
    /// In an event: tells objects of one list apart, and with it their channels; the name of the member. `null` and
    /// `false` are as if it were not there.
    Index(&'static str),
    /// Base64 of an image, a document or sound; the text of a document where `type` is `text`.
    Media,
    /// A URL that may be a `data:` URL of an image or a document.
    MediaUrl,
    /// In an answer: the name of the model. Only in shapes of [`usage`](crate::usage), as `Usage`.
    Model,
    /// Opaque to everyone but the provider: passes as it is.
    Opaque,
    /// In an event that opens a channel: the beginning of its text. The channel goes on in events of another type.
    Opens(&'static Opening),
    /// Text that stays text: where all it says is the token of a number, the number comes back in quotes.
    Prose,
    /// In an event: its number in the stream.
    Sequence,
    /// Makes the [`SignedText`](Self::SignedText) beside it signed, unless it is empty.
    Signature,
    /// The provider's own words: pass as they are when a signature stands beside them, else text.
    SignedText,
    /// Text: masked in requests, restored in responses. Numbers and names of members too.
    Text,
    /// As [`Channel`](Self::Channel), in a list of parts that come one after the other: text of another channel in the
    /// same list ends it.
    Turn(&'static str),
    /// In an answer: how many tokens of the model it took.
    Usage(Tokens),
}

/// What tokens of the model are counted; APIs tell more or fewer of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Tokens {
    /// Read; all of them, unless those of the cache are told apart.
    Input,
    /// Read from the provider's cache, if `Input` is without them.
    CacheRead,
    /// Written into the provider's cache, if `Input` is without them.
    CacheWrite,
    /// Read from the results of the provider's own tools, if `Input` is without them.
    ToolInput,
    /// Written; all of them, unless thinking is told apart.
    Output,
    /// Thought, if `Output` is without it.
    Thoughts,
}

impl Tokens {
    /// How many there are.
    pub(crate) const ALL: usize = Self::Thoughts as usize + 1;
    /// The first that was written, not read.
    pub(crate) const FIRST_OUTPUT: usize = Self::Output as usize;
}

/// What an event says by its type.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Says {
    /// Channels end.
    Ends(Ends),
    /// What would be text of a channel is media.
    Media,
}

/// The channel that an event opens, and how its text goes on.
#[derive(Debug, Eq, PartialEq)]
pub struct Opening {
    /// Name of the channel.
    pub channel: &'static str,
    /// Name of the events that carry the rest of the text.
    pub event: &'static str,
    /// The data of such an event, without the [`Index`](Rule::Index) members and without text.
    pub data: &'static str,
}

/// What the bytes of a body are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Body {
    /// One JSON document.
    Json,
    /// JSON documents one after the other, mostly one a line.
    JsonLines,
    /// Text, all of it.
    Text,
}

/// Which channels an event ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ends {
    /// All of them.
    All,
    /// Those of the parts that stand before this one in its list.
    Earlier,
    /// Those with the [`Index`](Rule::Index) values of the object that says so.
    Same,
}

/// One place of an API's JSON. See the [module](self).
pub struct Shape {
    /// Treatment of a string, number or literal here, and of everything below if `fields` is empty.
    pub rule: Rule,
    /// Known members of an object here.
    pub fields: &'static [(&'static str, &'static Shape)],
    /// Of the shape of a whole body: what its bytes are.
    pub body: Body,
}

impl Shape {
    /// Everything here is treated alike, at any depth.
    pub const fn leaf(rule: Rule) -> Self {
        Self { rule, fields: &[], body: Body::Json }
    }

    /// Prose, or an object with these members.
    pub const fn prose(fields: &'static [(&'static str, &'static Self)]) -> Self {
        Self { rule: Rule::Prose, fields, body: Body::Json }
    }

    /// Text, or an object with these members.
    pub const fn object(fields: &'static [(&'static str, &'static Self)]) -> Self {
        Self { rule: Rule::Text, fields, body: Body::Json }
    }
}

impl fmt::Debug for Shape {
    /// Without its members: shapes contain themselves.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shape").field("rule", &self.rule).finish_non_exhaustive()
    }
}

/// Text at any depth.
pub static TEXT: Shape = Shape::leaf(Rule::Text);

/// JSON documents one after the other, text at any depth.
pub static JSON_LINES: Shape = Shape { body: Body::JsonLines, ..Shape::leaf(Rule::Text) };

/// A body that is one text.
pub static PLAIN: Shape = Shape { body: Body::Text, ..Shape::leaf(Rule::Prose) };

/// A known member stood twice in one object.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Duplicate;

/// Follows the pieces of one document through a [`Shape`].
#[derive(Debug)]
pub struct Walk {
    root: &'static Shape,
    frames: Vec<Frame>,
    name: Vec<u8>,
}

#[derive(Debug)]
struct Frame {
    shape: &'static Shape,
    /// Which of the shape's members have been seen, one bit each.
    seen: u64,
    /// The shape of the member that is being read; the frame's own in an array.
    member: &'static Shape,
}

impl Walk {
    /// Starts before the document.
    pub fn new(root: &'static Shape) -> Self {
        Self { root, frames: Vec::new(), name: Vec::new() }
    }

    /// Takes the next piece and its bytes.
    ///
    /// # Errors
    ///
    /// [`Duplicate`] at the end of the name of a known member that this object already had. The walk has
    /// taken the piece all the same, so a reader that does not mind may go on.
    pub fn take(&mut self, piece: Piece, in_key: bool, bytes: &[u8]) -> Result<(), Duplicate> {
        match piece {
            Piece::Open { .. } => {
                let shape = self.place();
                self.frames.push(Frame { shape, seen: 0, member: shape });
            }
            Piece::Close => {
                self.frames.pop();
            }
            Piece::StringStart { key: true } => self.name.clear(),
            Piece::Text if in_key => self.extend_name(bytes),
            Piece::Escape(Unescaped::Ascii(byte)) if in_key => self.extend_name(&[byte]),
            Piece::Escape(Unescaped::Unit(_)) if in_key => self.extend_name(&[0xff]),
            Piece::StringEnd if in_key => return self.enter_member(),
            _ => {}
        }
        Ok(())
    }

    /// The shape of the value that begins or is being read.
    pub fn place(&self) -> &'static Shape {
        self.frames.last().map_or(self.root, |frame| frame.member)
    }

    /// The rule for the names of members of the object that is open.
    pub fn name_rule(&self) -> Rule {
        match self.frames.last() {
            Some(frame) if frame.shape.fields.is_empty() => frame.shape.rule,
            _ => Rule::Text,
        }
    }

    /// The name of the member that was read last, unescaped and cut to what a shape can know.
    pub fn name(&self) -> &[u8] {
        &self.name
    }

    fn extend_name(&mut self, bytes: &[u8]) {
        // One byte more than any known name makes it unknown.
        let room = (MAX_NAME + 1).saturating_sub(self.name.len());
        self.name.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
    }

    fn enter_member(&mut self) -> Result<(), Duplicate> {
        let Some(frame) = self.frames.last_mut() else { return Ok(()) };
        let fields = frame.shape.fields;
        let Some(at) = fields.iter().position(|(name, _)| name.as_bytes() == self.name) else {
            frame.member = if fields.is_empty() { frame.shape } else { &TEXT };
            return Ok(());
        };
        frame.member = fields.get(at).map_or(&TEXT, |(_, shape)| *shape);
        let bit = 1 << (at % 64);
        let twice = frame.seen & bit != 0;
        frame.seen |= bit;
        if twice { Err(Duplicate) } else { Ok(()) }
    }
}

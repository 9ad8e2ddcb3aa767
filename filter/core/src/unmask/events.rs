//! Events of a stream, whatever frames them: each is JSON, and text goes on from one to the next.
//!
//! Text that goes on in later events is a *channel*: the undecided end of its text is cut out of the event and put
//! before the channel's next text, or into one extra event before the event that ends the channel.

use super::json::JsonUnmasker;
use super::mapping::Mapping;
use super::matcher::Context;
use crate::json::Shape;
use alloc::borrow::Cow;
use alloc::vec::Vec;
use channels::{Channels, InEvent};
use facts::Facts;
use known::Known;

mod channels;
mod facts;
mod known;
mod path;
mod skeleton;

/// Longest event that is read as a whole. A longer one is restored as it streams, without joining its text
/// to that of other events.
pub const MAX_EVENT: usize = 1024 * 1024;

/// One line of an event's data, or a line among them that is not data and has no value.
pub(super) struct Line<'a> {
    /// What stands before the value, and is no part of it.
    pub(super) field: &'a [u8],
    /// JSON, or a part of it.
    pub(super) value: &'a [u8],
    /// What ended the line.
    pub(super) terminator: &'a [u8],
}

impl Line<'_> {
    fn len(&self) -> usize {
        self.field.len() + self.value.len() + self.terminator.len()
    }
}

/// What stands around the data of an extra event.
#[derive(Clone, Copy)]
pub(super) struct Wrap {
    /// Before its data.
    pub(super) before: &'static [u8],
    /// Behind its data.
    pub(super) behind: &'static [u8],
    /// An event can be left out, and what frames it is still well-formed.
    pub(super) leaves_out: bool,
}

/// The events of one stream, and the text that goes on.
pub(super) struct Events {
    shape: &'static Shape,
    channels: Channels,
    known: Known,
    /// Memory for an event until what has to come before it is known.
    restored: Vec<u8>,
}

impl Events {
    /// `shape` is that of the data of an event.
    pub(super) fn new(shape: &'static Shape) -> Self {
        Self { shape, channels: Channels::default(), known: Known::default(), restored: Vec::new() }
    }

    /// How many bytes of text are withheld.
    pub(super) fn held(&self) -> usize {
        self.channels.held()
    }

    /// Restores one event. What has to come before it comes first; `head` is what stands before its data.
    pub(super) fn event(&mut self, head: &mut Vec<u8>, lines: &[Line<'_>], wrap: Wrap, to: &mut Context<'_>) {
        let data: Cow<'_, [u8]> = match lines {
            [line] => Cow::Borrowed(line.value),
            _ => Cow::Owned(
                lines.iter().flat_map(|line| [line.value, b"\n".as_slice()]).flatten().copied().collect(),
            ),
        };
        let facts = Facts::read(self.shape, &data);
        self.restore(head, lines, (&facts, &data), wrap, to);
    }

    /// As [`event`](Self::event), for one line, if that is all of an event's data. False if it is not.
    pub(super) fn line(
        &mut self,
        head: &mut Vec<u8>,
        line: Line<'_>,
        wrap: Wrap,
        to: &mut Context<'_>,
    ) -> bool {
        let data = line.value;
        if let Some(facts) = self.known.again(data) {
            self.restore(head, &[line], (&facts, data), wrap, to);
            self.known.put_back(facts);
            return true;
        }
        let facts = Facts::read(self.shape, data);
        let settled = facts.settled;
        if settled {
            self.restore(head, &[line], (&facts, data), wrap, to);
            self.known.keep(facts, data);
        }
        settled
    }

    /// Takes one line, if that is an event which differs from the one before in its text alone, and goes out as it came.
    /// False if that is not certain, and then nothing was done.
    pub(super) fn passes(&mut self, data: &[u8], mapping: &Mapping) -> bool {
        let Some((text, content)) = self.known.text(data) else { return false };
        self.channels.passes(text, content, mapping)
    }

    fn restore(
        &mut self,
        head: &mut Vec<u8>,
        lines: &[Line<'_>],
        (facts, data): (&Facts, &[u8]),
        wrap: Wrap,
        to: &mut Context<'_>,
    ) {
        let mut restored = core::mem::take(&mut self.restored);
        restored.clear();
        restored.reserve(lines.iter().map(Line::len).sum());
        let mut event = InEvent::new(&mut self.channels, self.shape, head, facts, data);
        let holes = core::mem::take(&mut to.tally.holes);
        let mut inner = Context { mapping: to.mapping, out: &mut restored, tally: to.tally };
        match lines {
            [line] if facts.plain => event.texts(line, &mut inner),
            _ => read_through(self.shape, lines, &mut event, &mut inner),
        }
        let inner = core::mem::replace(&mut to.tally.holes, holes);
        // Gemini refuses a history with an empty part, and its SDK keeps a part for each event.
        let all_withheld = facts.only_turns() == Some(event.emptied);
        self.channels.end(facts, data, wrap, to);
        if wrap.leaves_out && all_withheld {
            head.clear();
        } else {
            to.out.append(head);
            to.append(&mut restored, inner);
        }
        self.restored = restored;
    }

    /// For the data of an event that is too long to be read as a whole.
    pub(super) fn unjoined(&self) -> JsonUnmasker {
        JsonUnmasker::of_event(self.shape)
    }

    /// Before the end of the stream: what is withheld leaves in events of its own.
    pub(super) fn end_all(&mut self, wrap: Wrap, to: &mut Context<'_>) {
        self.channels.end_all(wrap, to);
    }
}

/// Restores all of an event's data: the texts of channels, and every other string.
fn read_through(shape: &'static Shape, lines: &[Line<'_>], event: &mut InEvent<'_>, to: &mut Context<'_>) {
    let mut json = JsonUnmasker::of_event(shape);
    for (index, line) in lines.iter().enumerate() {
        to.out.extend_from_slice(line.field);
        json.push_with(line.value, event, to);
        if index + 1 == lines.len() {
            json.finish_with(event, to);
        } else {
            // Lines of data are joined by a line feed; in its place stands what ended the line.
            json.push_with(b"\n", event, to);
            to.out.pop();
        }
        to.out.extend_from_slice(line.terminator);
    }
}

#[cfg(test)]
mod tests;

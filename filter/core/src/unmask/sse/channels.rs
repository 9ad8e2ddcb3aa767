//! Text that goes on from event to event.

use super::event::{Facts, skeleton};
use crate::json::Shape;
use crate::unmask::Tally;
use crate::unmask::json::Texts;
use crate::unmask::matcher::Context;
use crate::unmask::text::TextStream;
use alloc::vec::Vec;
use serde_json::Value;

/// Most channels that are open at once in one stream. Text beyond is restored within its event.
///
/// A model that answers with this many parallel choices or tool calls has not been seen.
pub(super) const MAX_CHANNELS: usize = 256;

/// The open channels of one stream, oldest first.
#[derive(Default)]
pub(super) struct Channels {
    open: Vec<Channel>,
}

struct Channel {
    name: &'static str,
    /// The indices of the containers that the text stands in.
    path: Vec<Vec<u8>>,
    text: TextStream,
    /// An event for nothing but this channel's text: what stands before the text and behind it.
    extra: (Vec<u8>, Vec<u8>),
}

impl Channels {
    /// For the strings of one event.
    pub(super) fn in_event<'a>(
        &'a mut self,
        shape: &'static Shape,
        head: &'a [u8],
        data: &'a [u8],
        facts: &'a Facts,
    ) -> InEvent<'a> {
        InEvent { channels: self, shape, head, data, facts, parsed: None, current: None }
    }

    pub(super) fn held(&self) -> usize {
        self.open.iter().map(|channel| channel.text.held()).sum()
    }

    /// Before an event that ends channels: what they still withhold leaves in events of their own.
    pub(super) fn end(&mut self, facts: &Facts, to: &mut Context<'_>) {
        self.end_those(|channel| facts.ends(&channel.path), to);
    }

    /// Before the end of the stream.
    pub(super) fn end_all(&mut self, to: &mut Context<'_>) {
        self.end_those(|_| true, to);
    }

    fn end_those(&mut self, ended: impl Fn(&Channel) -> bool, to: &mut Context<'_>) {
        for mut channel in self.open.extract_if(.., |channel| ended(channel)) {
            if channel.text.held() > 0 {
                to.out.append(&mut channel.extra.0);
                channel.text.finish(to);
                to.out.append(&mut channel.extra.1);
            }
        }
    }
}

/// The channels while one event is read.
pub(super) struct InEvent<'a> {
    channels: &'a mut Channels,
    shape: &'static Shape,
    head: &'a [u8],
    data: &'a [u8],
    facts: &'a Facts,
    /// The event's data, parsed when the first new channel needs it.
    parsed: Option<Option<Value>>,
    /// The channel whose text is being read.
    current: Option<usize>,
}

impl Texts for InEvent<'_> {
    fn open(&mut self, name: &'static str, starts: &[usize], tally: &mut Tally) -> Option<TextStream> {
        let path = self.facts.path(starts);
        let open = &mut self.channels.open;
        let at = match open.iter().position(|channel| channel.name == name && channel.path == path) {
            Some(at) => at,
            None => {
                let (data, facts) = (self.data, self.facts);
                let parsed = self.parsed.get_or_insert_with(|| facts.without_texts(data)).as_ref();
                let extra = match parsed {
                    Some(parsed) if open.len() < MAX_CHANNELS => {
                        skeleton(self.shape, self.head, parsed, name, &path)
                    }
                    _ => None,
                };
                let Some(extra) = extra else {
                    tally.unjoined += 1;
                    return None;
                };
                open.push(Channel { name, path, text: TextStream::new(1), extra });
                open.len() - 1
            }
        };
        self.current = Some(at);
        open.get_mut(at).map(|channel| core::mem::take(&mut channel.text))
    }

    fn close(&mut self, mut text: TextStream, to: &mut Context<'_>) {
        let Some(at) = self.current.take() else { return text.finish(to) };
        let Some(channel) = self.channels.open.get_mut(at) else { return text.finish(to) };
        if self.facts.ends(&channel.path) {
            text.finish(to);
        } else {
            channel.text = text;
        }
    }
}

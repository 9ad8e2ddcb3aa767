//! Text that goes on from event to event.

use super::facts::{Facts, Text};
use super::path::Path;
use super::skeleton::Skeleton;
use super::{Line, Wrap};
use crate::json::{Rule, Shape};
use crate::unmask::json::Texts;
use crate::unmask::matcher::Context;
use crate::unmask::text::TextStream;
use crate::unmask::{Mapping, Tally};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ops::Range;
use serde_json::Value;

/// Most channels that are open at once in one stream. Text beyond is restored within its event.
///
/// A model that answers with this many parallel choices or tool calls has not been seen.
pub(super) const MAX_CHANNELS: usize = 256;

/// The open channels of one stream, oldest first.
#[derive(Default)]
pub(super) struct Channels {
    open: Vec<Channel>,
    /// The number of the event that left last. An extra event is the rest of it.
    sequence: Vec<u8>,
}

struct Channel {
    name: &'static str,
    path: Path,
    /// None if it ended, or is being read.
    text: Option<Box<TextStream>>,
    /// An event for nothing but this channel's text.
    extra: Skeleton,
    /// Where the object begins that its last text in this event stands in; 0 if there is none.
    at: usize,
}

impl Channels {
    pub(super) fn held(&self) -> usize {
        self.open.iter().filter_map(|channel| channel.text.as_ref()).map(|text| text.held()).sum()
    }

    /// As a text of an event that ends no channel, if nothing is withheld and it goes out as it came. False if that is not
    /// certain, and then nothing was done.
    pub(super) fn passes(&mut self, text: &Text, content: &[u8], mapping: &Mapping) -> bool {
        let Rule::Channel(name) = text.rule else { return false };
        if self.held() > 0 {
            return false;
        }
        let is = |channel: &&mut Channel| channel.name == name && Some(&channel.path) == text.path.as_ref();
        let known = self.open.iter_mut().find(is).and_then(|channel| channel.text.as_mut());
        known.is_some_and(|text| text.passes(content, mapping))
    }

    /// Before an event that ends channels: what they still withhold leaves in events of their own.
    pub(super) fn end(&mut self, facts: &Facts, data: &[u8], wrap: Wrap, to: &mut Context<'_>) {
        self.end_those(|channel| facts.ends(channel.name, &channel.path, channel.at), wrap, to);
        self.open.iter_mut().for_each(|channel| channel.at = 0);
        if let Some(sequence) = facts.sequence.clone().and_then(|sequence| data.get(sequence)) {
            self.sequence.clear();
            self.sequence.extend_from_slice(sequence);
        }
    }

    /// Before the end of the stream.
    pub(super) fn end_all(&mut self, wrap: Wrap, to: &mut Context<'_>) {
        self.end_those(|_| true, wrap, to);
    }

    fn end_those(&mut self, ended: impl Fn(&Channel) -> bool, wrap: Wrap, to: &mut Context<'_>) {
        for channel in self.open.extract_if(.., |channel| ended(channel)) {
            if let Some(mut text) = channel.text.filter(|text| text.held() > 0) {
                let (before, behind) = channel.extra.around(wrap, &self.sequence);
                to.out.extend_from_slice(&before);
                text.finish(to);
                to.out.extend_from_slice(&behind);
            }
        }
    }
}

/// The channels while one event is read.
pub(super) struct InEvent<'a> {
    channels: &'a mut Channels,
    shape: &'static Shape,
    head: &'a [u8],
    facts: &'a Facts,
    data: &'a [u8],
    /// The event's data, parsed when the first new channel needs it.
    parsed: Option<Option<Value>>,
    /// The channel whose text is being read.
    current: Option<usize>,
    /// Texts of which everything is withheld.
    pub(super) emptied: usize,
}

impl<'a> InEvent<'a> {
    /// For the strings of one event.
    pub(super) fn new(
        channels: &'a mut Channels,
        shape: &'static Shape,
        head: &'a [u8],
        facts: &'a Facts,
        data: &'a [u8],
    ) -> Self {
        Self { channels, shape, head, facts, data, parsed: None, current: None, emptied: 0 }
    }

    /// Restores the texts of channels in a line of data in which nothing else changes: what is in them is read as
    /// [`JsonUnmasker`](crate::unmask::JsonUnmasker) reads it, and the rest need not be read again.
    pub(super) fn texts(&mut self, line: &Line<'_>, to: &mut Context<'_>) {
        let part = |range: Range<usize>| line.value.get(range).unwrap_or_default();
        to.out.extend_from_slice(line.field);
        let mut from = 0;
        for Text { rule, content, starts, path } in self.facts.texts.iter().filter(|_| !self.facts.is_media) {
            to.out.extend_from_slice(part(from..content.start));
            let mut text = self.open_at(*rule, path.as_ref(), starts, to.tally).unwrap_or_default();
            text.push_content(part(content.clone()), to);
            self.close(text, to);
            from = content.end;
        }
        to.out.extend_from_slice(part(from..line.value.len()));
        to.out.extend_from_slice(line.terminator);
    }

    fn open_at(
        &mut self,
        rule: Rule,
        path: Option<&Path>,
        starts: &[usize],
        tally: &mut Tally,
    ) -> Option<Box<TextStream>> {
        self.current = path.and_then(|path| self.channel(rule, path, starts));
        let channel = self.current.and_then(|at| self.channels.open.get_mut(at));
        tally.unjoined += u64::from(channel.is_none());
        channel.map(|channel| channel.text.take().unwrap_or_default())
    }

    /// Where the channel is among those that are open, or is now.
    fn channel(&mut self, rule: Rule, path: &Path, starts: &[usize]) -> Option<usize> {
        let (name, opening) = match rule {
            Rule::Channel(name) | Rule::Turn(name) => (name, None),
            Rule::Opens(opening) => (opening.channel, Some(opening)),
            _ => return None,
        };
        let open = &mut self.channels.open;
        let at = starts.last().copied().unwrap_or_default();
        let known = open.iter_mut().enumerate();
        let mut known = known.filter(|(_, channel)| channel.name == name && channel.path == *path);
        if let Some((index, channel)) = known.next() {
            channel.at = at;
            return Some(index);
        }
        if open.len() == MAX_CHANNELS {
            return None;
        }
        let (facts, data) = (self.facts, self.data);
        let parsed = self.parsed.get_or_insert_with(|| facts.without_texts(data)).as_ref()?;
        let extra = match opening {
            None => Skeleton::of(self.shape, self.head, parsed, name, path),
            Some(opening) => Skeleton::opened(self.shape, self.head, parsed, opening, path),
        };
        open.push(Channel { name, path: path.clone(), text: Some(Box::default()), extra: extra?, at });
        Some(open.len() - 1)
    }
}

impl Texts for InEvent<'_> {
    fn pass(&self) -> bool {
        self.facts.is_media
    }

    fn open(&mut self, rule: Rule, starts: &[usize], tally: &mut Tally) -> Option<Box<TextStream>> {
        let path = self.facts.path(starts, self.data);
        self.open_at(rule, path.as_ref(), starts, tally)
    }

    fn close(&mut self, mut text: Box<TextStream>, to: &mut Context<'_>) {
        let Some(at) = self.current.take() else { return text.finish(to) };
        let Some(channel) = self.channels.open.get_mut(at) else { return text.finish(to) };
        if self.facts.ends(channel.name, &channel.path, channel.at) {
            text.finish(to);
        } else {
            // Nothing stands behind the quote that began the text.
            self.emptied += usize::from(to.out.ends_with(b"\"") && !to.out.ends_with(b"\\\""));
            channel.text = Some(text);
        }
    }
}

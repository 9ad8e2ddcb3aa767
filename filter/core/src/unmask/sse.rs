//! Server-sent events restored while they stream.
//!
//! A line of data is one JSON event for every provider we know. It leaves as soon as its line is complete; no
//! event waits for another. How text goes on from event to event: see `unmask::events`.

use super::Tally;
pub use super::events::MAX_EVENT;
use super::events::{Events, Line, Wrap};
use super::json::{JsonUnmasker, NoChannels};
use super::mapping::Mapping;
use super::matcher::Context;
use crate::json::{Documents, Lexer, Shape};
use alloc::vec::Vec;
use memchr::arch::all::is_prefix;

/// An extra event.
const EXTRA: Wrap = Wrap { before: b"data: ", behind: b"\n\n", leaves_out: true };

/// The end of the last line of an event, and of the event.
const END: &[u8] = b"\n\n";

/// Most of what stands before an event's data that is kept to know the next one by.
const MAX_FRAME: usize = 1024;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// One stream of events. Feed every piece to [`push`](Self::push), then call [`finish`](Self::finish) once.
pub struct SseUnmasker {
    events: Events,
    /// The line that is being collected.
    line: Vec<u8>,
    /// The rest of a line that is too long to be collected.
    long: Option<JsonUnmasker>,
    /// Lines of the event before its data: its name. They wait, because an extra event may have to come first.
    head: Vec<u8>,
    /// What stood before the data of the last event that was one line; empty if that is not known.
    frame: Vec<u8>,
    /// Lines of data that are not complete JSON yet, and what JSON they are so far.
    data: Vec<u8>,
    probe: Lexer,
    /// Where the last line went, so that its terminator follows it.
    sink: Sink,
    /// The last line ended with CR: an LF that follows belongs to it.
    after_cr: bool,
    first_line: bool,
    /// Data has gone out, and the blank line that ends its event has not.
    in_event: bool,
}

#[derive(Clone, Copy, Debug)]
enum Sink {
    Data,
    Head,
    Out,
}

impl SseUnmasker {
    /// Starts before the first event; `shape` is that of the data of an event.
    pub fn new(shape: &'static Shape) -> Self {
        Self {
            events: Events::new(shape),
            line: Vec::new(),
            long: None,
            head: Vec::new(),
            frame: Vec::new(),
            data: Vec::new(),
            probe: Lexer::new(Documents::One),
            sink: Sink::Out,
            after_cr: false,
            first_line: true,
            in_event: false,
        }
    }

    /// Takes the next bytes if they are one event like the one before, and go out as they came: most of most streams. False
    /// if that is not certain, and then nothing was done.
    pub fn passes(&mut self, bytes: &[u8], mapping: &Mapping) -> bool {
        let between =
            self.line.is_empty() && self.head.is_empty() && self.data.is_empty() && self.long.is_none();
        if !between || self.in_event || self.after_cr || self.frame.is_empty() {
            return false;
        }
        let frame = self.frame.len();
        let is_one = is_prefix(bytes, &self.frame) && bytes.ends_with(END);
        let line = bytes.get(frame..bytes.len().saturating_sub(END.len())).filter(|_| is_one);
        line.is_some_and(|line| self.events.passes(line, mapping))
    }

    /// Takes the next bytes and appends to `out` what is now certain.
    pub fn push(&mut self, bytes: &[u8], mapping: &Mapping, out: &mut Vec<u8>, tally: &mut Tally) {
        let mut to = Context { mapping, out, tally };
        let mut rest = bytes;
        while let Some(&first) = rest.first() {
            if core::mem::take(&mut self.after_cr) && first == b'\n' {
                self.terminate(b"\n", &mut to);
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            let length = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
            let (part, more) = rest.split_at(length);
            let Some((&terminator, more)) = more.split_first() else {
                return self.extend_line(part, &mut to);
            };
            rest = more;
            // Most lines come whole, and need not be collected.
            if self.line.is_empty() && self.long.is_none() && part.len() <= MAX_EVENT {
                self.sink = self.take_line(part, &mut to);
                self.first_line = false;
            } else {
                self.extend_line(part, &mut to);
                self.end_line(&mut to);
            }
            self.terminate(&[terminator], &mut to);
            self.after_cr = terminator == b'\r';
        }
    }

    /// The stream ends: whatever is withheld leaves.
    pub fn finish(&mut self, mapping: &Mapping, out: &mut Vec<u8>, tally: &mut Tally) {
        let mut to = Context { mapping, out, tally };
        let mut line = core::mem::take(&mut self.line);
        let cut_off = self.long.is_some() || !line.is_empty();
        if self.long.is_some() || split_data(&line, self.first_line).is_some() {
            self.line = core::mem::take(&mut line);
            self.end_line(&mut to);
        }
        self.flush_data(&mut to);
        if self.events.held() > 0 {
            // An extra event must not become part of one that was cut off.
            let ending: &[u8] = match (self.in_event, cut_off && line.is_empty()) {
                (false, _) => b"",
                (true, false) => b"\n",
                (true, true) => b"\n\n",
            };
            to.out.extend_from_slice(ending);
            self.events.end_all(EXTRA, &mut to);
        }
        // What is left is the beginning of an event without data.
        to.out.append(&mut self.head);
        to.out.append(&mut line);
    }

    /// How many bytes are withheld, of unfinished lines too.
    pub fn held(&self) -> usize {
        let long = self.long.as_ref().map_or(0, JsonUnmasker::held);
        self.line.len() + self.head.len() + self.data.len() + long + self.events.held()
    }

    fn extend_line(&mut self, part: &[u8], to: &mut Context<'_>) {
        if let Some(json) = &mut self.long {
            json.push_with(part, &mut NoChannels, to);
            return;
        }
        self.line.extend_from_slice(part);
        if self.line.len() > MAX_EVENT {
            self.flush_data(to);
            to.out.append(&mut self.head);
            to.tally.unjoined += 1;
            let line = core::mem::take(&mut self.line);
            let data = split_data(&line, self.first_line);
            self.in_event |= data.is_some();
            let (field, value) = data.unwrap_or((b"", &line));
            to.out.extend_from_slice(field);
            let mut json = self.events.unjoined();
            json.push_with(value, &mut NoChannels, to);
            self.long = Some(json);
        }
    }

    fn end_line(&mut self, to: &mut Context<'_>) {
        self.sink = match self.long.take() {
            Some(mut json) => {
                json.finish_with(&mut NoChannels, to);
                Sink::Out
            }
            None => {
                let mut line = core::mem::take(&mut self.line);
                let sink = self.take_line(&line, to);
                line.clear();
                self.line = line;
                sink
            }
        };
        self.first_line = false;
    }

    fn terminate(&mut self, terminator: &[u8], to: &mut Context<'_>) {
        match self.sink {
            Sink::Data => self.data.extend_from_slice(terminator),
            Sink::Head => self.head.extend_from_slice(terminator),
            Sink::Out => to.out.extend_from_slice(terminator),
        }
    }

    /// One line without its terminator.
    fn take_line(&mut self, line: &[u8], to: &mut Context<'_>) -> Sink {
        if line.is_empty() {
            self.in_event = false;
            self.flush_data(to);
            to.out.append(&mut self.head);
            return Sink::Out;
        }
        let Some((field, value)) = split_data(line, self.first_line) else {
            return self.take_field(line, to);
        };
        self.in_event = true;
        if value.trim_ascii() == b"[DONE]" {
            self.flush_data(to);
            self.events.end_all(EXTRA, to);
            to.out.append(&mut self.head);
            to.out.extend_from_slice(line);
            return Sink::Out;
        }
        if self.data.is_empty() {
            self.frame.clear();
            if self.head.len() <= MAX_FRAME && !self.first_line {
                self.frame.extend_from_slice(&self.head);
                self.frame.extend_from_slice(field);
            }
            let line = Line { field, value, terminator: b"" };
            if self.events.line(&mut self.head, line, EXTRA, to) {
                return Sink::Out;
            }
            self.probe = Lexer::new(Documents::One);
        }
        let settled = settles(&mut self.probe, value)
            || settles(&mut self.probe, b"\n")
            || self.data.len() + line.len() > MAX_EVENT;
        self.data.extend_from_slice(line);
        if settled {
            self.flush_data(to);
            return Sink::Out;
        }
        Sink::Data
    }

    /// A line that is not data: a comment, or the event's name.
    fn take_field(&mut self, line: &[u8], to: &mut Context<'_>) -> Sink {
        if self.data.len() + line.len() > MAX_EVENT {
            self.flush_data(to);
        }
        if !self.data.is_empty() {
            self.data.extend_from_slice(line);
            return Sink::Data;
        }
        let comment = line.starts_with(b":") && self.head.is_empty();
        if comment || self.head.len() + line.len() > MAX_EVENT {
            to.out.append(&mut self.head);
            to.out.extend_from_slice(line);
            return Sink::Out;
        }
        self.head.extend_from_slice(line);
        Sink::Head
    }

    /// What was collected of an event in several lines is all there is of it.
    fn flush_data(&mut self, to: &mut Context<'_>) {
        if self.data.is_empty() {
            return;
        }
        let data = core::mem::take(&mut self.data);
        let mut lines = Vec::new();
        let mut rest = data.as_slice();
        while !rest.is_empty() {
            let length = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
            let (line, more) = rest.split_at(length);
            let end = match more {
                [b'\r', b'\n', ..] => 2,
                [] => 0,
                _ => 1,
            };
            let (terminator, more) = more.split_at(end);
            let (field, value) = split_data(line, false).unwrap_or((line, b""));
            lines.push(Line { field, value, terminator });
            rest = more;
        }
        self.events.event(&mut self.head, &lines, EXTRA, to);
    }
}

/// Splits a line of data into its field name (with the one space that belongs to it) and its value.
fn split_data(line: &[u8], first_line: bool) -> Option<(&[u8], &[u8])> {
    let mark = if first_line && line.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len() } else { 0 };
    let rest = line.get(mark..)?.strip_prefix(b"data:")?;
    let value = rest.strip_prefix(b" ").unwrap_or(rest);
    line.split_at_checked(line.len() - value.len())
}

/// Reads on; true if the data is complete JSON now, or cannot become JSON.
fn settles(probe: &mut Lexer, value: &[u8]) -> bool {
    let mut rest = value;
    while let Some(step) = probe.next(rest) {
        match step {
            Ok((length, _)) => rest = rest.get(length..).unwrap_or_default(),
            Err(_) => return true,
        }
    }
    probe.is_complete()
}

#[cfg(test)]
mod tests;

//! What is measured, and what came of it.

use std::fmt::Write as _;

use crate::prompt::Prompt;
use crate::provider::{DELTAS, Reply};
use crate::proxy::{CACHED, SIDES};
use crate::{KB, request_body};

pub(crate) const ROWS: [Row; 7] = [
    Row { size: 4 * KB, ids: 3, reply: Reply::Short },
    Row { size: 4 * KB, ids: 3, reply: Reply::Echo },
    Row { size: 4 * KB, ids: 29, reply: Reply::Short },
    Row { size: 4 * KB, ids: 29, reply: Reply::Echo },
    Row { size: 4 * KB, ids: 29, reply: Reply::Stream },
    Row { size: 64 * KB, ids: 500, reply: Reply::Short },
    Row { size: 64 * KB, ids: 500, reply: Reply::Echo },
];

/// What the time to the first text is measured with.
pub(crate) const FIRST: Row = Row { size: 4 * KB, ids: 29, reply: Reply::First };

/// What is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// Bytes of the request's body.
    pub(crate) size: usize,
    /// Identifiers in it.
    pub(crate) ids: usize,
    pub(crate) reply: Reply,
}

impl Row {
    pub(crate) fn name(self) -> String {
        format!("{} KB, {} ids", self.size / KB, self.ids)
    }

    pub(crate) fn prompt(self) -> Prompt {
        let around = request_body("", self.reply).len() - 2;
        Prompt::new(self.size - around, self.ids)
    }

    pub(crate) fn line(self, rounds: &[[f64; SIDES.len()]]) -> String {
        let answer = match self.reply {
            Reply::Short => "short".to_owned(),
            Reply::Echo => "the same text".to_owned(),
            Reply::Stream => format!("same, {DELTAS} events"),
            Reply::First => "short, one event".to_owned(),
        };
        let mut line = format!("{:<16} {answer:<20}", self.name());
        let costs = transposed(rounds.iter().copied());
        for side in &costs {
            // Writing to a string cannot fail.
            let _ = write!(line, " {:>8.1}", median(side.iter().copied()));
        }
        line += "  ";
        // Of each round, because the sides of a round have met the same machine.
        let ratios = transposed(rounds.iter().map(|costs| costs.map(|cost| cost / costs[0])));
        for side in ratios.iter().skip(1) {
            let _ = write!(line, " {:>8.2}", median(side.iter().copied()));
        }
        line
    }

    /// Most that the filter may cost, divided by bare, with everything cached and the provider saying the same text.
    fn gate(self) -> Option<f64> {
        match (self.ids, self.reply) {
            (3, Reply::Echo) => Some(2.5),
            (500, Reply::Echo) => Some(15.0),
            (_, Reply::Stream) => Some(3.0),
            _ => None,
        }
    }

    /// What became of the gate, in one line.
    pub(crate) fn verdict(self, rounds: &[[f64; SIDES.len()]]) -> Option<String> {
        let gate = self.gate()?;
        let ratio = median(rounds.iter().map(|costs| costs[CACHED] / costs[0]));
        let verdict = if ratio <= gate { "met" } else { "missed" };
        let answer = if self.reply.streams() { "streamed" } else { "whole" };
        Some(format!("{:<16} {answer:<9} at most {gate:>4.1} × bare: {ratio:.2}, {verdict}", self.name()))
    }
}

/// By side, not by round.
fn transposed(rounds: impl Iterator<Item = [f64; SIDES.len()]>) -> [Vec<f64>; SIDES.len()] {
    let mut sides = [const { Vec::new() }; SIDES.len()];
    for costs in rounds {
        for (side, cost) in sides.iter_mut().zip(costs) {
            side.push(cost);
        }
    }
    sides
}

/// Of an even number of values, the middle between the two in the middle.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let pair = values.get(middle.saturating_sub(1)..=middle).unwrap_or_default();
    pair.iter().sum::<f64>() / pair.len() as f64
}

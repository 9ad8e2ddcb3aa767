//! What the APIs' JSON looks like: one file of data per provider.
//!
//! An API that is not listed, or a path that is not, is read by the generic rule: every string is text.

use crate::json::shape::{Rule, Shape, TEXT, Tokens};

mod anthropic;
mod gemini;
mod openai;
pub mod state;

/// The shapes of one API.
#[derive(Clone, Copy, Debug)]
pub struct Api {
    /// Of a request's body.
    pub request: &'static Shape,
    /// Of a response that is one document, or of each document of one that is many.
    pub response: &'static Shape,
    /// Of an event's data in a streamed response.
    pub event: &'static Shape,
    /// A response that is one JSON array streams: its items are events.
    pub streams_array: bool,
    /// Where an answer, or an event of one, says how many tokens of the model it took. `None` if it never does.
    pub usage: Option<&'static Shape>,
}

impl Api {
    /// An API that does not stream.
    const fn whole(request: &'static Shape, response: &'static Shape) -> Self {
        Self { request, response, event: &TEXT, streams_array: false, usage: None }
    }

    /// An API that streams events.
    const fn streaming(request: &'static Shape, response: &'static Shape, event: &'static Shape) -> Self {
        Self { request, response, event, streams_array: false, usage: None }
    }

    /// An API whose answers say how many tokens of the model they took.
    const fn counting(self, usage: &'static Shape) -> Self {
        Self { usage: Some(usage), ..self }
    }
}

/// Every string is text.
pub const GENERIC: Api = Api::whole(&TEXT, &TEXT);

/// The API behind a path, without its query. Neither hosts nor what stands before a known path matter: gateways and
/// clouds serve the same APIs under other names.
pub fn api(path: &str) -> Api {
    let known = [anthropic::PATHS, gemini::PATHS, openai::PATHS];
    let mut known = known.into_iter().flatten();
    known.find(|(pattern, _)| ends_with(path, pattern)).map_or(GENERIC, |(_, api)| *api)
}

/// True if the last parts of a path are those of `pattern`; in that, `*` stands for any beginning of a part.
fn ends_with(path: &str, pattern: &str) -> bool {
    let mut parts = path.rsplit('/').filter(|part| !part.is_empty());
    pattern.rsplit('/').all(|pattern| {
        parts.next().is_some_and(|part| match pattern.strip_prefix('*') {
            Some(end) => part.len() > end.len() && part.ends_with(end),
            None => part == pattern,
        })
    })
}

// What the providers' files share.
static ENVELOPE: Shape = Shape::leaf(Rule::Envelope);
static FIXED: Shape = Shape::leaf(Rule::Fixed);
static INPUT_TOKENS: Shape = Shape::leaf(Rule::Usage(Tokens::Input));
static INDEX: Shape = Shape::leaf(Rule::Index("index"));
static MEDIA: Shape = Shape::leaf(Rule::Media);
static MEDIA_URL: Shape = Shape::leaf(Rule::MediaUrl);
static MODEL: Shape = Shape::leaf(Rule::Model);
static OPAQUE: Shape = Shape::leaf(Rule::Opaque);
static OUTPUT_TOKENS: Shape = Shape::leaf(Rule::Usage(Tokens::Output));
static PROSE: Shape = Shape::leaf(Rule::Prose);

#[cfg(test)]
mod tests;

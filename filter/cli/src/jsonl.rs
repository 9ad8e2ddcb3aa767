//! Many bodies, one JSON object a line in and out. No line depends on another one, and each is written before the
//! next is read: a caller may keep the process and talk to it.

use crate::failure::Failure;
use crate::filter::{Filter, Restorer};
use crate::tokens::{self, Token};
use crate::url::Url;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cloakroom_core::exchange::Refusal;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io::{self, BufRead, Write};

#[derive(Deserialize)]
struct MaskLine {
    #[serde(default)]
    key: Value,
    url: Option<String>,
    body: String,
}

#[derive(Default, Serialize)]
struct MaskedLine {
    key: Value,
    masked: Option<String>,
    tokens: Vec<Token>,
    error: Option<Error>,
}

#[derive(Deserialize)]
struct UnmaskLine {
    #[serde(default)]
    key: Value,
    url: Option<String>,
    content_type: Option<String>,
    tokens: Vec<Token>,
    chunks: Vec<String>,
}

#[derive(Serialize)]
struct UnmaskedLine {
    key: Value,
    chunks: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Error>,
}

/// What of a line can be read even if the rest is not what it should be.
#[derive(Deserialize)]
struct KeyOnly {
    #[serde(default)]
    key: Value,
}

/// Why there is no result: a refusal, or a line that cannot be read.
#[derive(Serialize)]
struct Error {
    status: u16,
    error: &'static str,
    message: String,
}

impl Error {
    fn line(message: impl Into<String>) -> Self {
        Self { status: 400, error: "line_unreadable", message: message.into() }
    }
}

impl From<Refusal> for Error {
    fn from(Refusal { status, code, message, .. }: Refusal) -> Self {
        Self { status, error: code, message }
    }
}

/// Masks the body of each line.
pub(crate) fn mask(
    filter: &mut Filter,
    default_url: &str,
    content_type: &str,
    input: impl BufRead,
    out: &mut impl Write,
) -> Result<(), Failure> {
    each_line(input, out, |line| {
        let MaskLine { key, url, body } = match read(line, "`key`, `url` and `body`, strings") {
            Ok(line) => line,
            Err((key, error)) => return MaskedLine { key, error: Some(error), ..MaskedLine::default() },
        };
        match mask_one(filter, url.as_deref().unwrap_or(default_url), content_type, &body) {
            Ok((masked, tokens)) => MaskedLine { key, masked: Some(masked), tokens, error: None },
            Err(error) => MaskedLine { key, error: Some(error), ..MaskedLine::default() },
        }
    })
}

fn mask_one(
    filter: &mut Filter,
    url: &str,
    content_type: &str,
    body: &str,
) -> Result<(String, Vec<Token>), Error> {
    let url = parse(url)?;
    let masked = filter.mask(&url, content_type, body.as_bytes())?;
    let tokens = masked.tokens(filter.detector());
    // Tokens are ASCII, so the rest is what it was: UTF-8.
    Ok((String::from_utf8_lossy(&masked.body).into_owned(), tokens))
}

/// Restores the answer of each line, chunk by chunk.
pub(crate) fn unmask(
    filter: &Filter,
    default_url: &str,
    default_type: &str,
    input: impl BufRead,
    out: &mut impl Write,
) -> Result<(), Failure> {
    each_line(input, out, |line| {
        let expected = "`key`, `url`, `content_type`, `tokens` and `chunks`";
        let (key, done) = match read(line, expected) {
            Ok(UnmaskLine { key, url, content_type, tokens, chunks }) => {
                let url = url.as_deref().unwrap_or(default_url);
                let content_type = content_type.as_deref().unwrap_or(default_type);
                (key, unmask_one(filter, url, content_type, &tokens, &chunks))
            }
            Err((key, error)) => (key, Err(error)),
        };
        match done {
            Ok(chunks) => UnmaskedLine { key, chunks: Some(chunks), error: None },
            Err(error) => UnmaskedLine { key, chunks: None, error: Some(error) },
        }
    })
}

fn unmask_one(
    filter: &Filter,
    url: &str,
    content_type: &str,
    tokens: &[Token],
    chunks: &[String],
) -> Result<Vec<String>, Error> {
    let mapping = tokens::mapping(filter.detector(), tokens).map_err(Error::line)?;
    let mut restorer = Restorer::new(filter, &parse(url)?, mapping, content_type);
    let mut released = Vec::with_capacity(chunks.len() + 1);
    for (at, chunk) in chunks.iter().enumerate() {
        let chunk = STANDARD.decode(chunk).map_err(|_| Error::line(format!("chunks[{at}] is not base64")))?;
        released.push(STANDARD.encode(restorer.push(&chunk)));
    }
    released.push(STANDARD.encode(restorer.finish()));
    Ok(released)
}

fn parse(url: &str) -> Result<Url<'_>, Error> {
    Url::parse(url)
        .ok_or_else(|| Error::line("`url` is not a URL such as https://api.anthropic.com/v1/messages"))
}

/// Reads line after line, and writes what `one` makes of each.
fn each_line<T: Serialize>(
    mut input: impl BufRead,
    out: &mut impl Write,
    mut one: impl FnMut(&[u8]) -> T,
) -> Result<(), Failure> {
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        let content = line.trim_ascii();
        if !content.is_empty() {
            let mut text = serde_json::to_vec(&one(content)).map_err(io::Error::from)?;
            text.push(b'\n');
            out.write_all(&text)?;
            out.flush()?;
        }
        line.clear();
    }
    Ok(())
}

/// Reads a line, or at least its key.
fn read<T: DeserializeOwned>(line: &[u8], expected: &str) -> Result<T, (Value, Error)> {
    // serde would take the items of an array for the fields, in their order.
    if !line.starts_with(b"{") {
        return Err((Value::Null, Error::line(format!("expected an object with {expected}"))));
    }
    serde_json::from_slice(line).map_err(|error| {
        let key = serde_json::from_slice(line).map_or(Value::Null, |KeyOnly { key }| key);
        // Not the error itself: it repeats what it did not like, and that may be an original.
        let message = if error.is_data() {
            format!("expected an object with {expected}; wrong at column {}", error.column())
        } else {
            format!("not valid JSON at column {}", error.column())
        };
        (key, Error::line(message))
    })
}

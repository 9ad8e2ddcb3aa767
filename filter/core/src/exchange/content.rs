//! What the headers say of a body: its type, its charset and its encoding.

use super::Headers;
use crate::json::shape::{JSON_LINES, PLAIN, Shape};
use crate::provider::Api;
use alloc::string::String;
use alloc::vec::Vec;

/// How a request's body is read for masking, as an exchange does it. `None` for a type that is not masked.
pub fn request_shape(api: Api, content_type: &str) -> Option<&'static Shape> {
    ContentType::read(content_type.as_bytes()).request(api.request)
}

/// True if the body is not encoded, whatever number of headers says so.
pub(super) fn is_identity(headers: Headers<'_>) -> bool {
    headers.all("content-encoding").all(|value| value.is_empty() || value.eq_ignore_ascii_case(b"identity"))
}

/// How compressed bodies begin: gzip, zlib, zstd, xz and zip. No text begins so, in whatever language: each has a control
/// character or a byte that UTF-8 does not have there. Brotli, and zlib at its other levels, cannot be told from text.
const COMPRESSED: [&[u8]; 6] =
    [b"\x1f\x8b", b"x\x01", b"x\x9c", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\0", b"PK\x03\x04"];

/// Whether a body that begins so is compressed, whatever its headers say; `None` while more bytes are needed to tell.
pub(super) fn is_compressed(beginning: &[u8]) -> Option<bool> {
    if COMPRESSED.iter().any(|mark| beginning.starts_with(mark)) {
        return Some(true);
    }
    let undecided = COMPRESSED.iter().any(|mark| mark.starts_with(beginning));
    (!undecided).then_some(false)
}

/// A media type (RFC 9110 §8.3.1), in lower case; empty if it cannot be read.
pub(super) struct ContentType {
    pub(super) essence: String,
    charsets: Vec<String>,
}

impl ContentType {
    /// What the headers say; unreadable if they say it twice.
    pub(super) fn of(headers: Headers<'_>) -> Self {
        let mut values = headers.all("content-type");
        match (values.next(), values.next()) {
            (Some(value), None) => Self::read(value),
            _ => Self::read(b""),
        }
    }

    fn read(value: &[u8]) -> Self {
        let value = core::str::from_utf8(value).unwrap_or_default().to_ascii_lowercase();
        let mut parts = value.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default().into();
        let charsets =
            parts.filter_map(|part| part.split_once('=').filter(|(name, _)| name.trim() == "charset"));
        let charsets = charsets.map(|(_, name)| name.trim().trim_matches('"').into()).collect();
        Self { essence, charsets }
    }

    pub(super) fn is_json(&self) -> bool {
        self.essence == "application/json" || (self.essence.contains('/') && self.essence.ends_with("+json"))
    }

    /// JSON documents one after the other; the names in use for it, none of which is registered.
    pub(super) fn is_json_lines(&self) -> bool {
        let name = self.essence.strip_prefix("application/").unwrap_or_default();
        matches!(name.strip_prefix("x-").unwrap_or(name), "json-lines" | "jsonl" | "jsonlines" | "ndjson")
    }

    /// Text that says what it means: no markup that could spell an identifier in another way.
    pub(super) fn is_text(&self) -> bool {
        matches!(self.essence.as_str(), "text/csv" | "text/markdown" | "text/plain")
    }

    /// How a request's body of this type is read, for an API whose JSON has this shape. `None` for a type that is not
    /// masked.
    pub(super) fn request(&self, json: &'static Shape) -> Option<&'static Shape> {
        if self.is_json() {
            Some(json)
        } else if self.is_json_lines() {
            Some(&JSON_LINES)
        } else if self.is_text() {
            Some(&PLAIN)
        } else {
            None
        }
    }

    pub(super) fn is_utf8(&self) -> bool {
        self.charsets.iter().all(|name| matches!(name.as_str(), "utf-8" | "utf8" | "us-ascii"))
    }
}

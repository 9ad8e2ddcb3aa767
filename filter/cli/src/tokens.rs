//! The list of tokens that leads from a masked body back to the original one.

use crate::failure::Failure;
use cloakroom_core::detect::Detector;
use cloakroom_core::mask::Form;
use cloakroom_core::secret::Secret;
use cloakroom_core::unmask::Mapping;
use cloakroom_core::unmask::mapping::Entry;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

/// One token and what it stands for. Holds an original, hence no `Debug`.
#[derive(Deserialize, Serialize)]
pub(crate) struct Token {
    /// As issued, `AWS_EC2_001`.
    pub(crate) token: String,
    /// Name of the kind without its family, `EC2`.
    pub(crate) kind: String,
    /// The original.
    pub(crate) value: String,
    /// How the original was spelled. Left out for text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) form: Option<WireForm>,
}

/// [`Form`] in a list, where it is not plain text.
#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WireForm {
    /// A JSON number: it comes back without quotes.
    Number,
    /// Text in JSON in a string, with escapes of its own: it comes back with these.
    Spelled,
}

impl WireForm {
    pub(crate) fn new(form: Form) -> Option<Self> {
        match form {
            Form::Number => Some(Self::Number),
            Form::Spelled => Some(Self::Spelled),
            Form::Text => None,
        }
    }
}

impl From<WireForm> for Form {
    fn from(form: WireForm) -> Self {
        match form {
            WireForm::Number => Self::Number,
            WireForm::Spelled => Self::Spelled,
        }
    }
}

/// What restoring needs of a list.
///
/// Tokens of credentials are not in it: as in the proxy, they stay in the answer.
///
/// # Errors
///
/// What is wrong with the list, and where. Never holds a value.
pub(crate) fn mapping(detector: &Detector, tokens: &[Token]) -> Result<Mapping, String> {
    let mut seen = BTreeSet::new();
    let mut entries = Vec::new();
    for (at, Token { token, kind, value, form }) in tokens.iter().enumerate() {
        let Some(id) = detector.kind_named(kind) else {
            return Err(format!("tokens[{at}].kind: `{kind}` is not a kind"));
        };
        let found = detector.recogniser().at(token.as_bytes(), 0);
        let is_of_kind = |prefix| detector.kind_of_prefix(prefix) == id;
        if !found.is_some_and(|found| found.token == *token && is_of_kind(found.prefix)) {
            return Err(format!("tokens[{at}].token: expected a token of the kind {kind}"));
        }
        if !seen.insert(token) {
            return Err(format!("tokens[{at}].token: stands twice"));
        }
        if detector.kind(id).restores {
            let form = form.map_or(Form::Text, Form::from);
            entries.push(Entry { token: token.clone(), value: Secret::new(value.as_bytes()), form });
        }
    }
    Ok(Mapping::new(entries))
}

/// Reads a file that [`write()`] wrote.
pub(crate) fn read(path: &Path) -> Result<Vec<Token>, Failure> {
    let json = std::fs::read(path).map_err(|error| Failure::file("read", path, &error))?;
    serde_json::from_slice(&json).map_err(|error| {
        // Not the error itself: it repeats what it did not like, and that may be an original.
        let place = format!("line {} column {}", error.line(), error.column());
        Failure::Failed(format!(
            "{}: expected a list of {{\"token\", \"kind\", \"value\"}}, wrong at {place}",
            path.display()
        ))
    })
}

/// Writes a list. It undoes the masking, so a file that is new is its owner's only.
pub(crate) fn write(path: &Path, tokens: &[Token]) -> Result<(), Failure> {
    let mut json = serde_json::to_vec_pretty(tokens).unwrap_or_default();
    json.push(b'\n');
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .and_then(|mut file| file.write_all(&json))
        .map_err(|error| Failure::file("write", path, &error))
}

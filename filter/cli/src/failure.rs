//! What ends a command early, and how the caller learns of it.

use cloakroom_core::exchange::Refusal;
use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::path::Path;
use std::process::ExitCode;

/// Why a command did not do what it was asked to.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The catalogue's automaton cannot be built.
    Catalogue,
    /// Something outside went wrong; one sentence.
    Failed(String),
    /// Input or output broke.
    Io(io::Error),
    /// The filter would refuse this request.
    Refused(Refusal),
    /// Stdout says it already.
    Reported,
    /// The arguments are wrong; one sentence.
    Usage(String),
}

impl Failure {
    /// `verb` (read, write) failed on the file at `path`.
    pub(crate) fn file(verb: &str, path: &Path, error: &dyn Display) -> Self {
        Self::Failed(format!("cannot {verb} {}: {error}", path.display()))
    }

    /// `--url` is not one.
    pub(crate) fn url(text: &str) -> Self {
        Self::Usage(format!("`{text}` is not a URL such as https://api.anthropic.com/v1/messages"))
    }

    /// Tells on stderr, and returns the exit code: 2 for wrong arguments, 1 for the rest.
    ///
    /// A reader of stdout that went away (`| head`) has what it wanted: that is no failure.
    pub(crate) fn report(self, stderr: &mut impl Write) -> ExitCode {
        let (code, text) = match self {
            Self::Catalogue => (1, "the catalogue of identifiers cannot be compiled".to_owned()),
            Self::Failed(text) => (1, text),
            Self::Io(error) if error.kind() == ErrorKind::BrokenPipe => return ExitCode::SUCCESS,
            Self::Io(error) => (1, error.to_string()),
            Self::Refused(Refusal { status, code, message, .. }) => {
                (1, format!("refused: {status} {code}: {message}"))
            }
            Self::Reported => return ExitCode::from(1),
            Self::Usage(text) => (2, format!("{text}; see `cloakroom --help`")),
        };
        // Where stderr is closed there is nobody to tell.
        let _ = writeln!(stderr, "cloakroom: {text}");
        ExitCode::from(code)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

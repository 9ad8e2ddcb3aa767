//! The command line, parsed into a command that cannot contradict itself.

use crate::failure::Failure;
use crate::pki::Pki;
use lexopt::{Arg, Parser, ValueExt};
use std::path::PathBuf;

mod pki;

/// What `--help` prints.
pub(crate) const HELP: &str = include_str!("help.txt");

const DEFAULT_URL: &str = "https://api.anthropic.com/v1/messages";
const DEFAULT_CONTENT_TYPE: &str = "application/json";

/// What is to be done.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    Check { config: PathBuf },
    CheckEnvoy { file: PathBuf },
    Help,
    Kinds,
    Mask(Mask),
    Pki(Pki),
    Render { file: PathBuf, out: PathBuf },
    Schema,
    Trust { dir: PathBuf },
    Unmask(Unmask),
    Version,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Mask {
    /// With lines, that of lines that name none.
    pub(crate) url: String,
    pub(crate) config: Option<PathBuf>,
    pub(crate) content_type: String,
    pub(crate) output: MaskOutput,
}

#[derive(Debug, PartialEq)]
pub(crate) enum MaskOutput {
    /// The masked body; or, with `explain`, the table, its values whole or not.
    Body {
        tokens: Option<PathBuf>,
        explain: Option<bool>,
    },
    Lines,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Unmask {
    /// With lines, these two are those of lines that name none.
    pub(crate) url: String,
    pub(crate) config: Option<PathBuf>,
    pub(crate) content_type: String,
    pub(crate) input: UnmaskInput,
}

#[derive(Debug, PartialEq)]
pub(crate) enum UnmaskInput {
    Body { tokens: PathBuf },
    Lines,
}

/// Reads the arguments of this process.
pub(crate) fn parse() -> Result<Command, Failure> {
    read(Parser::from_env())
}

fn read(mut parser: Parser) -> Result<Command, Failure> {
    let command = match parser.next()? {
        None => return Err(usage("expected a command")),
        Some(Arg::Long("help") | Arg::Short('h')) => return Ok(Command::Help),
        Some(Arg::Long("version") | Arg::Short('V')) => return Ok(Command::Version),
        Some(Arg::Value(command)) => command.string()?,
        Some(arg) => return Err(arg.unexpected().into()),
    };
    let options = Options::read(&mut parser)?;
    if options.help {
        return Ok(Command::Help);
    }
    match command.as_str() {
        "check" => options.check(),
        "help" => Ok(Command::Help),
        "kinds" => options.only(&[]).map(|_| Command::Kinds),
        "mask" => options.mask(),
        "pki" => options.pki(),
        "render" => options.render(),
        "schema" => options.only(&[]).map(|_| Command::Schema),
        "unmask" => options.unmask(),
        _ => Err(usage(format!("`{command}` is not a command"))),
    }
}

/// Everything that was given, whatever the command.
#[derive(Default)]
struct Options {
    bundle: Option<PathBuf>,
    ca_days: Option<u32>,
    ca_dir: Option<PathBuf>,
    config: Option<PathBuf>,
    content_type: Option<String>,
    dir: Option<PathBuf>,
    explain: bool,
    file: Option<PathBuf>,
    /// `--file`: the operator's file.
    egress: Option<PathBuf>,
    envoy: Option<PathBuf>,
    help: bool,
    jsonl: bool,
    leaf_hours: Option<u32>,
    out: Option<PathBuf>,
    owner: Option<u32>,
    renew_ca: bool,
    switch_ca: bool,
    tokens: Option<PathBuf>,
    trust: bool,
    url: Option<String>,
    values: bool,
    watch: bool,
}

impl Options {
    fn read(parser: &mut Parser) -> Result<Self, Failure> {
        let mut options = Self::default();
        while let Some(arg) = parser.next()? {
            match arg {
                Arg::Long("bundle") => options.bundle = Some(parser.value()?.into()),
                Arg::Long("ca-days") => options.ca_days = Some(parser.value()?.parse()?),
                Arg::Long("ca-dir") => options.ca_dir = Some(parser.value()?.into()),
                Arg::Long("config") => options.config = Some(parser.value()?.into()),
                Arg::Long("content-type") => options.content_type = Some(parser.value()?.string()?),
                Arg::Long("dir") => options.dir = Some(parser.value()?.into()),
                Arg::Long("envoy") => options.envoy = Some(parser.value()?.into()),
                Arg::Long("explain") => options.explain = true,
                Arg::Long("file") => options.egress = Some(parser.value()?.into()),
                Arg::Long("help") | Arg::Short('h') => options.help = true,
                Arg::Long("jsonl") => options.jsonl = true,
                Arg::Long("leaf-hours") => options.leaf_hours = Some(parser.value()?.parse()?),
                Arg::Long("out") => options.out = Some(parser.value()?.into()),
                Arg::Long("owner") => options.owner = Some(parser.value()?.parse()?),
                Arg::Long("renew-ca") => options.renew_ca = true,
                Arg::Long("switch-ca") => options.switch_ca = true,
                Arg::Long("tokens") => options.tokens = Some(parser.value()?.into()),
                Arg::Long("trust") => options.trust = true,
                Arg::Long("url") => options.url = Some(parser.value()?.string()?),
                Arg::Long("values") => options.values = true,
                Arg::Long("watch") => options.watch = true,
                Arg::Value(file) if options.file.is_none() => options.file = Some(file.into()),
                arg => return Err(arg.unexpected().into()),
            }
        }
        Ok(options)
    }

    fn check(self) -> Result<Command, Failure> {
        match self.only(&["CONFIG", "--envoy"])? {
            Self { file: Some(config), envoy: None, .. } => Ok(Command::Check { config }),
            Self { file: None, envoy: Some(file), .. } => Ok(Command::CheckEnvoy { file }),
            _ => {
                Err(usage("`check` expects the path of a configuration, or `--envoy` and that of an Envoy's"))
            }
        }
    }

    fn mask(self) -> Result<Command, Failure> {
        let all = ["--config", "--content-type", "--explain", "--jsonl", "--tokens", "--url", "--values"];
        let lines = ["--config", "--content-type", "--jsonl", "--url"];
        let known: &[&str] = if self.jsonl { &lines } else { &all };
        let options = self.only(known)?;
        if options.values && !options.explain {
            return Err(usage("`--values` goes with `--explain`"));
        }
        let output = if options.jsonl {
            MaskOutput::Lines
        } else {
            let explain = options.explain.then_some(options.values);
            MaskOutput::Body { tokens: options.tokens, explain }
        };
        let content_type = options.content_type.unwrap_or_else(|| DEFAULT_CONTENT_TYPE.into());
        let url = options.url.unwrap_or_else(|| DEFAULT_URL.into());
        Ok(Command::Mask(Mask { url, config: options.config, content_type, output }))
    }

    fn render(self) -> Result<Command, Failure> {
        match self.only(&["--file", "--out"])? {
            Self { egress: Some(file), out: Some(out), .. } => Ok(Command::Render { file, out }),
            _ => Err(usage("`render` expects `--file FILE`, the operator's file, and `--out DIR`")),
        }
    }

    fn unmask(self) -> Result<Command, Failure> {
        let tokens = if self.jsonl { "--jsonl" } else { "--tokens" };
        let options = self.only(&["--config", "--content-type", "--url", tokens])?;
        let input = match options.tokens {
            Some(tokens) => UnmaskInput::Body { tokens },
            None if options.jsonl => UnmaskInput::Lines,
            None => return Err(usage("`unmask` expects `--tokens FILE`, which `mask` wrote, or `--jsonl`")),
        };
        let content_type = options.content_type.unwrap_or_else(|| DEFAULT_CONTENT_TYPE.into());
        let url = options.url.unwrap_or_else(|| DEFAULT_URL.into());
        Ok(Command::Unmask(Unmask { url, config: options.config, content_type, input }))
    }

    /// Refuses what this command, in this mode, does not know.
    fn only(self, known: &[&str]) -> Result<Self, Failure> {
        let given = [
            ("--bundle", self.bundle.is_some()),
            ("--ca-days", self.ca_days.is_some()),
            ("--ca-dir", self.ca_dir.is_some()),
            ("--config", self.config.is_some()),
            ("--content-type", self.content_type.is_some()),
            ("--dir", self.dir.is_some()),
            ("--explain", self.explain),
            ("--envoy", self.envoy.is_some()),
            ("--file", self.egress.is_some()),
            ("--jsonl", self.jsonl),
            ("--leaf-hours", self.leaf_hours.is_some()),
            ("--out", self.out.is_some()),
            ("--owner", self.owner.is_some()),
            ("--renew-ca", self.renew_ca),
            ("--switch-ca", self.switch_ca),
            ("--tokens", self.tokens.is_some()),
            ("--trust", self.trust),
            ("--url", self.url.is_some()),
            ("--values", self.values),
            ("--watch", self.watch),
            ("CONFIG", self.file.is_some()),
        ];
        match given.into_iter().find(|(name, given)| *given && !known.contains(name)) {
            None => Ok(self),
            Some(("CONFIG", _)) => Err(usage("this command takes no file; bodies come from stdin")),
            Some((name, _)) => Err(usage(format!("`{name}` does not go with the rest of this command"))),
        }
    }
}

fn usage(text: impl Into<String>) -> Failure {
    Failure::Usage(text.into())
}

impl From<lexopt::Error> for Failure {
    fn from(error: lexopt::Error) -> Self {
        Self::Usage(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        read(Parser::from_args(line.split_whitespace())).map_err(|failure| match failure {
            Failure::Usage(text) => text,
            other => format!("{other:?}"),
        })
    }

    #[test]
    fn commands() {
        let mask = |config: Option<&str>, output| {
            let (url, content_type) = (DEFAULT_URL.into(), DEFAULT_CONTENT_TYPE.into());
            Command::Mask(Mask { url, config: config.map(Into::into), content_type, output })
        };
        let body =
            |tokens: Option<&str>, explain| MaskOutput::Body { tokens: tokens.map(Into::into), explain };
        for (line, expected) in [
            ("--help", Command::Help),
            ("mask -h", Command::Help),
            ("-V", Command::Version),
            ("kinds", Command::Kinds),
            ("schema", Command::Schema),
            ("check a.json", Command::Check { config: "a.json".into() }),
            ("check --envoy a.yaml", Command::CheckEnvoy { file: "a.yaml".into() }),
            ("render --file a --out b", Command::Render { file: "a".into(), out: "b".into() }),
            ("mask", mask(None, body(None, None))),
            ("mask --config=c.json --tokens t", mask(Some("c.json"), body(Some("t"), None))),
            ("mask --explain", mask(None, body(None, Some(false)))),
            ("mask --values --explain", mask(None, body(None, Some(true)))),
            ("mask --jsonl", mask(None, MaskOutput::Lines)),
        ] {
            assert_eq!(parsed(line), Ok(expected), "{line}");
        }
    }

    #[test]
    fn contradictions_are_refused() {
        for line in [
            "",
            "cover",
            "--jsonl",
            "check",
            "check a b",
            "check a --envoy b",
            "render a --out b",
            "check a --jsonl",
            "mask file",
            "mask --values",
            "mask --jsonl --explain",
            "mask --jsonl --tokens t",
            "mask --explain=yes",
            "mask --url",
            "mask --nope",
            "pki",
            "pki --dir d",
            "pki --file f",
            "pki --trust",
            "pki --trust --dir d --file f",
            "pki --dir d --file f --watch --renew-ca",
            "pki --dir d --file f --leaf-hours 0",
            "pki --dir d --file f --leaf-hours 745",
            "pki --dir d --file f --ca-days x",
            "pki --dir d --file f --out o",
            "mask --dir d",
            "unmask",
            "unmask --tokens t --jsonl",
            "unmask --tokens t --explain",
            "schema x",
        ] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }
}

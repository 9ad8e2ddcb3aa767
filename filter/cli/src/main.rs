//! Cloakroom on the command line: the filter's own core, driven with bodies from files and pipes.
//!
//! ```text
//! args ──▶ Command ──▶ check, kinds, schema     configuration of the filter
//!                      check --envoy, render    configuration of Envoy
//!                      mask, unmask ──▶ Filter  one exchange a body, as in the proxy
//!                        └─ jsonl               one exchange a line
//! ```

use args::{Command, HELP, Mask, MaskOutput, Unmask, UnmaskInput};
use cloakroom_core::{Config, Vm};
use failure::Failure;
use filter::{Filter, Restorer};
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use tokens::Token;
use url::Url;

mod args;
mod egress;
mod envoy;
mod explain;
mod failure;
mod filter;
mod jsonl;
mod kinds;
mod pki;
mod render;
mod tokens;
mod url;
mod yaml;

/// How much of an answer is read at once; what is there is restored without waiting for more.
const CHUNK: usize = 64 * 1024;

fn main() -> ExitCode {
    let mut out = io::stdout().lock();
    let done = args::parse().and_then(|command| run(command, &mut out));
    match done.and_then(|()| Ok(out.flush()?)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(&mut io::stderr().lock()),
    }
}

fn run(command: Command, out: &mut impl Write) -> Result<(), Failure> {
    match command {
        Command::Check { config } => check(&config, out),
        Command::CheckEnvoy { file } => envoy::check(&file, out),
        Command::Help => Ok(out.write_all(HELP.as_bytes())?),
        Command::Kinds => Ok(kinds::page(out)?),
        Command::Mask(mask) => self::mask(mask, out),
        Command::Pki(pki) => pki::run(&pki, out),
        Command::Render { file, out } => render::render(&file, &out),
        Command::Schema => Ok(out.write_all(cloakroom_core::config::schema().as_bytes())?),
        Command::Trust { dir } => Ok(pki::trust(&dir, out)?),
        Command::Unmask(unmask) => self::unmask(unmask, out),
        Command::Version => Ok(writeln!(out, "cloakroom {}", env!("CARGO_PKG_VERSION"))?),
    }
}

/// What is found is the result, and goes to stdout whether it is good or bad.
fn check(path: &Path, out: &mut impl Write) -> Result<(), Failure> {
    let json = std::fs::read(path).map_err(|error| Failure::file("read", path, &error))?;
    match Config::from_json(&json) {
        Ok(config) => {
            Vm::new(config).ok_or(Failure::Catalogue)?;
            Ok(writeln!(out, "{}: valid", path.display())?)
        }
        Err(error) => {
            writeln!(out, "{}: {error}", path.display())?;
            Err(Failure::Reported)
        }
    }
}

fn mask(Mask { url, config, content_type, output }: Mask, out: &mut impl Write) -> Result<(), Failure> {
    let mut filter = Filter::new(config.as_deref())?;
    let parsed = Url::parse(&url).ok_or_else(|| Failure::url(&url))?;
    let MaskOutput::Body { tokens, explain } = output else {
        return jsonl::mask(&mut filter, &url, &content_type, io::stdin().lock(), out);
    };
    let mut body = Vec::new();
    io::stdin().lock().read_to_end(&mut body)?;
    let masked = filter.mask(&parsed, &content_type, &body)?;
    if let Some(path) = tokens {
        tokens::write(&path, &masked.tokens(filter.detector()))?;
    }
    match explain {
        Some(values) => Ok(explain::table(&masked, filter.detector(), values, out)?),
        None => Ok(out.write_all(&masked.body)?),
    }
}

fn unmask(Unmask { url, config, content_type, input }: Unmask, out: &mut impl Write) -> Result<(), Failure> {
    let filter = Filter::new(config.as_deref())?;
    let parsed = Url::parse(&url).ok_or_else(|| Failure::url(&url))?;
    let mut stdin = io::stdin().lock();
    match input {
        UnmaskInput::Lines => jsonl::unmask(&filter, &url, &content_type, stdin, out),
        UnmaskInput::Body { tokens: path } => {
            let tokens: Vec<Token> = tokens::read(&path)?;
            let mapping = tokens::mapping(filter.detector(), &tokens)
                .map_err(|wrong| Failure::Failed(format!("{}: {wrong}", path.display())))?;
            let mut restorer = Restorer::new(&filter, &parsed, mapping, &content_type);
            let mut chunk = vec![0; CHUNK];
            loop {
                let length = stdin.read(&mut chunk)?;
                if length == 0 {
                    break;
                }
                out.write_all(&restorer.push(chunk.get(..length).unwrap_or_default()))?;
                out.flush()?;
            }
            Ok(out.write_all(&restorer.finish())?)
        }
    }
}

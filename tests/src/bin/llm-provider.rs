//! The scripted LLM provider as a program, for the demo and the benches.

use std::{
    env, fs,
    io::{self, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    str::FromStr,
};

use e2e::provider::{Alpn, Options, Provider};

const HELP: &str = "\
A scripted LLM provider: the APIs of Anthropic, OpenAI and Gemini on one port.
It says what it was sent, in prose and (when the request has tools) in a tool call, streamed or not.

Usage: llm-provider [OPTIONS]

  --listen ADDR     where to listen [127.0.0.1:0]
  --tls-dir DIR     where to write ca.pem, leaf.pem and leaf.key (made anew at each start)
  --plain           serve without TLS
  --alpn LIST       what TLS offers: both, h1 or h2 [both]
  --record FILE     append one JSON line for each request received
  --port-file FILE  write the port there (atomically) once it accepts connections
  --delta-chars N   characters in each delta of a stream; 0: all in one [5]
  --chunk-bytes N   bytes in each chunk of an answer; 0: an event, or the whole JSON [0]
  --interleave      two tool calls that take turns, also when one tool is offered
  --help            this text

It runs until it is ended by a signal.
";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error may be closed; there is nobody else to tell.
            let _ = writeln!(io::stderr(), "llm-provider: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    let Some(Arguments { options, port_file }) = parse(env::args().skip(1))? else {
        return io::stdout().write_all(HELP.as_bytes());
    };
    let provider = Provider::start(&options)?;
    if let Some(file) = &port_file {
        write_atomically(file, &format!("{}\n", provider.address().port()))?;
    }
    writeln!(io::stdout(), "listening on {}", provider.address())?;
    loop {
        std::thread::park();
    }
}

struct Arguments {
    options: Options,
    port_file: Option<PathBuf>,
}

/// `None` when help was asked for.
fn parse(mut arguments: impl Iterator<Item = String>) -> io::Result<Option<Arguments>> {
    let mut options = Options { keep_records: false, ..Options::default() };
    let mut port_file = None;
    while let Some(flag) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| usage(&format!("{flag} needs a value")));
        match flag.as_str() {
            "--alpn" => options.alpn = alpn(&value()?)?,
            "--chunk-bytes" => options.echo.chunk_bytes = number(&flag, &value()?)?,
            "--delta-chars" => options.echo.delta_chars = number(&flag, &value()?)?,
            "--help" | "-h" => return Ok(None),
            "--interleave" => options.echo.interleave = true,
            "--listen" => options.listen = number::<SocketAddr>(&flag, &value()?)?,
            "--plain" => options.plain = true,
            "--port-file" => port_file = Some(PathBuf::from(value()?)),
            "--record" => options.record = Some(PathBuf::from(value()?)),
            "--tls-dir" => options.tls_dir = Some(PathBuf::from(value()?)),
            _ => return Err(usage(&format!("unknown option {flag}"))),
        }
    }
    if !options.plain && options.tls_dir.is_none() {
        return Err(usage("nobody can trust a CA that is not written: give --tls-dir DIR, or --plain"));
    }
    Ok(Some(Arguments { options, port_file }))
}

fn alpn(value: &str) -> io::Result<Alpn> {
    match value {
        "both" => Ok(Alpn::Both),
        "h1" => Ok(Alpn::Http1),
        "h2" => Ok(Alpn::Http2),
        _ => Err(usage(&format!("--alpn: {value:?} is none of both, h1, h2"))),
    }
}

fn number<T: FromStr>(flag: &str, value: &str) -> io::Result<T> {
    value.parse().map_err(|_| usage(&format!("{flag}: {value:?} is not a valid value")))
}

fn usage(message: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("{message} (see --help)"))
}

/// Whoever waits for `file` finds it whole or not at all.
fn write_atomically(file: &Path, content: &str) -> io::Result<()> {
    let mut name = file.as_os_str().to_owned();
    name.push(".new");
    fs::write(&name, content)?;
    fs::rename(&name, file)
}

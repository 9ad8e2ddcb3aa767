//! The command line: flags and environment, as they are written.

use std::{
    error::Error as _,
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
    time::Duration,
};

use clap::{
    Args, CommandFactory as _, Parser, Subcommand,
    error::{ContextKind, ContextValue, ErrorKind},
};

use crate::{duration, listen::Address, log::Level};

/// Keeps which token stands for which value, and serves it over HTTP.
///
/// Serves until SIGTERM or SIGINT. SIGTERM first waits for load balancers to notice (--drain); then calls in flight end. A
/// second signal ends at once.
#[derive(Debug, Parser)]
#[command(name = "redis-bridge", version, args_conflicts_with_subcommands = true, max_term_width = 110)]
pub struct Cli {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// How to serve.
    #[command(flatten)]
    pub flags: Flags,
}

/// What to do instead of serving.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a key file: print it, or write it to a new file that only its owner can read
    Keygen {
        /// Where to write; must not exist yet
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Print the description of the API (OpenAPI 3.1)
    Openapi,
}

/// How to serve.
#[derive(Args, Clone)]
pub struct Flags {
    /// Where to listen: an IP address with a port, or unix:/path; may be given several times
    #[arg(
        long,
        value_name = "ADDR",
        env = "REDIS_BRIDGE_LISTEN",
        value_delimiter = ',',
        default_value = "127.0.0.1:8790"
    )]
    pub listen: Vec<Address>,

    /// Permissions of the Unix sockets' files
    #[arg(long, value_name = "MODE", env = "REDIS_BRIDGE_SOCKET_MODE", value_parser = mode, default_value = "0600")]
    pub socket_mode: u32,

    /// Where mappings are kept: a file, memory: (gone with the process), or Redis: redis://user:password@host:6379/0,
    /// rediss:// for TLS, redis+unix:///path
    #[arg(
        long,
        value_name = "URL",
        env = "REDIS_BRIDGE_STORE",
        hide_env_values = true,
        default_value = "file:redis-bridge.redb"
    )]
    pub store: String,

    /// The key file, as `redis-bridge keygen` makes it. The environment may hold its text instead: REDIS_BRIDGE_KEYS
    #[arg(long, value_name = "FILE", env = "REDIS_BRIDGE_KEYS_FILE", hide_env_values = true)]
    pub keys: Option<PathBuf>,

    /// Who may call, with which token and rights, as JSON. Without it everybody may, and the bridge listens on loopback
    /// addresses and Unix sockets only
    #[arg(long, value_name = "FILE", env = "REDIS_BRIDGE_CALLERS", hide_env_values = true)]
    pub callers: Option<PathBuf>,

    /// How long a mapping lives after its last use
    #[arg(long, value_name = "TIME", env = "REDIS_BRIDGE_TTL", value_parser = duration::parse, default_value = "24h")]
    pub ttl: Duration,

    /// How long a call to Redis may take
    #[arg(
        long,
        value_name = "TIME",
        env = "REDIS_BRIDGE_STORE_TIMEOUT",
        value_parser = duration::parse,
        default_value = "400ms"
    )]
    pub store_timeout: Duration,

    /// How long to go on taking calls after SIGTERM, while /readyz says 503
    #[arg(long, value_name = "TIME", env = "REDIS_BRIDGE_DRAIN", value_parser = duration::parse, default_value = "5s")]
    pub drain: Duration,

    /// Use a Redis that evicts keys when it is full: tokens may then come to stand for other values
    #[arg(long, env = "REDIS_BRIDGE_ALLOW_EVICTION")]
    pub allow_eviction: bool,

    /// Authorities to trust for rediss://, in PEM, instead of the system's
    #[arg(long, value_name = "FILE", env = "REDIS_BRIDGE_REDIS_CA", hide_env_values = true)]
    pub redis_ca: Option<PathBuf>,

    /// Certificate to show to Redis, in PEM, with its chain
    #[arg(
        long,
        value_name = "FILE",
        env = "REDIS_BRIDGE_REDIS_CERT",
        hide_env_values = true,
        requires = "redis_key"
    )]
    pub redis_cert: Option<PathBuf>,

    /// The certificate's key, in PEM
    #[arg(
        long,
        value_name = "FILE",
        env = "REDIS_BRIDGE_REDIS_KEY",
        hide_env_values = true,
        requires = "redis_cert"
    )]
    pub redis_key: Option<PathBuf>,

    /// How much to log, as JSON lines on stderr
    #[arg(long, value_name = "LEVEL", env = "REDIS_BRIDGE_LOG", value_enum, default_value_t)]
    pub log: Level,
}

/// Reads the command line and the environment. Prints what `--help` and `--version` ask for, and what is wrong.
///
/// # Errors
/// The code to end with.
pub fn read() -> Result<Cli, ExitCode> {
    let error = match Cli::try_parse() {
        Ok(cli) => return Ok(cli),
        Err(error) => error,
    };
    if !error.use_stderr() {
        return Err(if error.print().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let usage = error.get(ContextKind::Usage).map(|usage| format!("\n\n{usage}")).unwrap_or_default();
    let _ = writeln!(io::stderr(), "error: {}{usage}\n\nFor more, try `--help`.", wrong(&error));
    Err(ExitCode::from(2))
}

impl std::fmt::Debug for Flags {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flags").field("listen", &self.listen).finish_non_exhaustive()
    }
}

/// What is wrong, without the arguments, which clap repeats: a URL with a password may be among them.
fn wrong(error: &clap::Error) -> String {
    let flag = flag(error);
    let what = match error.kind() {
        ErrorKind::ValueValidation => error.source().map(ToString::to_string).unwrap_or_default(),
        ErrorKind::InvalidValue => match error.get(ContextKind::ValidValue) {
            Some(ContextValue::Strings(values)) if !values.is_empty() => {
                format!("expected one of {}", values.join(", "))
            }
            _ => "expected a value".to_owned(),
        },
        ErrorKind::MissingRequiredArgument => "is needed, too".to_owned(),
        ErrorKind::ArgumentConflict => match &flag {
            Some(_) => "is there twice, or does not go with the others".to_owned(),
            None => "flags do not go with a command or another argument".to_owned(),
        },
        ErrorKind::UnknownArgument | ErrorKind::InvalidSubcommand => {
            "there is an argument that is no flag, no flag's value and no command".to_owned()
        }
        ErrorKind::InvalidUtf8 => "there is an argument that is not UTF-8".to_owned(),
        ErrorKind::TooManyValues => "takes no value".to_owned(),
        _ => "the arguments are not as expected".to_owned(),
    };
    match flag {
        Some(flag) => format!("{flag}: {what}"),
        None => what,
    }
}

/// The flag that an error is about, if it is one of ours and not what somebody typed.
fn flag(error: &clap::Error) -> Option<String> {
    let named = match error.get(ContextKind::InvalidArg)? {
        ContextValue::String(named) => named,
        ContextValue::Strings(all) => all.first()?,
        _ => return None,
    };
    let mut command = Cli::command();
    // Before it is built, an argument cannot tell how it is written.
    command.build();
    command.get_arguments().map(ToString::to_string).find(|flag| flag == named)
}

fn mode(text: &str) -> Result<u32, String> {
    u32::from_str_radix(text, 8)
        .ok()
        .filter(|mode| *mode <= 0o777)
        .ok_or_else(|| "expected permissions in octal, such as 0600 or 0660".to_owned())
}

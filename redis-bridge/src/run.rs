//! The program: from flags to its end.

use std::{
    fmt,
    fs::OpenOptions,
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    process::ExitCode,
    sync::Arc,
    thread::available_parallelism,
    time::Duration,
};

use tokio::{
    runtime,
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
    time::sleep,
};

use crate::{
    app::{App, Phase},
    cli::{Cli, Command, Flags},
    config::{Config, ConfigError, keys_from_environment},
    keys,
    listen::Listener,
    log,
    mappings::Mappings,
    openapi,
    serve::serve,
    stores::{self, Place},
    vault::Vault,
};

/// Most threads that serve calls; half of the cores when these are fewer. Redis, which runs scripts on one core, is at its
/// limit first, and a worker that wakes another costs more than it gains.
const MAX_WORKERS: usize = 4;

/// Does what the command line says.
pub fn run(Cli { command, flags }: Cli) -> ExitCode {
    let done = match command {
        Some(Command::Keygen { out }) => keygen(out.as_deref()),
        Some(Command::Openapi) => print(&openapi::text()),
        None => start(flags),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(io::stderr(), "error: {failure}");
            failure.code()
        }
    }
}

/// Why the program ends early, in one sentence without secrets.
#[derive(Debug)]
enum Failure {
    Config(ConfigError),
    Failed(String),
}

impl Failure {
    /// 2: somebody has to change flags or files; 1: it may work another time.
    fn code(&self) -> ExitCode {
        match self {
            Self::Config(_) => ExitCode::from(2),
            Self::Failed(_) => ExitCode::FAILURE,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Failed(message) => f.write_str(message),
        }
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

fn failed(what: &str) -> impl FnOnce(io::Error) -> Failure {
    move |error| Failure::Failed(format!("{what}: {error}"))
}

fn start(flags: Flags) -> Result<(), Failure> {
    log::init(flags.log);
    let config = Config::new(flags, keys_from_environment()?)?;
    on_runtime(until_the_end(config))?
}

/// Runs to its end; what then still blocks a thread, such as a disk that hangs, is left to the end of the process.
fn on_runtime<T>(work: impl Future<Output = T>) -> Result<T, Failure> {
    let cores = available_parallelism().map_or(1, usize::from);
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads((cores / 2).clamp(1, MAX_WORKERS))
        .enable_all()
        .build()
        .map_err(failed("the runtime cannot be started"))?;
    let done = runtime.block_on(work);
    runtime.shutdown_timeout(SHUTDOWN_TIME);
    Ok(done)
}

async fn until_the_end(config: Config) -> Result<(), Failure> {
    let Config { listen, socket_mode, store, redis, keys, callers, ttl, drain } = config;
    // From here on a signal ends the program in order.
    let mut signals = Signals::new().map_err(failed("signals cannot be received"))?;
    let vault = Arc::new(Vault::new(&keys));
    drop(keys);
    let place = match &store {
        Place::File(path) => format!("file:{}", path.display()),
        Place::Memory => "memory:".to_owned(),
        // The URL may hold a password.
        Place::Redis(_) => "redis".to_owned(),
    };
    tracing::info!(store = place, ttl_seconds = ttl.as_secs(), "opening the store");
    let store = tokio::select! {
        store = stores::open(store, redis, ttl, vault.checks().to_vec(), vault.seal_mark()) => store,
        _ = signals.next() => return Ok(()),
    };
    let store = store.map_err(|error| Failure::Failed(format!("the store cannot be used: {error}")))?;
    let (phase, watching) = watch::channel(Phase::Serving);
    let app = App::new(Mappings::new(vault, store, ttl), callers, watching.clone());

    let mut listeners = Vec::with_capacity(listen.len());
    for address in listen {
        let listener = Listener::bind(&address, socket_mode)
            .map_err(|error| Failure::Failed(format!("cannot listen at {address}: {error}")))?;
        let address = listener.address().map_err(failed("the address is not known"))?;
        tracing::info!(%address, "listening");
        listeners.push(listener);
    }

    let draining = async {
        let interrupted = signals.next().await;
        tracing::info!("draining");
        phase.send_replace(Phase::Draining);
        // Somebody at a terminal has no load balancer to wait for.
        if !interrupted {
            tokio::select! {
                () = sleep(drain) => {}
                _ = signals.next() => return,
            }
        }
        phase.send_replace(Phase::Closing);
        signals.next().await;
    };
    tokio::select! {
        () = draining => tracing::warn!("ended at once by a second signal"),
        whole = serve(listeners, app, watching) => {
            if whole {
                tracing::info!("ended");
            } else {
                tracing::warn!("ended; some calls took too long and were cut");
            }
        }
    }
    Ok(())
}

/// What asks the program to end.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for one; true if it was SIGINT.
    async fn next(&mut self) -> bool {
        tokio::select! {
            _ = self.interrupt.recv() => true,
            _ = self.terminate.recv() => false,
        }
    }
}

fn keygen(out: Option<&Path>) -> Result<(), Failure> {
    let text = keys::generate()
        .map_err(|error| Failure::Failed(format!("the operating system has no random numbers: {error}")))?;
    let Some(path) = out else { return print(&text) };
    let write = |path| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write(path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::Failed(format!(
            "{} exists already; whoever replaces the keys of a store loses its mappings, so remove it yourself",
            path.display()
        )),
        _ => Failure::Failed(format!("cannot write {}: {error}", path.display())),
    })
}

fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(failed("cannot write to stdout"))
}

/// Longest that the end waits for work that cannot be interrupted. A write to a store's file that is cut short is as if
/// it had not begun.
const SHUTDOWN_TIME: Duration = Duration::from_secs(1);

#[cfg(test)]
mod tests {
    use super::*;
    use std::{sync::mpsc, thread, time::Instant};

    #[test]
    fn a_disk_that_hangs_does_not_hold_the_end() {
        let (disk, hangs) = mpsc::channel::<()>();
        let (ended, end) = mpsc::channel();
        thread::spawn(move || {
            let began = Instant::now();
            let done = on_runtime(async {
                drop(tokio::task::spawn_blocking(move || hangs.recv()));
                1
            });
            ended.send((done.ok(), began.elapsed())).unwrap();
        });
        let (done, time) = end.recv_timeout(Duration::from_secs(30)).expect("it ends");
        assert_eq!(done, Some(1));
        assert!(time >= SHUTDOWN_TIME, "{time:?}: the disk hung");
        drop(disk);
    }
}

//! A real Redis server, of the version that is installed.

mod resp;

use std::{
    fs::{self, File},
    io,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

pub use self::resp::Reply;
use crate::{netns::Namespace, process::Process, provider::Pki};

/// How long the server may take to listen. It takes some milliseconds; a busy machine takes longer.
const START_DEADLINE: Duration = Duration::from_secs(30);
/// How often readiness is asked for.
const POLL: Duration = Duration::from_millis(5);
/// How often a port that somebody else took meanwhile is exchanged for another.
const PORT_ATTEMPTS: u32 = 10;

/// Where a server listens besides its Unix socket, over which the tests talk to it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Listen {
    /// Nowhere.
    Unix,
    /// On a TCP port of 127.0.0.1.
    Tcp,
    /// On a TLS port of 127.0.0.1, with a certificate of its own CA.
    Tls,
}

/// A running Redis server with a folder of its own. Dropping it kills it and removes the folder.
#[derive(Debug)]
pub struct Redis {
    // `None` while it is killed.
    process: Option<Process>,
    namespace: Option<Namespace>,
    listen: Listen,
    port: u16,
    settings: Vec<String>,
    dir: TempDir,
}

impl Redis {
    /// Starts a server that listens on its Unix socket and persists nothing unless `settings`, lines of a `redis.conf`,
    /// say otherwise. Waits until it answers.
    ///
    /// # Panics
    /// When `redis-server` is missing, ends, or is not ready in time; with its log.
    pub fn start(listen: Listen, settings: &[&str]) -> Self {
        Self::launch(None, listen, settings)
    }

    /// As [`start`](Self::start), but in a network namespace, on all of its addresses.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub fn start_in(namespace: &Namespace, settings: &[&str]) -> Self {
        let settings = [&["bind 0.0.0.0", "protected-mode no"], settings].concat();
        Self::launch(Some(namespace.clone()), Listen::Tcp, &settings)
    }

    fn launch(namespace: Option<Namespace>, listen: Listen, settings: &[&str]) -> Self {
        let dir = TempDir::with_prefix("redis-").expect("a folder can be made");
        if listen == Listen::Tls {
            let pki = Pki::generate(&["localhost", "127.0.0.1"]).expect("certificates can be made");
            pki.write(dir.path()).expect("certificates can be written");
        }
        let settings = settings.iter().map(|&line| line.to_owned()).collect();
        let mut redis = Self { process: None, namespace, listen, port: 0, settings, dir };
        for _ in 0..PORT_ATTEMPTS {
            redis.port = if listen == Listen::Unix { 0 } else { free_port() };
            match redis.try_spawn() {
                Ok(()) => return redis,
                Err(log) => assert!(log.contains("Failed listening on port"), "redis-server ended:\n{log}"),
            }
        }
        panic!("no port of 127.0.0.1 stays free");
    }

    /// Where the bridge finds it: the TCP or TLS port if there is one, else the Unix socket.
    pub fn url(&self) -> String {
        match self.listen {
            Listen::Unix => self.unix_url(),
            Listen::Tcp => format!("redis://127.0.0.1:{}", self.port),
            Listen::Tls => format!("rediss://127.0.0.1:{}", self.port),
        }
    }

    /// The URL of the Unix socket.
    pub fn unix_url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    /// The Unix socket.
    pub fn socket(&self) -> PathBuf {
        self.dir.path().join("redis.sock")
    }

    /// The TCP or TLS port; 0 when there is none.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process, while it runs.
    ///
    /// # Panics
    /// When it was killed.
    pub fn process(&self) -> &Process {
        self.process.as_ref().expect("Redis runs")
    }

    /// Its folder. With [`Listen::Tls`] there are `ca.pem`, and `leaf.pem` with `leaf.key`, which a client may show, too.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Runs a command as the default user and returns the reply, which may be an error.
    ///
    /// # Panics
    /// When the server does not reply.
    pub fn command<A: AsRef<[u8]>>(&self, args: &[A]) -> Reply {
        self.try_command(args).unwrap_or_else(|error| panic!("Redis does not reply: {error}\n{}", self.log()))
    }

    /// Runs a command as the default user.
    ///
    /// # Errors
    /// When the server does not reply.
    pub fn try_command<A: AsRef<[u8]>>(&self, args: &[A]) -> io::Result<Reply> {
        let password = self.settings.iter().find_map(|line| line.strip_prefix("requirepass "));
        resp::command(&self.socket(), password, args)
    }

    /// The whole data set as Redis writes it, uncompressed; something to search, and to [`restart_with`](Self::restart_with).
    ///
    /// # Panics
    /// When it cannot be saved.
    pub fn dump(&self) -> Vec<u8> {
        assert_eq!(self.command(&["SAVE"]), Reply::Simple("OK".to_owned()), "{}", self.log());
        fs::read(self.dump_path()).expect("SAVE wrote the dump")
    }

    /// Kills it as `kill -9` does. The folder stays.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Kills it, if it still runs, and starts it on the same folder and port: with what was persisted.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub fn restart(&mut self) {
        self.kill();
        self.try_spawn().unwrap_or_else(|log| panic!("redis-server ended:\n{log}"));
    }

    /// As [`restart`](Self::restart), but with this dump instead of what was persisted; empty with `None`.
    ///
    /// # Panics
    /// As [`start`](Self::start), and when there is an append-only file, which would be loaded instead.
    pub fn restart_with(&mut self, dump: Option<&[u8]>) {
        self.kill();
        assert!(!self.dir.path().join("appendonlydir").exists(), "an append-only file hides the dump");
        match dump {
            Some(dump) => fs::write(self.dump_path(), dump).expect("the dump can be written"),
            // There may be none.
            None => drop(fs::remove_file(self.dump_path())),
        }
        self.restart();
    }

    /// Stops it in its tracks: connections stay and are accepted, nothing is answered.
    ///
    /// # Panics
    /// When it is killed.
    pub fn pause(&self) {
        self.process.as_ref().expect("Redis runs").signal("STOP");
    }

    /// Lets it go on after [`pause`](Self::pause).
    ///
    /// # Panics
    /// When it is killed.
    pub fn resume(&self) {
        self.process.as_ref().expect("Redis runs").signal("CONT");
    }

    /// What it logged since it was last started.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.dir.path().join("redis.log")).unwrap_or_default()).into_owned()
    }

    /// `Err` with the log when the server ends instead of listening.
    fn try_spawn(&mut self) -> Result<(), String> {
        let config = self.dir.path().join("redis.conf");
        fs::write(&config, self.config()).expect("the configuration can be written");
        // A socket of the server before would be mistaken for the new one.
        drop(fs::remove_file(self.socket()));
        let log = File::create(self.dir.path().join("redis.log")).expect("a log can be made");
        let program = "redis-server";
        let mut command = match &self.namespace {
            Some(namespace) => namespace.command(program),
            None => Command::new(program),
        };
        command.arg(&config).stdin(Stdio::null()).stdout(log).stderr(Stdio::null());
        let process = match Process::spawn(&mut command, self.dir.path()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                panic!("redis-server is missing: apt-get install redis-server")
            }
            process => process.expect("redis-server can be run"),
        };
        let process = self.process.insert(process);
        let deadline = Instant::now() + START_DEADLINE;
        let password = self.settings.iter().find_map(|line| line.strip_prefix("requirepass "));
        let socket = self.dir.path().join("redis.sock");
        loop {
            match resp::command(&socket, password, &["PING"]) {
                Ok(Reply::Error(error)) if error.starts_with("LOADING") => {}
                Ok(_) => return Ok(()),
                Err(_) if process.ended().is_some() => return Err(self.log()),
                Err(error) => assert!(Instant::now() < deadline, "Redis is not ready in time: {error}"),
            }
            std::thread::sleep(POLL);
        }
    }

    fn config(&self) -> String {
        let dir = self.dir.path().display();
        let listen = match self.listen {
            Listen::Unix => "port 0".to_owned(),
            Listen::Tcp => format!("port {}", self.port),
            Listen::Tls => format!(
                "port 0\ntls-port {}\ntls-ca-cert-file {dir}/ca.pem\ntls-cert-file {dir}/leaf.pem\n\
                 tls-key-file {dir}/leaf.key\ntls-auth-clients no",
                self.port
            ),
        };
        format!(
            "dir {dir}\nunixsocket {dir}/redis.sock\nbind 127.0.0.1\n{listen}\nsave \"\"\nappendonly no\n\
             rdbcompression no\nmaxmemory-policy noeviction\n{}\n",
            self.settings.join("\n")
        )
    }

    fn dump_path(&self) -> PathBuf {
        self.dir.path().join("dump.rdb")
    }
}

/// Redis cannot be told to choose a port itself.
fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    listener.local_addr().expect("it is bound").port()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_killed_paused_and_restarted_with_and_without_its_data() {
        let mut redis = Redis::start(Listen::Tcp, &["requirepass pw"]);
        let get = |redis: &Redis| redis.command(&["GET", "key"]);
        redis.command(&["SET", "key", "found in the dump"]);
        let dump = redis.dump();
        assert!(dump.windows(17).any(|window| window == b"found in the dump"));
        redis.command(&["SET", "key", "lost"]);
        redis.restart();
        assert_eq!(get(&redis).text(), "found in the dump");
        redis.restart_with(None);
        assert_eq!(get(&redis), Reply::Nil);
        redis.restart_with(Some(&dump));
        assert_eq!(get(&redis).text(), "found in the dump");
        redis.pause();
        redis.resume();
        assert_eq!(redis.command(&["KEYS", "*"]).array().len(), 1);
        redis.kill();
        assert!(redis.try_command(&["PING"]).is_err());
    }
}

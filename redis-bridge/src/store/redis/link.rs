//! One connection to Redis, from which everything was checked that must hold.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use redis::{Cmd, FromRedisValue, Pipeline, ServerErrorKind, Value, aio::MultiplexedConnection, cmd};
use tokio::time::timeout;

use super::{
    failure::Failure,
    names::{KNOWN_KEYS, RUN, RUN_CHANGED},
    script::Script,
};
use crate::store::{ErrorKind, KeyCheck, StoreError, compare_keys};

/// A connection. Calls go out as they come and share it; once one fails it is never used again.
pub(super) struct Link {
    connection: MultiplexedConnection,
    time_limit: Duration,
    run_id: String,
    /// Until then a counter may be absent because it was lost.
    mistrust: Option<Instant>,
}

/// How often the known keys may change under us while we add ours.
const KEY_ATTEMPTS: u32 = 10;

/// What a server must be.
pub(super) struct Demands<'a> {
    pub(super) allow_eviction: bool,
    pub(super) ttl: Duration,
    pub(super) checks: &'a [KeyCheck],
    /// Of each answer.
    pub(super) time_limit: Duration,
}

impl Link {
    /// Checks a new connection.
    pub(super) async fn new(
        connection: MultiplexedConnection,
        demands: &Demands<'_>,
    ) -> Result<Self, Failure> {
        let mut link =
            Self { connection, time_limit: demands.time_limit, run_id: String::new(), mistrust: None };
        link.run_id = link.vet(demands).await?;
        Script::load_all(&link).await?;
        link.mistrust = Instant::now().checked_add(link.note_run(demands.ttl).await?);
        Ok(link)
    }

    /// The run of the server at the other end: another after each restart, each failover, and each time that a replica
    /// became the primary again.
    pub(super) fn run_id(&self) -> &str {
        &self.run_id
    }

    /// Whether writes may have been lost within a TTL, so that numbers of theirs may still be in use.
    pub(super) fn lost_writes_lately(&self) -> bool {
        self.mistrust.is_some_and(|until| Instant::now() < until)
    }

    /// Checks again what may have changed since, and that it takes writes; a full one takes those that matter.
    pub(super) async fn check(&self, demands: &Demands<'_>) -> Result<(), Failure> {
        if self.vet(demands).await? != self.run_id {
            return Err(Failure::down("another Redis answers on the same connection"));
        }
        self.note_run(demands.ttl).await.map(drop)
    }

    /// Sends these commands at once and returns the replies, errors of Redis among them.
    pub(super) async fn send(&self, commands: &Pipeline) -> Result<Vec<Value>, Failure> {
        let mut connection = self.connection.clone();
        let reply = connection.send_packed_commands(commands, 0, commands.len());
        Ok(timeout(self.time_limit, reply).await.map_err(|_| Failure::late())??)
    }

    /// Sends one command and returns its reply, which may be an error of Redis.
    pub(super) async fn ask_raw(&self, command: &Cmd) -> Result<Value, Failure> {
        let mut commands = Pipeline::with_capacity(1);
        commands.add_command(command.clone());
        self.send(&commands).await?.pop().ok_or_else(Failure::nonsense)
    }

    /// Sends one command and returns what its reply says.
    pub(super) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Failure> {
        read(self.ask_raw(command).await?)
    }

    /// The server's run, when it is what it must be.
    async fn vet(&self, demands: &Demands<'_>) -> Result<String, Failure> {
        let info: String = self.ask(&cmd("INFO")).await?;
        let run_id = vet_info(&info, demands.allow_eviction)?;
        self.vet_keys(demands.checks).await?;
        Ok(run_id)
    }

    /// For how long to mistrust that a counter is absent.
    async fn note_run(&self, ttl: Duration) -> Result<Duration, Failure> {
        let mut call = Script::run_noted().call_with_keys(2);
        call.arg(RUN).arg(RUN_CHANGED).arg(&self.run_id).arg(ttl.as_millis().max(1));
        match Script::run_noted().run::<i64>(self, &call).await {
            Ok(left) => Ok(Duration::from_millis(u64::try_from(left).unwrap_or_default())),
            // What it has can be given all the same.
            Err(failure) if failure.error.kind == ErrorKind::Full => Ok(ttl),
            Err(failure) => Err(failure),
        }
    }

    /// Compares our keys with those that Redis was written with, and makes ours known.
    async fn vet_keys(&self, checks: &[KeyCheck]) -> Result<(), Failure> {
        for _ in 0..KEY_ATTEMPTS {
            let known: BTreeMap<String, Vec<u8>> = self.ask(cmd("HGETALL").arg(KNOWN_KEYS)).await?;
            let missing = compare_keys(&known, checks)?;
            if missing.is_empty() {
                return Ok(());
            }
            let mut call = Script::keys().call(KNOWN_KEYS);
            call.arg(known.len());
            for check in missing {
                call.arg(&check.id).arg(&check.mac);
            }
            // Whether it added them is seen in the next round.
            Script::keys().run::<u64>(self, &call).await?;
        }
        Err(Failure::down("the known keys in Redis change all the time"))
    }
}

/// What a reply says, or the error it is.
pub(super) fn read<T: FromRedisValue>(reply: Value) -> Result<T, Failure> {
    T::from_redis_value(reply.extract_error()?).map_err(|_| Failure::nonsense())
}

/// Whether Redis does not know the script that it was to run.
pub(super) fn lacks_script(reply: &Value) -> bool {
    matches!(reply, Value::ServerError(error) if error.kind() == Some(ServerErrorKind::NoScript))
}

/// Reads which run it is, and refuses what a store cannot be built on.
fn vet_info(info: &str, allow_eviction: bool) -> Result<String, Failure> {
    let field = |name: &str| {
        info.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
            .filter(|text| !text.is_empty())
    };
    let version = field("redis_version").ok_or_else(Failure::nonsense)?;
    if parse_version(version).is_none_or(|version| version < MIN_VERSION) {
        return Err(Failure::unsound("Redis is too old; the bridge needs 6.2 or later".to_owned()));
    }
    match field("maxmemory_policy") {
        Some("noeviction") => {}
        _ if allow_eviction => {}
        Some(policy) if policy.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') => {
            return Err(Failure::unsound(format!(
                "Redis evicts keys (maxmemory-policy {policy}), after which tokens would stand for two values; set \
                 `maxmemory-policy noeviction`"
            )));
        }
        _ => {
            return Err(Failure::unsound(
                "Redis does not tell its eviction policy, which must be noeviction".to_owned(),
            ));
        }
    }
    if field("role") == Some("slave") {
        return Err(Failure::down("Redis is a replica; the bridge needs the primary"));
    }
    let run_id = field("run_id").ok_or_else(|| Failure::from(no_run_id()))?;
    // A primary that was a replica in between has its run_id still, but lost writes. Not everything that speaks the
    // protocol has replicas.
    Ok(match field("master_replid") {
        Some(history) => format!("{run_id}:{history}"),
        None => run_id.to_owned(),
    })
}

fn no_run_id() -> StoreError {
    Failure::unsound("Redis does not tell its run_id, without which lost writes go unnoticed".to_owned())
        .error
}

/// Nobody maintains what is older.
const MIN_VERSION: (u32, u32) = (6, 2);

fn parse_version(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vet(version: &str, policy: &str, rest: &str, allow_eviction: bool) -> Result<String, ErrorKind> {
        let info =
            format!("# Server\r\nredis_version:{version}\r\n# Memory\r\nmaxmemory_policy:{policy}\r\n{rest}");
        vet_info(&info, allow_eviction).map_err(|failure| failure.error.kind)
    }

    #[test]
    fn only_a_primary_that_is_new_enough_and_never_evicts_will_do() {
        let run = "run_id:0a\r\n";
        for version in ["6.2.0", "6.10.1", "7.0.15", "255.255.255", "8.0"] {
            assert_eq!(vet(version, "noeviction", run, false), Ok("0a".to_owned()), "{version}");
        }
        for version in ["6.0.16", "5.9", "2", "x.y"] {
            assert_eq!(vet(version, "noeviction", run, false), Err(ErrorKind::Unsound), "{version}");
        }
        for policy in ["allkeys-lru", "volatile-ttl", "", "no\u{7}"] {
            assert_eq!(vet("7.0.0", policy, run, false), Err(ErrorKind::Unsound), "{policy}");
            assert_eq!(vet("7.0.0", policy, run, true), Ok("0a".to_owned()), "{policy}");
        }
        assert_eq!(vet("7.0.0", "noeviction", "run_id:0a\r\nrole:slave", false), Err(ErrorKind::Unavailable));
        assert_eq!(vet("7.0.0", "noeviction", "run_id:0a\r\nrole:master", false), Ok("0a".to_owned()));
        assert_eq!(
            vet("7.0.0", "noeviction", "role:master\r\nmaster_replid:b1\r\nrun_id:0a", false),
            Ok("0a:b1".to_owned())
        );
        assert_eq!(vet("7.0.0", "noeviction", "run_id:", false), Err(ErrorKind::Unsound));
        assert_eq!(vet("", "noeviction", run, false), Err(ErrorKind::Unavailable), "no Redis at all");
    }
}

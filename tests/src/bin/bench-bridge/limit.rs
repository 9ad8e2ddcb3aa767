//! The limit: the script that the bridge runs, called by redis-benchmark with the arguments that the bridge gives.

use std::{
    io::{ErrorKind, Write as _},
    process::{Command, Stdio},
    time::Duration,
};

use e2e::{
    process::children_cpu,
    redis::{Redis, Reply},
};

use crate::{Failure, calls::KIND};

const SCRIPT: &str = include_str!("../../../../redis-bridge/src/store/redis/issue.lua");
/// Bytes of a look-up key, with which its key in Redis ends.
const INDEX_LEN: usize = 16;
/// Calls that tell how many fill a round.
const TRIAL: u64 = 2_000;

/// A call of the script, ready.
#[derive(Debug)]
pub(crate) struct Limit<'a> {
    redis: &'a Redis,
    arguments: Vec<String>,
    /// The last argument. It is binary.
    entries: Vec<u8>,
    connections: usize,
}

/// What became of the calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Called {
    pub(crate) per_second: f64,
    /// µs a call, of redis-benchmark and of Redis.
    pub(crate) client: f64,
    pub(crate) redis: f64,
}

impl<'a> Limit<'a> {
    /// With so many of the values that the bridge has stored.
    pub(crate) fn new(redis: &'a Redis, values: usize, connections: usize) -> Result<Self, Failure> {
        let (prefix, indexes) = indexes(redis, values)?;
        let entries = indexes.iter().flat_map(|index| [b"1", index.as_slice()].concat()).collect();
        let hash = redis.command(&["SCRIPT", "LOAD", SCRIPT]).text().to_owned();
        let run_id = redis.command(&["INFO", "server"]);
        let run_id = run_id.text().lines().find_map(|line| line.strip_prefix("run_id:"));
        let run_id = run_id.ok_or("Redis does not tell its run_id")?;
        let counters = format!("{prefix}c");
        // As the bridge has them, from the kind on: run, TTL, floor, jump, lossy, width.
        let arguments = ["EVALSHA", &hash, "1", &counters, KIND, run_id, "86400000", "1", "1000", "0", "1"];
        let arguments = arguments.map(str::to_owned).to_vec();
        let limit = Self { redis, arguments, entries, connections };
        limit.check(values)?;
        Ok(limit)
    }

    /// Calls for about so long.
    pub(crate) fn run_for(&self, time: Duration) -> Result<Called, Failure> {
        let trial = self.run(TRIAL)?;
        self.run(((trial.per_second * time.as_secs_f64()) as u64).max(TRIAL))
    }

    fn run(&self, count: u64) -> Result<Called, Failure> {
        let before = (children_cpu(), self.redis.process().cpu());
        let mut command = Command::new("redis-benchmark");
        command
            .arg("-s")
            .arg(self.redis.socket())
            .args(["-c", &self.connections.to_string(), "-n", &count.to_string(), "--csv", "-x"])
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound => "redis-benchmark is missing: apt-get install redis-tools".into(),
            _ => Failure::from(error),
        })?;
        child.stdin.take().ok_or("a pipe is a pipe")?.write_all(&self.entries)?;
        let output = child.wait_with_output()?;
        let redis = self.redis.process().cpu().saturating_sub(before.1);
        let client = children_cpu().saturating_sub(before.0);
        let text = String::from_utf8_lossy(&output.stdout);
        // The test's name is the command, whatever bytes are in it; after it come only numbers.
        let per_second = text.trim_end().rsplit("\",\"").nth(6).and_then(|field| field.parse().ok());
        let per_second = per_second.ok_or_else(|| format!("redis-benchmark says: {text}"))?;
        let each = |cpu: Duration| cpu.as_secs_f64() * 1e6 / count as f64;
        Ok(Called { per_second, client: each(client), redis: each(redis) })
    }

    /// Sees once that the script knows all of these values: redis-benchmark does not look at answers.
    fn check(&self, values: usize) -> Result<(), Failure> {
        let arguments = self.arguments.iter().map(|argument| argument.as_bytes());
        let arguments: Vec<&[u8]> = arguments.chain([self.entries.as_slice()]).collect();
        let reply = self.redis.command(&arguments);
        let known = match &reply {
            Reply::Array(parts) => match parts.as_slice() {
                [Reply::Bulk(numbers), Reply::Bulk(unsealed)] => {
                    numbers.split(|&byte| byte == b',').count() == values && unsealed.is_empty()
                }
                _ => false,
            },
            _ => false,
        };
        if known { Ok(()) } else { Err(format!("the script answers {reply:?}").into()) }
    }
}

/// The beginning of all keys of the scope, and so many look-up keys.
fn indexes(redis: &Redis, count: usize) -> Result<(String, Vec<Vec<u8>>), Failure> {
    let infix = format!("i:{KIND}:");
    let pattern = format!("cr:*:{infix}*");
    let (mut cursor, mut prefix, mut indexes) = ("0".to_owned(), String::new(), Vec::new());
    loop {
        let page = redis.command(&["SCAN", &cursor, "MATCH", &pattern, "COUNT", "1000"]);
        let [next, Reply::Array(keys)] = page.array() else { return Err("SCAN answers nonsense".into()) };
        for key in keys {
            let Reply::Bulk(key) = key else { continue };
            let Some((name, index)) = key.split_last_chunk::<INDEX_LEN>() else { continue };
            let name = str::from_utf8(name)?;
            name.strip_suffix(&infix).ok_or("a look-up key has another form")?.clone_into(&mut prefix);
            // redis-benchmark would replace it.
            if indexes.len() < count && !index.starts_with(b"__rand") {
                indexes.push(index.to_vec());
            }
        }
        if indexes.len() == count {
            return Ok((prefix, indexes));
        }
        next.text().clone_into(&mut cursor);
        if cursor == "0" {
            return Err(format!("there are only {} mappings", indexes.len()).into());
        }
    }
}

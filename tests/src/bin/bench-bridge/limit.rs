//! The limit: the script that the bridge runs, called by redis-benchmark with the arguments that the bridge gives.

use std::{
    io::{ErrorKind, Write as _},
    process::{Command, Stdio},
    time::Duration,
};

use e2e::{process::children_cpu, redis::Redis};

use crate::{Failure, calls::KIND};

const SCRIPT: &str = include_str!("../../../../redis-bridge/src/store/redis/issue.lua");
/// The beginning of the names of all keys; a scope of its own.
const SCOPE: &str = "cr:{limit}:";
/// A look-up key for redis-benchmark, 16 bytes: it puts 12 digits there, other ones each time.
const INDEX: &str = "key-__rand_int__";
/// As long as what the bridge stores of a value of 19 bytes.
const SEALED: &str = "-------------------------------------------------------------------------";
/// Entries that one run of the script creates.
const CHUNK: u64 = 500;
/// Calls that tell how many fill a round.
const TRIAL: u64 = 2_000;

/// A call of the script, ready.
#[derive(Debug)]
pub(crate) struct Limit<'a> {
    redis: &'a Redis,
    arguments: Vec<String>,
    entries: String,
    /// How many values there are, of which a call has some.
    all: u64,
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
    /// With so many values a call, of so many that exist: the work is the bridge's only when as many keys are in use.
    pub(crate) fn new(
        redis: &'a Redis,
        values: usize,
        all: u64,
        connections: usize,
    ) -> Result<Self, Failure> {
        let hash = redis.command(&["SCRIPT", "LOAD", SCRIPT]).text().to_owned();
        let run_id = redis.command(&["INFO", "server"]);
        let run_id = run_id.text().lines().find_map(|line| line.strip_prefix("run_id:"));
        let run_id = run_id.ok_or("Redis does not tell its run_id")?;
        let counters = format!("{SCOPE}c");
        // As the bridge has them, from the kind on: run, TTL, floor, jump, lossy, width, mark, touch.
        let arguments =
            ["EVALSHA", &hash, "1", &counters, KIND, run_id, "86400000", "1", "1000", "0", "1", "", "0"];
        let arguments = arguments.map(str::to_owned).to_vec();
        let entries = format!("1{INDEX}").repeat(values);
        let limit = Self { redis, arguments, entries, all, connections };
        limit.create()?;
        Ok(limit)
    }

    /// Makes all values exist, and sees that they do: redis-benchmark does not look at answers.
    fn create(&self) -> Result<(), Failure> {
        for first in (0..self.all).step_by(CHUNK as usize) {
            let numbers = first..self.all.min(first + CHUNK);
            let entry = |number| format!("1{}", INDEX.replace("__rand_int__", &format!("{number:012}")));
            let entries: String = numbers.map(entry).collect();
            let call = || {
                let arguments = self.arguments.iter().chain([&entries]);
                self.redis.command(&arguments.collect::<Vec<_>>())
            };
            let reply = call();
            let [numbers, _, _] = reply.array() else {
                return Err("the script answers in another way than the bench knows".into());
            };
            let mut set = vec!["MSET".to_owned()];
            for number in numbers.text().split(',') {
                set.extend([format!("{SCOPE}t:{KIND}:{number}"), SEALED.to_owned()]);
            }
            self.redis.command(&set);
            let again = call();
            if !matches!(again.array(), [same, unsealed, _] if same == numbers && unsealed.text().is_empty())
            {
                return Err("the script does not find the values that it created".into());
            }
        }
        Ok(())
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
            .args(["-r", &self.all.to_string()])
            .args(&self.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn().map_err(|error| match error.kind() {
            ErrorKind::NotFound => "redis-benchmark is missing: apt-get install redis-tools".into(),
            _ => Failure::from(error),
        })?;
        child.stdin.take().ok_or("a pipe is a pipe")?.write_all(self.entries.as_bytes())?;
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
}

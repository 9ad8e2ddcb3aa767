//! What the filter costs in a real Envoy: CPU time of the Envoy process per request, without the filter and with it.
//!
//! All Envoys have the shipped configuration, one of them with the filter removed; all speak TLS with the same provider.
//! With the filter, tokens are numbered by itself, by the bridge with all values in the filter's cache, or by the bridge
//! with nothing cached. They are measured in turns, so that whatever else the machine does meets all. What is counted is
//! CPU time and not elapsed time: that of a busy machine says little. The bridge's own is not in it: see `bench-bridge`.
//!
//! `bench` measures every row, `bench '64 KB'` those whose request is called so.

mod first;
mod load;
mod prompt;
mod provider;
mod proxy;
mod rows;

use std::{
    env,
    error::Error,
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use bytes::Bytes;
use e2e::bridge::{Bridge, Settings};
use e2e::envoy::Envoy;
use e2e::{provider::KEY_HEADER, sse, world::ANTHROPIC};
use serde_json::Value;

use self::{
    load::{CONNECTIONS, Load},
    prompt::Prompt,
    provider::{Provider, Reply},
    proxy::{SIDES, Side},
    rows::{FIRST, ROWS, Row},
};

/// Anything that makes the figures worthless.
type Failure = Box<dyn Error + Send + Sync>;

const KB: usize = 1024;

/// Each round begins with another side; all sides begin equally often.
const ROUNDS: usize = 2 * SIDES.len();

/// How long a side is measured in a round. CPU time comes in steps of 10 ms: this makes one about a hundredth.
const ROUND: Duration = Duration::from_secs(1);

/// How long a batch must take to tell how many requests a round has. V8 compiles its hot functions meanwhile.
const CALIBRATION: Duration = Duration::from_millis(400);

/// Most requests in a round.
const MAX_COUNT: usize = 50_000;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime.map_err(Failure::from).and_then(|runtime| runtime.block_on(run())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Standard error may be closed; there is nobody else to tell.
            let _ = writeln!(io::stderr(), "bench: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Failure> {
    let dir = tempfile::Builder::new().prefix("cloakroom-bench-").tempdir()?;
    let provider = Provider::start(dir.path())?;
    let bridge = Bridge::start(&Settings::over("memory:"));
    let mut runners = Vec::with_capacity(SIDES.len());
    for side in SIDES {
        runners.push(Runner::start(side, dir.path(), &provider, &bridge).await?);
    }
    let mut out = io::stdout();
    writeln!(
        out,
        "CPU time of the Envoy process per request, in µs: median of {ROUNDS} rounds of {} s on each side, in turns.\n\
         {CONNECTIONS} connections, HTTP/1.1 in, HTTP/2 over TLS out, 1 worker; {} cores.\n\n\
         bare      without the filter\n\
         filter    tokens are numbered within each request\n\
         cached    a bridge numbers them, over its embedded store in memory; the filter has all of them in its cache\n\
         uncached  the same without a cache: each request waits for a call to the bridge, which knows all values.\n\
         {:10}The call is in the figure as far as Envoy makes it; the bridge's own CPU time is not\n\n\
         {:48} {:>26}   {:>20}\n\
         {:<16} {:<20}{}  {}",
        ROUND.as_secs_f64(),
        std::thread::available_parallelism()?,
        "",
        "",
        "",
        "divided by bare",
        "request",
        "answer",
        columns(SIDES),
        columns(SIDES.into_iter().skip(1)),
    )?;
    let only = env::args().nth(1).unwrap_or_default();
    let rows = ROWS.into_iter().enumerate().filter(|(_, row)| row.name().contains(&only));
    let mut verdicts = Vec::new();
    for (number, row) in rows {
        let prompt = row.prompt();
        let mut jobs = Vec::with_capacity(SIDES.len());
        for runner in &mut runners {
            jobs.push(runner.prepare(number, row, &prompt).await?);
        }
        let mut rounds = Vec::with_capacity(ROUNDS);
        for round in 0..ROUNDS {
            let mut costs = [0.0; SIDES.len()];
            let mut turns: Vec<_> = runners.iter_mut().zip(&jobs).zip(&mut costs).collect();
            turns.rotate_left(round % SIDES.len());
            for ((runner, job), cost) in turns {
                *cost = runner.measure(job).await?;
            }
            rounds.push(costs);
        }
        writeln!(out, "{}", row.line(&rounds))?;
        verdicts.extend(row.verdict(&rounds));
    }
    if only.is_empty() {
        let (prompt, mut jobs) = (FIRST.prompt(), Vec::with_capacity(SIDES.len()));
        for runner in &mut runners {
            jobs.push(runner.prepare(ROWS.len(), FIRST, &prompt).await?);
        }
        verdicts.push(first::measure(&runners, &jobs).await?);
    }
    writeln!(out, "\nGates, of `cached`:")?;
    verdicts.iter().try_for_each(|line| writeln!(out, "{line}"))?;
    Ok(())
}

fn columns(sides: impl IntoIterator<Item = Side>) -> String {
    sides.into_iter().map(|side| format!(" {:>8}", side.name())).collect()
}

/// An Envoy and the application that uses it.
struct Runner<'a> {
    side: Side,
    provider: &'a Provider,
    envoy: Envoy,
    load: Load,
}

/// A request that was found to work, and what comes back.
struct Job {
    request: Bytes,
    answer: Bytes,
    /// Requests in a round.
    count: usize,
}

impl<'a> Runner<'a> {
    async fn start(side: Side, dir: &Path, provider: &'a Provider, bridge: &Bridge) -> Result<Self, Failure> {
        let envoy = side.start(dir, provider.address, bridge)?;
        let load = Load::open(envoy.address()).await?;
        Ok(Self { side, provider, envoy, load })
    }

    /// Sees once that both ends get what they should, then how many requests fill a round.
    async fn prepare(&mut self, number: usize, row: Row, prompt: &Prompt) -> Result<Job, Failure> {
        let key = format!("{}-{number}", self.side.name());
        self.provider.plan(&key, row.reply);
        let body = request_body(&prompt.text, row.reply);
        if body.len() != row.size || prompt.ids.len() != row.ids {
            return Err(format!("{row:?}: the prompt has {} ids", prompt.ids.len()).into());
        }
        let request = request(&key, &body);
        let answer = self.load.once(&request).await?;

        let received = self.provider.received(&key).ok_or("the provider received nothing")?;
        let received = str::from_utf8(&received)?;
        let masked = received.matches("AWS_").count() == row.ids
            && !prompt.ids.iter().any(|id| received.contains(id.as_str()));
        let as_it_should = match self.side {
            Side::Bare => received == body,
            Side::Filter | Side::Cached | Side::Uncached => masked,
        };
        if !as_it_should {
            return Err(format!("{key}: this is what the provider received: {received}").into());
        }
        if said_in(&answer, row.reply).as_deref() != Some(row.reply.said(&prompt.text)) {
            let answer = String::from_utf8_lossy(&answer);
            return Err(format!("{key}: this is what the application got: {answer}").into());
        }

        let mut count = CONNECTIONS;
        loop {
            let start = Instant::now();
            self.load.run(&request, count, &answer).await?;
            let time = start.elapsed();
            if time >= CALIBRATION {
                let rounds = ROUND.as_secs_f64() / time.as_secs_f64();
                // At most as many as a fast machine needs, whatever this batch was like.
                count = ((count as f64 * rounds) as usize).clamp(CONNECTIONS, MAX_COUNT);
                return Ok(Job { request, answer, count });
            }
            count *= 2;
        }
    }

    /// A round: µs of CPU time per request.
    async fn measure(&mut self, job: &Job) -> Result<f64, Failure> {
        let before = self.envoy.cpu();
        self.load.run(&job.request, job.count, &job.answer).await?;
        let spent = self.envoy.cpu().saturating_sub(before);
        Ok(spent.as_secs_f64() * 1e6 / job.count as f64)
    }
}

fn request_body(text: &str, reply: Reply) -> String {
    let stream = if reply.streams() { r#""stream":true,"# } else { "" };
    let text = Value::from(text);
    format!(
        r#"{{"model":"claude-sonnet-4-5","max_tokens":1024,{stream}"messages":[{{"role":"user","content":{text}}}]}}"#
    )
}

fn request(key: &str, body: &str) -> Bytes {
    let length = body.len();
    // What tells Envoy the provider's cluster where no filter does; the filter overwrites it.
    let head = format!(
        "POST /v1/messages HTTP/1.1\r\nhost: {ANTHROPIC}\r\nx-original-host: {ANTHROPIC}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\naccept: application/json\r\n\
         user-agent: bench\r\nx-api-key: sk-scripted\r\nanthropic-version: 2023-06-01\r\n{KEY_HEADER}: {key}\r\n\r\n"
    );
    (head + body).into()
}

/// The text of an answer; `None` when it is not one.
fn said_in(answer: &[u8], reply: Reply) -> Option<String> {
    if reply.streams() {
        return sse::texts(answer).remove("text 0");
    }
    let answer: Value = serde_json::from_slice(answer).ok()?;
    answer.pointer("/content/0/text")?.as_str().map(str::to_owned)
}

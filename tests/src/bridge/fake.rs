//! What a filter must not believe: a bridge that answers as it is told.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::AbortHandle,
};

/// How every call is answered from now on.
#[derive(Clone, Debug)]
pub enum Saying {
    /// As a bridge does.
    Sane,
    /// Not at all, until something else is said. Calls that wait are then answered with that.
    Nothing,
    /// With these bytes, and the connection is closed.
    Bytes(Bytes),
    /// With these bytes, and the connection stays open.
    BytesAndNoEnd(Bytes),
}

impl Saying {
    /// A whole answer with this status and body.
    pub fn answer(status: u16, body: &str) -> Self {
        Self::Bytes(response(status, body))
    }

    /// A good answer that holds these tokens.
    pub fn tokens(tokens: &[&str]) -> Self {
        Self::answer(200, &json!({"tokens": tokens}).to_string())
    }
}

/// A bridge that remembers what it was asked. It runs on the test's own runtime and ends with this.
#[derive(Debug)]
pub struct FakeBridge {
    address: SocketAddr,
    saying: watch::Sender<Saying>,
    shared: Arc<Shared>,
    task: AbortHandle,
}

#[derive(Debug, Default)]
struct Shared {
    memory: Mutex<Memory>,
    calls: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct Memory {
    /// By kind and value.
    tokens: BTreeMap<(String, String), String>,
    asked: Vec<Vec<String>>,
}

impl FakeBridge {
    /// Listens on a free port of 127.0.0.1 and is [`Saying::Sane`].
    ///
    /// # Panics
    /// When no port is free.
    pub async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let (saying, said) = watch::channel(Saying::Sane);
        let shared = Arc::new(Shared::default());
        let serving = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // Ends when the peer goes away.
                let (shared, said) = (Arc::clone(&serving), said.clone());
                tokio::spawn(async move { serve(client, &shared, said).await });
            }
        });
        Self { address, saying, shared, task: task.abort_handle() }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on.
    pub fn say(&self, saying: Saying) {
        self.saying.send_replace(saying);
    }

    /// The values of each call until now, or the tokens.
    pub fn asked(&self) -> Vec<Vec<String>> {
        lock(&self.shared.memory).asked.clone()
    }

    /// Waits until this many calls have come in all. Bound it with a deadline.
    ///
    /// # Panics
    /// Never: the counter lives as long as this.
    pub async fn until_asked(&self, calls: usize) {
        let mut count = self.shared.calls.subscribe();
        count.wait_for(|count| *count >= calls).await.expect("the counter lives");
    }
}

impl Drop for FakeBridge {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One call a connection.
async fn serve(mut client: TcpStream, shared: &Shared, mut said: watch::Receiver<Saying>) -> Option<()> {
    let asked = asked(&read_body(&mut client).await?)?;
    lock(&shared.memory).asked.push(match &asked {
        Asked::Values(values) => values.iter().map(|(_, value)| value.clone()).collect(),
        Asked::Tokens(tokens) => tokens.clone(),
    });
    shared.calls.send_modify(|calls| *calls += 1);
    let saying = said.wait_for(|saying| !matches!(saying, Saying::Nothing)).await.ok()?.clone();
    match saying {
        Saying::Nothing => None,
        Saying::Sane => {
            let body = match asked {
                Asked::Values(values) => json!({"tokens": lock(&shared.memory).tokens(values)}),
                Asked::Tokens(tokens) => json!({"values": lock(&shared.memory).values(&tokens)}),
            };
            let body = body.to_string();
            client.write_all(&response(200, &body)).await.ok()
        }
        Saying::Bytes(bytes) => client.write_all(&bytes).await.ok(),
        Saying::BytesAndNoEnd(bytes) => {
            client.write_all(&bytes).await.ok()?;
            // The peer loses its patience first.
            client.read_u8().await.ok().map(drop)
        }
    }
}

async fn read_body(client: &mut TcpStream) -> Option<Vec<u8>> {
    const END: &[u8] = b"\r\n\r\n";
    let mut read = Vec::new();
    loop {
        if let Some(head) = read.windows(END.len()).position(|end| end == END) {
            let text = String::from_utf8_lossy(&read[..head]).to_ascii_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length:"))?;
            let whole = head + END.len() + length.trim().parse::<usize>().ok()?;
            if read.len() >= whole {
                return Some(read.split_off(head + END.len()));
            }
        }
        if client.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
    }
}

/// What a call wants to know.
enum Asked {
    /// The tokens of these kinds and values.
    Values(Vec<(String, String)>),
    /// The values of these tokens.
    Tokens(Vec<String>),
}

fn asked(body: &[u8]) -> Option<Asked> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let member = |value: &Value, name: &str| value[name].as_str().map(str::to_owned);
    if let Some(tokens) = body["tokens"].as_array() {
        return tokens
            .iter()
            .map(|token| token.as_str().map(str::to_owned))
            .collect::<Option<_>>()
            .map(Asked::Tokens);
    }
    let value = |value: &Value| Some((member(value, "kind")?, member(value, "value")?));
    body["values"].as_array()?.iter().map(value).collect::<Option<_>>().map(Asked::Values)
}

impl Memory {
    fn tokens(&mut self, values: Vec<(String, String)>) -> Vec<String> {
        let known = &mut self.tokens;
        let token = |value: (String, String)| {
            let next = format!("AWS_{}_{:03}", value.0, known.len() + 1);
            known.entry(value).or_insert(next).clone()
        };
        values.into_iter().map(token).collect()
    }

    fn values(&self, tokens: &[String]) -> Vec<Option<&str>> {
        let value = |token: &String| {
            self.tokens.iter().find(|(_, known)| *known == token).map(|((_, value), _)| value.as_str())
        };
        tokens.iter().map(value).collect()
    }
}

fn response(status: u16, body: &str) -> Bytes {
    let length = body.len();
    let head =
        format!("HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n");
    Bytes::from(format!("{head}connection: close\r\n\r\n{body}"))
}

fn lock(memory: &Mutex<Memory>) -> MutexGuard<'_, Memory> {
    // A test that panicked has failed already.
    memory.lock().unwrap_or_else(PoisonError::into_inner)
}

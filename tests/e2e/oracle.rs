//! One judge of all that happens while something fails.
//!
//! Each request names values of the oracle's own. Whatever the mapping store did meanwhile: the provider received no part
//! of them, the application got exactly what it said or a clear refusal of which the provider knows nothing, and no
//! token stood for two values.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use e2e::{
    client::{Answer, Call, Connection, Protocol, within},
    provider::{End, Options, Provider},
    world::{World, key_of},
};
use serde_json::{Value, json};

use crate::{
    mapping::code,
    support::{Api, assert_says_the_same},
};

/// In every value, in no token, and in nothing else.
pub(crate) const MARK: &str = "0c10a7edb10";
/// A refusal takes no longer, whatever fails.
const REFUSAL: Duration = Duration::from_secs(5);
/// "Within seconds".
const RECOVERY: Duration = Duration::from_secs(20);
/// How often recovery is looked for.
const POLL: Duration = Duration::from_millis(50);

/// The filter's `mapping` with time enough for a busy machine, and less than [`REFUSAL`].
pub(crate) fn patient() -> Value {
    json!({"store": "bridge", "bridge": {"cluster": "redis-bridge", "timeout_ms": 3_000}})
}

/// As [`patient`]; each request asks the bridge for everything.
pub(crate) fn uncached() -> Value {
    let mut mapping = patient();
    mapping["cache"] = json!({"max_entries": 0});
    mapping
}

/// Why nothing was answered: the refusal's code.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Refused(pub(crate) String);

/// The judge of one scope, over all Envoys that use it.
pub(crate) struct Oracle {
    direct: Provider,
    book: Mutex<Book>,
}

#[derive(Default)]
struct Book {
    values: u64,
    turns: usize,
    value_of: BTreeMap<String, String>,
    token_of: BTreeMap<String, String>,
    /// Values that the store may have lost: they may get another token.
    forgotten: BTreeSet<String>,
    refused: BTreeSet<(SocketAddr, String)>,
}

impl Oracle {
    pub(crate) fn new() -> Self {
        let direct = Provider::start(&Options { plain: true, ..Options::default() }).unwrap();
        Self { direct, book: Mutex::default() }
    }

    /// Values that nobody has seen yet, of two kinds.
    pub(crate) fn fresh(&self, count: u64) -> Vec<String> {
        let mut book = self.book();
        let from = book.values;
        book.values += count;
        let kind = |number: u64| if number.is_multiple_of(4) { "vpc" } else { "i" };
        (from..from + count).map(|number| format!("{}-{MARK}{number:06x}", kind(number))).collect()
    }

    /// Says these values, as one of the APIs, streamed or not; the tokens that the provider saw.
    pub(crate) async fn ask(&self, world: &World, values: &[String]) -> Result<Vec<String>, Refused> {
        let (call, stream) = self.call(world, values);
        let answer = world.answer(&call).await;
        if answer.status != 200 {
            return Err(self.refusal(world, &call, &answer));
        }
        let mut direct = Connection::open(self.direct.address(), Protocol::Http1).await.unwrap();
        let expected = within("a direct answer", direct.call(&call)).await.unwrap();
        assert_eq!(answer.end, End::Complete);
        if stream {
            assert_says_the_same("the stream", &answer.text(), &expected.text());
        } else {
            assert_eq!(answer.text(), expected.text(), "the application gets what it said");
        }
        let received = world.provider.records().of(key_of(&call));
        assert_eq!(received.len(), 1, "{received:?}");
        let received: Value = serde_json::from_slice(&received[0].body).unwrap();
        let text = received["messages"][0]["content"].as_str().unwrap();
        let tokens: Vec<String> = text.split(' ').map(str::to_owned).collect();
        self.note(values, &tokens);
        Ok(tokens)
    }

    /// As [`ask`](Self::ask), and it must be answered.
    pub(crate) async fn tokens(&self, world: &World, values: &[String]) -> Vec<String> {
        self.ask(world, values).await.expect("tokens")
    }

    /// As [`ask`](Self::ask), and it must be refused, soon.
    pub(crate) async fn refused(&self, world: &World, values: &[String]) -> Refused {
        let start = Instant::now();
        let refused = self.ask(world, values).await.expect_err("a refusal");
        assert!(start.elapsed() < REFUSAL, "refused only after {:?}", start.elapsed());
        refused
    }

    /// As [`ask`](Self::ask), again and again until it is answered. Whatever failed is over, and nobody is restarted.
    pub(crate) async fn until_answered(&self, world: &World, values: &[String]) -> Vec<String> {
        let deadline = Instant::now() + RECOVERY;
        loop {
            match self.ask(world, values).await {
                Ok(tokens) => return tokens,
                Err(Refused(code)) => assert!(Instant::now() < deadline, "no recovery: {code}"),
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// What is cached works; whoever names something new is told to try again.
    pub(crate) async fn assert_only_cached(&self, world: &World, cached: &[String]) {
        self.tokens(world, cached).await;
        let new = self.fresh(2);
        self.refused(world, &new).await;
        self.refused(world, &[cached, &new].concat()).await;
        self.tokens(world, cached).await;
    }

    /// New values get tokens again, what is cached kept them, and both fit together.
    pub(crate) async fn assert_recovers(&self, world: &World, cached: &[String]) {
        let new = self.fresh(2);
        self.until_answered(world, &new).await;
        self.tokens(world, cached).await;
        self.tokens(world, &[cached, &new, &self.fresh(2)].concat()).await;
    }

    /// From here on, these values may have other tokens; those of before still stand for nothing else.
    pub(crate) fn store_lost(&self, values: &[String]) {
        self.book().forgotten.extend(values.iter().cloned());
    }

    /// [`store_lost`](Self::store_lost) all values until now.
    pub(crate) fn store_lost_all(&self) {
        let mut book = self.book();
        let known: Vec<String> = book.token_of.keys().cloned().collect();
        book.forgotten.extend(known);
    }

    /// From here on, nobody remembers anything of before.
    pub(crate) fn begin_anew(&self) {
        let mut book = self.book();
        book.value_of.clear();
        book.token_of.clear();
        book.forgotten.clear();
    }

    /// All values that have tokens.
    pub(crate) fn known(&self) -> Vec<String> {
        self.book().token_of.keys().cloned().collect()
    }

    /// Judges all that these worlds' providers received. Last of all.
    pub(crate) fn verdict(&self, worlds: &[&World]) {
        let book = self.book();
        for world in worlds {
            let records = world.provider.records().all();
            assert!(!records.is_empty(), "nothing was judged");
            for record in records {
                let line = format!("{record:?}");
                assert!(!line.contains(MARK), "the provider received a value: {line}");
                let key = record.header(e2e::provider::KEY_HEADER).unwrap();
                assert!(
                    !book.refused.contains(&(world.provider.address(), key)),
                    "refused, yet sent: {line}"
                );
            }
            let envoy = world.envoy.logs();
            assert!(!envoy.own.contains(MARK) && !envoy.access.contains(MARK), "Envoy's logs show a value");
        }
    }

    fn call(&self, world: &World, values: &[String]) -> (Call, bool) {
        assert!(values.iter().all(|value| value.contains(MARK)), "values are the oracle's own");
        let mut book = self.book();
        book.turns += 1;
        let (api, stream) = (Api::BOTH[book.turns % 2], book.turns / 2 % 2 == 1);
        (api.call(world, api.request(&values.join(" "), stream, false)), stream)
    }

    fn refusal(&self, world: &World, call: &Call, answer: &Answer) -> Refused {
        let code = code(answer).unwrap_or_default();
        let known = matches!(code.as_str(), "store_unavailable" | "store_inconsistent");
        assert!(answer.status == 503 && known, "{}: {}", answer.status, answer.text());
        assert_eq!(answer.headers.get("retry-after").map(|value| value.as_bytes()), Some(&b"1"[..]));
        assert!(!answer.text().contains(MARK), "{}", answer.text());
        assert!(world.provider.records().of(key_of(call)).is_empty());
        self.book().refused.insert((world.provider.address(), key_of(call).to_owned()));
        Refused(code)
    }

    fn note(&self, values: &[String], tokens: &[String]) {
        assert_eq!(values.len(), tokens.len());
        let mut book = self.book();
        for (value, token) in values.iter().zip(tokens) {
            let kind = if value.starts_with("vpc-") { "AWS_VPC_" } else { "AWS_EC2_" };
            assert!(token.starts_with(kind), "{value} became {token}");
            let first = book.value_of.entry(token.clone()).or_insert_with(|| value.clone());
            assert_eq!(first, value, "{token} stood for two values");
            if !book.forgotten.contains(value) {
                let first = book.token_of.entry(value.clone()).or_insert_with(|| token.clone());
                assert_eq!(first, token, "{value} had another token");
            }
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // Whoever panicked with it has failed the test already.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[tokio::test]
async fn the_oracle_notices_what_must_not_be() {
    let oracle = Oracle::new();
    let values = oracle.fresh(3);
    let (first, second) = (&values[1], &values[2]);
    let note = |value: &String, token: &str| oracle.note(std::slice::from_ref(value), &[token.to_owned()]);
    let fails = |value: &String, token: &str| {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| note(value, token))).is_err()
    };
    note(first, "AWS_EC2_001");
    note(first, "AWS_EC2_001");
    assert!(fails(second, "AWS_EC2_001"), "one token for two values");
    assert!(fails(first, "AWS_EC2_002"), "two tokens for one value");
    assert!(fails(second, second), "no token at all");
    assert!(fails(second, "AWS_VPC_001"), "a token of another kind");
    oracle.store_lost_all();
    note(first, "AWS_EC2_003");
    assert!(fails(second, "AWS_EC2_001"), "lost or not, it stood for another");
    assert!(fails(second, "AWS_EC2_003"), "lost or not, it stands for another");
}

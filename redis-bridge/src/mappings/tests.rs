//! Over a store that counts its calls and can be told to wait.

use std::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use async_trait::async_trait;
use tokio::sync::Semaphore;

use super::*;
use crate::keys::{Keys, generate};

/// A store that forgets nothing, answers only when it is let, and shows what it was given.
#[derive(Debug)]
struct Plain {
    calls: AtomicUsize,
    /// One permit lets one call answer.
    gate: Semaphore,
    panics: AtomicBool,
    touches: AtomicUsize,
    forgets: AtomicUsize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    numbers: HashMap<Index, u64>,
    sealed: HashMap<(Space, u64), Vec<u8>>,
}

#[async_trait]
impl Store for Plain {
    async fn issue(&self, space: &Space, entries: Arc<[Entry]>, seal: Seal) -> Result<Vec<u64>, StoreError> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.gate.acquire().await.unwrap().forget();
        assert!(!self.panics.load(Ordering::SeqCst), "on purpose");
        let mut kept = self.kept.lock().unwrap();
        let numbers = entries.iter().enumerate().map(|(at, entry)| {
            let next = kept.numbers.len() as u64 + 1;
            let number = *kept.numbers.entry(entry.indexes[0]).or_insert(next);
            if let Some(sealed) = seal(at, number) {
                kept.sealed.insert((space.clone(), number), sealed);
            }
            number
        });
        Ok(numbers.collect())
    }

    /// Fails, to show that nothing depends on it.
    async fn touch(&self, _space: &Space, _entries: Arc<[Entry]>, _seal: Seal) -> Result<(), StoreError> {
        self.touches.fetch_add(1, Ordering::SeqCst);
        Err(unavailable("on purpose"))
    }

    async fn sealed(&self, space: &Space, numbers: &[u64]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let kept = self.kept.lock().unwrap();
        Ok(numbers.iter().map(|number| kept.sealed.get(&(space.clone(), *number)).cloned()).collect())
    }

    async fn forget(&self, _scope: ScopeTag) -> Result<u64, StoreError> {
        self.forgets.fetch_add(1, Ordering::SeqCst);
        self.gate.acquire().await.unwrap().forget();
        Ok(7)
    }

    async fn ready(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

fn mappings(permits: usize) -> (Mappings, Arc<Plain>) {
    let store = Arc::new(Plain {
        calls: AtomicUsize::new(0),
        gate: Semaphore::new(permits),
        panics: AtomicBool::new(false),
        touches: AtomicUsize::new(0),
        forgets: AtomicUsize::new(0),
        kept: Mutex::default(),
    });
    let vault = Vault::new(&Keys::from_json(generate().unwrap().as_bytes()).unwrap());
    (Mappings::new(Arc::new(vault), Arc::clone(&store) as Arc<dyn Store>, Duration::from_secs(60)), store)
}

fn value(kind: &'static str, value: &'static str, keep: bool) -> IssueValue<'static> {
    IssueValue { kind: kind.into(), value: value.into(), keep }
}

#[tokio::test]
async fn tokens_stand_in_the_order_of_the_values() {
    let (mappings, store) = mappings(10);
    let values = [
        value("EC2", "i-b", true),
        value("PII_EMAIL", "x@y", true),
        value("EC2", "i-a", true),
        value("EC2", "i-b", false),
    ];
    let tokens = mappings.issue("default", &values).await.unwrap();
    assert_eq!(tokens[0], tokens[3]);
    assert_eq!(
        tokens.iter().map(|token| names::parse_token(token).unwrap().0).collect::<Vec<_>>(),
        ["EC2", "PII_EMAIL", "EC2", "EC2"]
    );
    assert_eq!(store.calls.load(Ordering::SeqCst), 2, "one call a kind");
    assert_eq!(tokens, mappings.issue("default", &values).await.unwrap());
    assert!(mappings.issue("default", &[]).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_kept_comes_back_and_nothing_else() {
    let (mappings, _) = mappings(10);
    let tokens =
        mappings.issue("a", &[value("EC2", "i-a", true), value("ACCESS_KEY", "AKIA", false)]).await.unwrap();
    let asked = [tokens[1].as_str(), "AWS_EC2_999", tokens[0].as_str(), "", "nonsense", tokens[0].as_str()];
    let values = mappings.restore("a", &asked.map(Cow::Borrowed)).await.unwrap();
    let id = Some("i-a".to_owned());
    assert_eq!(values, [None, None, id.clone(), None, None, id]);
    assert_eq!(
        mappings.restore("b", &asked.map(Cow::Borrowed)).await.unwrap(),
        vec![None; 6],
        "another scope"
    );
}

/// A store that puts one value's bytes under another's number is found out.
#[tokio::test]
async fn swapped_values_do_not_come_back() {
    let (mappings, store) = mappings(10);
    let tokens = mappings.issue("a", &[value("EC2", "i-a", true), value("EC2", "i-b", true)]).await.unwrap();
    {
        let mut kept = store.kept.lock().unwrap();
        let swapped: Vec<Vec<u8>> = kept.sealed.values().cloned().collect();
        for (to, from) in kept.sealed.values_mut().zip(swapped.into_iter().rev()) {
            *to = from;
        }
    }
    let asked: Vec<Cow<'_, str>> = tokens.iter().map(|token| Cow::Borrowed(token.as_str())).collect();
    assert_eq!(mappings.restore("a", &asked).await.unwrap(), [None, None]);
}

#[tokio::test]
async fn identical_calls_in_flight_are_one_and_outlive_the_first_caller() {
    let (mappings, store) = mappings(0);
    let call = |mappings: &Mappings| {
        let mappings = mappings.clone();
        tokio::spawn(async move { mappings.issue("a", &[value("EC2", "i-a", true)]).await })
    };
    let first = call(&mappings);
    let others: Vec<_> = (0..63).map(|_| call(&mappings)).collect();
    while store.calls.load(Ordering::SeqCst) == 0 || mappings.issuing.is_empty() {
        tokio::task::yield_now().await;
    }
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    store.gate.add_permits(1);
    for other in others {
        assert_eq!(other.await.unwrap().unwrap(), ["AWS_EC2_001"]);
    }
    assert_eq!(store.calls.load(Ordering::SeqCst), 1);
    assert!(mappings.issuing.is_empty(), "nothing stays behind");
    // What comes later is a call of its own.
    store.gate.add_permits(1);
    assert_eq!(call(&mappings).await.unwrap().unwrap(), ["AWS_EC2_001"]);
    assert_eq!(store.calls.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_store_that_panics_fails_the_calls_at_hand_alone() {
    let (mappings, store) = mappings(10);
    store.panics.store(true, Ordering::SeqCst);
    let values = [value("EC2", "i-a", true)];
    let (one, other) = tokio::join!(mappings.issue("a", &values), mappings.issue("a", &values));
    for failed in [one, other] {
        assert_eq!(failed.unwrap_err().kind, ErrorKind::Unavailable);
    }
    store.panics.store(false, Ordering::SeqCst);
    assert_eq!(mappings.issue("a", &values).await.unwrap(), ["AWS_EC2_001"]);
}

#[tokio::test]
async fn restoring_touches_and_issues_nothing() {
    let (mappings, store) = mappings(10);
    let tokens = mappings.issue("a", &[value("EC2", "i-a", true)]).await.unwrap();
    let calls = store.calls.load(Ordering::SeqCst);
    let restored = mappings.restore("a", &[Cow::Borrowed(tokens[0].as_str())]).await.unwrap();
    assert_eq!(restored, [Some("i-a".to_owned())], "whatever becomes of the touch");
    assert_eq!(store.touches.load(Ordering::SeqCst), 1);
    assert_eq!(store.calls.load(Ordering::SeqCst), calls);
    assert_eq!(mappings.restore("a", &[Cow::Borrowed("AWS_EC2_009")]).await.unwrap(), [None]);
    assert_eq!(store.touches.load(Ordering::SeqCst), 1, "there is nothing to touch");
}

#[tokio::test]
async fn forgetting_goes_on_without_its_caller_and_is_never_joined() {
    let (mappings, store) = mappings(0);
    let call = || {
        let mappings = mappings.clone();
        tokio::spawn(async move { mappings.forget("a").await })
    };
    let first = call();
    while store.forgets.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    let again = call();
    while store.forgets.load(Ordering::SeqCst) == 1 {
        tokio::task::yield_now().await;
    }
    store.gate.add_permits(2);
    assert_eq!(again.await.unwrap().unwrap(), 7);
    while store.gate.available_permits() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn numbers_without_a_token_are_an_error() {
    let (mappings, store) = mappings(10);
    let space = Space { scope: mappings.vault.scope("a"), kind: "EC2".to_owned() };
    let index = mappings.vault.indexes(&space, "i-a")[0];
    store.kept.lock().unwrap().numbers.insert(index, names::MAX_NUMBER + 1);
    let error = mappings.issue("a", &[value("EC2", "i-a", true)]).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Full);
}

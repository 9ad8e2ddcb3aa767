//! Disks that fail, hang or lose power: a backend that does so on demand.

use std::{
    io,
    sync::{Condvar, Mutex},
};

use redb::StorageBackend;
use tokio::time::{Instant, sleep};

use super::*;
use crate::store::Index;

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_fails_writing_alone_and_heals() {
    let disk = Disk::default();
    let store = disk.open();
    assert_eq!(store.issue(&space(), entries(0..10), seal()).await.unwrap(), (1..=10).collect::<Vec<_>>());

    for fault in [Fault::Write, Fault::Flush] {
        disk.set(Some(fault));
        let error = store.issue(&space(), entries(100..110), seal()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Full, "{error}");
        assert_eq!(store.ready().await.unwrap_err().kind, ErrorKind::Full);
        // What the readers need is there: opening again writes a little, in place.
        disk.set(None);
        recovered(&store).await;
        assert!(store.issue(&space(), entries(0..10), seal()).await.unwrap().into_iter().eq(1..=10));
    }
    let issued = store.issue(&space(), entries(100..110), seal()).await.unwrap();
    assert!(issued.into_iter().eq(11..=20), "no number is lost by a transaction that failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn touching_what_is_fresh_or_gone_writes_nothing() {
    let disk = Disk::default();
    let store = disk.open();
    store.issue(&space(), entries(0..10), seal()).await.unwrap();
    disk.set(Some(Fault::Write));
    store.touch(&space(), entries(5..15), seal()).await.unwrap();
    disk.set(None);
    assert_eq!(store.issue(&space(), entries(10..11), seal()).await.unwrap(), [11]);
}

/// So that an old seal key can go.
#[tokio::test(flavor = "multi_thread")]
async fn touching_seals_anew_what_is_not_fresh() {
    let now = Arc::new(std::sync::atomic::AtomicU64::new(1));
    let clock = {
        let now = Arc::clone(&now);
        Arc::new(move || now.load(Ordering::Relaxed))
    };
    let ttl = Duration::from_secs(60);
    let store = Embedded::open(Place::Memory, ttl, Vec::new(), clock).unwrap();
    store.issue(&space(), entries(0..1), seal()).await.unwrap();
    let other: Seal = Arc::new(|_, _| Some(b"anew".to_vec()));
    store.touch(&space(), entries(0..1), Arc::clone(&other)).await.unwrap();
    assert_eq!(store.sealed(&space(), &[1]).await.unwrap(), [seal()(0, 1)]);
    now.fetch_add(30_000, Ordering::Relaxed);
    store.touch(&space(), entries(0..1), Arc::clone(&other)).await.unwrap();
    assert_eq!(store.sealed(&space(), &[1]).await.unwrap(), [other(0, 1)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_to_growth_still_serves_what_is_there() {
    let disk = Disk::default();
    let store = disk.open();
    disk.set(Some(Fault::Grow));
    let mut issued = 0;
    let error = loop {
        match store.issue(&space(), entries(issued..issued + 500), seal()).await {
            Ok(_) => issued += 500,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind, ErrorKind::Full, "{error}");
    assert_eq!(store.ready().await.unwrap_err().kind, ErrorKind::Full);
    assert_eq!(store.issue(&space(), entries(0..3), seal()).await.unwrap(), [1, 2, 3]);
    assert_eq!(store.sealed(&space(), &[issued]).await.unwrap(), [seal()(0, issued)]);

    // It stays so for as long as there is no room for what a transaction needs.
    sleep(MANY_RETRIES).await;
    assert_eq!(store.ready().await.unwrap_err().kind, ErrorKind::Full);

    disk.set(None);
    recovered(&store).await;
    assert_eq!(store.issue(&space(), entries(issued..issued + 1), seal()).await.unwrap(), [issued + 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_cannot_be_read_heals() {
    let disk = Disk::default();
    // Larger than what is cached, so that it must be read.
    let large: Seal = Arc::new(|_, number| Some(vec![number as u8; 8_000]));
    let store = disk.open();
    store.issue(&space(), entries(0..1_000), Arc::clone(&large)).await.unwrap();
    let all: Vec<u64> = (1..=1_000).collect();
    disk.set(Some(Fault::Read));
    let error = store.sealed(&space(), &all).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
    disk.set(None);
    recovered(&store).await;
    let bytes = poll(async || store.sealed(&space(), &all).await.ok()).await;
    assert!(bytes.into_iter().zip(all).all(|(bytes, number)| bytes == large(0, number)));
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_end_when_the_disk_hangs_and_go_on_when_it_does() {
    let disk = Disk::default();
    let store = disk.open_with_limit(Duration::from_millis(200));
    store.issue(&space(), entries(0..10), seal()).await.unwrap();
    disk.set(Some(Fault::Hang));
    for _ in 0..2 {
        let error = store.issue(&space(), entries(10..20), seal()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
    }
    assert_eq!(store.ready().await.unwrap_err().kind, ErrorKind::Unavailable);
    assert_eq!(store.issue(&space(), entries(0..2), seal()).await.unwrap(), [1, 2], "reading goes on");
    disk.set(None);
    recovered(&store).await;
    assert!(store.issue(&space(), entries(10..20), seal()).await.unwrap().into_iter().eq(11..=20));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_survives_power_loss() {
    let disk = Disk::default();
    let mut answered = Vec::new();
    for round in 0..10 {
        let store = disk.open();
        for call in 0..round + 1 {
            let value = answered.len() as u64;
            let numbers = store.issue(&space(), entries(value..value + 2), seal()).await.unwrap();
            answered.extend(numbers);
            assert!(answered.iter().copied().eq(1..=answered.len() as u64), "{round} {call}");
        }
        // Nothing reaches the disk any more, not even what is written while closing.
        disk.set(Some(Fault::Write));
        drop(store);
        disk.set(None);
        disk.lose_power();
    }
    let store = disk.open();
    let values = 0..answered.len() as u64;
    assert_eq!(store.issue(&space(), entries(values), seal()).await.unwrap(), answered);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_panics_fails_alone() {
    let disk = Disk::default();
    let store = disk.open();
    let panics: Seal = Arc::new(|_, _| panic!("on purpose"));
    store.issue(&space(), entries(0..1), panics).await.unwrap_err();
    recovered(&store).await;
    assert_eq!(store.issue(&space(), entries(0..1), seal()).await.unwrap(), [1]);
}

async fn recovered(store: &Embedded) {
    poll(async || store.ready().await.ok()).await;
}

async fn poll<T>(mut probe: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(found) = probe().await {
            return found;
        }
        assert!(Instant::now() < deadline, "still not so");
        sleep(Duration::from_millis(10)).await;
    }
}

fn space() -> Space {
    Space { scope: ScopeTag([1; 12]), kind: "EC2".to_owned() }
}

fn entries(values: std::ops::Range<u64>) -> Arc<[Entry]> {
    // In no order, like keyed hashes.
    let index = |value| {
        Index(u128::from(value).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835).to_be_bytes())
    };
    values.map(|value: u64| Entry { indexes: vec![index(value)], keep: true }).collect()
}

fn seal() -> Seal {
    Arc::new(|_, number| Some(number.to_string().into_bytes()))
}

/// Many retries of the writer.
const MANY_RETRIES: Duration = Duration::from_millis(1_500);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Fault {
    /// Nothing can be written.
    Write,
    /// The file cannot become larger.
    Grow,
    Flush,
    Read,
    /// Flushing takes for ever.
    Hang,
}

/// A disk in memory. Clones share it.
#[derive(Clone, Debug, Default)]
struct Disk(Arc<(Mutex<State>, Condvar)>);

#[derive(Default)]
struct State {
    written: Vec<u8>,
    flushed: Vec<u8>,
    fault: Option<Fault>,
}

impl Disk {
    fn open(&self) -> Embedded {
        self.open_with_limit(Duration::from_secs(20))
    }

    fn open_with_limit(&self, limit: Duration) -> Embedded {
        let disk = self.clone();
        let opener: Opener = Box::new(move || {
            redb::Builder::new()
                .set_cache_size(1 << 20)
                .create_with_backend(disk.clone())
                .map_err(|error| file::store_error(&error.into()))
        });
        Embedded::open_with(opener, Duration::from_secs(60), &[], system_clock(), limit).unwrap()
    }

    fn set(&self, fault: Option<Fault>) {
        self.0.0.lock().unwrap().fault = fault;
        self.0.1.notify_all();
    }

    fn lose_power(&self) {
        let mut state = self.0.0.lock().unwrap();
        state.written = state.flushed.clone();
    }

    fn fault(&self, faults: &[Fault]) -> io::Result<()> {
        match self.0.0.lock().unwrap().fault {
            Some(Fault::Read) if faults.contains(&Fault::Read) => Err(io::Error::other("unreadable")),
            Some(fault) if faults.contains(&fault) => Err(io::ErrorKind::StorageFull.into()),
            _ => Ok(()),
        }
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.0.lock().unwrap().written.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.fault(&[Fault::Read])?;
        out.copy_from_slice(&self.0.0.lock().unwrap().written[offset as usize..][..out.len()]);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.fault(&[Fault::Write, Fault::Grow])?;
        self.0.0.lock().unwrap().written.resize(len as usize, 0);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        self.fault(&[Fault::Flush])?;
        let state = self.0.0.lock().unwrap();
        let mut state = self.0.1.wait_while(state, |state| state.fault == Some(Fault::Hang)).unwrap();
        state.flushed = state.written.clone();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.fault(&[Fault::Write])?;
        self.0.0.lock().unwrap().written[offset as usize..][..data.len()].copy_from_slice(data);
        Ok(())
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").finish_non_exhaustive()
    }
}

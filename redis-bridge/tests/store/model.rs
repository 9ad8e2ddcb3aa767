//! Random calls against a plain map.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use proptest::{
    prelude::*,
    test_runner::{RngSeed, TestRunner},
};
use redis_bridge::store::{Entry, Seal, Space, Store};
use tokio::{runtime::Runtime, task::JoinSet};

use crate::world::{World, index, scope_tag, space};

#[test]
fn in_a_file() {
    model(World::in_a_file);
}

#[test]
fn in_memory() {
    model(World::in_memory);
}

#[test]
fn on_redis() {
    model(World::on_redis);
}

/// What happens to a store.
#[derive(Clone, Debug)]
enum Step {
    /// Calls that are made at once.
    Issue(Vec<Batch>),
    Look(usize),
    Forget(u8),
    Restart,
    /// Halves of a TTL.
    Pass(u32),
    /// A new index key.
    Rotate,
}

/// A call: values, and whether each is kept.
#[derive(Clone, Debug)]
struct Batch {
    space: usize,
    values: BTreeMap<u64, bool>,
}

fn step() -> impl Strategy<Value = Step> {
    let values = prop::collection::btree_map(0..12_u64, any::<bool>(), 0..6);
    let batch = (0..SPACES.len(), values).prop_map(|(space, values)| Batch { space, values });
    prop_oneof![
        8 => prop::collection::vec(batch.clone(), 1).prop_map(Step::Issue),
        4 => prop::collection::vec(batch, 2..8).prop_map(Step::Issue),
        4 => (0..SPACES.len()).prop_map(Step::Look),
        1 => (1..3_u8).prop_map(Step::Forget),
        1 => Just(Step::Restart),
        2 => (1..4_u32).prop_map(Step::Pass),
        1 => Just(Step::Rotate),
    ]
}

fn model(world: fn() -> World) {
    // The same inputs every time; `PROPTEST_RNG_SEED` and `PROPTEST_CASES` ask for others.
    let given = ProptestConfig::default();
    let rng_seed = if given.rng_seed == RngSeed::Random { RngSeed::Fixed(1) } else { given.rng_seed };
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { given.cases } else { 100 };
    let config = ProptestConfig { cases, rng_seed, failure_persistence: None, ..given };
    let runtime = Runtime::new().unwrap();
    TestRunner::new(config)
        .run(&prop::collection::vec(step(), 1..40), |steps| {
            runtime.block_on(async {
                let mut model = Model { world: world(), spaces: BTreeMap::new(), now: 0, generation: 0 };
                for step in steps {
                    model.take(step).await;
                }
            });
            Ok(())
        })
        .unwrap();
}

/// A store, and what it must answer.
struct Model {
    world: World,
    spaces: BTreeMap<usize, Oracle>,
    /// In halves of a TTL.
    now: u32,
    generation: u8,
}

#[derive(Default)]
struct Oracle {
    /// Which value each number was given to, ever.
    given: BTreeMap<u64, u64>,
    living: BTreeMap<u64, Mapping>,
}

#[derive(Clone, Copy)]
struct Mapping {
    number: u64,
    kept: bool,
    issued: u32,
}

impl Mapping {
    fn must_live(&self, now: u32) -> bool {
        now - self.issued < 2
    }

    /// Exactly a TTL after its last use it may be either.
    fn may_live(&self, now: u32) -> bool {
        now - self.issued <= 2
    }
}

impl Model {
    async fn take(&mut self, step: Step) {
        match step {
            Step::Issue(batches) => self.issue(batches).await,
            Step::Look(at) => self.look(at).await,
            Step::Forget(scope) => self.forget(scope).await,
            Step::Restart => self.world.restart(),
            Step::Pass(halves) => {
                self.world.pass(halves).await;
                self.now += halves;
            }
            Step::Rotate => self.generation = (self.generation + 1).min(3),
        }
    }

    async fn issue(&mut self, batches: Vec<Batch>) {
        let store = self.world.store().await;
        let alone = batches.len() == 1;
        let mut calls = JoinSet::new();
        for batch in batches {
            calls.spawn(issue(Arc::clone(&store), batch, self.generation));
        }
        let mut fresh: BTreeMap<usize, BTreeSet<u64>> = BTreeMap::new();
        for (batch, numbers) in calls.join_all().await {
            let oracle = self.spaces.entry(batch.space).or_default();
            let mut new = Vec::new();
            for ((value, kept), number) in batch.values.into_iter().zip(numbers) {
                let holder = *oracle.given.entry(number).or_insert_with(|| {
                    new.push(number);
                    value
                });
                assert_eq!(holder, value, "one number, one value");
                let before = oracle.living.get(&value).copied();
                if let Some(before) = before.filter(|mapping| mapping.must_live(self.now)) {
                    assert_eq!(before.number, number, "one value, one number");
                }
                let before = before.filter(|mapping| mapping.number == number);
                assert!(before.is_some() || new.contains(&number) || !alone, "a number of the dead");
                assert!(before.is_none_or(|mapping| mapping.may_live(self.now)), "a number of the dead");
                let kept = kept || before.is_some_and(|mapping| mapping.kept);
                oracle.living.insert(value, Mapping { number, kept, issued: self.now });
            }
            assert!(!alone || new.is_sorted(), "in the order of the entries");
            fresh.entry(batch.space).or_default().extend(new);
        }
        for (space, fresh) in fresh {
            let oracle = &self.spaces[&space];
            assert!(oracle.given.keys().copied().eq(1..=oracle.given.len() as u64), "no gaps");
            assert!(fresh.iter().all(|number| oracle.given.len() as u64 - number < fresh.len() as u64));
        }
    }

    async fn look(&mut self, at: usize) {
        let oracle = self.spaces.entry(at).or_default();
        let numbers: Vec<u64> = (0..oracle.given.len() as u64 + 2).collect();
        let bytes = self.world.store().await.sealed(&named(at), &numbers).await.unwrap();
        for (number, bytes) in numbers.into_iter().zip(bytes) {
            let value = oracle.given.get(&number);
            let mapping =
                value.and_then(|value| oracle.living.get(value)).filter(|mapping| mapping.number == number);
            let expected = value.map(|value| sealed(at, *value, number));
            match mapping.filter(|mapping| mapping.kept) {
                Some(mapping) if mapping.must_live(self.now) => assert_eq!(bytes, expected),
                Some(mapping) if mapping.may_live(self.now) => assert!(bytes.is_none() || bytes == expected),
                _ => assert_eq!(bytes, None, "{number}"),
            }
        }
    }

    async fn forget(&mut self, scope: u8) {
        let forgotten = self.world.store().await.forget(scope_tag(scope)).await.unwrap();
        let (mut least, mut most) = (0, 0);
        for (at, oracle) in &mut self.spaces {
            if SPACES[*at].0 == scope {
                for mapping in std::mem::take(&mut oracle.living).into_values() {
                    least += u64::from(mapping.must_live(self.now));
                    // A store may count a value under each index key that it was found by.
                    most += u64::from(mapping.may_live(self.now)) * (u64::from(self.generation) + 1);
                }
            }
        }
        assert!((least..=most).contains(&forgotten), "{least} <= {forgotten} <= {most}");
    }
}

async fn issue(store: Arc<dyn Store>, batch: Batch, generation: u8) -> (Batch, Vec<u64>) {
    let entry = |(value, keep): (&u64, &bool)| Entry {
        indexes: (0..=generation).rev().map(|generation| index(generation, *value)).collect(),
        keep: *keep,
    };
    let (at, values) = (batch.space, batch.values.keys().copied().collect::<Vec<_>>());
    let seal: Seal = Arc::new(move |position, number| Some(sealed(at, values[position], number)));
    let numbers = store.issue(&named(at), batch.values.iter().map(entry).collect(), seal).await.unwrap();
    assert_eq!(numbers.len(), batch.values.len());
    (batch, numbers)
}

fn sealed(at: usize, value: u64, number: u64) -> Vec<u8> {
    format!("{at} {value} {number}").into_bytes()
}

fn named(at: usize) -> Space {
    let (scope, kind) = SPACES[at];
    space(scope, kind)
}

const SPACES: [(u8, &str); 3] = [(1, "EC2"), (1, "VPC"), (2, "EC2")];

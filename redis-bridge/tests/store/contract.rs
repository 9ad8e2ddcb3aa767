//! Each sentence of the contract.

use std::{collections::BTreeSet, sync::Arc};

use redis_bridge::store::{Entry, ErrorKind, Seal};
use tokio::task::JoinSet;

use crate::world::{World, checks, entries, entry, index, scope_tag, seal, sealed, space};

on_every_store!(
    new_values_are_numbered_in_their_order,
    spaces_count_on_their_own,
    concurrent_calls_for_the_same_values_get_the_same_numbers,
    concurrent_calls_for_different_values_get_different_numbers,
    a_value_is_found_by_any_index_and_then_by_the_first,
    many_rotations_of_the_index_key,
    after_the_ttl_both_directions_are_gone,
    use_prolongs_life_and_looking_does_not,
    touching_prolongs_life,
    touching_creates_nothing,
    counters_outlive_mappings_scopes_and_stores,
    what_is_not_kept_has_no_bytes_until_it_is,
    the_seal_gets_position_and_number,
    forgetting_a_scope_leaves_the_others,
    forgetting_many,
    a_store_takes_large_calls,
    unknown_numbers_have_no_bytes,
    empty_calls,
    other_keys_are_refused,
    debug_output_tells_nothing,
);

async fn new_values_are_numbered_in_their_order(world: &mut World) {
    let (store, space) = (world.store().await, space(1, "EC2"));
    assert_eq!(store.issue(&space, entries([30, 10, 20]), seal()).await.unwrap(), [1, 2, 3]);
    assert_eq!(store.issue(&space, entries([5, 20, 4, 30]), seal()).await.unwrap(), [4, 3, 5, 1]);
}

async fn spaces_count_on_their_own(world: &mut World) {
    let store = world.store().await;
    for space in [space(1, "EC2"), space(2, "EC2"), space(1, "EC"), space(1, "EC22")] {
        assert_eq!(store.issue(&space, entries([1, 2]), seal()).await.unwrap(), [1, 2]);
        assert_eq!(store.issue(&space, entries([2]), seal()).await.unwrap(), [2]);
    }
}

async fn concurrent_calls_for_the_same_values_get_the_same_numbers(world: &mut World) {
    let store = world.store().await;
    let mut calls = JoinSet::new();
    for task in 0..64 {
        let store = Arc::clone(&store);
        calls.spawn(async move {
            // Each in an order and in batches of its own.
            let mut values: Vec<u64> = (0..1_000).map(|value| (value * 7 + task * 13) % 1_000).collect();
            let mut numbers = vec![0; 1_000];
            for batch in values.chunks_mut(1 + task as usize * 16) {
                let issued =
                    store.issue(&space(1, "EC2"), entries(batch.iter().copied()), seal()).await.unwrap();
                batch.iter().zip(issued).for_each(|(value, number)| numbers[*value as usize] = number);
            }
            numbers
        });
    }
    let answers: BTreeSet<Vec<u64>> = calls.join_all().await.into_iter().collect();
    assert_eq!(answers.len(), 1, "all were told the same");
    let numbers: BTreeSet<u64> = answers.into_iter().flatten().collect();
    assert!(numbers.into_iter().eq(1..=1_000), "without gaps, and no number twice");
}

async fn concurrent_calls_for_different_values_get_different_numbers(world: &mut World) {
    let store = world.store().await;
    let mut calls = JoinSet::new();
    for task in 0..64 {
        let store = Arc::clone(&store);
        calls.spawn(async move {
            let numbers =
                store.issue(&space(1, "EC2"), entries(task * 10..task * 10 + 10), seal()).await.unwrap();
            assert!(numbers.is_sorted(), "in the order of the entries");
            numbers
        });
    }
    let numbers: BTreeSet<u64> = calls.join_all().await.into_iter().flatten().collect();
    assert!(numbers.into_iter().eq(1..=640));
}

async fn a_value_is_found_by_any_index_and_then_by_the_first(world: &mut World) {
    let (store, space) = (world.store().await, space(1, "EC2"));
    let by = |generations: &[u8]| -> Arc<[Entry]> {
        let entry = |value| Entry {
            indexes: generations.iter().map(|generation| index(*generation, value)).collect(),
            keep: true,
        };
        [1, 2].map(entry).into()
    };
    for generations in [&[0][..], &[0, 1], &[1, 0], &[1], &[1, 2], &[2, 1], &[2], &[0]] {
        assert_eq!(
            store.issue(&space, by(generations), seal()).await.unwrap(),
            [1, 2],
            "index keys {generations:?}"
        );
    }
    world.expire().await;
    for (generations, numbers) in [(&[2][..], [3, 4]), (&[1], [5, 6]), (&[0], [7, 8])] {
        let issued = store.issue(&space, by(generations), seal()).await.unwrap();
        assert_eq!(issued, numbers, "they expire under every index key");
    }
}

async fn many_rotations_of_the_index_key(world: &mut World) {
    let (store, space) = (world.store().await, space(1, "EC2"));
    for generation in 0..30 {
        let indexes = vec![index(generation + 1, 1), index(generation, 1)];
        let issued = store.issue(&space, [Entry { indexes, keep: true }].into(), seal()).await.unwrap();
        assert_eq!(issued, [1], "index key {generation}");
    }
    assert_eq!(store.sealed(&space, &[1]).await.unwrap(), [sealed(1)]);
}

async fn after_the_ttl_both_directions_are_gone(world: &mut World) {
    let (store, space) = (world.store().await, space(1, "EC2"));
    store.issue(&space, entries([1, 2]), seal()).await.unwrap();
    world.pass(1).await;
    assert_eq!(store.sealed(&space, &[1, 2]).await.unwrap(), [sealed(1), sealed(2)]);
    world.pass(2).await;
    assert_eq!(store.sealed(&space, &[1, 2]).await.unwrap(), [None, None]);
    assert_eq!(store.issue(&space, entries([2]), seal()).await.unwrap(), [3], "no number is given twice");
    assert_eq!(store.sealed(&space, &[1, 2, 3]).await.unwrap(), [None, None, sealed(3)]);
}

async fn use_prolongs_life_and_looking_does_not(world: &mut World) {
    let (store, space) = (world.store().await, space(1, "EC2"));
    store.issue(&space, entries([1, 2]), seal()).await.unwrap();
    for _ in 0..4 {
        world.pass(1).await;
        assert_eq!(store.issue(&space, entries([1]), seal()).await.unwrap(), [1]);
        store.sealed(&space, &[2]).await.unwrap();
    }
    assert_eq!(store.sealed(&space, &[1, 2]).await.unwrap(), [sealed(1), None]);
    assert_eq!(store.issue(&space, entries([2, 1]), seal()).await.unwrap(), [3, 1]);
}

async fn touching_prolongs_life(world: &mut World) {
    let (store, space) = (world.store().await, space(1, "EC2"));
    store.issue(&space, entries([1, 2]), seal()).await.unwrap();
    let rotated: Arc<[Entry]> = [Entry { indexes: vec![index(1, 1), index(0, 1)], keep: true }].into();
    for _ in 0..4 {
        world.pass(1).await;
        store.touch(&space, Arc::clone(&rotated), seal()).await.unwrap();
    }
    assert_eq!(store.sealed(&space, &[1, 2]).await.unwrap(), [sealed(1), None]);
    let by_the_first: Arc<[Entry]> = [Entry { indexes: vec![index(1, 1)], keep: true }].into();
    assert_eq!(store.issue(&space, by_the_first, seal()).await.unwrap(), [1]);
}

async fn touching_creates_nothing(world: &mut World) {
    let (store, space) = (world.store().await, space(1, "EC2"));
    store.touch(&space, entries([1]), seal()).await.unwrap();
    assert_eq!(store.issue(&space, entries([1, 2]), seal()).await.unwrap(), [1, 2]);
    store.forget(scope_tag(1)).await.unwrap();
    store.touch(&space, entries([2, 3]), seal()).await.unwrap();
    assert_eq!(store.sealed(&space, &[1, 2, 3, 4]).await.unwrap(), [None, None, None, None]);
    assert_eq!(store.issue(&space, entries([3]), seal()).await.unwrap(), [3]);
    store.touch(&space, entries([2, 3]), seal()).await.unwrap();
    assert_eq!(store.issue(&space, entries([2, 3]), seal()).await.unwrap(), [4, 3]);
    world.expire().await;
    store.touch(&space, entries([2, 3]), seal()).await.unwrap();
    assert_eq!(store.sealed(&space, &[3, 4]).await.unwrap(), [None, None]);
    assert_eq!(store.issue(&space, entries([3]), seal()).await.unwrap(), [5]);
}

async fn counters_outlive_mappings_scopes_and_stores(world: &mut World) {
    let space = space(1, "EC2");
    let mut next = 1;
    for round in 0..3 {
        let issued = world.store().await.issue(&space, entries([1, 2]), seal()).await.unwrap();
        assert_eq!(issued, [next, next + 1], "{round}");
        match round {
            0 => assert_eq!(world.store().await.forget(scope_tag(1)).await.unwrap(), 2),
            1 => world.expire().await,
            _ => {}
        }
        world.restart();
        next += 2;
    }
    let store = world.store().await;
    assert_eq!(store.issue(&space, entries([2, 3]), seal()).await.unwrap(), [6, 7]);
    assert_eq!(store.sealed(&space, &[1, 3, 5, 6]).await.unwrap(), [None, None, sealed(5), sealed(6)]);
}

async fn what_is_not_kept_has_no_bytes_until_it_is(world: &mut World) {
    let (store, space) = (world.store().await, space(1, "KEY"));
    let never: Seal = Arc::new(|_, _| panic!("there is nothing to seal"));
    let call = |keep: [bool; 2]| -> Arc<[Entry]> { [entry(1, keep[0]), entry(2, keep[1])].into() };
    assert_eq!(store.issue(&space, call([false, false]), never).await.unwrap(), [1, 2]);
    assert_eq!(store.sealed(&space, &[1, 2]).await.unwrap(), [None, None]);
    for keep in [[false, true], [false, false]] {
        assert_eq!(store.issue(&space, call(keep), seal()).await.unwrap(), [1, 2]);
        assert_eq!(store.sealed(&space, &[1, 2]).await.unwrap(), [None, sealed(2)]);
        world.pass(1).await;
    }
}

async fn the_seal_gets_position_and_number(world: &mut World) {
    let (store, space) = (world.store().await, space(1, "EC2"));
    store.issue(&space, entries([9]), seal()).await.unwrap();
    let seal: Seal = Arc::new(|position, number| Some(format!("{position} is {number}").into_bytes()));
    let call: Arc<[Entry]> = [entry(9, true), entry(8, true), entry(7, false), entry(6, true)].into();
    assert_eq!(store.issue(&space, call, seal).await.unwrap(), [1, 2, 3, 4]);
    assert_eq!(
        store.sealed(&space, &[4, 3, 2]).await.unwrap(),
        [Some(b"3 is 4".to_vec()), None, Some(b"1 is 2".to_vec())]
    );
}

async fn forgetting_a_scope_leaves_the_others(world: &mut World) {
    let store = world.store().await;
    // The second differs from the first in its last byte; the fourth has a key that begins like the first's.
    let near = {
        let mut near = space(1, "EC2");
        near.scope.0[11] = 2;
        near
    };
    let spaces = [space(1, "EC2"), near, space(1, "VPC"), space(0, "EC2")];
    for space in &spaces {
        store.issue(space, entries([1, 2, 3]), seal()).await.unwrap();
    }
    assert_eq!(store.forget(scope_tag(1)).await.unwrap(), 6);
    assert_eq!(store.forget(scope_tag(1)).await.unwrap(), 0, "there are none left");
    assert_eq!(store.forget(scope_tag(9)).await.unwrap(), 0, "there never were any");
    for (space, left) in spaces.iter().zip([false, true, false, true]) {
        let bytes = [1, 2, 3].map(|number| sealed(number).filter(|_| left));
        assert_eq!(store.sealed(space, &[1, 2, 3]).await.unwrap(), bytes);
        let numbers = if left { [1, 3] } else { [4, 5] };
        assert_eq!(store.issue(space, entries([1, 3]), seal()).await.unwrap(), numbers);
    }
    world.expire().await;
    assert_eq!(store.forget(scope_tag(1)).await.unwrap(), 0, "what has expired is not there");
}

async fn forgetting_many(world: &mut World) {
    let store = world.store().await;
    for (kind, values) in [("EC2", 0..10_000), ("EC2", 10_000..15_000), ("VPC", 0..7_000)] {
        store.issue(&space(1, kind), entries(values), seal()).await.unwrap();
    }
    assert_eq!(store.forget(scope_tag(1)).await.unwrap(), 22_000);
    assert_eq!(store.sealed(&space(1, "EC2"), &[1, 9_999, 15_000]).await.unwrap(), [None, None, None]);
    assert_eq!(store.issue(&space(1, "VPC"), entries([6_999]), seal()).await.unwrap(), [7_001]);
}

async fn a_store_takes_large_calls(world: &mut World) {
    let (store, space) = (world.store().await, space(1, "EC2"));
    let seal: Seal = Arc::new(|_, number| Some(vec![number as u8; 8 * 1024]));
    let issued = store.issue(&space, entries(0..2_000), Arc::clone(&seal)).await.unwrap();
    assert!(issued.iter().copied().eq(1..=2_000));
    let bytes = store.sealed(&space, &issued).await.unwrap();
    assert!(bytes.into_iter().zip(issued).all(|(bytes, number)| bytes == seal(0, number)));
}

async fn unknown_numbers_have_no_bytes(world: &mut World) {
    let (store, space) = (world.store().await, space(1, "EC2"));
    assert_eq!(store.sealed(&space, &[1]).await.unwrap(), [None], "nor has a space that is unknown");
    store.issue(&space, entries([1]), seal()).await.unwrap();
    assert_eq!(
        store.sealed(&space, &[0, 1, 2, 1, u64::MAX]).await.unwrap(),
        [None, sealed(1), None, sealed(1), None]
    );
}

async fn empty_calls(world: &mut World) {
    let (store, space) = (world.store().await, space(1, "EC2"));
    assert_eq!(store.issue(&space, entries([]), seal()).await.unwrap(), [0_u64; 0]);
    assert_eq!(store.sealed(&space, &[]).await.unwrap(), Vec::<Option<Vec<u8>>>::new());
    store.ready().await.unwrap();
    assert_eq!(store.issue(&space, entries([1]), seal()).await.unwrap(), [1]);
}

async fn other_keys_are_refused(world: &mut World) {
    if !world.survives_restart() {
        return;
    }
    world.store().await.issue(&space(1, "EC2"), entries([1]), seal()).await.unwrap();
    world.restart();
    let error = world.open(checks(2)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unsound);
    assert!(error.message.contains("`index:a`"), "{error}");

    let mut rotated = checks(1);
    rotated.insert(0, checks(3).remove(0));
    rotated[0].id = "index:b".to_owned();
    drop(world.open(rotated.clone()).await.unwrap());
    rotated[0].mac = [4; 16];
    assert_eq!(world.open(rotated).await.unwrap_err().kind, ErrorKind::Unsound, "a new key is remembered");
    let store = world.store().await;
    assert_eq!(
        store.issue(&space(1, "EC2"), entries([1]), seal()).await.unwrap(),
        [1],
        "nothing has changed"
    );
}

async fn debug_output_tells_nothing(world: &mut World) {
    let store = world.store().await;
    store.issue(&space(1, "EC2"), entries([1]), seal()).await.unwrap();
    assert!(format!("{store:?}").ends_with("{ .. }"));
}

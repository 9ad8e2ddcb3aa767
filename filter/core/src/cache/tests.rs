use super::*;
use alloc::format;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const TTL: Duration = Duration::from_secs(10);

fn cache(entries: usize, bytes: usize) -> TokenCache {
    TokenCache::new(CacheLimits { entries, bytes, ttl: TTL })
}

fn key(value: &str) -> Key<'_> {
    Key { kind: KindId(0), form: Form::Text, value: value.as_bytes() }
}

fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn scope_form_and_value_are_told_apart() {
    let mut cache = cache(100, 100_000);
    cache.insert("a", key("x"), "T_001", at(0), None);
    assert_eq!(cache.get("a", key("x"), at(0)).as_deref(), Some("T_001"));
    assert_eq!(cache.get("b", key("x"), at(0)), None);
    assert_eq!(cache.get("a", key("y"), at(0)), None);
    assert_eq!(cache.get("a", Key { form: Form::Number, ..key("x") }, at(0)), None);
    cache.insert("b", key("x"), "T_002", at(0), None);
    cache.forget("a");
    assert_eq!(cache.get("a", key("x"), at(0)), None);
    assert_eq!(cache.get("b", key("x"), at(0)).as_deref(), Some("T_002"));
}

#[test]
fn lives_are_bounded_by_both_sides_and_by_the_clock() {
    let mut cache = cache(100, 100_000);
    cache.insert("a", key("x"), "T_001", at(100), None);
    cache.insert("a", key("y"), "T_002", at(100), Some(at(3)));
    cache.insert("a", key("z"), "T_003", at(100), Some(at(1000)));
    for (value, last) in [("x", 109), ("y", 102), ("z", 109)] {
        assert!(cache.get("a", key(value), at(last)).is_some(), "{value}");
        assert!(cache.get("a", key(value), at(last + 1)).is_none(), "{value}");
    }
    assert!(cache.get("a", key("x"), at(99)).is_none(), "the clock was set back");
    // Being used does not prolong it: the store does not know of that use.
    assert!(cache.get("a", key("x"), at(109)).is_some());
    assert!(cache.get("a", key("x"), at(110)).is_none());
}

#[test]
fn the_half_used_last_stays_and_no_more_than_the_limit() {
    const BYTES: usize = 100 * (OVERHEAD + 10) + 4 * (2 * NODE + 1);
    for (entries, bytes) in [(100, usize::MAX), (usize::MAX, BYTES)] {
        let mut cache = cache(entries, bytes);
        for number in 0..1000_u32 {
            cache.insert("a", key(&format!("v{number:04}")), "T_001", at(0), None);
            let (kept, size) = (cache.young.entries + cache.old.entries, cache.young.bytes + cache.old.bytes);
            assert!(kept <= 120 && size <= BYTES, "{kept} entries, {size} bytes");
            // One that is used all the time never goes.
            assert_eq!(cache.get("a", key("v0000"), at(0)).as_deref(), Some("T_001"), "{number}");
            for recent in number.saturating_sub(47)..=number {
                assert!(
                    cache.get("a", key(&format!("v{recent:04}")), at(0)).is_some(),
                    "{recent} of {number}"
                );
            }
        }
    }
}

#[test]
fn forgetting_gives_back_what_was_counted() {
    let mut cache = cache(1000, 1_000_000);
    for scope in ["a", "b"] {
        for number in 0..700 {
            cache.insert(scope, key(&format!("{number}")), "T_001", at(0), None);
            cache.insert(scope, key(&format!("{number}")), "T_0001", at(0), None);
        }
    }
    cache.forget("a");
    cache.forget("b");
    assert_eq!((cache.young.entries, cache.young.bytes), (0, 0));
    assert_eq!((cache.old.entries, cache.old.bytes), (0, 0));
}

/// With `scope: credential` a client chooses scopes as it likes: what each takes is counted.
#[test]
fn many_scopes_of_one_entry_take_no_more_than_the_limit() {
    let mut cache = cache(100_000, 1_000_000);
    for number in 0..10_000 {
        cache.insert(&format!("Credential.{number:064}"), key("i-12345678"), "AWS_EC2_001", at(0), None);
    }
    let scopes = cache.young.scopes.len() + cache.old.scopes.len();
    // Three nodes with room for eleven entries each; those of the outer map are shared.
    assert!((200..=1_000_000 / (2 * NODE)).contains(&scopes), "{scopes}");
}

#[test]
fn without_room_nothing_is_kept() {
    for mut cache in [cache(0, 100_000), cache(100, 0), cache(100, 2 * OVERHEAD + 2 * NODE)] {
        cache.insert("a", key("x"), "T_001", at(0), None);
        assert_eq!(cache.get("a", key("x"), at(0)), None);
    }
}

#[test]
fn nothing_prints() {
    let mut cache = cache(100, 100_000);
    cache.insert("scope-1", key("i-12345678"), "T_001", at(0), None);
    assert_eq!(format!("{cache:?}"), "TokenCache { entries: 1, .. }");
}

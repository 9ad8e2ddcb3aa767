//! Forgetting a scope.

use std::{collections::HashMap, sync::Arc};

use redis::{Cmd, cmd};

use super::{
    connector::Connector,
    failure::Failure,
    link::Link,
    names::{LAST_NUMBER, Scope},
    script::Script,
};
use crate::store::StoreError;

/// Keys that one `SCAN` looks at.
const SCAN_COUNT: usize = 1_000;

/// Removes what there is, and nothing that others add meanwhile: their numbers are above the counters of now.
///
/// The look-up keys go first. Afterwards no call finds an old number any more, so none seals one again.
pub(super) async fn forget(
    connector: &Connector,
    link: &Arc<Link>,
    scope: &Scope,
) -> Result<u64, StoreError> {
    let counters = cmd("HGETALL").arg(scope.counters()).take();
    let last = connector.within(link, link.ask::<HashMap<String, String>>(&counters)).await?;
    // A kind without a counter has lost it: all of its numbers are old.
    let limit = |kind: &str| match last.get(&format!("{LAST_NUMBER}{kind}")) {
        Some(last) => last.parse().unwrap_or(u64::MAX),
        None => u64::MAX,
    };

    let mut forgotten = 0;
    let mut scan = Scan::new(scope.index_pattern());
    while let Some(keys) = connector.within(link, scan.next(link)).await? {
        let limits: Vec<_> = keys
            .iter()
            .filter_map(|key| scope.kind_and_rest(key).map(|(kind, _)| (key, limit(kind))))
            .collect();
        let mut call = Script::forget().call_with_keys(limits.len());
        for (key, _) in &limits {
            call.arg(key);
        }
        for (_, limit) in &limits {
            call.arg(limit);
        }
        if !limits.is_empty() {
            forgotten += connector.within(link, Script::forget().run::<u64>(link, &call)).await?;
        }
    }

    let mut scan = Scan::new(scope.sealed_pattern());
    while let Some(keys) = connector.within(link, scan.next(link)).await? {
        let is_old = |key: &&Vec<u8>| {
            scope.kind_and_rest(key).is_some_and(|(kind, number)| {
                let number = std::str::from_utf8(number).ok().and_then(|number| number.parse::<u64>().ok());
                number.is_none_or(|number| number <= limit(kind))
            })
        };
        let old: Vec<_> = keys.iter().filter(is_old).collect();
        if !old.is_empty() {
            let unlink = cmd("UNLINK").arg(&old).take();
            connector.within(link, link.ask::<u64>(&unlink)).await?;
        }
    }
    Ok(forgotten)
}

/// Walks over all keys there are.
struct Scan {
    pattern: String,
    /// `None` at the end.
    cursor: Option<u64>,
}

impl Scan {
    fn new(pattern: String) -> Self {
        Self { pattern, cursor: Some(0) }
    }

    /// Some keys, perhaps none; `None` at the end.
    async fn next(&mut self, link: &Link) -> Result<Option<Vec<Vec<u8>>>, Failure> {
        let Some(cursor) = self.cursor else { return Ok(None) };
        let scan: Cmd =
            cmd("SCAN").arg(cursor).arg("MATCH").arg(&self.pattern).arg("COUNT").arg(SCAN_COUNT).take();
        let (cursor, keys) = link.ask::<(u64, Vec<Vec<u8>>)>(&scan).await?;
        self.cursor = Some(cursor).filter(|&cursor| cursor != 0);
        Ok(Some(keys))
    }
}

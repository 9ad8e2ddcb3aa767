//! The bytes of a million mappings, and of the bridge meanwhile.

use std::io::{self, Write as _};

use e2e::redis::Redis;

use crate::{
    Failure,
    calls::{Load, Template, Values},
    rig::{Rig, Store},
};

/// Mappings in each half.
const HALF: u64 = 500_000;
const VALUES: u64 = 100;
const CONNECTIONS: usize = 8;
const MIB: f64 = 1024.0 * 1024.0;

pub(crate) async fn measure() -> Result<(), Failure> {
    let mut out = io::stdout();
    writeln!(
        out,
        "A million mappings of values of 19 bytes: bytes per mapping in the store (Redis: `used_memory`; file: its length),\n\
         and the bridge's resident memory in MiB.\n\n\
         store     first half  second half   bridge before   after half    after all"
    )?;
    for store in [Store::Redis, Store::File] {
        let rig = Rig::start(store)?;
        let template = Template::new(&rig.bridge, VALUES as usize);
        let mut load = Load::open(rig.bridge.address(), CONNECTIONS).await?;
        // One call, after which everything that is made once is there.
        load.run_count(1, &template, &Values { first: u64::MAX >> 1, cycle: None }).await?;
        let (mut stored, mut resident) = (vec![stored_len(&rig)?], vec![resident_len(&rig)]);
        for half in 0..2 {
            let values = Values { first: half * HALF, cycle: None };
            load.run_count(HALF / VALUES, &template, &values).await?;
            stored.push(stored_len(&rig)?);
            resident.push(resident_len(&rig));
        }
        let each: Vec<f64> = stored
            .iter()
            .zip(stored.iter().skip(1))
            .map(|(before, after)| (*after as f64 - *before as f64) / HALF as f64)
            .collect();
        let ([first, second], [before, half, all]) = (each.as_slice(), resident.as_slice()) else {
            return Err("there are two halves".into());
        };
        writeln!(
            out,
            "{:<8} {first:>11.0} {second:>12.0} {before:>15.1} {half:>12.1} {all:>12.1}",
            store.name()
        )?;
    }
    Ok(())
}

fn stored_len(rig: &Rig) -> Result<u64, Failure> {
    rig.redis.as_ref().map_or_else(|| rig.file_len(), used_memory)
}

fn used_memory(redis: &Redis) -> Result<u64, Failure> {
    let info = redis.command(&["INFO", "memory"]);
    let used = info.text().lines().find_map(|line| line.strip_prefix("used_memory:"));
    Ok(used.ok_or("Redis does not tell its memory")?.parse()?)
}

fn resident_len(rig: &Rig) -> f64 {
    rig.bridge.process().resident_bytes() as f64 / MIB
}

//! Calls a second, latency, and CPU time per value; beside the limit.

use std::{
    io::{self, Write as _},
    time::Duration,
};

use crate::{
    Failure,
    calls::{Load, Template, Values},
    limit::{Called, Limit},
    median,
    rig::{Rig, Store},
};

/// Odd, for the median.
const ROUNDS: usize = 3;
/// How long each side of a round takes. CPU time comes in steps of 10 ms.
const ROUND: Duration = Duration::from_millis(1400);
const VALUES: [usize; 3] = [1, 10, 100];
const CONNECTIONS: [usize; 3] = [1, 8, 64];
/// What the embedded stores are measured with.
const EMBEDDED: (usize, usize) = (10, 8);
/// Calls with existing values: more than connections, because identical calls in flight are one call to the store.
const CYCLE: u64 = 256;
/// Where new values begin, and how far apart they are in different rows.
const NEW: u64 = 1 << 48;

/// A row of the table.
struct Row {
    store: Store,
    values: usize,
    connections: usize,
    new: bool,
}

/// What a round of calls to the bridge costs.
struct Cost {
    per_second: f64,
    p50: f64,
    p99: f64,
    /// µs a value.
    bridge: f64,
    redis: f64,
}

/// Measures all rows, or only those with so many values a call, over so many connections.
pub(crate) async fn measure(only: &[String]) -> Result<(), Failure> {
    let mut out = io::stdout();
    writeln!(
        out,
        "A bridge on TCP over HTTP/1.1, Redis on a Unix socket; {} cores. Medians of {ROUNDS} rounds of {} s, the bridge and\n\
         redis-benchmark in turns. `old` values exist, `new` ones do not. CPU time is µs per value. `all`: bridge and Redis\n\
         divided by redis-benchmark and Redis; `own`: bridge divided by redis-benchmark.\n\n\
         {:>33}{:>58}\n\
         values  conns  store        calls/s  p50 µs  p99 µs  bridge   Redis   calls/s  client   Redis   all   own",
        std::thread::available_parallelism()?,
        ROUND.as_secs_f64(),
        "bridge",
        "redis-benchmark",
    )?;
    let wanted = |row: &Row| {
        let counts = [row.values, row.connections];
        only.iter().zip(counts).all(|(only, count)| *only == count.to_string())
    };
    let grid = VALUES.into_iter().flat_map(|values| CONNECTIONS.map(|connections| (values, connections)));
    let rows = grid.map(|(values, connections)| (Store::Redis, values, connections));
    let embedded = [Store::File, Store::Memory].map(|store| (store, EMBEDDED.0, EMBEDDED.1));
    let rows = rows.chain(embedded).flat_map(|(store, values, connections)| {
        [false, true].map(|new| Row { store, values, connections, new })
    });
    let mut rig: Option<(Store, Rig)> = None;
    for (number, row) in (0..).zip(rows).filter(|(_, row)| wanted(row)) {
        let rig = match rig.take() {
            Some((store, running)) if store == row.store => rig.insert((store, running)),
            _ => rig.insert((row.store, Rig::start(row.store)?)),
        };
        writeln!(out, "{}", row.measure(&rig.1, number).await?)?;
    }
    Ok(())
}

impl Row {
    async fn measure(&self, rig: &Rig, number: u64) -> Result<String, Failure> {
        let template = Template::new(&rig.bridge, self.values);
        let mut load = Load::open(rig.bridge.address(), self.connections).await?;
        let old = Values { first: 0, cycle: Some(CYCLE) };
        load.run_count(2 * CYCLE, &template, &old).await?;
        let limit = match &rig.redis {
            Some(redis) if !self.new => {
                Some(Limit::new(redis, self.values, CYCLE * self.values as u64, self.connections)?)
            }
            _ => None,
        };
        let (mut costs, mut limits) = (Vec::new(), Vec::new());
        for round in 0..ROUNDS as u64 {
            let new = Values { first: (1 + number * ROUNDS as u64 + round) * NEW, cycle: None };
            let values = if self.new { &new } else { &old };
            costs.push(self.round(rig, &mut load, &template, values).await?);
            if let Some(limit) = &limit {
                limits.push(limit.run_for(ROUND)?);
            }
        }
        Ok(self.line(&costs, &limits))
    }

    async fn round(
        &self,
        rig: &Rig,
        load: &mut Load,
        template: &Template,
        values: &Values,
    ) -> Result<Cost, Failure> {
        let before = rig.used();
        let answered = load.run_for(ROUND, template, values).await?;
        let used = rig.used().since(before);
        let each = |cpu: Duration| cpu.as_secs_f64() * 1e6 / (answered.calls * self.values as u64) as f64;
        Ok(Cost {
            per_second: answered.per_second(),
            p50: answered.latency(0.5),
            p99: answered.latency(0.99),
            bridge: each(used.bridge),
            redis: each(used.redis),
        })
    }

    fn line(&self, costs: &[Cost], limits: &[Called]) -> String {
        let cost = |field: fn(&Cost) -> f64| median(costs.iter().map(field));
        let line = format!(
            "{:>6}  {:>5}  {:<6} {}  {:>8.0} {:>7.0} {:>7.0} {:>7.2} {:>7.2}",
            self.values,
            self.connections,
            self.store.name(),
            if self.new { "new" } else { "old" },
            cost(|cost| cost.per_second),
            cost(|cost| cost.p50),
            cost(|cost| cost.p99),
            cost(|cost| cost.bridge),
            cost(|cost| cost.redis),
        );
        if limits.is_empty() {
            return line;
        }
        let values = self.values as f64;
        let limit = |field: fn(&Called) -> f64| median(limits.iter().map(field));
        // Of each round, because its two sides have met the same machine.
        let ratio = |of: fn(&Cost, &Called, f64) -> f64| {
            median(costs.iter().zip(limits).map(|(cost, called)| of(cost, called, values)))
        };
        format!(
            "{line}  {:>8.0} {:>7.2} {:>7.2} {:>5.2} {:>5.2}",
            limit(|called| called.per_second),
            limit(|called| called.client) / values,
            limit(|called| called.redis) / values,
            ratio(|cost, called, values| (cost.bridge + cost.redis) * values / (called.client + called.redis)),
            ratio(|cost, called, values| cost.bridge * values / called.client),
        )
    }
}

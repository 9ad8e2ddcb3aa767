// What the Node drivers share; see common.py.
'use strict';

const job = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));

/** For the SDK, which takes undefined as nothing said. */
const baseUrl = (path = '') => (job.base_url ? job.base_url + path : undefined);

/** The options that tell the provider and the test which request this is. */
const key = scenario => ({ headers: { 'idempotency-key': `${job.name}/${scenario}` } });

/** Prints what was parsed, members sorted by name. */
const show = (scenario, parsed) => console.log(JSON.stringify({ parsed, scenario }, sorted));

const sorted = (_, value) =>
  value && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;

/** Types of events in the order of their first appearance. */
const kinds = events => [...new Set(events)];

/** Types of events, each run of one type as one. */
const runs = events => events.filter((event, at) => at === 0 || events[at - 1] !== event);

/** A driver's whole work: an error ends it with a status. */
const drive = main =>
  main().catch(error => {
    console.error(error);
    process.exitCode = 1;
  });

module.exports = { baseUrl, drive, job, key, kinds, runs, show };

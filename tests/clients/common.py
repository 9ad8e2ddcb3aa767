"""What the Python drivers share: the job, the keys of requests, and what is printed.

A driver reads its job as JSON from standard input, uses its SDK as an application does, and prints a line of JSON for each
scenario: what the SDK made of the answers. The job:

    name       of the driver: part of every request's key
    base_url   of the provider, or of the sidecar in front of it; null: the SDK's own
    system     a system prompt
    text       what the user says
    result     what a tool answers
    pieces     sizes of deltas, each for a streamed answer of its own; the provider knows them by the key
    at_once    what many users say at the same time
"""

import json
import sys

JOB = json.load(sys.stdin)
SYSTEM, TEXT, RESULT, PIECES, AT_ONCE = (JOB[key] for key in ("system", "text", "result", "pieces", "at_once"))


def base_url(path=""):
    """For the SDK, which takes None as nothing said."""
    return JOB["base_url"] and JOB["base_url"] + path


def key(scenario):
    """The headers that tell the provider and the test which request this is."""
    return {"idempotency-key": f"{JOB['name']}/{scenario}"}


def show(scenario, **parsed):
    """Prints what was parsed: a value, or an object of the SDK as its own `model_dump` has it."""
    print(json.dumps({"scenario": scenario, "parsed": parsed}, sort_keys=True, ensure_ascii=False, default=plain))


def plain(value):
    return value.model_dump(mode="json", by_alias=True)


def kinds(events):
    """Types of events in the order of their first appearance: how often they come depends on how long the text is."""
    return list(dict.fromkeys(events))


def runs(events):
    """Types of events, each run of one type as one."""
    return [event for at, event in enumerate(events) if at == 0 or events[at - 1] != event]

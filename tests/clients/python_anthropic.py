"""Drives the Python SDK of Anthropic."""

import asyncio
import json

from anthropic import Anthropic, AsyncAnthropic, beta_tool

from common import AT_ONCE, PIECES, RESULT, SYSTEM, TEXT, base_url, key, kinds, runs, show

ACCESS = dict(base_url=base_url(), api_key="sk-scripted", max_retries=0)
SETTINGS = dict(model="claude-haiku-4-5", max_tokens=1024)
THINKING = {"type": "enabled", "budget_tokens": 1024}
SCHEMA = {"type": "object", "properties": {"text": {"type": "string", "description": TEXT}}}
TOOLS = [{"name": name, "description": f"Knows {TEXT}", "input_schema": SCHEMA} for name in ("look_up", "search")]

client = Anthropic(**ACCESS)


def user(content):
    return {"role": "user", "content": content}


def whole():
    message = client.messages.create(
        **SETTINGS, system=SYSTEM, messages=[user(TEXT)], extra_headers=key("whole")
    )
    show("whole", message=message)


def counted():
    count = client.messages.count_tokens(
        model=SETTINGS["model"], system=SYSTEM, messages=[user(TEXT)], tools=TOOLS, extra_headers=key("count")
    )
    show("count", count=count)


def streamed(pieces):
    """By the helper, which puts the message together."""
    scenario = f"stream-{pieces}"
    with client.messages.stream(
        **SETTINGS, messages=[user(TEXT)], tools=TOOLS, thinking=THINKING, extra_headers=key(scenario)
    ) as stream:
        events = list(stream)
        final = stream.get_final_message()
    said = [event.text for event in events if event.type == "text"]
    thought = [event.thinking for event in events if event.type == "thinking"]
    blocks = [event.content_block for event in events if event.type == "content_block_stop"]
    show(
        scenario,
        kinds=kinds(event.type for event in events),
        said="".join(said),
        thought="".join(thought),
        blocks=blocks,
        message=final,
    )


def raw(pieces):
    """Event by event; two calls of tools take turns."""
    scenario = f"raw-{pieces}"
    stream = client.messages.create(
        **SETTINGS, messages=[user(TEXT)], tools=TOOLS, stream=True, extra_headers=key(scenario)
    )
    events = list(stream)
    channels = {}
    for event in events:
        if event.type == "content_block_delta":
            text = getattr(event.delta, "text", None) or getattr(event.delta, "partial_json", "")
            channels[event.index] = channels.get(event.index, "") + text
    show(
        scenario,
        runs=runs([event.type for event in events]),
        text=channels[0],
        inputs=[json.loads(channels[index]) for index in (1, 2)],
        rest=[event for event in events if event.type in ("message_start", "content_block_start", "message_delta")],
    )


def conversation(stream):
    """The SDK's own objects go back as the history, signed thinking and all."""
    scenario = f"conversation-{'stream' if stream else 'whole'}"
    messages = [user(TEXT)]
    turns = []
    while True:
        request = dict(
            **SETTINGS, messages=messages, tools=TOOLS, thinking=THINKING, extra_headers=key(scenario)
        )
        if stream:
            with client.messages.stream(**request) as answering:
                message = answering.get_final_message()
        else:
            message = client.messages.create(**request)
        turns.append(message)
        messages.append({"role": "assistant", "content": message.content})
        calls = [block for block in message.content if block.type == "tool_use"]
        if not calls:
            break
        results = [
            {"type": "tool_result", "tool_use_id": call.id, "content": f"{RESULT} {json.dumps(call.input)}"}
            for call in calls
        ]
        messages.append(user(results))
    show(scenario, turns=turns)


def agent():
    """The SDK's own loop over a tool."""
    inputs = []

    @beta_tool
    def look_up(text: str, verbose: bool) -> str:
        """Looks it up."""
        inputs.append([text, verbose])
        return f"{RESULT} {text}"

    runner = client.beta.messages.tool_runner(
        **SETTINGS, messages=[user(TEXT)], tools=[look_up], extra_headers=key("agent")
    )
    show("agent", messages=list(runner), inputs=inputs)


async def at_once():
    async with AsyncAnthropic(**ACCESS) as client:

        async def one(number, text):
            request = dict(**SETTINGS, messages=[user(text)], tools=TOOLS, extra_headers=key(f"at-once-{number}"))
            if number % 2 == 0:
                return await client.messages.create(**request)
            async with client.messages.stream(**request) as stream:
                return await stream.get_final_message()

        answers = await asyncio.gather(*(one(number, text) for number, text in enumerate(AT_ONCE)))
    show("at-once", answers=answers)


whole()
counted()
for pieces in PIECES:
    streamed(pieces)
    raw(pieces)
conversation(stream=False)
conversation(stream=True)
agent()
asyncio.run(at_once())

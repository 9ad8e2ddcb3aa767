"""Drives the Python SDK of OpenAI: Chat Completions, Responses and Embeddings."""

import asyncio
import json

from openai import AsyncOpenAI, OpenAI

from common import AT_ONCE, PIECES, RESULT, SYSTEM, TEXT, base_url, key, kinds, runs, show

ACCESS = dict(base_url=base_url("/v1"), api_key="sk-scripted", max_retries=0)
CHAT = dict(model="gpt-4o")
# Nothing is kept at the provider: reasoning goes back and forth encrypted.
RESPONSES = dict(model="gpt-5", store=False, include=["reasoning.encrypted_content"], reasoning={"summary": "auto"})
SCHEMA = {"type": "object", "properties": {"text": {"type": "string", "description": TEXT}}}
FUNCTIONS = [{"name": name, "description": f"Knows {TEXT}", "parameters": SCHEMA} for name in ("look_up", "search")]
CHAT_TOOLS = [{"type": "function", "function": function} for function in FUNCTIONS]
TOOLS = [{"type": "function", "strict": False, **function} for function in FUNCTIONS]

client = OpenAI(**ACCESS)


def user(content):
    return {"role": "user", "content": content}


def chat_whole():
    completion = client.chat.completions.create(
        **CHAT, messages=[{"role": "system", "content": SYSTEM}, user(TEXT)], extra_headers=key("chat-whole")
    )
    show("chat-whole", completion=completion)


def chat_streamed(pieces):
    """By the helper, which puts the completion together; with usage at the end."""
    scenario = f"chat-stream-{pieces}"
    with client.chat.completions.stream(
        **CHAT,
        messages=[user(TEXT)],
        tools=CHAT_TOOLS,
        stream_options={"include_usage": True},
        extra_headers=key(scenario),
    ) as stream:
        events = list(stream)
        final = stream.get_final_completion()
    show(
        scenario,
        kinds=kinds(event.type for event in events),
        said="".join(event.delta for event in events if event.type == "content.delta"),
        done=[event for event in events if event.type.endswith(".done")],
        completion=final,
    )


def chat_raw(pieces):
    """Chunk by chunk; two calls of tools take turns."""
    scenario = f"chat-raw-{pieces}"
    stream = client.chat.completions.create(
        **CHAT, messages=[user(TEXT)], tools=CHAT_TOOLS, stream=True, extra_headers=key(scenario)
    )
    said, arguments, finished = "", {}, []
    for chunk in stream:
        for choice in chunk.choices:
            said += choice.delta.content or ""
            for call in choice.delta.tool_calls or []:
                arguments[call.index] = arguments.get(call.index, "") + call.function.arguments
            finished.append(choice.finish_reason)
    show(
        scenario, said=said, arguments=[json.loads(arguments[call]) for call in (0, 1)], finished=runs(finished)
    )


def chat_conversation(stream):
    """The SDK's own objects go back as the history."""
    scenario = f"chat-conversation-{'stream' if stream else 'whole'}"
    messages = [user(TEXT)]
    turns = []
    while True:
        request = dict(**CHAT, messages=messages, tools=CHAT_TOOLS, extra_headers=key(scenario))
        if stream:
            with client.chat.completions.stream(**request) as answering:
                completion = answering.get_final_completion()
        else:
            completion = client.chat.completions.create(**request)
        turns.append(completion)
        message = completion.choices[0].message
        messages.append(message)
        if not message.tool_calls:
            break
        for call in message.tool_calls:
            content = f"{RESULT} {json.loads(call.function.arguments)}"
            messages.append({"role": "tool", "tool_call_id": call.id, "content": content})
    show(scenario, turns=turns)


def responses_whole():
    response = client.responses.create(
        model="gpt-4o",
        instructions=SYSTEM,
        input=TEXT,
        metadata={"about": TEXT[:200]},
        extra_headers=key("responses-whole"),
    )
    show("responses-whole", response=response, text=response.output_text)


def responses_streamed(pieces):
    """By the helper, which puts the response together, beside the one of the last event."""
    scenario = f"responses-stream-{pieces}"
    with client.responses.stream(
        **RESPONSES, input=[user(TEXT)], tools=TOOLS, extra_headers=key(scenario)
    ) as stream:
        events = list(stream)
        final = stream.get_final_response()
    channels = {}
    for event in events:
        if event.type.endswith(".delta"):
            channel = f"{event.type} {event.item_id}"
            channels[channel] = channels.get(channel, "") + event.delta
    numbers = [event.sequence_number for event in events]
    show(
        scenario,
        runs=runs([event.type for event in events]),
        channels=channels,
        in_order=numbers == sorted(numbers),
        text=[event.text for event in events if event.type.endswith("text.done")],
        arguments=[event.arguments for event in events if event.type.endswith("arguments.done")],
        items=[event.item for event in events if event.type == "response.output_item.done"],
        response=final,
    )


def responses_conversation(stream):
    """The SDK's own items go back as input, encrypted reasoning and all."""
    scenario = f"responses-conversation-{'stream' if stream else 'whole'}"
    history = [user(TEXT)]
    turns = []
    while True:
        request = dict(**RESPONSES, input=history, tools=TOOLS, extra_headers=key(scenario))
        if stream:
            with client.responses.stream(**request) as answering:
                response = answering.get_final_response()
        else:
            response = client.responses.create(**request)
        turns.append(response)
        history += response.output
        calls = [item for item in response.output if item.type == "function_call"]
        if not calls:
            break
        for call in calls:
            output = f"{RESULT} {json.loads(call.arguments)}"
            history.append({"type": "function_call_output", "call_id": call.call_id, "output": output})
    show(scenario, turns=turns)


def embedded():
    for name, options in (("numbers", {"encoding_format": "float"}), ("base64", {})):
        embeddings = client.embeddings.create(
            model="text-embedding-3-small", input=[TEXT, RESULT], extra_headers=key(f"embed-{name}"), **options
        )
        show(f"embed-{name}", embeddings=embeddings)


async def at_once():
    async with AsyncOpenAI(**ACCESS) as client:

        async def one(number, text):
            headers = key(f"at-once-{number}")
            chat = dict(**CHAT, messages=[user(text)], tools=CHAT_TOOLS, extra_headers=headers)
            responses = dict(**RESPONSES, input=text, tools=TOOLS, extra_headers=headers)
            match number % 4:
                case 0:
                    return await client.chat.completions.create(**chat)
                case 1:
                    return await client.responses.create(**responses)
                case 2:
                    async with client.chat.completions.stream(**chat) as stream:
                        return await stream.get_final_completion()
                case _:
                    async with client.responses.stream(**responses) as stream:
                        return await stream.get_final_response()

        answers = await asyncio.gather(*(one(number, text) for number, text in enumerate(AT_ONCE)))
    show("at-once", answers=answers)


chat_whole()
responses_whole()
embedded()
for pieces in PIECES:
    chat_streamed(pieces)
    chat_raw(pieces)
    responses_streamed(pieces)
for stream in (False, True):
    chat_conversation(stream)
    responses_conversation(stream)
asyncio.run(at_once())

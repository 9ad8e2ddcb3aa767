"""Drives Google's Python SDK for Gemini."""

import asyncio
from itertools import groupby

from google import genai
from google.genai import types

from common import AT_ONCE, PIECES, RESULT, SYSTEM, TEXT, base_url, key, runs, show

MODEL = "gemini-2.5-flash"
SCHEMA = {"type": "object", "properties": {"text": {"type": "string", "description": TEXT}}}
FUNCTIONS = [
    types.FunctionDeclaration(name=name, description=f"Knows {TEXT}", parameters_json_schema=SCHEMA)
    for name in ("look_up", "search")
]
TOOLS = [types.Tool(function_declarations=FUNCTIONS)]
THINKING = types.ThinkingConfig(include_thoughts=True)

client = genai.Client(
    vertexai=False, api_key="scripted", http_options=types.HttpOptions(base_url=base_url())
)


def config(scenario, **settings):
    return types.GenerateContentConfig(http_options=types.HttpOptions(headers=key(scenario)), **settings)


def parsed(response):
    """Without `sdk_http_response`, which has the headers."""
    return response.model_dump(mode="json", exclude={"sdk_http_response"})


def said(chunks):
    """The text of all chunks by kind, and the parts that are not text."""
    texts, others = {"said": "", "thought": ""}, []
    for chunk in chunks:
        for part in chunk.candidates[0].content.parts:
            if part.text is None:
                others.append(part)
            else:
                texts["thought" if part.thought else "said"] += part.text
    return dict(texts, others=others)


def whole():
    response = client.models.generate_content(
        model=MODEL, contents=TEXT, config=config("whole", system_instruction=SYSTEM)
    )
    show("whole", response=parsed(response), text=response.text)


def counted():
    count = client.models.count_tokens(
        model=MODEL,
        contents=TEXT,
        config=types.CountTokensConfig(http_options=types.HttpOptions(headers=key("count"))),
    )
    show("count", count=parsed(count))


def streamed(pieces):
    scenario = f"stream-{pieces}"
    chunks = list(
        client.models.generate_content_stream(
            model=MODEL,
            contents=TEXT,
            config=config(scenario, tools=TOOLS, thinking_config=THINKING),
        )
    )
    finished = [chunk.candidates[0].finish_reason for chunk in chunks]
    show(scenario, **said(chunks), finished=runs(finished), usage=chunks[-1].usage_metadata)


def joined(parts):
    """Text that came in pieces as one part, as applications keep it."""
    kept = []
    for part in parts:
        alike = kept and part.text is not None and kept[-1].text is not None and kept[-1].thought == part.thought
        if alike:
            kept[-1].text += part.text
        else:
            kept.append(part.model_copy())
    return kept


def conversation(stream):
    """The SDK's own objects go back as the history, thought signatures and all."""
    scenario = f"conversation-{'stream' if stream else 'whole'}"
    settings = config(scenario, tools=TOOLS, thinking_config=THINKING)
    history = [types.UserContent(TEXT)]
    turns = []
    while True:
        if stream:
            chunks = list(client.models.generate_content_stream(model=MODEL, contents=history, config=settings))
            parts = joined(part for chunk in chunks for part in chunk.candidates[0].content.parts)
            turns.append(parts)
        else:
            response = client.models.generate_content(model=MODEL, contents=history, config=settings)
            parts = response.candidates[0].content.parts
            turns.append(parsed(response))
        history.append(types.ModelContent(parts))
        calls = [part.function_call for part in parts if part.function_call]
        if not calls:
            break
        answers = [(call.name, {"result": f"{RESULT} {call.args}"}) for call in calls]
        history.append(
            types.UserContent(
                [types.Part.from_function_response(name=name, response=answer) for name, answer in answers]
            )
        )
    show(scenario, turns=turns)


def chat(stream):
    """The SDK's own memory, and its own loop over a Python function."""
    scenario = f"chat-{'stream' if stream else 'whole'}"
    calls = []

    def look_up(text: str, verbose: bool) -> str:
        """Looks it up."""
        calls.append([text, verbose])
        return f"{RESULT} {text}"

    chat = client.chats.create(model=MODEL, config=config(scenario, tools=[look_up]))
    for text in (TEXT, f"again: {TEXT}"):
        if stream:
            show(f"{scenario} answer", **said(chat.send_message_stream(text)))
        else:
            show(f"{scenario} answer", answer=parsed(chat.send_message(text)))
    # Streamed, the SDK remembers a content for each chunk.
    history = [(content.role, part) for content in chat.get_history() for part in content.parts]
    turns = [[role, joined(part for _, part in parts)] for role, parts in groupby(history, lambda said: said[0])]
    show(scenario, calls=calls, history=turns)


async def at_once():
    async def one(number, text):
        request = dict(model=MODEL, contents=text, config=config(f"at-once-{number}", tools=TOOLS))
        if number % 2 == 0:
            return parsed(await client.aio.models.generate_content(**request))
        return said([chunk async for chunk in await client.aio.models.generate_content_stream(**request)])

    answers = await asyncio.gather(*(one(number, text) for number, text in enumerate(AT_ONCE)))
    show("at-once", answers=answers)


whole()
counted()
for pieces in PIECES:
    streamed(pieces)
for stream in (False, True):
    conversation(stream)
    chat(stream)
asyncio.run(at_once())

"""Drives Google's Python SDK for Gemini."""

import asyncio

from google import genai
from google.genai import types

from common import AT_ONCE, JOB, PIECES, RESULT, SYSTEM, TEXT, key, runs, show

MODEL = "gemini-2.5-flash"
SCHEMA = {"type": "object", "properties": {"text": {"type": "string", "description": TEXT}}}
FUNCTIONS = [
    types.FunctionDeclaration(name=name, description=f"Knows {TEXT}", parameters_json_schema=SCHEMA)
    for name in ("look_up", "search")
]
TOOLS = [types.Tool(function_declarations=FUNCTIONS)]
THINKING = types.ThinkingConfig(include_thoughts=True)

client = genai.Client(
    vertexai=False, api_key="scripted", http_options=types.HttpOptions(base_url=JOB["base_url"])
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


def conversation(stream):
    """The SDK's own objects go back as the history, thought signatures and all."""
    scenario = f"conversation-{'stream' if stream else 'whole'}"
    settings = config(scenario, tools=TOOLS, thinking_config=THINKING)
    history = [types.UserContent(TEXT)]
    turns = []
    while True:
        if stream:
            chunks = list(client.models.generate_content_stream(model=MODEL, contents=history, config=settings))
            turns.append(said(chunks))
            contents = [chunk.candidates[0].content for chunk in chunks]
            # One content, as it was said: chunk by chunk it would be many turns.
            content = types.ModelContent([part for content in contents for part in content.parts])
        else:
            response = client.models.generate_content(model=MODEL, contents=history, config=settings)
            turns.append(parsed(response))
            content = response.candidates[0].content
        history.append(content)
        calls = [part.function_call for part in content.parts if part.function_call]
        if not calls:
            break
        history.append(
            types.UserContent(
                [
                    types.Part.from_function_response(name=call.name, response={"result": f"{RESULT} {call.args}"})
                    for call in calls
                ]
            )
        )
    show(scenario, turns=turns)


def chat():
    """The SDK's own memory, and its own loop over a Python function."""
    calls = []

    def look_up(text: str, verbose: bool) -> str:
        """Looks it up."""
        calls.append([text, verbose])
        return f"{RESULT} {text}"

    chat = client.chats.create(model=MODEL, config=config("chat", tools=[look_up]))
    answers = [chat.send_message(text) for text in (TEXT, f"again: {TEXT}")]
    show("chat", answers=[parsed(answer) for answer in answers], calls=calls, history=chat.get_history())


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
conversation(stream=False)
conversation(stream=True)
chat()
asyncio.run(at_once())

// Drives the Node SDK of OpenAI: Chat Completions, Responses and Embeddings.
'use strict';

const OpenAI = require('openai');
const { baseUrl, drive, job, key, kinds, runs, show } = require('./common.js');

const client = new OpenAI({ baseURL: baseUrl('/v1'), apiKey: 'sk-scripted', maxRetries: 0 });
const chat = { model: 'gpt-4o' };
// Nothing is kept at the provider: reasoning goes back and forth encrypted.
const responses = {
  model: 'gpt-5',
  store: false,
  include: ['reasoning.encrypted_content'],
  reasoning: { summary: 'auto' },
};
const parameters = { type: 'object', properties: { text: { type: 'string', description: job.text } } };
const functions = ['look_up', 'search'].map(name => ({ name, description: `Knows ${job.text}`, parameters }));
const chatTools = functions.map(f => ({ type: 'function', function: f }));
const tools = functions.map(f => ({ type: 'function', strict: false, ...f }));
const user = content => ({ role: 'user', content });

async function chatWhole() {
  const request = { ...chat, messages: [{ role: 'system', content: job.system }, user(job.text)] };
  show('chat-whole', await client.chat.completions.create(request, key('chat-whole')));
}

/** By the helper, which puts the completion together; with usage at the end. */
async function chatStreamed(pieces) {
  const scenario = `chat-stream-${pieces}`;
  const request = {
    ...chat,
    messages: [user(job.text)],
    tools: chatTools,
    stream_options: { include_usage: true },
  };
  const heard = { said: '', done: [], calls: [], kinds: [] };
  const stream = client.chat.completions
    .stream(request, key(scenario))
    .on('content.delta', ({ delta }) => (heard.said += delta))
    .on('content.done', done => heard.done.push(done))
    .on('tool_calls.function.arguments.done', done => heard.calls.push(done))
    .on('chunk', chunk => heard.kinds.push(Object.keys(chunk.choices[0]?.delta ?? { usage: 0 }).join()));
  const completion = await stream.finalChatCompletion();
  show(scenario, { ...heard, kinds: kinds(heard.kinds), completion, usage: await stream.totalUsage() });
}

/** Chunk by chunk; two calls of tools take turns. */
async function chatRaw(pieces) {
  const scenario = `chat-raw-${pieces}`;
  const request = { ...chat, messages: [user(job.text)], tools: chatTools, stream: true };
  const [texts, finished] = [['', ''], []];
  let said = '';
  for await (const chunk of await client.chat.completions.create(request, key(scenario))) {
    for (const choice of chunk.choices) {
      said += choice.delta.content ?? '';
      for (const call of choice.delta.tool_calls ?? []) texts[call.index] += call.function.arguments;
      finished.push(choice.finish_reason);
    }
  }
  show(scenario, { said, arguments: texts.map(text => JSON.parse(text)), finished: runs(finished) });
}

/** The SDK's own objects go back as the history. */
async function chatConversation(stream) {
  const scenario = `chat-conversation-${stream ? 'stream' : 'whole'}`;
  const messages = [user(job.text)];
  const turns = [];
  for (;;) {
    const request = { ...chat, messages: [...messages], tools: chatTools };
    const completion = stream
      ? await client.chat.completions.stream(request, key(scenario)).finalChatCompletion()
      : await client.chat.completions.create(request, key(scenario));
    turns.push(completion);
    const message = completion.choices[0].message;
    messages.push(message);
    if (!message.tool_calls?.length) break;
    for (const call of message.tool_calls) {
      const content = `${job.result} ${JSON.stringify(JSON.parse(call.function.arguments), null, 2)}`;
      messages.push({ role: 'tool', tool_call_id: call.id, content });
    }
  }
  show(scenario, turns);
}

/** The SDK's own loop over a function, streamed. */
async function agent() {
  const inputs = [];
  const lookUp = {
    type: 'function',
    function: {
      name: 'look_up',
      description: 'Looks it up',
      parameters,
      parse: JSON.parse,
      function: input => {
        inputs.push(input);
        return `${job.result} ${input.text}`;
      },
    },
  };
  const request = { ...chat, messages: [user(job.text)], tools: [lookUp], stream: true };
  const runner = client.chat.completions.runTools(request, key('agent'));
  const content = await runner.finalContent();
  show('agent', { content, messages: runner.messages, inputs });
}

async function responsesWhole() {
  const request = {
    model: 'gpt-4o',
    instructions: job.system,
    input: job.text,
    metadata: { about: job.text.slice(0, 200) },
  };
  show('responses-whole', await client.responses.create(request, key('responses-whole')));
}

/** By the helper, which puts the response together, beside the one of the last event. */
async function responsesStreamed(pieces) {
  const scenario = `responses-stream-${pieces}`;
  const request = { ...responses, input: [user(job.text)], tools };
  const stream = client.responses.stream(request, key(scenario));
  const [events, channels] = [[], {}];
  for await (const event of stream) {
    if (event.type.endsWith('.delta')) {
      const channel = `${event.type} ${event.item_id}`;
      channels[channel] = (channels[channel] ?? '') + event.delta;
    }
    events.push(event);
  }
  const numbers = events.map(event => event.sequence_number);
  const ending = end => events.filter(event => event.type.endsWith(end));
  show(scenario, {
    runs: runs(events.map(event => event.type)),
    channels,
    in_order: numbers.every((number, at) => at === 0 || numbers[at - 1] <= number),
    text: ending('text.done').map(event => event.text),
    arguments: ending('arguments.done').map(event => event.arguments),
    items: ending('response.output_item.done').map(event => event.item),
    response: await stream.finalResponse(),
  });
}

/** The SDK's own items go back as input, encrypted reasoning and all. */
async function responsesConversation(stream) {
  const scenario = `responses-conversation-${stream ? 'stream' : 'whole'}`;
  const history = [user(job.text)];
  const turns = [];
  for (;;) {
    const request = { ...responses, input: [...history], tools };
    const response = stream
      ? await client.responses.stream(request, key(scenario)).finalResponse()
      : await client.responses.create(request, key(scenario));
    turns.push(response);
    // What the helper adds to the items is not for the API.
    history.push(...response.output.map(({ parsed_arguments: _, ...item }) => item));
    const calls = response.output.filter(item => item.type === 'function_call');
    if (calls.length === 0) break;
    for (const call of calls) {
      const output = `${job.result} ${JSON.stringify(JSON.parse(call.arguments), null, 2)}`;
      history.push({ type: 'function_call_output', call_id: call.call_id, output });
    }
  }
  show(scenario, turns);
}

async function embedded() {
  for (const [name, options] of Object.entries({ numbers: { encoding_format: 'float' }, base64: {} })) {
    const request = { model: 'text-embedding-3-small', input: [job.text, job.result], ...options };
    show(`embed-${name}`, await client.embeddings.create(request, key(`embed-${name}`)));
  }
}

async function atOnce() {
  const one = (text, number) => {
    const options = key(`at-once-${number}`);
    const [completion, response] = [
      { ...chat, messages: [user(text)], tools: chatTools },
      { ...responses, input: text, tools },
    ];
    switch (number % 4) {
      case 0:
        return client.chat.completions.create(completion, options);
      case 1:
        return client.responses.create(response, options);
      case 2:
        return client.chat.completions.stream(completion, options).finalChatCompletion();
      default:
        return client.responses.stream(response, options).finalResponse();
    }
  };
  show('at-once', await Promise.all(job.at_once.map(one)));
}

drive(async () => {
  await chatWhole();
  await responsesWhole();
  await embedded();
  for (const pieces of job.pieces) {
    await chatStreamed(pieces);
    await chatRaw(pieces);
    await responsesStreamed(pieces);
  }
  for (const stream of [false, true]) {
    await chatConversation(stream);
    await responsesConversation(stream);
  }
  await agent();
  await atOnce();
});

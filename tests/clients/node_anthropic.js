// Drives the Node SDK of Anthropic.
'use strict';

const Anthropic = require('@anthropic-ai/sdk');
const { betaTool } = require('@anthropic-ai/sdk/helpers/beta/json-schema');
const { baseUrl, drive, job, key, runs, show } = require('./common.js');

const client = new Anthropic({ baseURL: baseUrl(), apiKey: 'sk-scripted', maxRetries: 0 });
const settings = { model: 'claude-haiku-4-5', max_tokens: 1024 };
const thinking = { type: 'enabled', budget_tokens: 1024 };
const schema = { type: 'object', properties: { text: { type: 'string', description: job.text } } };
const tools = ['look_up', 'search'].map(name => ({
  name,
  description: `Knows ${job.text}`,
  input_schema: schema,
}));
const user = content => ({ role: 'user', content });

async function whole() {
  const request = { ...settings, system: job.system, messages: [user(job.text)] };
  show('whole', await client.messages.create(request, key('whole')));
}

async function counted() {
  const request = { model: settings.model, system: job.system, messages: [user(job.text)], tools };
  show('count', await client.messages.countTokens(request, key('count')));
}

/** By the helper, which puts the message together. */
async function streamed(pieces) {
  const scenario = `stream-${pieces}`;
  const request = { ...settings, messages: [user(job.text)], tools, thinking };
  const heard = { said: '', thought: '', blocks: [], types: [] };
  const stream = client.messages
    .stream(request, key(scenario))
    .on('streamEvent', event => heard.types.push(event.type))
    .on('text', text => (heard.said += text))
    .on('thinking', text => (heard.thought += text))
    .on('contentBlock', block => heard.blocks.push(structuredClone(block)));
  const message = await stream.finalMessage();
  show(scenario, { ...heard, types: runs(heard.types), message, text: await stream.finalText() });
}

/** Event by event; two calls of tools take turns. */
async function raw(pieces) {
  const scenario = `raw-${pieces}`;
  const request = { ...settings, messages: [user(job.text)], tools, stream: true };
  const [channels, types, rest] = [{}, [], []];
  for await (const event of await client.messages.create(request, key(scenario))) {
    types.push(event.type);
    if (event.type === 'content_block_delta') {
      const text = event.delta.text ?? event.delta.partial_json;
      channels[event.index] = (channels[event.index] ?? '') + text;
    } else {
      rest.push(event);
    }
  }
  const inputs = [1, 2].map(index => JSON.parse(channels[index]));
  show(scenario, { runs: runs(types), text: channels[0], inputs, rest });
}

/** The SDK's own objects go back as the history, signed thinking and all. */
async function conversation(stream) {
  const scenario = `conversation-${stream ? 'stream' : 'whole'}`;
  const messages = [user(job.text)];
  const turns = [];
  for (;;) {
    const request = { ...settings, messages: [...messages], tools, thinking };
    const message = stream
      ? await client.messages.stream(request, key(scenario)).finalMessage()
      : await client.messages.create(request, key(scenario));
    turns.push(message);
    messages.push({ role: 'assistant', content: message.content });
    const calls = message.content.filter(block => block.type === 'tool_use');
    if (calls.length === 0) break;
    messages.push(
      user(
        calls.map(call => ({
          type: 'tool_result',
          tool_use_id: call.id,
          content: `${job.result} ${JSON.stringify(call.input)}`,
        })),
      ),
    );
  }
  show(scenario, turns);
}

/** The SDK's own loop over a tool. */
async function agent() {
  const inputs = [];
  const lookUp = betaTool({
    name: 'look_up',
    description: 'Looks it up',
    inputSchema: schema,
    run: input => {
      inputs.push(input);
      return `${job.result} ${input.text}`;
    },
  });
  const request = { ...settings, messages: [user(job.text)], tools: [lookUp] };
  const messages = [];
  for await (const message of client.beta.messages.toolRunner(request, key('agent'))) messages.push(message);
  show('agent', { messages, inputs });
}

async function atOnce() {
  const one = (text, number) => {
    const request = { ...settings, messages: [user(text)], tools };
    const options = key(`at-once-${number}`);
    return number % 2 === 0
      ? client.messages.create(request, options)
      : client.messages.stream(request, options).finalMessage();
  };
  show('at-once', await Promise.all(job.at_once.map(one)));
}

drive(async () => {
  await whole();
  await counted();
  for (const pieces of job.pieces) {
    await streamed(pieces);
    await raw(pieces);
  }
  await conversation(false);
  await conversation(true);
  await agent();
  await atOnce();
});

//! Tokens of the model: counters, their labels, and the access log.

use e2e::{
    client::{Protocol, within},
    provider::{End, Gate, Reply, Script},
    world::{Settings, World, key_of},
};
use serde_json::{Value, json};

use crate::support::{Api, INSTANCE, TEXT, answer_with};

const CHAT_STREAM: &str = "data: {\"model\":\"gpt-4o\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"}}],\"usage\":null}\n\n\
    data: {\"model\":\"gpt-4o\",\"choices\":[],\"usage\":{\"prompt_tokens\":1000,\"completion_tokens\":5}}\n\ndata: [DONE]\n\n";

/// What the access log says of the requests, in order.
fn logged(world: World) -> Vec<Value> {
    let access = world.envoy.stop().access;
    access.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["usage"].take()).collect()
}

fn counters(world: &World) -> Vec<String> {
    let stats = world.envoy.admin("/stats?filter=cloakroom_(in|out)put_tokens").unwrap();
    let mut lines: Vec<String> =
        stats.lines().map(|line| line.replace("wasmcustom.cloakroom_", "")).collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn usage_is_counted_whether_anything_is_restored_or_not() {
    let world = World::start(&Settings::shipped());
    for (text, stream) in [(TEXT, true), (TEXT, false), ("hello", true), ("hello", false)] {
        let call = Api::Anthropic.call(&world, Api::Anthropic.request(text, stream, false));
        assert_eq!(world.see(&call).await.answer.status, 200);
    }
    // What is not restored is not touched.
    for text in [INSTANCE, "hello"] {
        let call = Api::OpenAi.call(&world, Api::OpenAi.request(text, true, false));
        let script = Script::new("text/event-stream").send_in_pieces(CHAT_STREAM, 7);
        answer_with(&world, &call, Reply::Script(script));
        assert_eq!(world.see(&call).await.answer.text(), CHAT_STREAM);
    }
    assert_eq!(
        counters(&world),
        [
            "input_tokens_host=api.anthropic.com;model=m-1;scope=default: 48",
            "input_tokens_host=api.openai.com;model=gpt-4o;scope=default: 2000",
            "output_tokens_host=api.anthropic.com;model=m-1;scope=default: 136",
            "output_tokens_host=api.openai.com;model=gpt-4o;scope=default: 10",
        ]
    );
    let prometheus = world.envoy.admin("/stats/prometheus").unwrap();
    let labelled = r#"cloakroom_input_tokens{host="api.openai.com",model="gpt-4o",scope="default"} 2000"#;
    assert!(prometheus.contains(labelled), "{prometheus}");
    let (messages, chunks) = ("model=m-1,in=12,out=34", "model=gpt-4o,in=1000,out=5");
    assert_eq!(logged(world), [messages, messages, messages, messages, chunks, chunks]);
}

/// What the answer said before the application left.
#[tokio::test]
async fn usage_of_an_answer_that_is_left_is_told() {
    const STARTED: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"m-1\",\
        \"usage\":{\"input_tokens\":12,\"output_tokens\":1}}}\n\n";
    let world = World::start(&Settings::shipped());
    let call = Api::Anthropic.call(&world, Api::Anthropic.request(TEXT, true, false));
    let script = Script::new("text/event-stream").send(STARTED).wait(&Gate::new());
    answer_with(&world, &call, Reply::Script(script));
    let mut connection = world.connect(Protocol::Http1).await;
    let mut live = within("the head", connection.begin(&call)).await.unwrap();
    within("an event", live.read_until(|read| read.ends_with(b"\n\n"))).await;
    drop(live);
    drop(connection);
    let records = world.provider.records();
    let cut = records.wait(key_of(&call), |found| found.iter().any(|r| r.answer == End::Cut));
    within("the provider to be told", cut).await;
    // By then Envoy is done with the one before.
    let call = Api::Anthropic.call(&world, Api::Anthropic.request("hello", false, false));
    assert_eq!(world.see(&call).await.answer.status, 200);
    assert_eq!(counters(&world)[0], "input_tokens_host=api.anthropic.com;model=m-1;scope=default: 24");
    assert_eq!(logged(world), ["model=m-1,in=12,out=1", "model=m-1,in=12,out=34"]);
}

#[tokio::test]
async fn usage_can_be_turned_off() {
    let world = World::start(&Settings::shipped().set_in_filter("usage", json!(false)));
    for text in [TEXT, "hello"] {
        let call = Api::Anthropic.call(&world, Api::Anthropic.request(text, true, false));
        assert_eq!(world.see(&call).await.answer.status, 200);
    }
    assert_eq!(counters(&world), [""; 0]);
    assert_eq!(logged(world), [Value::Null, Value::Null]);
}

//! Identifiers become tokens on the way out and come back on the way in.

use e2e::{
    client::{Call, Protocol},
    provider::{Echo, KEY_HEADER, Reply, Script},
    sse,
    world::{ANTHROPIC, OPENAI, World},
};

use crate::support::{Api, INSTANCE, MASKED, TEXT, answer_with, assert_no_original, without_cloakroom};

/// The main job, to the byte.
#[tokio::test]
async fn an_instance_is_analysed_without_being_named() {
    let world = World::shared();
    for api in Api::BOTH {
        let call = api.call(world, r#"{"messages":[{"content":"Analyze EC2 i-1234567890abcdef0"}]}"#);
        let answer = r#"{"content":"Analysis for AWS_EC2_001..."}"#;
        answer_with(world, &call, Reply::Script(Script::whole("application/json", answer)));
        let seen = world.see(&call).await;
        assert_eq!(seen.received.text(), r#"{"messages":[{"content":"Analyze EC2 AWS_EC2_001"}]}"#);
        assert_eq!(seen.answer.status, 200);
        assert_eq!(seen.answer.text(), r#"{"content":"Analysis for i-1234567890abcdef0..."}"#);
    }
}

/// Prose and tool calls, over HTTP/1.1 and HTTP/2, in chunks of every size: the application gets to the byte what it
/// would have got without Cloakroom.
#[tokio::test]
async fn answers_that_are_not_streamed_come_back_to_the_byte() {
    let world = World::shared();
    for api in Api::BOTH {
        for protocol in [Protocol::Http1, Protocol::Http2] {
            for (chunk_bytes, interleave) in [(0, false), (1, true), (3, false), (7, true)] {
                let echo = Echo { chunk_bytes, interleave, ..Echo::default() };
                let call = api.call(world, api.request(TEXT, false, true));
                answer_with(world, &call, Reply::Echo(echo.clone()));
                let seen = world.see_over(protocol, &call).await;
                assert_eq!(seen.received.text(), api.request(MASKED, false, true), "{api:?}");
                let expected = without_cloakroom(&call, &echo).await;
                assert_eq!(seen.answer.text(), expected.text(), "{api:?} {protocol:?} {chunk_bytes}");
                assert_eq!(seen.answer.status, 200);
            }
        }
    }
}

/// Text that is awkward to find identifiers in, or to put them back into.
#[tokio::test]
async fn awkward_texts_make_the_round_trip() {
    let world = World::shared();
    for text in [
        "line\ni-1234567890abcdef0\tvpc-0a1b2c3d",
        "\"i-1234567890abcdef0\"\\vpc-0a1b2c3d",
        "arn%3Aaws%3Aec2%3Aus-east-1%3A123456789012%3Ainstance%2Fi-1234567890abcdef0",
        "AWS_EC2_001 was typed, i-1234567890abcdef0 is real",
        "AWS\\_EC2\\_001 was typed as markdown, i-1234567890abcdef0 is real",
        "i-1234567890abcdef0i-0abc1234def567890 vpc-0a1b2c3d,vpc-0a1b2c3d",
        "AWS_EC2_101 beside AWS_EC2_1015 and i-1234567890abcdef0",
        "AWS_LITERAL_001 AWS_LITERAL_002 AWS_EC2_001",
        "{\"id\":\"i-1234567890abcdef0\",\"pasted\":\"{\\\"id\\\":\\\"vpc-0a1b2c3d\\\"}\"}",
        "https://console.aws.amazon.com/ec2/home?region=us-east-1#Instances:instanceId=i-1234567890abcdef0",
        "",
    ] {
        for api in Api::BOTH {
            for stream in [false, true] {
                let call = api.call(world, api.request(text, stream, true));
                let echo = Echo { delta_chars: 0, ..Echo::default() };
                answer_with(world, &call, Reply::Echo(echo.clone()));
                let seen = world.see(&call).await;
                let expected = without_cloakroom(&call, &echo).await;
                let what = format!("{text:?} as {}", seen.received.text());
                if stream {
                    // A token at the end of a delta leaves in a delta of its own.
                    let (got, expected) = (sse::texts(&seen.answer.body), sse::texts(&expected.body));
                    assert_eq!(got, expected, "{what}");
                } else {
                    assert_eq!(seen.answer.text(), expected.text(), "{what}");
                }
                // Back to back, neither is an identifier: letters bind.
                if !text.contains("i-1234567890abcdef0i-") {
                    assert_no_original("the provider", &seen.received.body);
                }
            }
        }
    }
}

/// `\u002d` hides a hyphen from whoever reads raw JSON. It comes back unescaped, which is the same JSON value.
#[tokio::test]
async fn json_escapes_do_not_hide_an_identifier() {
    let world = World::shared();
    let body = r#"{"messages":[{"role":"user","content":"\u0069\u002d1234567890abcdef0 \/ \u00e9"}]}"#;
    let seen = world.see(&world.anthropic(body)).await;
    assert_eq!(
        seen.received.text(),
        r#"{"messages":[{"role":"user","content":"AWS_EC2_001 \/ \u00e9"}]}"#,
        "and what is not masked keeps its spelling"
    );
    assert!(seen.answer.text().contains("You said: i-1234567890abcdef0 / é"), "{}", seen.answer.text());
}

/// Identifiers stand in tool arguments (a JSON document in a string), tool results, system prompts and descriptions.
#[tokio::test]
async fn every_place_for_text_is_masked() {
    let world = World::shared();
    let anthropic = r#"{"model":"m","system":[{"type":"text","text":"about vpc-0a1b2c3d"}],"messages":[{"role":"user","content":"i-1234567890abcdef0?"},{"role":"assistant","content":[{"type":"tool_use","id":"toolu_1","name":"run","input":{"ids":["i-1234567890abcdef0",{"vpc-0a1b2c3d":10}]}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"{\"Ip\":\"10.0.12.34\"}"}]}],"tools":[{"name":"run","description":"in vpc-0a1b2c3d","input_schema":{"type":"object"}}]}"#;
    let masked = r#"{"model":"m","system":[{"type":"text","text":"about AWS_VPC_001"}],"messages":[{"role":"user","content":"AWS_EC2_001?"},{"role":"assistant","content":[{"type":"tool_use","id":"toolu_1","name":"run","input":{"ids":["AWS_EC2_001",{"AWS_VPC_001":10}]}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"{\"Ip\":\"AWS_PRIVATE_IP_001\"}"}]}],"tools":[{"name":"run","description":"in AWS_VPC_001","input_schema":{"type":"object"}}]}"#;
    let seen = world.see(&world.anthropic(anthropic)).await;
    assert_eq!(seen.received.text(), masked);

    let openai = r#"{"model":"m","messages":[{"role":"system","content":"about vpc-0a1b2c3d"},{"role":"user","content":[{"type":"text","text":"i-1234567890abcdef0?"}]},{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"run","arguments":"{\"id\":\"i-1234567890abcdef0\",\"in\":\"\\nvpc-0a1b2c3d\"}"}}]},{"role":"tool","tool_call_id":"call_1","content":"10.0.12.34"}]}"#;
    let masked = r#"{"model":"m","messages":[{"role":"system","content":"about AWS_VPC_001"},{"role":"user","content":[{"type":"text","text":"AWS_EC2_001?"}]},{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"run","arguments":"{\"id\":\"AWS_EC2_001\",\"in\":\"\\nAWS_VPC_001\"}"}}]},{"role":"tool","tool_call_id":"call_1","content":"AWS_PRIVATE_IP_001"}]}"#;
    let seen = world.see(&world.openai(openai)).await;
    assert_eq!(seen.received.text(), masked);
}

/// Not a byte of it changes, in either direction: prompt caches and signatures depend on it. The answer's
/// token-like text is the provider's own: nothing was masked.
#[tokio::test]
async fn a_body_without_identifiers_passes_as_it_is() {
    let world = World::shared();
    let body = "\r\n{ \"messages\" :[{\"content\":\"caf\\u00e9 \\/ 한글 🙂 i-123\", \"role\":\"user\"}],\t\"temperature\":1.00,\"model\":\"m\",\"top_p\":1E-1,\"x\":[ ],\"y\":{ } }\n";
    for api in Api::BOTH {
        let call = api.call(world, body);
        let answer = "{\"content\":\"AWS_EC2_001 \\u00e9\",  \"n\":1.0}\n";
        answer_with(world, &call, Reply::Script(Script::whole("application/json", answer)));
        let seen = world.see(&call).await;
        assert_eq!(seen.received.text(), body);
        assert_eq!(seen.answer.text(), answer);
    }
}

/// A credential is masked for good; the token of an identifier that was not sent is nobody's.
#[tokio::test]
async fn credentials_and_unknown_tokens_are_not_restored() {
    let world = World::shared();
    let body = r#"{"messages":[{"role":"user","content":"AKIAIOSFODNN7EXAMPLE on i-1234567890abcdef0"}]}"#;
    let call = world.openai(body);
    let answer = r#"{"content":"AWS_ACCESS_KEY_001, AWS_EC2_001, AWS_EC2_002, AWS_EC2_0011, xAWS_EC2_001"}"#;
    answer_with(world, &call, Reply::Script(Script::whole("application/json", answer)));
    let seen = world.see(&call).await;
    assert_eq!(
        seen.received.text(),
        r#"{"messages":[{"role":"user","content":"AWS_ACCESS_KEY_001 on AWS_EC2_001"}]}"#
    );
    assert_eq!(
        seen.answer.text(),
        r#"{"content":"AWS_ACCESS_KEY_001, i-1234567890abcdef0, AWS_EC2_002, AWS_EC2_0011, xAWS_EC2_001"}"#
    );
}

/// Two applications, one after the other on one connection: each gets its own identifier for the same token.
#[tokio::test]
async fn exchanges_do_not_mix() {
    let world = World::shared();
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let mut connection = world.connect(protocol).await;
        for id in [INSTANCE, "i-0abc1234def567890"] {
            let call = world.anthropic(format!(r#"{{"messages":[{{"content":"{id}"}}]}}"#));
            connection.ready().await.unwrap();
            let answer = connection.call(&call).await.unwrap();
            assert!(answer.text().contains(&format!("You said: {id}")), "{}", answer.text());
        }
    }
}

/// What an SDK does with a base URL: the provider sees its own name, whatever the application called it.
#[tokio::test]
async fn base_urls_lead_to_their_provider() {
    let world = World::shared();
    let port = world.envoy.address().port();
    for (host, path, provider) in [
        ("127.0.0.1:8081".to_owned(), "/v1/messages", ANTHROPIC),
        ("localhost:8081".to_owned(), "/v1/messages", ANTHROPIC),
        ("anthropic.localhost".to_owned(), "/v1/messages", ANTHROPIC),
        (format!("anthropic.localhost:{port}"), "/v1/messages", ANTHROPIC),
        ("127.0.0.1:8082".to_owned(), "/v1/chat/completions", OPENAI),
        (format!("openai.localhost:{port}"), "/v1/chat/completions", OPENAI),
        ("API.OpenAI.com:443".to_owned(), "/v1/chat/completions", OPENAI),
        ("api.anthropic.com.".to_owned(), "/v1/messages", ANTHROPIC),
    ] {
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let call = Call::post(&host, path, r#"{"messages":[{"content":"i-1234567890abcdef0"}]}"#);
            let call = call.header(KEY_HEADER, world.key());
            let seen = world.see_over(protocol, &call).await;
            assert_eq!(seen.received.host().as_deref(), Some(provider), "{host}");
            assert_eq!(seen.received.path, path);
            assert_eq!(seen.received.text(), r#"{"messages":[{"content":"AWS_EC2_001"}]}"#);
            assert!(seen.answer.text().contains(INSTANCE), "{}", seen.answer.text());
        }
    }
}

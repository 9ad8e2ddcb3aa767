//! What the operator configures: kinds on and off, own kinds, `mode: observe`, and what the access log says.

use e2e::{
    client::Call,
    provider::{Reply, Script},
    world::{Seen, Settings, World},
};
use serde_json::{Value, json};

use crate::support::answer_with;

const TEXT: &str = "i-1234567890abcdef0 and i-1234567890abcdef0 at 8.8.8.8 of PRJ-7, mail ops@corp.example, \
    arn:aws:iam::123456789012:role/Admin, arn:aws:iam::111122223333:role/Admin";

fn call(world: &World, text: &str) -> Call {
    world.anthropic(json!({"messages": [{"content": text}]}).to_string())
}

/// Sends the text; the provider answers with the text that it received.
async fn see(world: &World, text: &str, answer: &'static str) -> Seen {
    let call = call(world, text);
    answer_with(world, &call, Reply::Script(Script::whole("application/json", answer)));
    world.see(&call).await
}

fn text_of(body: &str) -> String {
    let body: Value = serde_json::from_str(body).unwrap();
    body["messages"][0]["content"].as_str().unwrap().to_owned()
}

/// The last line of the access log: that of the only request.
fn access(world: World) -> Value {
    let access = world.envoy.stop().access;
    serde_json::from_str(access.lines().last().unwrap()).unwrap()
}

#[tokio::test]
async fn what_is_configured_is_masked_and_the_access_log_has_the_rules() {
    let detect = json!({
        "kinds": {"AWS_PUBLIC_IP": false, "PII_EMAIL": true},
        "never_mask": ["111122223333"],
        "own_kinds": [
            {"token": "ORG_PROJECT", "regex": "PRJ-[0-9]+"},
            {"token": "ORG_ROLE", "words": ["admin"], "ignore_case": true, "restore": false},
        ],
    });
    let world = World::start(&Settings::shipped().set_in_filter("detect", detect));
    let seen = see(&world, TEXT, r#"{"a":"ORG_PROJECT_001 ORG_ROLE_001 PII_EMAIL_001 AWS_EC2_001"}"#).await;
    assert_eq!(
        text_of(&seen.received.text()),
        "AWS_EC2_001 and AWS_EC2_001 at 8.8.8.8 of ORG_PROJECT_001, mail PII_EMAIL_001, \
         arn:aws:iam::AWS_ACCOUNT_001:role/ORG_ROLE_001, arn:aws:iam::111122223333:role/ORG_ROLE_001"
    );
    let restored = r#"{"a":"PRJ-7 ORG_ROLE_001 ops@corp.example i-1234567890abcdef0"}"#;
    assert_eq!(seen.answer.text(), restored);
    let stats = world.envoy.admin("/stats?filter=cloakroom_masked").unwrap();
    assert!(stats.contains("cloakroom_masked_ORG_PROJECT: 1"), "{stats}");
    let line = access(world);
    assert_eq!(line["masked"], "ORG_PROJECT=1,ORG_ROLE=2,arn=1,ec2-instance=2,email=1", "{line}");
    assert_eq!(line["observed"], Value::Null);
}

/// A list as long as lists may be, and half as many words as all may have: they are found, and the VM starts with them.
#[tokio::test]
async fn a_hundred_thousand_words_are_found() {
    let words: Vec<String> =
        (0..100_000).map(|number| format!("codename-{}-{number}", number % 977)).collect();
    let detect = json!({"own_kinds": [{"token": "ORG_CODENAME", "words": words, "ignore_case": true}]});
    let world = World::start(&Settings::shipped().set_in_filter("detect", detect));
    let seen =
        see(&world, "Codename-976-99653 and codename-0-0, not codename-0-00", r#"{"a":"ORG_CODENAME_001"}"#)
            .await;
    assert_eq!(text_of(&seen.received.text()), "ORG_CODENAME_001 and ORG_CODENAME_002, not codename-0-00");
    assert_eq!(seen.answer.text(), r#"{"a":"Codename-976-99653"}"#);
}

/// A VM that starts holds up the worker: nothing may be compiled that could be data.
#[tokio::test]
async fn the_catalogue_is_ready_in_a_tenth_of_a_second() {
    let stats = World::shared().envoy.admin("/stats?filter=cloakroom_start_ms").unwrap();
    let millis: u64 = stats.trim().rsplit(' ').next().unwrap().parse().expect("one gauge");
    assert!(millis < 100, "{stats}");
}

#[tokio::test]
async fn observe_changes_nothing_and_says_what_it_would_have_done() {
    let world =
        World::start(&Settings::shipped().set_in_filter("mode", "observe".into()).max_body_bytes(4096));
    let seen = see(&world, TEXT, r#"{"a":"AWS_EC2_001"}"#).await;
    assert_eq!(text_of(&seen.received.text()), TEXT);
    assert_eq!(seen.answer.text(), r#"{"a":"AWS_EC2_001"}"#);
    // What would have been refused goes on: an identifier in a name, a body that is no JSON, one that is too large.
    for body in [
        r#"{"model":"i-1234567890abcdef0"}"#.to_owned(),
        "{".to_owned(),
        format!("{{\"text\":\"{}\"}}", "i-1234567890abcdef0 ".repeat(1000)),
    ] {
        let call = world.anthropic(body.clone());
        answer_with(&world, &call, Reply::Script(Script::whole("application/json", "{}")));
        assert_eq!(world.see(&call).await.received.text(), body);
    }
    let stats = world.envoy.admin("/stats?filter=cloakroom_").unwrap();
    for stat in [
        "cloakroom_observed_AWS_EC2: 2",
        "cloakroom_observed_AWS_IAM_ROLE: 2",
        "cloakroom_would_refuse_identifier_in_field: 1",
        "cloakroom_would_refuse_body_unreadable: 1",
        "cloakroom_passed_unread: 1",
    ] {
        assert!(stats.contains(stat), "{stat}: {stats}");
    }
    assert!(!stats.contains("cloakroom_masked"), "{stats}");
    let access = world.envoy.stop().access;
    let first: Value = serde_json::from_str(access.lines().next().unwrap()).unwrap();
    assert_eq!(first["observed"], "arn=4,ec2-instance=2,public-ip=1", "{access}");
    assert!(!access.contains("i-1234567890abcdef0"));
}

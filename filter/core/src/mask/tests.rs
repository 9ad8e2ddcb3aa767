use super::*;
use crate::config::detection::Detection;
use crate::detect::Detector;
use crate::json::shape::TEXT;
use alloc::string::ToString;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Masks as `store: request` does.
pub(super) fn mask(body: &str) -> Result<String, Unmaskable> {
    mask_with(&Detector::new(&Detection::default()).unwrap(), body)
}

fn mask_with(detector: &Detector, body: &str) -> Result<String, Unmaskable> {
    let mut plan = Plan::find(detector, &TEXT, body.as_bytes())?;
    loop {
        let tokens = number(detector, &plan.values);
        if let Masked::Body(body) = plan.mask(detector, &TEXT, body.as_bytes(), &tokens)? {
            return Ok(String::from_utf8(body).unwrap());
        }
    }
}

#[test]
fn bodies() {
    let cases = [
        (
            r#"{"messages":[{"content":"Analyze EC2 i-1234567890abcdef0"}]}"#,
            r#"{"messages":[{"content":"Analyze EC2 AWS_EC2_001"}]}"#,
        ),
        // Untouched bytes stay: spacing, escapes, order.
        (
            r#" { "a" : "\u00e9 \/ i-12345678\n" , "n":1e5 } "#,
            r#" { "a" : "\u00e9 \/ AWS_EC2_001\n" , "n":1e5 } "#,
        ),
        // Escapes hide nothing and bind nothing.
        (r#"["\ni-12345678","i\u002d12345678\t"]"#, r#"["\nAWS_EC2_001","AWS_EC2_001\t"]"#),
        // Numbered in order of appearance, one token a value.
        (
            r#"["vpc-12345678 i-12345678","i-87654321 i-12345678"]"#,
            r#"["AWS_VPC_001 AWS_EC2_001","AWS_EC2_002 AWS_EC2_001"]"#,
        ),
        // Names of members are text.
        (r#"{"i-12345678":1}"#, r#"{"AWS_EC2_001":1}"#),
        // What reads as a token is masked itself, escaped or not.
        (
            r#"["AWS_EC2_001 i-12345678 AWS\\_EC2\\_001"]"#,
            r#"["AWS_LITERAL_001 AWS_EC2_001 AWS_LITERAL_002"]"#,
        ),
        // The account of an ARN is masked wherever it stands, before or after, as a number too.
        (
            r#"["of 123456789012: arn:aws:iam::123456789012:root",{"id":123456789012,"x":1234567890123}]"#,
            r#"["of AWS_ACCOUNT_001: arn:aws:iam::AWS_ACCOUNT_001:root",{"id":"AWS_ACCOUNT_002","x":1234567890123}]"#,
        ),
        // However the ARN spells it.
        (
            r#"["[\"arn:aws:iam::12345678901\\u0032:root\"] and 123456789012"]"#,
            r#"["[\"arn:aws:iam::AWS_ACCOUNT_001:root\"] and AWS_ACCOUNT_002"]"#,
        ),
        // Also where a document is cut off behind it.
        (
            r#"["arn:aws:iam::123456789012:root","[123456789012"]"#,
            r#"["arn:aws:iam::AWS_ACCOUNT_001:root","[\"AWS_ACCOUNT_002\""]"#,
        ),
        // Twelve digits are an account only where something says so.
        (r#"["123456789012",123456789012]"#, r#"["123456789012",123456789012]"#),
        // JSON in strings, to any depth.
        (
            r#"{"args":"{\"id\":\"i-12345678\",\"x\":\"{\\\"v\\\":\\\"\\\\u0076pc-12345678\\\"}\"}"}"#,
            r#"{"args":"{\"id\":\"AWS_EC2_001\",\"x\":\"{\\\"v\\\":\\\"AWS_VPC_001\\\"}\"}"}"#,
        ),
        // What only begins like JSON is text.
        (
            r#"["[10.0.0.1] {not json i-12345678 \"a\": \"i-12345678\""]"#,
            r#"["[AWS_PRIVATE_IP_001] {not json AWS_EC2_001 \"a\": \"AWS_EC2_001\""]"#,
        ),
        // A credential's token comes back in the history beside the credential, and passes.
        (r#"["AKIAIOSFODNN7EXAMPLE AWS_ACCESS_KEY_001"]"#, r#"["AWS_ACCESS_KEY_001 AWS_ACCESS_KEY_001"]"#),
        (r#"["AWS_ACCESS_KEY_001"]"#, r#"["AWS_LITERAL_001"]"#),
    ];
    for (body, expected) in cases {
        assert_eq!(mask(body).as_deref(), Ok(expected), "{body}");
    }
}

#[test]
fn nothing_found_is_nothing_to_do() {
    let detector = Detector::new(&Detection::default()).unwrap();
    let plan = Plan::find(&detector, &TEXT, br#"{"a":["b",1,null,true,"\ud83d\ude00"]}"#).unwrap();
    assert!(plan.spans.is_empty() && plan.values.is_empty());
}

#[test]
fn a_number_that_could_not_come_back_as_it_is_spelled_is_refused() {
    let inner = r#"{"x":"\\u005b\\u0031\\u0032\\u0033456789012\\u005d"}"#.replace(r"\\", r"\");
    let body =
        alloc::format!(r#"["arn:aws:iam::123456789012:root",{}]"#, serde_json::to_string(&inner).unwrap());
    assert_eq!(mask(&body), Err(Unmaskable::Ambiguous));
}

#[test]
fn a_value_without_a_token_does_not_go_out() {
    let detector = Detector::new(&Detection::default()).unwrap();
    let body = br#"["i-12345678 i-87654321"]"#;
    let mut plan = Plan::find(&detector, &TEXT, body).unwrap();
    let tokens = ["AWS_EC2_001".to_string()];
    assert!(matches!(plan.mask(&detector, &TEXT, body, &tokens), Err(Unmaskable::Ambiguous)));
}

#[test]
fn too_many_values_are_refused() {
    let body = |count: usize| {
        let ids: Vec<String> = (0..count).map(|n| alloc::format!("i-{n:08x}")).collect();
        alloc::format!("[\"{}\"]", ids.join(" "))
    };
    assert!(mask(&body(MAX_VALUES)).is_ok());
    assert_eq!(mask(&body(MAX_VALUES + 1)), Err(Unmaskable::TooManyValues));
}

#[test]
fn text_beside_a_token_is_widened_into_a_literal() {
    // No rule of the catalogue finds two values that touch, so the plan is made by hand.
    let detector = Detector::new(&Detection::default()).unwrap();
    let body = br#"["x i-12345678i-87654321 y"]"#;
    let kind = detector.kind_named("EC2").unwrap();
    let value =
        |text: &str| Value { kind, form: Form::Text, secret: Secret::new(text.as_bytes()), reads_as: None };
    let span = |raw, value| Span { raw, value, level: 1, rule: "test" };
    let mut plan = Plan {
        spans: Vec::from([span(4..14, 0), span(14..24, 1)]),
        values: Vec::from([value("i-12345678"), value("i-87654321")]),
        ..Plan::default()
    };
    let tokens = number(&detector, &plan.values);
    assert!(matches!(plan.mask(&detector, &TEXT, body, &tokens), Ok(Masked::Widened)));
    let tokens = number(&detector, &plan.values);
    let Ok(Masked::Body(masked)) = plan.mask(&detector, &TEXT, body, &tokens) else { panic!("reads back") };
    assert_eq!(String::from_utf8(masked).unwrap(), r#"["x AWS_LITERAL_001 y"]"#);
    assert_eq!(plan.values[plan.spans[0].value].secret.expose(), b"i-12345678i-87654321");
}

#[test]
fn secrets_do_not_print() {
    let detector = Detector::new(&Detection::default()).unwrap();
    let plan = Plan::find(&detector, &TEXT, br#"["i-12345678"]"#).unwrap();
    assert!(!alloc::format!("{plan:?}").contains("12345678"));
    assert_eq!(plan.spans.len().to_string(), "1");
}

/// What takes a credential in is one: it is neither restored nor stored.
#[test]
fn what_contains_a_credential_is_one() {
    let with = |detect: &str| {
        let config = alloc::format!(r#"{{"hosts":["a.example"],"detect":{detect}}}"#);
        Detector::new(&crate::config::Config::from_json(config.as_bytes()).unwrap().detection).unwrap()
    };
    let overlapping = with(r#"{"own_kinds":[{"token":"ORG_P","regex":"run AKIA.{4}"}]}"#);
    assert_eq!(
        mask_with(&overlapping, r#"["run AKIAIOSFODNN7EXAMPLE now"]"#).unwrap(),
        r#"["AWS_ACCESS_KEY_002 now"]"#
    );
    let whole = with(r#"{"arns":"whole"}"#);
    assert_eq!(
        mask_with(&whole, r#"["arn:aws:s3:::logs/AKIAIOSFODNN7EXAMPLE/x"]"#).unwrap(),
        r#"["AWS_ACCESS_KEY_001"]"#
    );
}

//! Golden: what is on the wire does not change by accident.

use super::*;
use alloc::format;
use alloc::string::ToString;

#[test]
fn issue() {
    let json = r#"{"values":[{"kind":"EC2","value":"i-0abc","keep":true},{"kind":"ACCESS_KEY","value":"AKIA\"","keep":false}]}"#;
    let request: IssueRequest<'_> = serde_json::from_str(json).unwrap();
    assert_eq!(request.values[0].kind, "EC2");
    assert_eq!(request.values[1].value, "AKIA\"");
    assert_eq!(serde_json::to_string(&request).unwrap(), json);
    assert!(matches!(request.values[0].value, Cow::Borrowed(_)), "what needs no unescaping is not copied");

    for json in [r#"{"tokens":["AWS_EC2_001"]}"#, r#"{"tokens":["AWS_EC2_001"],"ttl_seconds":86400}"#] {
        let response: IssueResponse = serde_json::from_str(json).unwrap();
        assert_eq!(response.tokens, ["AWS_EC2_001"]);
        assert_eq!(serde_json::to_string(&response).unwrap(), json);
    }
}

#[test]
fn restore() {
    let json = r#"{"tokens":["AWS_EC2_001","AWS_EC2_002"]}"#;
    let request: RestoreRequest<'_> = serde_json::from_str(json).unwrap();
    assert_eq!(request.tokens, ["AWS_EC2_001", "AWS_EC2_002"]);
    assert_eq!(serde_json::to_string(&request).unwrap(), json);

    let json = r#"{"values":["i-0abc",null]}"#;
    let response: RestoreResponse = serde_json::from_str(json).unwrap();
    assert_eq!(response.values, [Some("i-0abc".to_string()), None]);
    assert_eq!(serde_json::to_string(&response).unwrap(), json);
}

#[test]
fn forget_and_errors() {
    let json = r#"{"forgotten":3}"#;
    let response: ForgetResponse = serde_json::from_str(json).unwrap();
    assert_eq!(serde_json::to_string(&response).unwrap(), json);

    let json = r#"{"error":{"code":"forbidden","message":"No."},"request_id":"r-1"}"#;
    let response: ErrorResponse = serde_json::from_str(json).unwrap();
    assert_eq!(serde_json::to_string(&response).unwrap(), json);
}

#[test]
fn unknown_members_of_a_request_are_refused() {
    assert!(serde_json::from_str::<IssueRequest<'_>>(r#"{"values":[],"x":1}"#).is_err());
    assert!(serde_json::from_str::<RestoreRequest<'_>>(r#"{"tokens":[],"x":1}"#).is_err());
    assert!(
        serde_json::from_str::<IssueRequest<'_>>(
            r#"{"values":[{"kind":"EC2","value":"i","keep":true,"x":1}]}"#
        )
        .is_err()
    );
}

#[test]
fn values_do_not_print() {
    let value = IssueValue { kind: "EC2".into(), value: "i-0abc".into(), keep: true };
    assert!(!format!("{value:?}").contains("i-0abc"));
    let restored = RestoreResponse { values: [Some("i-0abc".into())].into() };
    assert!(!format!("{restored:?}").contains("i-0abc"));
}

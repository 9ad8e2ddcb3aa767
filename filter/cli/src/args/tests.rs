use super::*;

fn parsed(line: &str) -> Result<Command, String> {
    read(Parser::from_args(line.split_whitespace())).map_err(|failure| match failure {
        Failure::Usage(text) => text,
        other => format!("{other:?}"),
    })
}

#[test]
fn commands() {
    let mask = |config: Option<&str>, output| {
        let (url, content_type) = (DEFAULT_URL.into(), DEFAULT_CONTENT_TYPE.into());
        Command::Mask(Mask { url, config: config.map(Into::into), content_type, output })
    };
    let body = |tokens: Option<&str>, explain| MaskOutput::Body { tokens: tokens.map(Into::into), explain };
    for (line, expected) in [
        ("--help", Command::Help),
        ("mask -h", Command::Help),
        ("-V", Command::Version),
        ("kinds", Command::Kinds),
        ("schema", Command::Schema),
        ("check a.json", Command::Check { config: "a.json".into() }),
        ("check --envoy a.yaml", Command::CheckEnvoy { file: "a.yaml".into() }),
        ("render --file a --out b", Command::Render { file: "a".into(), out: "b".into() }),
        ("mask", mask(None, body(None, None))),
        ("mask --config=c.json --tokens t", mask(Some("c.json"), body(Some("t"), None))),
        ("mask --explain", mask(None, body(None, Some(false)))),
        ("mask --values --explain", mask(None, body(None, Some(true)))),
        ("mask --jsonl", mask(None, MaskOutput::Lines)),
    ] {
        assert_eq!(parsed(line), Ok(expected), "{line}");
    }
}

#[test]
fn contradictions_are_refused() {
    for line in [
        "",
        "cover",
        "--jsonl",
        "check",
        "check a b",
        "check a --envoy b",
        "render a --out b",
        "check a --jsonl",
        "mask file",
        "mask --values",
        "mask --jsonl --explain",
        "mask --jsonl --tokens t",
        "mask --explain=yes",
        "mask --url",
        "mask --nope",
        "pki",
        "pki --dir d",
        "pki --file f",
        "pki --trust",
        "pki --trust --dir d --file f",
        "pki --dir d --file f --watch --renew-ca",
        "pki --dir d --file f --leaf-hours 0",
        "pki --dir d --file f --leaf-hours 745",
        "pki --dir d --file f --ca-days x",
        "pki --dir d --file f --out o",
        "mask --dir d",
        "unmask",
        "unmask --tokens t --jsonl",
        "unmask --tokens t --explain",
        "schema x",
    ] {
        assert!(parsed(line).is_err(), "{line}");
    }
}

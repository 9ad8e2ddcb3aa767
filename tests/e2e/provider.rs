//! The scripted provider is what everything else is measured with, so it is measured first: without Envoy.

use std::sync::Arc;

use e2e::{
    client::{Answer, Call, Connection, Protocol, within},
    provider::{Alpn, Echo, End, Gate, KEY_HEADER, Options, Provider, Reply, Script, Step},
    sse,
};
use http::{HeaderMap, HeaderValue};

const STREAM: &str =
    r#"{"model":"claude-sonnet-4-5","stream":true,"messages":[{"role":"user","content":"한글 ok"}]}"#;

fn provider(echo: Echo) -> Provider {
    Provider::start(&Options { plain: true, echo, ..Options::default() }).unwrap()
}

async fn answer(provider: &Provider, protocol: Protocol, call: &Call) -> Answer {
    let mut connection = Connection::open(provider.address(), protocol).await.unwrap();
    within("an answer", connection.call(call)).await.unwrap()
}

#[tokio::test]
async fn anthropic_streams_as_the_real_api_does() {
    let provider = provider(Echo { delta_chars: 6, ..Echo::default() });
    let call = Call::post("api.anthropic.com", "/v1/messages?beta=true", STREAM);
    let answer = answer(&provider, Protocol::Http1, &call).await;
    assert_eq!(answer.headers["content-type"], "text/event-stream; charset=utf-8");
    assert_eq!(
        answer.text(),
        r#"event: message_start
data: {"type":"message_start","message":{"id":"msg_01XFDUDYJgAACzvnptvVoYEL","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":12,"output_tokens":1}}}

event: content_block_start
data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

event: ping
data: {"type": "ping"}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"You sa"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"id: 한글"}}

event: content_block_delta
data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" ok"}}

event: content_block_stop
data: {"type":"content_block_stop","index":0}

event: message_delta
data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":34}}

event: message_stop
data: {"type":"message_stop"}

"#
    );
}

#[tokio::test]
async fn openai_streams_as_the_real_api_does() {
    let provider = provider(Echo { delta_chars: 0, ..Echo::default() });
    let body = r#"{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"run"}}]}"#;
    let call = Call::post("api.openai.com", "/v1/chat/completions", body);
    let answer = answer(&provider, Protocol::Http2, &call).await;
    let chunk = |rest: &str| {
        format!(
            "data: {{\"id\":\"chatcmpl-B9MBs8CjcvOUpLnKkJXbTCVk\",\"object\":\"chat.completion.chunk\",\"created\":1741569952,\"model\":\"gpt-4o\",\"system_fingerprint\":\"fp_fc9f1d7035\",\"choices\":[{{\"index\":0,\"delta\":{rest}}}]}}\n\n"
        )
    };
    let expected = [
        chunk(r#"{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null"#),
        chunk(r#"{"content":"You said: hi"},"logprobs":null,"finish_reason":null"#),
        chunk(
            r#"{"tool_calls":[{"index":0,"id":"call_DdmO9pD3xa9XTPNJ32zg2hcA","type":"function","function":{"name":"run","arguments":""}}]},"logprobs":null,"finish_reason":null"#,
        ),
        chunk(
            r#"{"tool_calls":[{"index":0,"function":{"arguments":"{\"text\":\"hi\",\"verbose\":true}"}}]},"logprobs":null,"finish_reason":null"#,
        ),
        chunk(r#"{},"logprobs":null,"finish_reason":"tool_calls""#),
        "data: [DONE]\n\n".to_owned(),
    ]
    .concat();
    assert_eq!(answer.text(), expected);
}

#[tokio::test]
async fn two_tool_calls_take_turns() {
    for (path, tools) in [
        ("/v1/messages", r#"[{"name":"run"}]"#),
        ("/v1/chat/completions", r#"[{"type":"function","function":{"name":"run"}}]"#),
    ] {
        let provider = provider(Echo { delta_chars: 4, interleave: true, ..Echo::default() });
        let body = format!(
            r#"{{"stream":true,"messages":[{{"role":"user","content":[{{"type":"text","text":"a \"b\""}}]}}],"tools":{tools}}}"#
        );
        let answer = answer(&provider, Protocol::Http1, &Call::post("localhost", path, body)).await;
        let texts = sse::texts(&answer.body);
        let tools: Vec<_> =
            texts.iter().filter(|(name, _)| name.starts_with("tool")).map(|(_, t)| t).collect();
        let expected = [r#"{"text":"a \"b\"","verbose":true}"#, r#"{"query":"again: a \"b\""}"#];
        assert_eq!(tools, expected, "{path}");
        let order: Vec<_> = sse::events(&answer.body)
            .iter()
            .flat_map(|event| sse::channels(std::slice::from_ref(event)).into_keys())
            .filter(|name| name.starts_with("tool"))
            .collect();
        assert!(order.windows(3).any(|w| w[0] != w[1] && w[0] == w[2]), "{path}: they interleave: {order:?}");
    }
}

#[tokio::test]
async fn answers_that_are_not_streamed_are_one_json_document() {
    let provider = provider(Echo { chunk_bytes: 1, ..Echo::default() });
    let body = r#"{"model":"m","messages":[{"role":"user","content":"hi"}],"tools":[{"name":"run","function":{"name":"run"}}]}"#;
    let message = answer(&provider, Protocol::Http1, &Call::post("localhost", "/v1/messages", body)).await;
    assert_eq!(
        message.text(),
        r#"{"id":"msg_01XFDUDYJgAACzvnptvVoYEL","type":"message","role":"assistant","model":"m","content":[{"type":"text","text":"You said: hi"},{"type":"tool_use","id":"toolu_01T1x1fJ34qAmk2tNTrN7Up6","name":"run","input":{"text":"hi","verbose":true}}],"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":12,"output_tokens":34}}"#
    );
    let completion =
        answer(&provider, Protocol::Http2, &Call::post("localhost", "/v1/chat/completions", body)).await;
    assert_eq!(
        completion.text(),
        r#"{"id":"chatcmpl-B9MBs8CjcvOUpLnKkJXbTCVk","object":"chat.completion","created":1741569952,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"You said: hi","tool_calls":[{"id":"call_DdmO9pD3xa9XTPNJ32zg2hcA","type":"function","function":{"name":"run","arguments":"{\"text\":\"hi\",\"verbose\":true}"}}],"refusal":null},"logprobs":null,"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":12,"completion_tokens":34,"total_tokens":46},"system_fingerprint":"fp_fc9f1d7035"}"#
    );
}

/// Also in the middle of a character: the cuts are the provider's, so each arrives as a frame of its own.
#[tokio::test]
async fn chunks_are_cut_anywhere() {
    for size in [1, 2, 3, 7] {
        let whole = provider(Echo::default());
        let whole = answer(&whole, Protocol::Http1, &Call::post("localhost", "/v1/messages", STREAM)).await;
        let cut = provider(Echo { chunk_bytes: size, ..Echo::default() });
        let mut connection = Connection::open(cut.address(), Protocol::Http2).await.unwrap();
        let mut live = connection.begin(&Call::post("localhost", "/v1/messages", STREAM)).await.unwrap();
        let first = live.read_until(|read| !read.is_empty()).await;
        assert_eq!(first.len(), size, "the first frame");
        let rest = live.rest().await;
        assert_eq!([first.as_slice(), &rest.body].concat(), whole.body, "pieces of {size}");
    }
}

#[tokio::test]
async fn heads_and_bodies_are_recorded_as_they_came() {
    let provider = provider(Echo::default());
    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", HeaderValue::from_static("abc"));
    let call = Call::post("api.openai.com", "/v1/chat/completions?a=b", "{\"messages\":[]}")
        .header("x-odd", b"\xff\xfe")
        .header(KEY_HEADER, "one")
        .chunked(4)
        .trailers(trailers);
    answer(&provider, Protocol::Http2, &call).await;
    let received = provider.records().of("one").remove(0);
    assert_eq!((received.method.as_str(), received.path.as_str()), ("POST", "/v1/chat/completions?a=b"));
    assert_eq!((received.version.as_str(), received.scheme.as_deref()), ("HTTP/2.0", Some("http")));
    assert_eq!(received.authority.as_deref(), Some("api.openai.com"));
    assert!(received.headers.contains(&("x-odd".to_owned(), b"\xff\xfe".to_vec())));
    assert_eq!(received.body, b"{\"messages\":[]}");
    assert_eq!(received.trailers, [("x-checksum".to_owned(), b"abc".to_vec())]);
    assert_eq!((received.end, received.connection, provider.records().connections()), (End::Complete, 1, 1));
}

#[tokio::test]
async fn a_request_that_breaks_off_is_recorded_as_cut() {
    let provider = provider(Echo::default());
    let call = Call::post("localhost", "/v1/messages", "").header(KEY_HEADER, "cut");
    let mut connection = Connection::open(provider.address(), Protocol::Http2).await.unwrap();
    let (mut body, answering) = connection.begin_by_hand(&call);
    let sending = async {
        body.send_data("{\"mess".into()).await.unwrap();
        within("the head", provider.records().wait("cut", |found| found.iter().any(|r| !r.body.is_empty())))
            .await;
        body.abort(std::io::ErrorKind::Interrupted.into());
    };
    let (answer, ()) = tokio::join!(answering, sending);
    assert!(answer.is_err());
    let ended = provider.records().wait("cut", |found| found.iter().all(|r| r.end != End::Open));
    let received = within("the end", ended).await;
    assert_eq!((received[0].end, received[0].body.as_slice()), (End::Cut, &b"{\"mess"[..]));
}

#[tokio::test]
async fn scripts_wait_at_gates_and_break_off() {
    let provider = provider(Echo::default());
    for (protocol, last) in [
        (Protocol::Http1, Step::Reset),
        (Protocol::Http2, Step::Reset),
        (Protocol::Http1, Step::Disconnect),
        (Protocol::Http2, Step::Disconnect),
    ] {
        let gate = Gate::new();
        let script =
            Script::new("text/plain").send("one").wait(&gate).send("two").wait(&gate).step(last.clone());
        provider.reply("gated", Reply::Script(script));
        let call = Call::get("localhost", "/").header(KEY_HEADER, "gated");
        let mut connection = Connection::open(provider.address(), protocol).await.unwrap();
        let mut live = connection.begin(&call).await.unwrap();
        assert_eq!(within("one", live.read_until(|read| read.len() >= 3)).await, b"one");
        gate.open();
        assert_eq!(within("two", live.read_until(|read| read.len() >= 3)).await, b"two");
        gate.open();
        let rest = within("the end", live.rest()).await;
        assert_eq!((rest.end, rest.body.len()), (End::Cut, 0), "{protocol:?} {last:?}");
    }
}

#[tokio::test]
async fn trailers_end_an_answer() {
    let provider = provider(Echo::default());
    let mut trailers = HeaderMap::new();
    trailers.insert("x-checksum", HeaderValue::from_static("abc"));
    let script = Script::new("text/plain").send("body").step(Step::Trailers(trailers.clone()));
    provider.reply("trailers", Reply::Script(script));
    let call = Call::get("localhost", "/").header(KEY_HEADER, "trailers").header("te", "trailers");
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let answer = answer(&provider, protocol, &call).await;
        assert_eq!((answer.text().as_str(), answer.end), ("body", End::Complete));
        if protocol == Protocol::Http2 {
            assert_eq!(answer.trailers, Some(trailers.clone()));
        }
    }
}

/// The certificate is one that a careful client accepts, for each of the names, and both protocols are offered.
#[tokio::test]
async fn tls_is_verifiable_and_negotiates_the_protocol() {
    for (alpn, negotiated, protocol) in [
        (Alpn::Both, "h2", Protocol::Http2),
        (Alpn::Http2, "h2", Protocol::Http2),
        (Alpn::Http1, "http/1.1", Protocol::Http1),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let options = Options { alpn, tls_dir: Some(dir.path().to_owned()), ..Options::default() };
        let provider = Provider::start(&options).unwrap();
        let pem = std::fs::read(dir.path().join("ca.pem")).unwrap();
        assert_eq!(provider.ca_pem().unwrap().as_bytes(), pem);
        for name in e2e::provider::HOST_NAMES {
            let stream = tls(&provider, name).await;
            let protocol_of = stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
            assert_eq!(protocol_of.as_deref(), Some(negotiated.as_bytes()), "{name}");
            let mut connection = Connection::over(stream, protocol).await.unwrap();
            let answer = within("an answer", connection.call(&Call::get(name, "/v1/models"))).await.unwrap();
            assert_eq!((answer.status, answer.text().as_str()), (200, r#"{"object":"list","data":[]}"#));
        }
    }
}

async fn tls(provider: &Provider, name: &str) -> tokio_rustls::client::TlsStream<tokio::net::TcpStream> {
    use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(provider.ca_pem().unwrap().as_bytes()).unwrap()).unwrap();
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = tokio::net::TcpStream::connect(provider.address()).await.unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
}

//! Handshakes that do not fit.

use e2e::{
    client::{Call, Protocol, Tls},
    said::{Api, INSTANCE},
    world::ANTHROPIC,
};

use crate::{
    dial::tcp,
    world::{IMPOSTOR, INWARD, World, addresses},
};

/// Without SNI nobody knows which certificate to show.
#[tokio::test]
async fn no_sni_no_connection() {
    let Some(world) = World::shared() else { return };
    let [v4, _] = addresses(ANTHROPIC);
    let before = world.closed();
    let stream = tcp(&world.app, (v4, 443).into()).unwrap();
    assert!(world.trust().without_sni().handshake(stream, ANTHROPIC).await.is_err());
    assert!(world.closed() > before);
}

/// A client that knows the provider's own certificate, or CA, sees that this is another one and says nothing.
#[tokio::test]
async fn a_client_that_pins_the_certificate_says_nothing() {
    let Some(world) = World::shared() else { return };
    let [v4, _] = addresses(ANTHROPIC);
    let pinning = Tls::trusting(world.provider.ca_pem().unwrap().as_bytes());
    let error = pinning.open(tcp(&world.app, (v4, 443).into()).unwrap(), ANTHROPIC, Protocol::Http1).await;
    assert!(error.unwrap_err().to_string().contains("invalid peer certificate"));
    let secret = world.secret();
    let body = Api::Anthropic.request(&secret, false, false);
    let pin = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let output =
        world.curl(&["--pinnedpubkey", pin, "--data", &body, &format!("https://{ANTHROPIC}/v1/messages")]);
    assert_eq!(output.status.code(), Some(90), "curl's code for this: {output:?}");
    world.assert_kept("a pinned certificate", &secret);
}

/// A client that speaks nothing newer than TLS 1.1 is refused; 1.2 will do.
#[test]
fn old_tls_is_refused() {
    let Some(world) = World::shared() else { return };
    let body = Api::Anthropic.request("nothing", false, false);
    let url = format!("https://{ANTHROPIC}/v1/messages");
    let call = |version: &str| {
        let old = ["--tls-max", version, "--ciphers", "DEFAULT@SECLEVEL=0"];
        let body = ["--header", "content-type: application/json", "--data", &body, &url];
        world.curl(&[&old[..], &body[..]].concat())
    };
    let refused = call("1.1");
    assert_eq!(refused.status.code(), Some(35), "curl's code for this: {refused:?}");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("alert protocol version"), "{refused:?}");
    assert_eq!(call("1.2").status.code(), Some(0));
}

/// Whoever is at a provider's address must prove to be the provider before anything is said.
#[tokio::test]
async fn an_impostor_is_told_nothing() {
    let Some(world) = World::shared() else { return };
    let answer = world.call(Protocol::Http2, &to(world, IMPOSTOR)).await.unwrap();
    assert_eq!(answer.status, 503, "{}", answer.text());
    assert!(answer.text().contains("CERTIFICATE_VERIFY_FAILED"), "{}", answer.text());
    assert!(world.impostor.records().connections() > 0, "it was asked for its certificate");
    assert!(world.impostor.records().all().is_empty(), "and for nothing else");
}

/// No answer of a name server leads to where a cloud tells its secrets.
#[tokio::test]
async fn a_name_cannot_lead_to_metadata() {
    let Some(world) = World::shared() else { return };
    let answer = world.call(Protocol::Http2, &to(world, INWARD)).await.unwrap();
    assert_eq!(answer.status, 503, "{}", answer.text());
    for address in addresses(INWARD) {
        let arrived = world.packets(|packet| packet.to.ip() == address);
        assert!(arrived.is_empty(), "{arrived:?}");
    }
}

fn to(world: &World, host: &str) -> Call {
    let mut call = world.anthropic(Api::Anthropic.request(INSTANCE, false, false));
    host.clone_into(&mut call.host);
    call
}

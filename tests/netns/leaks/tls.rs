//! Handshakes that do not fit.

use e2e::{
    client::{Protocol, Tls},
    said::Api,
    world::ANTHROPIC,
};

use crate::{
    dial::tcp,
    world::{World, addresses},
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

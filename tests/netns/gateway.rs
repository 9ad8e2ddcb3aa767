//! A gateway in the middle: masking at the sidecar, at the gateway, or at both; between them only who may.

use std::net::{SocketAddr, TcpListener};

use e2e::{
    client::{Call, Connection, Protocol, Tls, within},
    provider::{Alpn, Echo, End, Identity, KEY_HEADER, Options, Provider, Recorded, Transport},
    said::{Api, INSTANCE, TEXT, assert_no_original, assert_says_the_same, without_cloakroom},
    sdk::Job,
    world::{ANTHROPIC, OPENAI},
};

use crate::{
    dial::tcp,
    world::{Gateway, World},
};

/// By which texts are compared.
const JOB: Job = Job { at_once: 0, pieces: &[] };

#[tokio::test]
async fn the_sidecar_masks() {
    let Some(world) = World::behind_gateway("sidecar") else { return };
    round_trips(&world).await;
    assert_eq!(maskings(&world), (true, false));
    let received = at_the_gateways_place(world).await;
    assert!(received.text().contains("AWS_EC2_"), "{received:?}");
    assert_no_original("the hop", format!("{received:?}").as_bytes());
}

#[tokio::test]
async fn the_gateway_masks() {
    let Some(world) = World::behind_gateway("gateway") else { return };
    round_trips(&world).await;
    assert_eq!(maskings(&world), (false, true));
    only_sidecars_are_served(&world).await;
    let received = at_the_gateways_place(world).await;
    assert!(received.text().contains(INSTANCE), "{received:?}");
}

/// The gateway takes the sidecar's tokens for text that looks like tokens, and masks it.
#[tokio::test]
async fn both_mask() {
    let Some(world) = World::behind_gateway("both") else { return };
    round_trips(&world).await;
    assert_eq!(maskings(&world), (true, true));
}

/// Each protocol, whole and streamed, to two providers; and another host.
async fn round_trips(world: &World) {
    for (api, host) in [(Api::Anthropic, ANTHROPIC), (Api::OpenAi, OPENAI)] {
        for (protocol, stream) in
            [(Protocol::Http1, false), (Protocol::Http2, false), (Protocol::Http2, true)]
        {
            let what = format!("{host} {protocol:?} stream: {stream}");
            let body = api.request(TEXT, stream, true);
            let call = if api == Api::Anthropic {
                world.anthropic(body.clone())
            } else {
                world.openai(body.clone())
            };
            let call =
                call.header("x-original-host", "elsewhere.example").header("x-forwarded-for", "198.51.100.1");
            let answer = world.call(protocol, &call).await.unwrap();
            assert_eq!((answer.status, answer.end), (200, End::Complete), "{what}: {}", answer.text());
            let direct = without_cloakroom(&call, &Echo::default()).await.text();
            if stream {
                assert_says_the_same(&what, &answer.text(), &direct);
            } else {
                assert_eq!(answer.text(), direct, "{what}");
            }
            let received = world.provider.records().of(e2e::world::key_of(&call));
            let [received] = received.as_slice() else { panic!("{what}: received {} times", received.len()) };
            assert_eq!((received.host().as_deref(), &received.path), (Some(host), &call.path), "{what}");
            assert_no_original(&what, format!("{received:?}").as_bytes());
            JOB.assert_masked_text(&what, &received.text(), &body);
            for name in [
                "x-original-host",
                "x-request-id",
                "x-forwarded-proto",
                "x-forwarded-for",
                "x-forwarded-client-cert",
            ] {
                assert!(received.header(name).is_none(), "{what}: {name}: {received:?}");
            }
        }
    }
    let mut call = world.anthropic(Api::Anthropic.request(INSTANCE, false, false));
    OPENAI.clone_into(&mut call.host);
    let mut connection = world.connect(ANTHROPIC, Protocol::Http2).await.unwrap();
    let answer = within("an answer", connection.call(&call)).await.unwrap();
    assert_eq!(answer.status, 421, "{}", answer.text());
    assert!(world.provider.records().of(e2e::world::key_of(&call)).is_empty());
}

/// Whether the sidecar, and whether the gateway has masked something.
fn maskings(world: &World) -> (bool, bool) {
    let masked =
        |hop: &crate::sidecar::Hop| hop.envoy.admin("/stats?filter=wasmcustom.cloakroom_masked").unwrap();
    (!masked(&world.sidecar).trim().is_empty(), !masked(&gateway(world).hop).trim().is_empty())
}

fn gateway(world: &World) -> &Gateway {
    world.gateway.as_ref().expect("this world has one")
}

/// What a gateway is sent, as a provider in its place, with its certificate, records it.
async fn at_the_gateways_place(mut world: World) -> Recorded {
    world.gateway.as_mut().expect("this world has one").hop.envoy.kill();
    let call = world.anthropic(Api::Anthropic.request(INSTANCE, false, false));
    let answer = world.call(Protocol::Http2, &call).await.unwrap();
    assert_eq!(answer.status, 503, "without a gateway there is no way: {}", answer.text());
    let Gateway { hop, namespace, address } = gateway(&world);
    let identity = Identity::read(&hop.certificates(), "gateway").unwrap();
    let listener = namespace.enter(|| TcpListener::bind(*address)).unwrap();
    let options = Options { alpn: Alpn::Http2, identity: Some(identity), ..Options::default() };
    let instead = Provider::over(vec![(listener, Transport::Tls)], &options).unwrap();
    let call = world.anthropic(Api::Anthropic.request(INSTANCE, false, false));
    let call = call.header("x-original-host", OPENAI);
    let answer = world.call(Protocol::Http1, &call).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.text().contains(INSTANCE), "{}", answer.text());
    let mut received = instead.records().of(e2e::world::key_of(&call));
    assert_eq!(received.len(), 1);
    let received = received.remove(0);
    assert_eq!(received.header("x-original-host").as_deref(), Some(ANTHROPIC), "stamped: {received:?}");
    assert_eq!(received.authority.as_deref(), Some(ANTHROPIC), "kept: {received:?}");
    assert_eq!(received.version, "HTTP/2.0");
    received
}

/// From another machine that reaches the gateway: a certificate of the mesh's CA with the name of a sidecar, or nothing.
async fn only_sidecars_are_served(world: &World) {
    let Gateway { hop, address, .. } = gateway(world);
    let address = SocketAddr::new(world.to_internet.v4(0), address.port());
    let folder = hop.certificates();
    let tls = Tls::trusting(&std::fs::read(folder.join("mesh-ca.pem")).unwrap());
    let foreign = e2e::provider::Pki::generate(&["sidecar.cloakroom.internal"]).unwrap();
    let strangers = [
        ("no certificate", tls.clone()),
        ("another CA's", tls.clone().showing(&foreign)),
        ("another name's", tls.clone().showing(Identity::read(&folder, "gateway").unwrap())),
    ];
    for (who, tls) in strangers {
        let call = world.anthropic(Api::Anthropic.request(INSTANCE, false, false));
        let answer = ask(world, &tls, address, &call).await;
        assert!(answer.is_err(), "{who}: {answer:?}");
        assert!(world.provider.records().of(call.headers[KEY_HEADER].to_str().unwrap()).is_empty(), "{who}");
    }
    // Also a sidecar's stamp is not believed.
    let sidecar = tls.showing(Identity::read(&folder, "sidecar").unwrap());
    let mut call =
        world.anthropic(Api::Anthropic.request(INSTANCE, false, false)).header("x-original-host", OPENAI);
    let answer = ask(world, &sidecar, address, &call).await.unwrap();
    assert_eq!((answer.0, answer.1.contains(INSTANCE)), (200, true), "{answer:?}");
    let received = world.provider.records().of(e2e::world::key_of(&call)).remove(0);
    assert_eq!(received.host().as_deref(), Some(ANTHROPIC));
    "elsewhere.example".clone_into(&mut call.host);
    let answer = ask(world, &sidecar, address, &call.header("x-original-host", ANTHROPIC)).await.unwrap();
    assert_eq!(answer.0, 403, "{answer:?}");
}

/// The status and the text of an answer from the gateway itself.
async fn ask(world: &World, tls: &Tls, gateway: SocketAddr, call: &Call) -> Result<(u16, String), String> {
    let stream = tcp(&world.internet, gateway).map_err(|error| error.to_string())?;
    let open = tls.open(stream, "gateway.example", Protocol::Http2);
    let mut connection: Connection = within("TLS", open).await.map_err(|error| error.to_string())?;
    let answer = within("an answer", connection.call(call)).await.map_err(|error| error.to_string())?;
    Ok((answer.status, answer.text()))
}

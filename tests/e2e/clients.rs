//! Real clients: what the providers' own SDKs parse through Cloakroom equals what they parse without it.
//!
//! Each SDK runs all scenarios of its driver in `tests/clients` three times: straight at the scripted provider, through
//! Envoy with tokens numbered within each request, and through Envoy with the bridge. What was printed must be the same to
//! the byte. What the provider received must be the same as well, but for the identifiers: in the place of each stands a
//! token, and the same one wherever it stands again.

use std::{
    collections::BTreeMap,
    sync::{LazyLock, Mutex},
};

use e2e::{
    bridge::{self, Bridge},
    provider::{Options, Provider},
    sdk::{Job, Sdk, Tokens, assert_parsed_the_same, by_key},
    world::{Settings, World},
};

/// Fifty users at the same time; tokens and identifiers are cut everywhere.
const JOB: Job = Job { at_once: 50, pieces: &[1, 3, 8] };

#[test]
fn node_anthropic() {
    check(Sdk::NodeAnthropic);
}

#[test]
fn node_openai() {
    check(Sdk::NodeOpenAi);
}

#[test]
fn python_anthropic() {
    check(Sdk::PythonAnthropic);
}

#[test]
fn python_gemini() {
    check(Sdk::PythonGemini);
}

#[test]
fn python_openai() {
    check(Sdk::PythonOpenAi);
}

fn check(sdk: Sdk) {
    let provider = Provider::start(&Options { plain: true, ..Options::default() }).unwrap();
    JOB.cut_into_pieces(sdk, &provider);
    let direct = sdk.run(&format!("http://{}", provider.address()), &JOB);
    let sent = by_key(sdk, &provider);
    for tokens in [Tokens::OfTheRequest, Tokens::OfTheBridge] {
        let world = world(tokens, sdk.host());
        JOB.cut_into_pieces(sdk, &world.provider);
        let through = sdk.run(&format!("http://{}", world.envoy.address()), &JOB);
        assert_parsed_the_same(&format!("{sdk:?} {tokens:?}"), &through, &direct);
        JOB.assert_masked(sdk, tokens, &by_key(sdk, &world.provider), &sent);
    }
}

/// The world of a provider: two SDKs may share it.
fn world(tokens: Tokens, host: &'static str) -> &'static World {
    static BRIDGE: LazyLock<Bridge> = LazyLock::new(|| Bridge::start(&bridge::Settings::over("memory:")));
    static WORLDS: Mutex<BTreeMap<(bool, &str), &'static World>> = Mutex::new(BTreeMap::new());
    let with_bridge = tokens == Tokens::OfTheBridge;
    // A panic under the lock is a world that did not start, and fails every test.
    WORLDS.lock().unwrap().entry((with_bridge, host)).or_insert_with(|| {
        let settings = Settings::shipped().only(host);
        let settings = if with_bridge { settings.bridge(&BRIDGE) } else { settings };
        Box::leak(Box::new(World::start(&settings)))
    })
}

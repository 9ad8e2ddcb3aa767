//! What several tests say and expect.

pub(crate) use e2e::said::{
    Api, INSTANCE, MASKED, TEXT, assert_no_original, assert_says_the_same, without_cloakroom,
};
use e2e::{
    client::{Call, within},
    provider::{Echo, KEY_HEADER, Reply},
    world::World,
};

/// Lets the provider answer this call in this way.
pub(crate) fn answer_with(world: &World, call: &Call, reply: Reply) {
    world.provider.reply(e2e::world::key_of(call), reply);
}

/// Asserts that this call reaches the provider as `masked` and is answered: after a failure, all is well again.
pub(crate) async fn assert_works(world: &World) {
    let call = world.anthropic(Api::Anthropic.request(TEXT, false, false));
    let seen = world.see(&call).await;
    assert_eq!(seen.received.text(), Api::Anthropic.request(MASKED, false, false));
    assert_eq!(seen.answer.status, 200, "{}", seen.answer.text());
    assert_eq!(seen.answer.text(), without_cloakroom(&call, &Echo::default()).await.text());
}

/// Waits until requests are masked again. After a trap Envoy loads the module again only after a pause, and refuses
/// meanwhile; nothing of what it refuses may have reached the provider.
pub(crate) async fn assert_recovers(world: &World) {
    let recovery = async {
        loop {
            let call = world.anthropic(Api::Anthropic.request(TEXT, false, false));
            if world.answer(&call).await.status != 503 {
                break;
            }
            assert!(world.provider.records().of(e2e::world::key_of(&call)).is_empty());
        }
    };
    within("the module to be loaded again", recovery).await;
    assert_works(world).await;
}

/// A call without the key by which scripts are chosen.
#[must_use]
pub(crate) fn without_key(mut call: Call) -> Call {
    call.headers.remove(KEY_HEADER);
    call
}

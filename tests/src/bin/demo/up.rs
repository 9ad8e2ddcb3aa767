//! Stays up to be played with.

use std::{
    io::{self, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::process::parent_id,
    process::ExitCode,
    time::Duration,
};

use e2e::{
    provider::End,
    world::{Settings, World},
};

use crate::store;

/// The sidecar's ports as shipped.
const PORTS: [(&str, u16); 3] = [("listen_port", 8080), ("anthropic_port", 8081), ("openai_port", 8082)];

/// How often we look for something new to show.
const LOOK: Duration = Duration::from_millis(100);

/// Runs until it is told to stop, or until whoever started it is gone.
pub(crate) async fn run(stop: impl Future<Output = ()>) -> io::Result<ExitCode> {
    let mut stop = std::pin::pin!(stop);
    let (_dir, bridge, store) = store::chosen()?;
    let mut settings = Settings::shipped().bridge(&bridge);
    if PORTS.iter().all(|&(_, port)| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()) {
        for (name, port) in PORTS {
            settings = settings.set(name, port);
        }
    }
    let world = World::start(&settings);
    write!(io::stdout(), "{}", instructions(world.envoy.addresses(), &store))?;

    let parent = parent_id();
    let mut look = tokio::time::interval(LOOK);
    let mut shown = 0;
    loop {
        tokio::select! {
            () = &mut stop => break,
            _ = look.tick() => {}
        }
        if parent_id() != parent {
            break;
        }
        let records = world.provider.records().all();
        for record in records.iter().skip(shown).take_while(|record| record.end != End::Open) {
            shown += 1;
            let host = record.host().unwrap_or_default();
            let (method, path, body) = (&record.method, &record.path, record.text());
            writeln!(io::stdout(), "\nthe provider received: {method} https://{host}{path}\n{body}")?;
        }
    }
    drop((world, bridge));
    writeln!(io::stdout(), "\nstopped; nothing is left running")?;
    Ok(ExitCode::SUCCESS)
}

fn instructions(listeners: &[SocketAddr], store: &str) -> String {
    let port = |n: usize| listeners.get(n).map_or(0, SocketAddr::port);
    let (any, anthropic, openai) = (port(0), port(1), port(2));
    // The shipped configuration knows 127.0.0.1 with the shipped ports, and these names with any port.
    let shipped = PORTS.iter().zip([any, anthropic, openai]).all(|((_, port), real)| *port == real);
    let (a, o) =
        if shipped { ("127.0.0.1", "127.0.0.1") } else { ("anthropic.localhost", "openai.localhost") };
    format!(
        r#"Cloakroom is up: a real Envoy with the filter, and behind it a scripted provider that repeats what it is told.
The Redis bridge keeps the tokens in {store}, so a value has the same one in every request.
What the provider receives is shown here. Try, in another terminal:

  curl -sN http://{a}:{anthropic}/v1/messages -H 'content-type: application/json' -d '{{"model":"claude-sonnet-4-5","max_tokens":100,
    "messages":[{{"role":"user","content":"Analyze EC2 i-1234567890abcdef0"}}]}}'

  curl -sN http://{o}:{openai}/v1/chat/completions -H 'content-type: application/json' -d '{{"model":"gpt-5","stream":true,
    "messages":[{{"role":"user","content":"Is arn:aws:ec2:us-east-1:123456789012:instance/i-1234567890abcdef0 up?"}}]}}'

  curl -sN http://127.0.0.1:{any}/v1/chat/completions -H 'host: api.openai.com' -H 'content-type: application/json' \
    -d '{{"messages":[{{"role":"user","content":"10.20.30.40 and AKIAZ7QWERTY2345UIOP"}}]}}'

  curl -s http://127.0.0.1:{any}/v1/messages -H 'host: example.com' -d '{{}}'        # refused: not an allowed host

or point an SDK at it (any API key will do):

  export ANTHROPIC_BASE_URL=http://{a}:{anthropic}
  export OPENAI_BASE_URL=http://{o}:{openai}/v1

Ctrl-C ends it.
"#
    )
}

//! Shows Cloakroom at work: a real Envoy with the filter, a scripted provider behind it, curl in front of it.
//!
//! `demo` sends a few requests and shows for each what the application sent, what the provider received and what the
//! application got; it succeeds only if nothing leaked and everything came back. `demo up` stays up to be played with.
//! However it ends, nothing is left running: the first signal ends it in order, and what no signal can end in order
//! (a kill) ends Envoy through its watchdog.

mod curl;
mod scene;
mod store;
mod table;
mod up;
mod verdict;

use std::{
    env,
    io::{self, Write as _},
    process::ExitCode,
};

use e2e::world::{Settings, World};
use tokio::signal::unix::{SignalKind, signal};

use self::{
    scene::{SCENES, Scene},
    table::{Column, Table},
    verdict::Verdict,
};

/// What a shell reports for a program that was ended by Ctrl-C.
const INTERRUPTED: u8 = 130;

const INTRODUCTION: &str = "\
Cloakroom in a real Envoy: curl sends requests to Envoy, Envoy masks them and passes them on by TLS to a scripted
provider, which answers with what it was told, streams in pieces of five characters. Tokens are kept by the Redis bridge,
here in its embedded store. What you see are the texts in the JSON bodies, as each side has them.
";

fn main() -> ExitCode {
    let up = match env::args().nth(1).as_deref() {
        None => false,
        Some("up") => true,
        Some(_) => return fail("usage: demo [up]"),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("no runtime: {error}")),
    };
    let result = runtime.block_on(async {
        let stop = stop()?;
        if up { up::run(stop).await } else { show(stop).await }
    });
    // A curl that is still waiting ends with Envoy, which is gone by now.
    runtime.shutdown_background();
    result.unwrap_or_else(|error| fail(&error.to_string()))
}

/// Comes back when somebody wants this program to end.
fn stop() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
    })
}

async fn show(stop: impl Future<Output = ()>) -> io::Result<ExitCode> {
    let mut stop = std::pin::pin!(stop);
    let (_dir, bridge) = store::temporary()?;
    let world = World::start(&Settings::shipped().bridge(&bridge));
    let table = Table::for_stdout();
    writeln!(io::stdout(), "{INTRODUCTION}")?;
    let mut hidden = 0;
    let mut faults = 0;
    let mut seen = 0;
    for (number, scene) in SCENES.iter().enumerate() {
        let call = scene.call(world.envoy.addresses());
        let answer = tokio::select! {
            answer = tokio::task::spawn_blocking(move || call.run()) => answer??,
            () = &mut stop => {
                writeln!(io::stdout(), "\ninterrupted")?;
                return Ok(ExitCode::from(INTERRUPTED));
            }
        };
        // Everything that arrived since the last scene, whatever its headers: only that makes "nothing leaked" true.
        let received: Vec<_> = world.provider.records().all().into_iter().skip(seen).collect();
        seen += received.len();
        let verdict = Verdict::of(scene, &received, &answer);
        print(&table, number + 1, scene, &verdict)?;
        hidden += scene.identifiers.len() + scene.credentials.len();
        faults += verdict.faults();
    }
    if faults > 0 {
        let logs = world.envoy.stop();
        let own: Vec<_> = logs.own.lines().filter(|line| !line.contains("][info][")).collect();
        writeln!(io::stdout(), "Envoy's log:\n{}\nAccess log:\n{}", own.join("\n"), logs.access)?;
        return Ok(fail(&format!("{faults} of the checks above failed")));
    }
    writeln!(
        io::stdout(),
        "All {} requests: none of {hidden} identifiers reached the provider, and all of them came back, but for the access key,\nwhich never does. Play with it yourself: make up",
        SCENES.len()
    )?;
    Ok(ExitCode::SUCCESS)
}

fn print(table: &Table, number: usize, scene: &Scene, verdict: &Verdict) -> io::Result<()> {
    let originals: Vec<&str> = scene.identifiers.iter().chain(scene.credentials).copied().collect();
    let tokens = verdict::tokens(&verdict.received);
    let tokens: Vec<&str> = tokens.iter().map(String::as_str).collect();
    let both: Vec<&str> = originals.iter().chain(&tokens).copied().collect();
    let mut out = io::stdout().lock();
    writeln!(out, "{}", table.title(&format!("{number}. {}", scene.title())))?;
    let columns = [
        Column { head: "the application sent", text: scene.prompt, marked: &originals },
        Column { head: "the provider received", text: &verdict.received, marked: &both },
        Column { head: "the application got", text: &verdict.got, marked: &both },
    ];
    write!(out, "{}", table.rows(&columns))?;
    for check in &verdict.checks {
        writeln!(out, "{}", table.check(check.passed, &check.text))?;
    }
    writeln!(out)
}

fn fail(message: &str) -> ExitCode {
    // Standard error may be closed; there is nobody else to tell.
    let _ = writeln!(io::stderr(), "demo: {message}");
    ExitCode::FAILURE
}

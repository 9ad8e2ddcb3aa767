//! Unmodified clients.
use crate::world::World;

#[test]
fn curl() {
    let Some(world) = World::shared() else { return };
    for v in ["--http2", "--http1.1"] {
        let output = world.app.command("curl").args(["-sSv", v, "https://api.anthropic.com/v1/messages", "-H", "content-type: application/json", "-H", "x-api-key: k", "-d"])
            .arg("{\"model\":\"m\",\"max_tokens\":5,\"messages\":[{\"role\":\"user\",\"content\":\"i-1234567890abcdef0\"}]}")
            .env("SSL_CERT_FILE", world.sidecar.ca()).output().unwrap();
        println!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        println!("{:?}", world.provider.records().all());
    }
    println!("{}", world.capture.packets().len());
    panic!();
}

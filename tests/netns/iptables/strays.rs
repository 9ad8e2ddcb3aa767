//! Packets that fit no connection: they neither leave nor end one.

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
};

use e2e::netns::{Capture, Packet};

use super::scene::{APPLICATION, DEADLINE, Scene};

/// Sends a segment from one address to another that the kernel's connection did not send.
const FORGE: &str = "
import socket, struct, sys
source, target, sport, dport, seq, ack = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
def segment(checksum): return struct.pack('!HHIIBBHHH', sport, dport, seq, ack, 5 << 4, 16, 512, checksum, 0) + b'forged'
body = socket.inet_aton(source) + socket.inet_aton(target) + struct.pack('!BBH', 0, 6, len(segment(0))) + segment(0)
total = sum(struct.unpack('!%dH' % (len(body) // 2), body))
while total >> 16: total = (total & 0xffff) + (total >> 16)
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
raw.bind((source, 0))
try: raw.sendto(segment(0xffff ^ total), (target, 0))
except PermissionError: pass
";

/// Far beyond every window.
const BEYOND: u32 = 1 << 30;

#[test]
fn a_segment_outside_its_connections_window_is_dropped_and_the_connection_goes_on() {
    for scene in Scene::both() {
        scene.install("");
        let capture = Capture::start(&scene.world);
        let listener = scene.run_as(APPLICATION, || TcpListener::bind((scene.link.v4(0), 8080))).unwrap();
        let to = listener.local_addr().unwrap();
        let mut client = scene.world.enter(|| TcpStream::connect(to)).unwrap();
        client.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut served = listener.accept().unwrap().0;
        served.write_all(b"one").unwrap();
        client.read_exact(&mut [0; 3]).unwrap();

        let packets = capture.packets();
        let answer = packets.iter().find(|packet| packet.bytes.ends_with(b"one")).unwrap();
        let (seq, ack) = (number(answer, 4).wrapping_add(BEYOND), number(answer, 8));
        let (source, target) = (answer.from, answer.to);
        let (sport, dport) = (source.port(), target.port());
        let arguments = format!("{} {} {sport} {dport} {seq} {ack}", source.ip(), target.ip());
        scene.app.sh(&format!("python3 -c \"{FORGE}\" {arguments}"));

        served.write_all(b"two").expect("nothing has ended the connection");
        client.read_exact(&mut [0; 3]).unwrap();
        assert!(!capture.packets().iter().any(|packet| packet.bytes.ends_with(b"forged")));
    }
}

/// Four bytes of the header of TCP.
fn number(packet: &Packet, at: usize) -> u32 {
    let at = usize::from(packet.bytes[0] & 15) * 4 + at;
    u32::from_be_bytes(packet.bytes[at..at + 4].try_into().unwrap())
}

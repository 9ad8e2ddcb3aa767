//! Every packet that a namespace sees, whoever sent it and whether or not anybody wanted it.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    os::fd::OwnedFd,
    sync::{
        Arc, Condvar, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, eth, recv, socket_with, sockopt};

use super::Namespace;

/// What waits in the kernel until it is read. A packet takes some hundred bytes more than it has.
const QUEUE: usize = 64 << 20;
/// Larger than any packet: between namespaces, segments travel in one piece.
const LARGEST: usize = 128 << 10;
/// Where the packets go that say how far the record is: discard.
const MARK: u16 = 9;
/// How long such a packet may take.
const DEADLINE: Duration = Duration::from_secs(30);
const TCP: u8 = 6;
const UDP: u8 = 17;

/// A packet that arrived or left.
#[derive(Clone, Debug)]
pub struct Packet {
    /// Whether it is a datagram of UDP.
    pub udp: bool,
    /// Who sent it; the port is 0 when it is neither TCP nor UDP.
    pub from: SocketAddr,
    /// Whom it is for, as it came: rules that lead it elsewhere have not seen it yet.
    pub to: SocketAddr,
    /// All of it, from the header of IP on.
    pub bytes: Vec<u8>,
}

/// The record of a namespace.
#[derive(Debug)]
pub struct Capture {
    record: Arc<Record>,
    marker: UdpSocket,
    marks: AtomicU64,
}

#[derive(Debug, Default)]
struct Record {
    packets: Mutex<Vec<Packet>>,
    grown: Condvar,
}

impl Capture {
    /// Records from now on, until this process ends.
    ///
    /// # Panics
    /// When the kernel has no packet sockets.
    pub fn start(namespace: &Namespace) -> Self {
        let (socket, marker) = namespace.enter(|| {
            let kind = (AddressFamily::PACKET, SocketType::DGRAM, SocketFlags::CLOEXEC);
            let socket = socket_with(kind.0, kind.1, kind.2, Some(eth::ALL)).expect("a packet socket");
            (socket, UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free"))
        });
        sockopt::set_socket_recv_buffer_size_force(&socket, QUEUE).expect("root may");
        let record = Arc::new(Record::default());
        let writer = Arc::clone(&record);
        std::thread::spawn(move || writer.write(&socket));
        Self { record, marker, marks: AtomicU64::new(0) }
    }

    /// Every packet that came or left before this call.
    ///
    /// # Panics
    /// When the record does not get that far in time.
    pub fn packets(&self) -> Vec<Packet> {
        self.packets_that(|_| true)
    }

    /// Those of [`packets`](Self::packets) for which this holds.
    ///
    /// # Panics
    /// As [`packets`](Self::packets).
    pub fn packets_that(&self, which: impl Fn(&Packet) -> bool) -> Vec<Packet> {
        let mark = format!("mark {} ", self.marks.fetch_add(1, Ordering::Relaxed)).into_bytes();
        self.marker.send_to(&mark, (Ipv4Addr::LOCALHOST, MARK)).expect("loopback takes it");
        let packets = self.record.packets.lock().unwrap_or_else(PoisonError::into_inner);
        let is_mark =
            |packet: &Packet| packet.udp && packet.to.port() == MARK && packet.bytes.ends_with(&mark);
        let missing = |packets: &mut Vec<Packet>| !packets.iter().rev().any(is_mark);
        let (packets, late) =
            self.record.grown.wait_timeout_while(packets, DEADLINE, missing).expect("a lock");
        assert!(!late.timed_out(), "the record of packets stands still");
        packets.iter().filter(|packet| which(packet)).cloned().collect()
    }
}

impl Record {
    fn write(&self, socket: &OwnedFd) {
        let mut buffer = vec![0; LARGEST];
        while let Ok((length, _)) = recv(socket, &mut buffer[..], RecvFlags::empty()) {
            let Some(packet) = read(&buffer[..length]) else { continue };
            self.packets.lock().unwrap_or_else(PoisonError::into_inner).push(packet);
            self.grown.notify_all();
        }
    }
}

/// `None` for what is not IP: who has which address.
fn read(bytes: &[u8]) -> Option<Packet> {
    let (protocol, from, to, payload) = match bytes.first()? >> 4 {
        4 => {
            let address = |at: usize| -> Option<IpAddr> {
                let octets: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
                Some(Ipv4Addr::from(octets).into())
            };
            (*bytes.get(9)?, address(12)?, address(16)?, usize::from(bytes[0] & 15) * 4)
        }
        6 => {
            let address = |at: usize| -> Option<IpAddr> {
                let octets: [u8; 16] = bytes.get(at..at + 16)?.try_into().ok()?;
                Some(Ipv6Addr::from(octets).into())
            };
            (*bytes.get(6)?, address(8)?, address(24)?, 40)
        }
        _ => return None,
    };
    let port = |at: usize| -> u16 {
        let port = bytes.get(payload + at..payload + at + 2).filter(|_| matches!(protocol, TCP | UDP));
        port.map_or(0, |port| u16::from_be_bytes([port[0], port[1]]))
    };
    let (from, to) = ((from, port(0)).into(), (to, port(2)).into());
    Some(Packet { udp: protocol == UDP, from, to, bytes: bytes.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_of_both_ips_are_read() {
        let mut four = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, UDP, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        four.extend([0x30, 0x39, 0, 9]);
        let packet = read(&four).unwrap();
        assert_eq!(
            (packet.from, packet.to),
            ("10.0.0.1:12345".parse().unwrap(), "10.0.0.2:9".parse().unwrap())
        );
        let mut six = vec![0; 40];
        (six[0], six[6], six[23], six[39]) = (0x60, TCP, 1, 2);
        six.extend([1, 187, 0, 80]);
        let packet = read(&six).unwrap();
        assert_eq!((packet.from, packet.to), ("[::1]:443".parse().unwrap(), "[::2]:80".parse().unwrap()));
        assert!(read(&[0, 1, 8, 0, 6, 4]).is_none() && read(&four[..12]).is_none());
    }
}

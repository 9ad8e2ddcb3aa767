//! What leaves the application's machine, and where it goes.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
};

use e2e::netns::{Capture, Packet};

use super::scene::{APPLICATION, DEADLINE, ENVOY, METADATA, PROVIDER, Scene, WORLD};

#[test]
fn tcp_of_everybody_but_envoy_arrives_at_envoy_with_its_destination() {
    for scene in Scene::both() {
        scene.install("");
        for uid in [APPLICATION, 0] {
            let refused = scene.ask(uid, PROVIDER[0], 443).expect_err("Envoy is not there yet");
            assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        }
        scene.stand_in_for_envoy();
        for uid in [APPLICATION, 0] {
            for port in [80, 443, 8443, 9999] {
                assert_eq!(scene.ask(uid, PROVIDER[0], port).unwrap(), format!("Ok({}:{port})", PROVIDER[0]));
                assert_eq!(
                    scene.ask(uid, PROVIDER[1], port).unwrap(),
                    format!("Ok([{}]:{port})", PROVIDER[1])
                );
            }
        }
        assert_eq!(scene.reached(), 0);
        for address in PROVIDER {
            assert_eq!(scene.ask(ENVOY, address, 443).unwrap(), WORLD);
        }
    }
}

#[test]
fn options_name_another_user_and_another_port() {
    for scene in Scene::both() {
        scene.stand_in_for_envoy();
        scene.install("--uid 4242 --port 15002");
        assert_eq!(scene.ask(4242, PROVIDER[0], 443).unwrap(), WORLD);
        for uid in [APPLICATION, ENVOY] {
            let refused = scene.ask(uid, PROVIDER[0], 443).expect_err("nobody listens there");
            assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
        }
        scene.install("--uid 4242");
        assert!(scene.ask(ENVOY, PROVIDER[0], 443).unwrap().starts_with("Ok("));
    }
}

#[test]
fn loopback_and_answers_to_others_are_untouched() {
    for scene in Scene::both() {
        scene.install("");
        for end in [scene.link.v4(0), scene.link.v6(0), "127.0.0.1".parse().unwrap(), "::1".parse().unwrap()]
        {
            let listener = scene.run_as(APPLICATION, || TcpListener::bind((end, 8080))).unwrap();
            let to = listener.local_addr().unwrap();
            let mut clients = vec![scene.run_as(APPLICATION, || TcpStream::connect(to)).unwrap()];
            if !end.is_loopback() {
                clients.push(scene.world.enter(|| TcpStream::connect(to)).unwrap());
            }
            for mut client in clients {
                listener.accept().unwrap().0.write_all(b"served").unwrap();
                let mut told = String::new();
                client.read_to_string(&mut told).unwrap();
                assert_eq!(told, "served", "{end}");
            }
        }
    }
}

#[test]
fn excluded_networks_are_reached_without_envoy() {
    for scene in Scene::both() {
        scene.stand_in_for_envoy();
        scene.install("--exclude-cidr 203.0.113.0/24 --exclude-cidr 2001:DB8:0::/48");
        for (family, address) in PROVIDER.into_iter().enumerate() {
            assert_eq!(scene.ask(APPLICATION, address, 443).unwrap(), WORLD);
            scene.ask_udp(APPLICATION, address, 443).unwrap();
            assert_ne!(scene.ask(APPLICATION, METADATA[family], 80).unwrap(), WORLD);
        }
        scene.install("--exclude-private");
        let (private, public) = (scene.link.v4(1).to_string(), PROVIDER[0]);
        assert_eq!(scene.ask(APPLICATION, &private, 443).unwrap(), WORLD);
        assert_eq!(scene.ask(APPLICATION, &scene.link.v6(1).to_string(), 443).unwrap(), WORLD);
        assert_ne!(scene.ask(APPLICATION, public, 443).unwrap(), WORLD);
    }
}

#[test]
fn envoy_cannot_be_led_to_metadata_and_applications_only_by_choice() {
    for scene in Scene::both() {
        scene.stand_in_for_envoy();
        for options in ["", "--exclude-cidr 169.254.169.254/32 --exclude-cidr fd00:ec2::254"] {
            scene.install(options);
            for address in METADATA {
                let refused = scene.ask(ENVOY, address, 80).expect_err("credentials are there");
                assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
                // Clouds have name servers at such addresses.
                scene.ask_udp(ENVOY, address, 53).unwrap();
                assert_eq!(scene.ask(ENVOY, address, 53).unwrap(), WORLD);
                assert_eq!(scene.ask(APPLICATION, address, 80).unwrap() == WORLD, !options.is_empty());
            }
        }
    }
}

#[test]
fn udp_is_refused_at_once_but_dns() {
    for scene in Scene::both() {
        let refused = |uid, address, port| {
            let error = scene.ask_udp(uid, address, port).expect_err("it is rejected").kind();
            // The kernel tells the one who sends, or the one who waits for an answer.
            matches!(error, ErrorKind::PermissionDenied | ErrorKind::ConnectionRefused)
        };
        scene.install("");
        for address in PROVIDER {
            assert!(
                refused(APPLICATION, address, 443)
                    && refused(0, address, 443)
                    && refused(ENVOY, address, 443)
            );
            assert!(refused(APPLICATION, address, 4433));
            for uid in [APPLICATION, ENVOY] {
                scene.ask_udp(uid, address, 53).unwrap();
                assert_eq!(scene.ask(uid, address, 53).unwrap(), WORLD);
            }
        }
        scene.install("--udp allow");
        for address in PROVIDER {
            assert!(refused(APPLICATION, address, 443) && refused(ENVOY, address, 443));
            scene.ask_udp(APPLICATION, address, 4433).unwrap();
        }
    }
}

/// Sends GRE, one of the protocols for experiments, and an echo request, by both IPs.
const RAW: &str = "
import socket, sys
for family, to, echo, head in ((socket.AF_INET, '203.0.113.10', 1, b'\\x08'), (socket.AF_INET6, '2001:db8::10', 58, b'\\x80')):
    for number in (47, 253, echo):
        try: socket.socket(family, socket.SOCK_RAW, number).sendto(head + bytes(7) + b'raw', (to, 0))
        except OSError: pass";

#[test]
fn other_protocols_do_not_leave_but_icmp_does() {
    for scene in Scene::both() {
        let capture = Capture::start(&scene.world);
        let arrived = || {
            // Who has which address is asked by the first of these, and whatever comes back of the second is behind the rest.
            let fence = || PROVIDER.map(|address| scene.ask_udp(APPLICATION, address, 53).unwrap());
            let seen = capture.packets().len();
            fence();
            scene.app.sh(&format!("python3 -c \"{RAW}\""));
            fence();
            // Not the world's errors, which quote them.
            let ours = |packet: &&Packet| {
                packet.bytes.ends_with(b"raw") && PROVIDER.contains(&&*packet.to.ip().to_string())
            };
            let protocol = |packet: &Packet| packet.bytes[if packet.to.is_ipv4() { 9 } else { 6 }];
            capture.packets()[seen..].iter().filter(ours).map(protocol).collect::<Vec<_>>()
        };
        assert_eq!(arrived(), [47, 253, 1, 47, 253, 58]);
        scene.install("");
        assert_eq!(arrived(), [1, 58]);
    }
}

#[test]
fn a_connection_older_than_the_rules_is_cut_and_nothing_more_leaves() {
    for scene in Scene::both() {
        // With this, the kernel follows connections already, and rules of nat would never see this one.
        for family in [4, 6] {
            let tool = scene.tool(family, "");
            scene.app.sh(&format!("{tool} -t nat -A OUTPUT -p tcp -m conntrack --ctstate NEW -j RETURN"));
        }
        for end in [scene.link.v4(1), scene.link.v6(1)] {
            let server = scene.world.enter(|| TcpListener::bind((end, 7777)).unwrap());
            let to = server.local_addr().unwrap();
            let mut client = scene.run_as(APPLICATION, || TcpStream::connect(to)).unwrap();
            client.write_all(b"before").unwrap();
            let (mut served, _) = server.accept().unwrap();
            served.read_exact(&mut [0; 6]).unwrap();
            client.set_read_timeout(Some(DEADLINE)).unwrap();
            let capture = Capture::start(&scene.world);

            scene.install("");
            client.write_all(b"afterwards").expect("the kernel takes it");
            let cut = client.read(&mut [0; 1]).expect_err("it is reset");
            assert_eq!(cut.kind(), ErrorKind::ConnectionReset);
            assert!(!capture.packets().iter().any(|packet| packet.bytes.ends_with(b"afterwards")));
            scene.script("remove");
        }
    }
}

/// More than the kernel's buffers of both sides take while nobody reads.
const LAST_WORDS: usize = 256 << 10;

#[test]
fn what_envoy_sent_last_arrives_although_it_has_closed_the_connection() {
    for scene in Scene::both() {
        scene.install("");
        for end in [scene.link.v4(1), scene.link.v6(1)] {
            let server = scene.world.enter(|| TcpListener::bind((end, 7777)).unwrap());
            let to = server.local_addr().unwrap();
            let (closed, when_closed) = mpsc::channel();
            let reader = std::thread::spawn(move || {
                let (mut served, _) = server.accept().unwrap();
                served.set_read_timeout(Some(DEADLINE)).unwrap();
                when_closed.recv().unwrap();
                let mut read = Vec::new();
                served.read_to_end(&mut read).map(|_| read.len())
            });
            scene.run_as(ENVOY, || {
                TcpStream::connect(to).unwrap().write_all(&vec![b'.'; LAST_WORDS]).unwrap()
            });
            closed.send(()).unwrap();
            assert_eq!(reader.join().unwrap().expect("its end is told, too"), LAST_WORDS);
        }
    }
}

#[test]
fn there_is_no_moment_without_rules_while_they_are_installed_again() {
    for scene in Scene::both() {
        scene.install("");
        let over = AtomicBool::new(false);
        std::thread::scope(|threads| {
            let asking = threads.spawn(|| {
                let mut asked = 0;
                while !over.load(Ordering::SeqCst) {
                    for address in PROVIDER {
                        scene.ask(APPLICATION, address, 443).expect_err("Envoy is not there");
                        scene.ask_udp(APPLICATION, address, 443).expect_err("QUIC is refused");
                    }
                    asked += 1;
                }
                asked
            });
            for options in ["", "--exclude-private", "--udp allow", "--port 15002", ""] {
                scene.install(options);
            }
            over.store(true, Ordering::SeqCst);
            assert!(asking.join().unwrap() > 10);
        });
        assert_eq!(scene.reached(), 0);
    }
}

//! `envoy/iptables.sh`, on both kinds of iptables: what it installs, what leaves then, and what remains behind it.

mod errors;
mod rules;
mod scene;
mod strays;
mod traffic;

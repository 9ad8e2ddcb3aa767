//! IP addresses.

use super::{Group, Kind, Row};
use crate::detect::ipv4;

pub(super) static ROWS: &[Row] = &[
    Row {
        kind: Kind::new("AWS_PRIVATE_IP", Group::Addresses),
        rule: "private-ip",
        compound: false,
        anchors: ipv4::ANCHORS,
        grammar: ipv4::private,
        source: "RFC 1918, RFC 6598 and RFC 3927",
        examples: &["10.0.1.100", "172.31.255.255", "192.168.0.1", "100.64.0.1", "169.254.1.1"],
        counter_examples: &["10.0.1", "10.0.1.256", "10.00.1.1", "1.10.0.0.1", "v10.0.0.1", "10.0.1.1x"],
    },
    Row {
        kind: Kind::new("AWS_PUBLIC_IP", Group::Addresses),
        rule: "public-ip",
        compound: false,
        anchors: ipv4::ANCHORS,
        grammar: ipv4::public,
        source: "RFC 791",
        examples: &["203.0.113.1", "54.239.28.85", "8.8.8.8"],
        counter_examples: &[
            "127.0.0.1",
            "0.0.0.0/0",
            "255.255.255.0",
            "169.254.169.254",
            "224.0.0.1",
            "nginx 1.21.4.2",
            "nginx/1.21.4.2",
            "version 1.2.3.4",
        ],
    },
];

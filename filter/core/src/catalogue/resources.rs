//! Ids that AWS gives to resources.

use super::{Group, Kind, Row};
use crate::detect::resource_id;

const EC2_IDS: &str = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html";

/// A row for ids of a literal prefix and 8 or 17 hexadecimal digits.
macro_rules! resource_id {
    ($prefix:literal, $rule:literal, $anchor:literal) => {
        Row {
            kind: Kind::new($prefix, Group::Ids),
            rule: $rule,
            compound: false,
            anchors: &[$anchor],
            grammar: resource_id::hex_8_or_17,
            source: EC2_IDS,
            examples: &[concat!($anchor, "12345678"), concat!($anchor, "0abcdef0123456789")],
            counter_examples: &[
                concat!($anchor, "1234567"),
                concat!($anchor, "123456789"),
                concat!($anchor, "1234567890abcdef01"),
                concat!("x", $anchor, "12345678"),
                concat!($anchor, "1234567g"),
                concat!($anchor, "12345678z"),
            ],
        }
    };
}

/// The rows.
pub(super) static ROWS: &[Row] = &[
    resource_id!("AWS_AMI", "ami", "ami-"),
    resource_id!("AWS_CGW", "customer-gateway", "cgw-"),
    resource_id!("AWS_DOPT", "dhcp-options", "dopt-"),
    resource_id!("AWS_EBS_VOL", "ebs-volume", "vol-"),
    resource_id!("AWS_EC2", "ec2-instance", "i-"),
    resource_id!("AWS_EFS", "efs-file-system", "fs-"),
    resource_id!("AWS_EIGW", "egress-only-internet-gateway", "eigw-"),
    resource_id!("AWS_EIP_ALLOC", "eip-allocation", "eipalloc-"),
    resource_id!("AWS_EIP_ASSOC", "eip-association", "eipassoc-"),
    resource_id!("AWS_ENI", "network-interface", "eni-"),
    resource_id!("AWS_FLOW_LOG", "flow-log", "fl-"),
    resource_id!("AWS_HOST", "dedicated-host", "h-"),
    resource_id!("AWS_IGW", "internet-gateway", "igw-"),
    resource_id!("AWS_KEY_PAIR", "key-pair", "key-"),
    resource_id!("AWS_LT", "launch-template", "lt-"),
    resource_id!("AWS_NACL", "network-acl", "acl-"),
    resource_id!("AWS_NAT_GW", "nat-gateway", "nat-"),
    resource_id!("AWS_PCX", "vpc-peering", "pcx-"),
    resource_id!("AWS_PREFIX_LIST", "prefix-list", "pl-"),
    resource_id!("AWS_RESERVATION", "reservation", "r-"),
    resource_id!("AWS_RTB", "route-table", "rtb-"),
    resource_id!("AWS_RTB_ASSOC", "route-table-association", "rtbassoc-"),
    resource_id!("AWS_SECURITY_GROUP", "security-group", "sg-"),
    resource_id!("AWS_SG_RULE", "security-group-rule", "sgr-"),
    resource_id!("AWS_SNAPSHOT", "ebs-snapshot", "snap-"),
    resource_id!("AWS_SUBNET", "subnet", "subnet-"),
    resource_id!("AWS_TGW", "transit-gateway", "tgw-"),
    resource_id!("AWS_TGW_ATTACH", "transit-gateway-attachment", "tgw-attach-"),
    resource_id!("AWS_TGW_RTB", "transit-gateway-route-table", "tgw-rtb-"),
    resource_id!("AWS_VGW", "vpn-gateway", "vgw-"),
    resource_id!("AWS_VPC", "vpc", "vpc-"),
    resource_id!("AWS_VPCE", "vpc-endpoint", "vpce-"),
    resource_id!("AWS_VPN", "vpn-connection", "vpn-"),
];

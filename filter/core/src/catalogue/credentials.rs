//! Credentials of AWS, and the ids that IAM gives.

use super::{ACCOUNT, Group, Kind, Row};
use crate::detect::{access_key, told, userinfo};

const IAM_IDS: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html";
const ROLE_IDS: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html";
const KEYS: &str = "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html";
const ACCOUNTS: &str = "https://docs.aws.amazon.com/accounts/latest/reference/manage-acct-identifiers.html";
const TOKENS: &str = "https://docs.aws.amazon.com/STS/latest/APIReference/API_Credentials.html";

/// What the unique ids of IAM begin with: who or what has them.
const UNIQUE: &[&str] = &["abia", "acca", "agpa", "aida", "aipa", "anpa", "anva", "apka", "aroa", "asca"];

pub(super) static ROWS: &[Row] = &[
    Row {
        kind: Kind::credential("AWS_ACCESS_KEY", Group::Credentials),
        rule: "access-key-pair",
        compound: true,
        anchors: &["akia", "asia"],
        grammar: told::key_pair,
        source: KEYS,
        // It is never one value: the id and the secret are masked each by itself.
        examples: &[],
        counter_examples: &["AKIA", "Asia"],
    },
    Row {
        kind: Kind { propagates: true, ..Kind::credential("AWS_SECRET_KEY", Group::Credentials) },
        rule: "secret-key-near-word",
        compound: true,
        anchors: &["secret", "시크릿", "비밀"],
        grammar: told::secret,
        source: KEYS,
        examples: &[],
        counter_examples: &[
            "secret scan of 1f3870be274f6c49b3e31a0c6728957f1f3870be",
            "secret",
            "secretKeyFromTheConfigurationOfTheApplication",
        ],
    },
    Row {
        kind: ACCOUNT,
        rule: "account-near-word",
        compound: true,
        anchors: &["account", "계정"],
        grammar: told::account,
        source: ACCOUNTS,
        examples: &[],
        counter_examples: &["account 1234", "account balance 482915073364", "bank account 482915073364"],
    },
    Row {
        kind: ACCOUNT,
        rule: "cdk-environment",
        compound: false,
        anchors: &["aws://"],
        grammar: told::environment,
        source: "https://docs.aws.amazon.com/cdk/v2/guide/bootstrapping-env.html",
        examples: &[],
        counter_examples: &["aws://unknown-account/us-east-1", "aws://48291507336"],
    },
    Row {
        kind: Kind::credential("AWS_ACCESS_KEY", Group::Credentials),
        rule: "access-key-id",
        compound: false,
        anchors: &["akia", "asia"],
        grammar: access_key::access_key_id,
        source: IAM_IDS,
        examples: &["AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE"],
        counter_examples: &[
            "AKIA",
            "AKIAIOSFODNN7EXAMPL",
            "AKIAIOSFODNN7EXAMPLE1",
            "ASIAiosfodnn7example",
            "Asia",
        ],
    },
    Row {
        kind: Kind::new("AWS_IAM_ID", Group::Ids),
        rule: "assumed-role-id",
        compound: true,
        anchors: &["aroa"],
        grammar: access_key::assumed_role,
        source: ROLE_IDS,
        // It is never one value: the role's id and the session's name are masked each by itself.
        examples: &[],
        counter_examples: &["AROA:session", "AROADBQ:session"],
    },
    Row {
        kind: Kind::new("AWS_IAM_ID", Group::Ids),
        rule: "iam-unique-id",
        compound: false,
        anchors: UNIQUE,
        grammar: access_key::unique_id,
        source: IAM_IDS,
        examples: &[
            "AIDACKCEVSQ6C2EXAMPLE",
            "AROADBQP57FF2AEXAMPLE",
            "ANPAJ2UCCR6DPCEXAMPLE",
            "AIDA1111111EXAMPLE",
        ],
        counter_examples: &[
            "AIDA",
            "AIDACKCEVSQ6",
            "aidackcevsq6c2example",
            "AROAMINGSPIRITOFROAD",
            "Acca12345678901234567",
        ],
    },
    Row {
        kind: Kind::credential("AWS_SESSION_TOKEN", Group::Credentials),
        rule: "session-token",
        compound: false,
        anchors: &[
            "aqodyxdz",
            "aqoexample",
            "aqoxdzel",
            "fqodyxdz",
            "fqogzxivyxdz",
            "fwogzxivyxdz",
            "iqojb3jpz2lu",
        ],
        grammar: access_key::session_token,
        source: TOKENS,
        examples: &[
            "FwoGZXIvYXdzEBYaDEXAMPLE0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghij+/==",
            "IQoJb3JpZ2luX2VjEXAMPLE0123456789abcdefghijklmnopqrstuvwxyz%2FABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghij%3D",
        ],
        counter_examples: &["FwoGZXIvYXdz", "IQoJb3JpZ2lu"],
    },
    Row {
        kind: Kind { propagates: true, ..Kind::credential("AWS_PASSWORD", Group::Credentials) },
        rule: "password-in-url",
        compound: true,
        anchors: userinfo::ANCHORS,
        grammar: userinfo::password_in_url,
        source: "https://www.rfc-editor.org/rfc/rfc3986#section-3.2.1",
        // It needs its URL around it.
        examples: &[],
        counter_examples: &[
            "://",
            "https://example.com",
            "https://user@example.com",
            "https://u:${PASSWORD}@h",
        ],
    },
];

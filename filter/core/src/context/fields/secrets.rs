//! Credentials: what AWS's API models mark as sensitive.

use super::Field;
use crate::catalogue::{Group, Kind};
use crate::context::values;

const STS: &str = "https://docs.aws.amazon.com/STS/latest/APIReference/API_Credentials.html";
const SECRET_VALUE: &str =
    "https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html";
const RDS: &str = "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html";

/// The rule of passwords, which have any sign in them.
pub(in crate::context) const PASSWORD_RULE: &str = "password-field";

const fn secret(prefix: &'static str) -> Kind {
    Kind { propagates: true, ..Kind::credential(prefix, Group::Credentials) }
}

pub(super) static FIELDS: &[Field] = &[
    Field {
        kind: secret("AWS_ACCESS_KEY"),
        rule: "access-key-field",
        names: &["AccessKeyId", "AwsAccessKey", "=AccessKey", "IamAccessKeyId"],
        value: values::access_key,
        source: "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html",
        examples: &["ASIAV3ZUEFP6EXAMPLE", "AKIAIOSFODNN7EXAMPLE"],
        counter_examples: &["AKIA", "${KEY}", "ACCESSKEYWITHOUTDIGIT", "akiaiosfodnn7example"],
    },
    Field {
        kind: secret("AWS_SECRET_KEY"),
        rule: "secret-key-field",
        names: &["SecretAccessKey", "=SecretKey", "AWSSecretKey", "AwsSecret", "RawSecretAccessKey"],
        value: values::secret_key,
        source: STS,
        examples: &["wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "8P+SQvWIuLnKhh8d++jpw0nNmQRBZvNEXAMPLEKEY"],
        counter_examples: &["${SECRET}", "****************", "null", "short"],
    },
    Field {
        kind: secret("AWS_SESSION_TOKEN"),
        rule: "session-token-field",
        names: &["SessionToken", "SecurityToken", "AmzSecurityToken"],
        value: values::session_token,
        source: STS,
        examples: &["FwoGZXIvYXdzEBYaDExampleExampleExampleExample+/=", "AQoDYXdzEJr1K5e2ExampleExample"],
        counter_examples: &["$TOKEN", "{{token}}", "None"],
    },
    Field {
        kind: secret("AWS_PASSWORD"),
        rule: PASSWORD_RULE,
        names: &[
            "Password",
            "MasterPassword",
            "MasterUserPassword",
            "AdminPassword",
            "DbPassword",
            "PasswordData",
            "Passphrase",
            "Pgpassword",
            "MysqlPwd",
            "RediscliAuth",
        ],
        value: values::password,
        source: RDS,
        examples: &["Pass@Word1", "hunter2-and-more"],
        counter_examples: &["${var.password}", "var.db_password", "true", "null", "string"],
    },
    Field {
        kind: secret("AWS_SECRET_VALUE"),
        rule: "secret-field",
        names: &[
            "SecretString",
            "SecretBinary",
            "=Plaintext",
            "PrivateKey",
            "KeyMaterial",
            "=AuthKey",
            "BgpAuthKey",
            "AuthToken",
            "PreSharedKey",
            "SharedSecret",
            "ClientSecret",
            "ClientSecretValue",
            "SecretHash",
            "SecretToAuthenticateInitiator",
            "SecretToAuthenticateTarget",
            "ServiceCredentialSecret",
            "WebhookSecret",
            "ApiKeySecret",
            "JoinToken",
        ],
        value: values::secret,
        source: SECRET_VALUE,
        examples: &["asdf34example", "0dXNlcjpwYXNzd29yZA=="],
        counter_examples: &["$SECRET", "<secret>", "false", "file://key.pem"],
    },
];

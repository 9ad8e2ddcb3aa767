//! Ids that services other than EC2 give: a literal prefix, and characters as the service's documentation
//! says.
//!
//! A prefix that is a word, or that other programs use too, has the exact length and a letter behind a digit.

use super::{Group, Kind, Row};
use crate::detect::resource_id::{
    self, ANY, DIGIT, HEX, LOWER, MIXED, UPPER, id, length, lengths, unknown_prefix, with_uuid,
};
use crate::detect::{organization, sid};

const AUTOMATION: &str = "https://docs.aws.amazon.com/systems-manager/latest/APIReference/Welcome.html";
const BEANSTALK: &str = "https://docs.aws.amazon.com/elasticbeanstalk/latest/api/Welcome.html";
const BLOCKCHAIN: &str = "https://docs.aws.amazon.com/managed-blockchain/latest/APIReference/Welcome.html";
const CLOUDHSM: &str = "https://docs.aws.amazon.com/cloudhsm/latest/APIReference/Welcome.html";
const CLOUD_MAP: &str = "https://docs.aws.amazon.com/cloud-map/latest/api/Welcome.html";
const CODEDEPLOY: &str = "https://docs.aws.amazon.com/codedeploy/latest/APIReference/Welcome.html";
const CONFIG: &str = "https://docs.aws.amazon.com/config/latest/APIReference/Welcome.html";
const DATAZONE: &str = "https://docs.aws.amazon.com/datazone/latest/APIReference/Welcome.html";
const DATA_PIPELINE: &str = "https://docs.aws.amazon.com/datapipeline/latest/APIReference/Welcome.html";
const DATA_SYNC: &str = "https://docs.aws.amazon.com/datasync/latest/userguide/API_Reference.html";
const DEADLINE: &str = "https://docs.aws.amazon.com/deadline-cloud/latest/APIReference/Welcome.html";
const DIRECTORY: &str = "https://docs.aws.amazon.com/directoryservice/latest/devguide/welcome.html";
const DIRECT_CONNECT: &str = "https://docs.aws.amazon.com/directconnect/latest/APIReference/Welcome.html";
const EC2_FLEETS: &str = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Welcome.html";
const EKS: &str = "https://docs.aws.amazon.com/eks/latest/APIReference/API_PodIdentityAssociation.html";
const EMR: &str = "https://docs.aws.amazon.com/emr/latest/APIReference/Welcome.html";
const FSX: &str = "https://docs.aws.amazon.com/fsx/latest/APIReference/Welcome.html";
const GAMELIFT: &str = "https://docs.aws.amazon.com/gameliftservers/latest/apireference/Welcome.html";
const GLUE: &str = "https://docs.aws.amazon.com/glue/latest/dg/aws-glue-api.html";
const GRAFANA: &str = "https://docs.aws.amazon.com/grafana/latest/APIReference/Welcome.html";
const IDENTITY_CENTER: &str = "https://docs.aws.amazon.com/singlesignon/latest/APIReference/welcome.html";
const IDENTITY_STORE: &str =
    "https://docs.aws.amazon.com/singlesignon/latest/IdentityStoreAPIReference/welcome.html";
const KMS_KEYS: &str =
    "https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html";
const LICENSES: &str = "https://docs.aws.amazon.com/license-manager/latest/APIReference/Welcome.html";
const MQ: &str = "https://docs.aws.amazon.com/amazon-mq/latest/api-reference/welcome.html";
const ORGANIZATIONS: &str = "https://docs.aws.amazon.com/organizations/latest/APIReference/Welcome.html";
const PROMETHEUS: &str = "https://docs.aws.amazon.com/prometheus/latest/APIReference/Welcome.html";
const RDS: &str = "https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/Welcome.html";
const RESOLVER: &str =
    "https://docs.aws.amazon.com/Route53/latest/APIReference/API_Operations_Amazon_Route_53_Resolver.html";
const SAGEMAKER: &str = "https://docs.aws.amazon.com/sagemaker/latest/APIReference/Welcome.html";
const SNOWBALL: &str = "https://docs.aws.amazon.com/snowball/latest/api-reference/Welcome.html";
const STORAGE_GATEWAY: &str = "https://docs.aws.amazon.com/storagegateway/latest/APIReference/Welcome.html";
const SUPPORT: &str = "https://docs.aws.amazon.com/awssupport/latest/APIReference/API_CaseDetails.html";
const TAGGED: &str = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html";
const WORKDOCS: &str = "https://docs.aws.amazon.com/workdocs/latest/APIReference/API_User.html";
const WORKSPACES: &str = "https://docs.aws.amazon.com/workspaces/latest/api/welcome.html";

/// Lengths of the upper-case ids of RDS: 26, and one or two fewer in the documentation.
const RDS_IDS: u64 = lengths(24, 27);

/// A list of rows: token prefix, rule, anchors, grammar, source, examples; and what it does not find.
macro_rules! rows {
    (
        $name:ident: $($prefix:literal, $rule:literal, $anchors:expr, $grammar:expr, $source:expr,
            $examples:expr, $counter:expr;)*
    ) => {
        pub(super) static $name: &[Row] = &[$(Row {
            kind: Kind::new($prefix, Group::Ids),
            rule: $rule,
            compound: false,
            anchors: &$anchors,
            grammar: $grammar,
            source: $source,
            examples: &$examples,
            counter_examples: &$counter,
        },)*];
    };
}

/// A list of rows for ids of a literal prefix and 17 hexadecimal digits.
macro_rules! hex_17 {
    ($name:ident: $($prefix:literal, $rule:literal, $anchor:literal, $source:expr;)*) => {
        rows! { $name: $(
            $prefix, $rule, [$anchor], id::<HEX, { length(17) }, ANY>, $source,
            [concat!($anchor, "0abcdef0123456789")],
            [concat!($anchor, "12345678"), concat!($anchor, "x0abcdef0123456789"), concat!($anchor, "name")];
        )* }
    };
}

/// A list of rows for ids of a literal prefix and a UUID.
macro_rules! uuids {
    ($name:ident: $($prefix:literal, $rule:literal, $anchor:literal, $source:expr;)*) => {
        rows! { $name: $(
            $prefix, $rule, [$anchor], with_uuid, $source,
            [
                concat!($anchor, "01234567-89ab-cdef-0123-456789abcdef"),
                concat!($anchor, "a1b2c3d4-5678-90ab-cdef-EXAMPLE11111")
            ],
            [concat!($anchor, "01234567-89ab-cdef-0123-456789abcdeg"), concat!($anchor, "01234567")];
        )* }
    };
}

hex_17! { HEX_17:
    "AWS_DATASYNC", "datasync-agent", "agent-", DATA_SYNC;
    "AWS_DATASYNC", "datasync-execution", "exec-", DATA_SYNC;
    "AWS_DATASYNC", "datasync-location", "loc-", DATA_SYNC;
    "AWS_DATASYNC", "datasync-task", "task-", DATA_SYNC;
    "AWS_FSX_BACKUP", "fsx-backup", "backup-", FSX;
    "AWS_FSX_CACHE", "fsx-file-cache", "fc-", FSX;
    "AWS_FSX_REPOSITORY", "fsx-data-repository", "dra-", FSX;
    "AWS_FSX_SNAPSHOT", "fsx-volume-snapshot", "fsvolsnap-", FSX;
    "AWS_FSX_SVM", "fsx-storage-virtual-machine", "svm-", FSX;
    "AWS_FSX_VOLUME", "fsx-volume", "fsvol-", FSX;
    "AWS_PATCH_BASELINE", "ssm-patch-baseline", "pb-", AUTOMATION;
    "AWS_SSM_NODE", "ssm-managed-node", "mi-", AUTOMATION;
    "AWS_SSM_WINDOW", "ssm-maintenance-window", "mw-", AUTOMATION;
}

uuids! { UUIDS:
    "AWS_DATASYNC", "datasync-discovery", "discovery-job-", DATA_SYNC;
    "AWS_DATASYNC", "datasync-storage-system", "storage-system-", DATA_SYNC;
    "AWS_EC2_FLEET", "ec2-fleet", "fleet-", EC2_FLEETS;
    "AWS_GAMELIFT", "gamelift-alias", "alias-", GAMELIFT;
    "AWS_GAMELIFT", "gamelift-build", "build-", GAMELIFT;
    "AWS_GAMELIFT", "gamelift-script", "script-", GAMELIFT;
    "AWS_MQ", "mq-broker", "b-", MQ;
    "AWS_MQ", "mq-configuration", "c-", MQ;
    "AWS_PROMETHEUS", "prometheus-scraper", "s-", PROMETHEUS;
    "AWS_PROMETHEUS", "prometheus-workspace", "ws-", PROMETHEUS;
    "AWS_RESERVATION", "reserved-instances-modification", "rimod-", EC2_FLEETS;
    "AWS_SNOW", "snow-address", "adid", SNOWBALL;
    "AWS_SNOW", "snow-cluster", "cid", SNOWBALL;
    "AWS_SNOW", "snow-job", "jid", SNOWBALL;
    "AWS_SPOT_FLEET", "spot-fleet", "sfr-", EC2_FLEETS;
}

rows! { ROWS:
    "AWS_BEANSTALK", "beanstalk-environment", ["e-"], id::<LOWER, { length(10) }, MIXED>, BEANSTALK,
        ["e-a1b2c3d4e5", "e-fh2abcdefg"], ["e-commerce12", "e-governance", "e-a1b2c3d4e"];
    "AWS_BLOCKCHAIN", "blockchain", ["ac-", "in-", "m-", "n-", "nd-", "p-"],
        id::<UPPER, { length(26) }, DIGIT>, BLOCKCHAIN, ["ac-ABCDEFGH1JKLM2NOPQRSTUVWXY", "n-ABCDEFGH1JKLM2NOPQRSTUVWXY"],
        ["n-abcdefgh1jklm2nopqrstuvwxy", "n-ABCDEFGHIJKLMNOPQRSTUVWXYZ"];
    "AWS_CLOUDHSM", "cloudhsm-cluster", ["cluster-"], id::<LOWER, { length(11) }, MIXED>, CLOUDHSM,
        ["cluster-1a23b4cdefg"], ["cluster-production2", "cluster-production", "cluster-1a23b4cdef"];
    "AWS_CLOUDHSM", "cloudhsm-module", ["hsm-"], id::<LOWER, { length(11) }, MIXED>, CLOUDHSM,
        ["hsm-a2b3c4d5e6f"], ["hsm-clusternode", "hsm-production1", "hsm-a2b3c4d5e6"];
    "AWS_CLOUD_MAP", "cloud-map-namespace", ["ns-"], id::<LOWER, { length(16) }, MIXED>, CLOUD_MAP,
        ["ns-a1b2c3d4e5f6g7h8", "ns-e4anhexample0004"],
        ["ns-1234", "ns-kubernetessystem", "ns-productioncluste"];
    "AWS_CLOUD_MAP", "cloud-map-service", ["srv-"], id::<LOWER, { length(16) }, MIXED>, CLOUD_MAP,
        ["srv-a1b2c3d4e5f6g7h8"], ["srv-1234", "srv-applicationserve", "srv-a1b2c3d4e5f6g7h"];
    "AWS_CODEDEPLOY", "codedeploy-deployment", ["d-"], id::<UPPER, { length(9) }, DIGIT>, CODEDEPLOY,
        ["d-A1B2C3111", "d-USUAELQE4"], ["d-a1b2c3111", "d-ABCDEFGHI", "d-A1B2C31"];
    "AWS_CONFIG_RULE", "config-aggregator", ["config-aggregator-"], id::<LOWER, { length(8) }, DIGIT>,
        CONFIG, ["config-aggregator-a1b2c3d4"], ["config-aggregator-accounts", "config-aggregator-a1b2c"];
    "AWS_CONFIG_RULE", "config-rule", ["config-rule-"], id::<LOWER, { length(6) }, DIGIT>, CONFIG,
        ["config-rule-a1b2c3"], ["config-rule-checks", "config-rule-a1b2c"];
    "AWS_CONFIG_RULE", "conformance-pack", ["conformance-pack-"], id::<LOWER, { length(9) }, DIGIT>,
        CONFIG, ["conformance-pack-a1b2c3d4e"], ["conformance-pack-templates", "conformance-pack-a1b2c"];
    "AWS_EXPORT", "export-and-import-task", ["export-i-", "export-ami-", "import-i-", "import-ami-",
        "import-snap-", "import-vol-"], id::<LOWER, { resource_id::EC2 }, DIGIT>, EC2_FLEETS,
        ["export-i-fh1abcde", "import-ami-0abcdef0123456789"], ["import-i-packages", "export-ami-name",
        "import-snap-a1b2c3d"];
    "AWS_DATAZONE", "datazone-domain", ["dzd-"], id::<LOWER, { lengths(12, 16) }, DIGIT>, DATAZONE,
        ["dzd-a1b2c3d4e5f6g7"], ["dzd-domain", "dzd-abcdefghijklmn"];
    "AWS_DATAZONE", "datazone-domain-old", ["dzd_"], id::<LOWER, { lengths(12, 16) }, DIGIT>, DATAZONE,
        ["dzd_a1b2c3d4e5f6g7"], ["dzd_domain", "dzd_abcdefghijklmn"];
    "AWS_DATA_PIPELINE", "data-pipeline", ["df-"], id::<UPPER, { lengths(12, 22) }, DIGIT>, DATA_PIPELINE,
        ["df-0123456ABCDEEXAMPLE", "df-06372391ZG6512345678"],
        ["df-abcdefghijkl1", "df-ABCDEFGHIJKLMNO", "df-1"];
    "AWS_DEADLINE", "deadline", [
            "budget-", "farm-", "fleet-", "job-", "limit-", "monitor-", "queue-", "queueenv-", "session-",
            "sessionaction-", "step-", "task-", "worker-",
        ], id::<HEX, { length(32) }, MIXED>, DEADLINE,
        ["farm-0123456789abcdef0123456789abcdef", "sessionaction-0123456789abcdef0123456789abcdef"],
        ["farm-0123456789abcdef0123456789abcde", "job-12345678901234567890123456789012"];
    "AWS_DIRECTORY", "directory", ["d-"], id::<HEX, { length(10) }, ANY>, DIRECTORY,
        ["d-1234567890", "d-9267abcdef"], ["d-123456789", "d-12345678901", "d-day-trips"];
    "AWS_DIRECTORY", "directory-trust", ["t-"], id::<HEX, { length(10) }, MIXED>, DIRECTORY,
        ["t-9267abcdef"], ["t-1234567890", "t-shirt12345"];
    "AWS_DIRECT_CONNECT", "direct-connect-con", ["dxcon-"], id::<LOWER, { length(8) }, ANY>,
        DIRECT_CONNECT, ["dxcon-fg1234ab", "dxcon-ffabcdef", "dxcon-EXAMPLE1"],
        ["dxcon-fg1234a", "dxcon-fg1234abc", "dxcon-fg1234-b"];
    "AWS_DIRECT_CONNECT", "direct-connect-lag", ["dxlag-"], id::<LOWER, { length(8) }, ANY>,
        DIRECT_CONNECT, ["dxlag-fg1234ab", "dxlag-ffabcdef", "dxlag-EXAMPLE1"],
        ["dxlag-fg1234a", "dxlag-fg1234abc", "dxlag-fg1234-b"];
    "AWS_DIRECT_CONNECT", "direct-connect-peer", ["dxpeer-"], id::<LOWER, { length(8) }, ANY>,
        DIRECT_CONNECT, ["dxpeer-fg1234ab", "dxpeer-ffabcdef", "dxpeer-EXAMPLE1"],
        ["dxpeer-fg1234a", "dxpeer-fg1234abc", "dxpeer-fg1234-b"];
    "AWS_DIRECT_CONNECT", "direct-connect-vif", ["dxvif-"], id::<LOWER, { length(8) }, ANY>,
        DIRECT_CONNECT, ["dxvif-fg1234ab", "dxvif-ffabcdef", "dxvif-EXAMPLE1"],
        ["dxvif-fg1234a", "dxvif-fg1234abc", "dxvif-fg1234-b"];
    "AWS_EKS_ASSOC", "eks-pod-identity-association", ["a-"], id::<LOWER, { length(17) }, MIXED>, EKS,
        ["a-1b2c3d4e5f6g7h8i9"], ["a-abcdefghijklmnopq", "a-abcdefghijklmno"];
    "AWS_EMR", "emr-cluster", ["j-"], id::<UPPER, { lengths(11, 14) }, DIGIT>, EMR,
        ["j-3SD91U2E1L2QX", "j-1ABCDEFGHIJK"], ["j-3sd91u2e1l2qx", "j-ABCDEFGHIJKLM", "j-12345"];
    "AWS_EMR", "emr-instance-fleet", ["if-"], id::<UPPER, { lengths(11, 14) }, DIGIT>, EMR,
        ["if-1ABCDEFGHIJKL"], ["if-1abcdefghijkl", "if-ABCDEFGHIJKLM"];
    "AWS_EMR", "emr-instance-group", ["ig-"], id::<UPPER, { lengths(11, 14) }, DIGIT>, EMR,
        ["ig-1ABCDEFGHIJKL"], ["ig-1abcdefghijkl", "ig-ABCDEFGHIJKLM"];
    "AWS_EMR", "emr-notebook", ["e-"], id::<UPPER, { length(25) }, DIGIT>, EMR,
        ["e-ABCDEFGH1JKLM2NOPQRSTUVWX"], ["e-ABCDEFGHIJKLMNOPQRSTUVWXY", "e-ABCDEFGH1JKLM2NOPQRSTUVWXY"];
    "AWS_EMR", "emr-step", ["s-"], id::<UPPER, { lengths(11, 14) }, DIGIT>, EMR, ["s-1ABCDEFGHIJKL"],
        ["s-1abcdefghijkl", "s-ABCDEFGHIJKLM"];
    "AWS_EMR", "emr-studio", ["es-"], id::<UPPER, { length(25) }, DIGIT>, EMR,
        ["es-ABCDEFGH1JKLM2NOPQRSTUVWX"], ["es-ABCDEFGHIJKLMNOPQRSTUVWXY",
        "es-ABCDEFGH1JKLM2NOPQRSTUVWXY"];
    "AWS_GLUE_RUN", "glue-dqresult", ["dqresult-"], id::<HEX, { length(40) }, ANY>, GLUE,
        ["dqresult-0123456789abcdef0123456789abcdef01234567"],
        ["dqresult-0123456789abcdef0123456789abcdef", "dqresult-model"];
    "AWS_GLUE_RUN", "glue-dqrulerec", ["dqrulerec-"], id::<HEX, { length(40) }, ANY>, GLUE,
        ["dqrulerec-0123456789abcdef0123456789abcdef01234567"],
        ["dqrulerec-0123456789abcdef0123456789abcdef", "dqrulerec-model"];
    "AWS_GLUE_RUN", "glue-dqrun", ["dqrun-"], id::<HEX, { length(40) }, ANY>, GLUE,
        ["dqrun-0123456789abcdef0123456789abcdef01234567"],
        ["dqrun-0123456789abcdef0123456789abcdef", "dqrun-model"];
    "AWS_GLUE_RUN", "glue-run", ["jr_", "wr_"], resource_id::hex_64, GLUE,
        ["jr_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "wr_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"],
        ["jr_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0", "jr_name"];
    "AWS_GLUE_TRANSFORM", "glue-transform", ["tfm-"], id::<HEX, { length(40) }, ANY>, GLUE,
        ["tfm-0123456789abcdef0123456789abcdef01234567"],
        ["tfm-0123456789abcdef0123456789abcdef", "tfm-model"];
    "AWS_GRAFANA", "grafana-workspace", ["g-"], id::<HEX, { length(10) }, MIXED>, GRAFANA,
        ["g-1a2b3c4d5e"], ["g-1234567890", "g-1a2b3c4d5", "g-forcedfade"];
    "AWS_HANDSHAKE", "account-creation", ["car-"], id::<LOWER, { length(32) }, MIXED>, ORGANIZATIONS,
        ["car-examplecreateaccountrequestid111", "car-0123456789abcdef0123456789abcdef"],
        ["car-0123456789abcdef0123456789abcde", "car-name"];
    "AWS_HANDSHAKE", "organizations-handshake", ["h-"], id::<LOWER, { length(21) | length(32) }, MIXED>,
        ORGANIZATIONS, ["h-examplehandshakeid111", "h-0123456789abcdef0123456789abcdef"],
        ["h-0123456789abcdef0123456789abcde", "h-name"];
    "AWS_KMS_KEY", "kms-multi-region-key", ["mrk-"], id::<HEX, { length(32) }, ANY>, KMS_KEYS,
        ["mrk-0123456789abcdef0123456789abcdef"], ["mrk-0123456789abcdef0123456789abcde",
        "mrk-0123456789abcdef0123456789abcdef0", "mrk-name"];
    "AWS_LICENSE", "license", ["l-"], id::<HEX, { length(32) }, MIXED>, LICENSES,
        ["l-0123456789abcdef0123456789abcdef"], ["l-0123456789abcdef0123456789abcde", "l-1216C47A"];
    "AWS_OPSITEM", "ssm-ops-item", ["oi-"], id::<HEX, { length(12) }, MIXED>, AUTOMATION,
        ["oi-0123456789ab"], ["oi-123456789012", "oi-0123456789a"];
    "AWS_ORGANIZATION", "organization", ["o-"], id::<LOWER, { lengths(10, 32) }, MIXED>, ORGANIZATIONS,
        ["o-a1b2c3d4e5", "o-exampleorgid"], ["o-organization", "o-a1b2c3d4e", "o-abcdefghij"];
    "AWS_OU", "organizational-unit", ["ou-"], organization::unit, ORGANIZATIONS,
        ["ou-ab12-cdefgh34", "ou-examplerootid111-exampleouid111"],
        ["ou-abcd", "ou-abcd-efghijkl", "ou-ab12-cdefgh3"];
    "AWS_RDS_ID", "rds-automated-backup", ["ab-"], id::<UPPER, { RDS_IDS }, DIGIT>, RDS,
        ["ab-ABCDEFGH1JKLM2NOPQRSTUVWXY"], ["ab-abcdefgh1jklm2nopqrstuvwxy",
        "ab-ABCDEFGHIJKLMNOPQRSTUVWXYZ", "ab-01"];
    "AWS_RDS_ID", "rds-cluster", ["cluster-"], id::<UPPER, { RDS_IDS }, DIGIT>, RDS,
        ["cluster-ABCDEFGH1JKLM2NOPQRSTUVWXY"], ["cluster-abcdefgh1jklm2nopqrstuvwxy",
        "cluster-ABCDEFGHIJKLMNOPQRSTUVWXYZ", "cluster-01"];
    "AWS_RDS_ID", "rds-instance", ["db-"], id::<UPPER, { RDS_IDS }, DIGIT>, RDS,
        ["db-ABCDEFGH1JKLM2NOPQRSTUVWXY"], ["db-abcdefgh1jklm2nopqrstuvwxy",
        "db-ABCDEFGHIJKLMNOPQRSTUVWXYZ", "db-01"];
    "AWS_RDS_ID", "rds-proxy", ["prx-"], id::<HEX, { length(17) }, ANY>, RDS, ["prx-0abcdef0123456789"],
        ["prx-name", "prx-12345678"];
    "AWS_RDS_ID", "rds-shard-group", ["shardgroup-"], id::<UPPER, { RDS_IDS }, DIGIT>, RDS,
        ["shardgroup-ABCDEFGH1JKLM2NOPQRSTUVWXY"], ["shardgroup-abcdefgh1jklm2nopqrstuvwxy",
        "shardgroup-ABCDEFGHIJKLMNOPQRSTUVWXYZ", "shardgroup-01"];
    "AWS_RESOLVER", "route53-resolver", ["rslvr-"], organization::resolver, RESOLVER,
        ["rslvr-in-0abcdef0123456789", "rslvr-rrassoc-0abcdef0123456789", "rslvr-frg-0123456789abcdef"],
        ["rslvr-in", "rslvr-in-name", "rslvr-0123456789abcdef"];
    "AWS_ROOT", "organization-root", ["/r-"], organization::root, ORGANIZATIONS, [],
        ["/r-ab12", "x/r-ab12/"];
    "AWS_SAGEMAKER_DOMAIN", "sagemaker-domain", ["d-"], id::<LOWER, { length(12) }, MIXED>, SAGEMAKER,
        ["d-a1b2c3d4e5f6"], ["d-abcdefghijkl", "d-production12", "d-a1b2c3d4e5f"];
    "AWS_SCP", "organizations-policy", ["p-"], id::<LOWER, { length(8) | lengths(17, 19) }, MIXED>,
        ORGANIZATIONS, ["p-a1b2c3d4", "p-examplepolicyid111"],
        ["p-fullaccess", "p-version1", "p-value2024"];
    "AWS_SID", "security-identifier", ["s-1-"], sid::security_identifier, WORKDOCS,
        ["S-1-5-21-1004336348-1177238915-682003330-512",
        "S-1-1-11-1122222222-2222233333-3333334444-4444&d-926726012c"], ["S-1-5-18", "S-1-5-32-544",
        "S-1-1-0", "xS-1-5-21-1004336348-1177238915-682003330-512"];
    "AWS_SPOT_REQUEST", "spot-request", ["sir-"], id::<LOWER, { resource_id::EC2 }, DIGIT>, EC2_FLEETS,
        ["sir-1a2b3c4d", "sir-a1b2p3q4"], ["sir-galahads", "sir-1a2b3c4", "sir-1a2b3c4d5"];
    "AWS_SSO", "identity-center-application", ["apl-"], id::<HEX, { length(16) }, MIXED>, IDENTITY_CENTER,
        ["apl-0123456789abcdef"], ["apl-0123456789abcde", "apl-1234567890123456"];
    "AWS_SSO", "identity-center-instance", ["ssoins-"], id::<HEX, { length(16) }, ANY>, IDENTITY_CENTER,
        ["ssoins-0123456789abcdef"], ["ssoins-0123456789abcde", "ssoins-name"];
    "AWS_SSO", "identity-store-member", ["-0", "-1", "-2", "-3", "-4", "-5", "-6", "-7", "-8", "-9", "-a",
        "-b", "-c", "-d", "-e", "-f"], resource_id::in_identity_store, IDENTITY_STORE,
        ["906712abcd-01234567-89ab-cdef-0123-456789abcdef"],
        ["906712abc-01234567-89ab-cdef-0123-456789abcdef",
        "x906712abcd-01234567-89ab-cdef-0123-456789abcdef"];
    "AWS_SSO", "permission-set", ["ps-"], id::<HEX, { length(16) }, MIXED>, IDENTITY_CENTER,
        ["ps-0123456789abcdef"], ["ps-0123456789abcde", "ps-1234567890123456"];
    "AWS_STORAGE_GATEWAY", "storage-gateway", ["sgw-"], id::<HEX, { resource_id::EC2 }, ANY>,
        STORAGE_GATEWAY, ["sgw-12A3456B", "sgw-0abcdef0123456789"], ["sgw-name", "sgw-12A3456BC"];
    "AWS_STORAGE_GATEWAY", "storage-gateway-share", ["share-"], id::<HEX, { resource_id::EC2 }, MIXED>,
        STORAGE_GATEWAY, ["share-12A3456B"], ["share-20240101", "share-name", "share-12A3456BC"];
    "AWS_SUPPORT_CASE", "support-case", ["case-"], organization::support_case, SUPPORT,
        ["case-123456789012-muen-2024-0123456789abcdef", "case-12345678910-2013-c4c1d2bf33c5cf47"],
        ["case-123456789012", "case-insensitive-2024-name", "case-1-muen-2024-0123456789abcdef"];
    "AWS_WORKSPACE", "workspace", ["ws-"], id::<LOWER, { length(9) }, MIXED>, WORKSPACES, ["ws-a1b2c3d4e"],
        ["ws-service12", "ws-a1b2c3d4", "ws-a1b2c3d4e5"];
    "AWS_WORKSPACE", "workspace-resource", ["wsb-", "wsca-", "wsi-", "wsipg-", "wspool-"],
        id::<LOWER, { length(9) }, DIGIT>, WORKSPACES, ["wsb-a1b2c3d4e", "wsipg-a1b2c3d4e"],
        ["wsb-abcdefghi", "wsb-a1b2c3d4", "wsb-a1b2c3d4e5"];
}

// Seventeen digits are AWS's own: ids whose prefix no other row knows.
rows! { OTHERS:
    "AWS_RESOURCE", "resource", ["-0", "-1", "-2", "-3", "-4", "-5", "-6", "-7", "-8", "-9", "-a", "-b",
        "-c", "-d", "-e", "-f"], unknown_prefix, TAGGED, ["tgw-route-table-0abcdef0123456789",
        "newthing-0abcdef0123456789"], ["order-20240101123456789", "build-0abcdef012345678",
        "0abcdef0123456789", "build-0abcdef01234567890"];
}

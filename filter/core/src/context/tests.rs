use super::*;
use crate::catalogue;
use crate::config::detection::Detection;
use crate::detect::Detector;
use crate::mask::{Masked, Plan, number};
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use alloc::vec;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// What is found in text, by place and by shape.
fn found(detector: &Detector, text: &str) -> Vec<(&'static str, String)> {
    let mut findings = vec![];
    detector.find_placed(text.as_bytes(), 0, &member::Place::default(), &mut findings);
    assert!(findings.is_sorted_by(|a, b| a.range.end <= b.range.start), "{text}");
    findings
        .into_iter()
        .map(|finding| (prefix(detector.kind(finding.kind)), text[finding.range].into()))
        .collect()
}

/// Kinds of the catalogue have static prefixes.
fn prefix(kind: &crate::detect::Kind) -> &'static str {
    match kind.prefix {
        Cow::Borrowed(prefix) => prefix,
        Cow::Owned(_) => "ORG",
    }
}

/// Masks a body as `store: request` does.
fn mask(detector: &Detector, body: &str) -> String {
    let shape = &crate::json::shape::TEXT;
    let mut plan = Plan::find(detector, shape, body.as_bytes()).unwrap();
    loop {
        let tokens = number(detector, &plan.values);
        if let Masked::Body(body) = plan.mask(detector, shape, body.as_bytes(), &tokens).unwrap() {
            return String::from_utf8(body).unwrap();
        }
    }
}

fn snake(name: &str) -> String {
    let mut snake = String::new();
    for (at, letter) in name.char_indices() {
        let before = name[..at].chars().next_back();
        let after = name[at + 1..].chars().next();
        let begins = before.is_some_and(|before| !before.is_uppercase())
            || (before.is_some() && after.is_some_and(|after| after.is_lowercase()));
        if letter.is_uppercase() && begins {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

#[test]
fn every_field_has_its_examples_in_every_format() {
    let detector = Detector::new(&Detection::default()).unwrap();
    for field in fields() {
        for name in field.names {
            let name = name.strip_prefix('=').unwrap_or(name);
            let (lower, kebab) = (snake(name), snake(name).replace('_', "-"));
            let upper = lower.to_uppercase();
            for value in field.examples {
                let mut texts = vec![
                    format!("It says {{\"{name}\": \"{value}\"}} there"),
                    format!("It says \"{{\\\"{lower}\\\":\\\"{value}\\\"}}\""),
                    format!("- {name}: \"{value}\"\n  Other: 1"),
                    format!("{lower}    = \"{value}\"\n"),
                    format!("export {upper}='{value}'"),
                    format!("<a><{name}>{value}</{name}></a>"),
                    format!("aws x y \\\n    --{kebab} {value} --other"),
                    format!("|  {name}  |  {value}  |"),
                    format!("| {lower} | b |\n|---|---|\n| `{value}` | c |\n"),
                    format!("{name}: [\"{value}\"]"),
                ];
                if !value.contains(['=', '/', '+', ',', '@']) {
                    texts.push(format!("x?a=b&{name}={value}&c=d"));
                    texts.push(format!("{name}:\n- {value}\n"));
                    texts.push(format!("설정 {name}: {value}을 보라"));
                }
                for text in texts {
                    let found = found(&detector, &text);
                    assert!(
                        found.iter().any(|(_, found)| found == value),
                        "{} {text:?}: {found:?}",
                        field.rule
                    );
                }
                let body = format!(r#"{{"a":[{{"{lower}":"{value}"}}],"b":"{{\"{name}\":[\"{value}\"]}}"}}"#);
                assert!(!mask(&detector, &body).contains(value), "{} {body}", field.rule);
            }
            for value in field.counter_examples {
                for text in [
                    format!("{name}: {value}"),
                    format!("\"{name}\": \"{value}\""),
                    format!("{lower} = \"{value}\""),
                    format!("--{kebab} {value}"),
                ] {
                    let hits = found(&detector, &text);
                    assert!(!hits.iter().any(|(prefix, _)| *prefix == field.kind.prefix), "{text}: {hits:?}");
                }
            }
        }
        assert!(field.source.starts_with("https://docs.aws.amazon.com/"), "{}", field.rule);
        assert!(!field.counter_examples.is_empty(), "{}", field.rule);
    }
}

#[test]
fn places_in_text() {
    let detector = Detector::new(&Detection::default()).unwrap();
    let cases: &[(&str, &[(&str, &str)])] = &[
        // Generic names are what they are in.
        (
            "See:\n{\n  \"Buckets\": [\n    {\n      \"Name\": \"orders\"\n    }\n  ]\n}",
            &[("AWS_S3_BUCKET", "orders")],
        ),
        (
            "x {\"Buckets\": [{\"Name\": \"a-1\"}, {\"Name\": \"b-2\"}], \"Name\": \"c-3\"}",
            &[("AWS_S3_BUCKET", "a-1"), ("AWS_S3_BUCKET", "b-2")],
        ),
        (
            "Buckets:\n- CreationDate: x\n  Name: a-1\n- Name: b-2\nName: c-3\n",
            &[("AWS_S3_BUCKET", "a-1"), ("AWS_S3_BUCKET", "b-2")],
        ),
        (
            "aws elbv2 create-target-group \\\n  --name my-targets \\\n  --port 80",
            &[("AWS_ELB_ARN", "my-targets")],
        ),
        ("aws eks describe-cluster --name orders", &[("AWS_EKS_CLUSTER", "orders")]),
        // A name and its value.
        ("--dimensions Name=InstanceId,Value=i-12345abcEX", &[("AWS_EC2", "i-12345abcEX")]),
        ("say {\n \"Name\": \"BucketName\",\n \"Value\": \"a-bucket\"\n}", &[("AWS_S3_BUCKET", "a-bucket")]),
        ("- Name: FunctionName\n  Value: pay-fn", &[("AWS_LAMBDA_ARN", "pay-fn")]),
        // Lists.
        (
            "--instance-ids i-123abc i-456defEX --region us-east-1",
            &[("AWS_EC2", "i-123abc"), ("AWS_EC2", "i-456defEX")],
        ),
        (
            "table_names = [\n  \"a_one\",\n  \"b_two\",\n]",
            &[("AWS_DYNAMODB_TABLE", "a_one"), ("AWS_DYNAMODB_TABLE", "b_two")],
        ),
        (
            "SubnetIds=subnet-1ab,subnet-2cd,AssignPublicIp=ENABLED",
            &[("AWS_SUBNET", "subnet-1ab"), ("AWS_SUBNET", "subnet-2cd")],
        ),
        ("--function-name my-fn-1 out-file.json", &[("AWS_LAMBDA_ARN", "my-fn-1")]),
        // Tables.
        (
            "-----\n|    ListBuckets     |\n+-----+\n||     Buckets    ||\n|+-----+-----+|\n||  Date  |  Name   ||\n|+-----+-----+|\n||  x  |  a-1  ||\n||  y  |  b-2  ||\n|+---+---+|",
            &[("AWS_S3_BUCKET", "a-1"), ("AWS_S3_BUCKET", "b-2")],
        ),
        (
            "|    DescribeX    |\n+---+---+\n|  OwnerId  |  123456789012  |\n|  Port  |  80  |\n+---+",
            &[("AWS_ACCOUNT", "123456789012")],
        ),
        ("| Account | Region |\n|---|---|\n| 123456789012 | us-east-1 |", &[("AWS_ACCOUNT", "123456789012")]),
        ("| Account | Reg", &[]),
        ("||   TableNames   ||\n|+----+|\n||  orders  ||\n", &[("AWS_DYNAMODB_TABLE", "orders")]),
        // Text output.
        ("DETAILS\tsubnetId\tsubnet-0d0eab1bEX", &[("AWS_SUBNET", "subnet-0d0eab1bEX")]),
        ("TABLENAMES\torders", &[("AWS_DYNAMODB_TABLE", "orders")]),
        // Accounts, however they are written.
        ("Account ID: 1234-5678-9012.", &[("AWS_ACCOUNT", "1234-5678-9012")]),
        ("\"LinkedAccount\": 123456789012,", &[("AWS_ACCOUNT", "123456789012")]),
        ("my account: 123456789012를 보라", &[("AWS_ACCOUNT", "123456789012")]),
        ("KmsKeyId: alias/orders-key", &[("AWS_KMS_KEY", "orders-key")]),
        // A shape says more than the place, and a place more than the shapes in it.
        ("InstanceId: i-12345678", &[("AWS_EC2", "i-12345678")]),
        ("Bucket: logs-10.0.0.1-x", &[("AWS_S3_BUCKET", "logs-10.0.0.1-x")]),
        ("\"Password\": \"a i-12345678\"", &[("AWS_EC2", "i-12345678")]),
        ("Owner: arn:aws:iam::123456789012:root", &[("AWS_ACCOUNT", "123456789012")]),
        ("password: AWS_PASSWORD_001", &[("AWS_LITERAL", "AWS_PASSWORD_001")]),
        // A name that is written like no word.
        (
            "with IP 10.0.1.100, bucket my-bucket-2024, Bucket `logs-eu`을, bucket named abc-7.",
            &[
                ("AWS_PRIVATE_IP", "10.0.1.100"),
                ("AWS_S3_BUCKET", "my-bucket-2024"),
                ("AWS_S3_BUCKET", "logs-eu"),
                ("AWS_S3_BUCKET", "abc-7"),
            ],
        ),
        ("bucket list, a bucket policy, bucket-owner, bucket versioning v2, hourly bucket 2024-05-01", &[]),
        // Sentences and programs.
        ("The bucket: see below. Table name: none of these. Password: must be changed", &[]),
        (
            "client.put_object(Bucket=bucket_name, Key=key)\nBucket = config.bucketName\nbucket = s3.Bucket('x')",
            &[],
        ),
        ("password = os.environ[\"X\"]\nconst tableName: string = process.env.TABLE_NAME", &[]),
        (
            "bucket = \"${var.bucket}\"\nbucket = aws_s3_bucket.logs.id\nBucket: !Ref Logs\nTableName: {{ table }}",
            &[],
        ),
        ("name: nginx\nversion: 1.2\nimage: app:1.0\nid: 123456789012\ntotal: 123456789012", &[]),
        (
            "{\"properties\": {\"bucket\": {\"type\": \"string\", \"description\": \"The bucket\"}}, \"required\": [\"bucket\"]}",
            &[],
        ),
        (
            "{\"parameters\": [{\"name\": \"petId\", \"in\": \"query\"}], \"function\": {\"name\": \"query_db\"}}",
            &[],
        ),
        ("{\"user\": {\"name\": \"bob\", \"id\": \"u-12345\"}, \"model\": \"gpt-4o-logs\"}", &[]),
        ("06:54:10 12:30 a::b std::vector http://x.example/y a=b==c => != :=", &[]),
    ];
    for (text, expected) in cases {
        let found = found(&detector, text);
        let found: Vec<_> = found.iter().map(|(prefix, value)| (*prefix, value.as_str())).collect();
        assert_eq!(found, *expected, "{text}");
    }
}

#[test]
fn places_in_bodies() {
    let detector = Detector::new(&Detection::default()).unwrap();
    for (body, expected) in [
        (
            r#"{"Buckets":[{"Name":"orders"}],"Name":"x-1"}"#,
            r#"{"Buckets":[{"Name":"AWS_S3_BUCKET_001"}],"Name":"x-1"}"#,
        ),
        (
            r#"{"AccountId":123456789012,"n":210987654321}"#,
            r#"{"AccountId":"AWS_ACCOUNT_001","n":210987654321}"#,
        ),
        (
            r#"{"a":"{\"AccountId\":123456789012,\"b\":\"{\\\"Bucket\\\":\\\"x-1\\\"}\"}"}"#,
            r#"{"a":"{\"AccountId\":\"AWS_ACCOUNT_001\",\"b\":\"{\\\"Bucket\\\":\\\"AWS_S3_BUCKET_001\\\"}\"}"}"#,
        ),
        (r#"{"InstanceIds":"[\"i-0cb9EX\"]"}"#, r#"{"InstanceIds":"[\"AWS_EC2_001\"]"}"#),
        (
            r#"{"Outputs":[{"OutputKey":"BucketName","OutputValue":"x-1"}]}"#,
            r#"{"Outputs":[{"OutputKey":"BucketName","OutputValue":"AWS_S3_BUCKET_001"}]}"#,
        ),
        (
            r#"{"t":"i-0cb9EXAMPLE is up, i-0cb9EXAMPLE2 is not","InstanceId":"i-0cb9EXAMPLE"}"#,
            r#"{"t":"AWS_EC2_001 is up, i-0cb9EXAMPLE2 is not","InstanceId":"AWS_EC2_001"}"#,
        ),
        // Found by its place, masked everywhere, but not within another name, and not if it is an ordinary word.
        (
            r#"["payroll-x1-bucket. (payroll-x1-bucket) payroll-x1-bucket-old x.payroll-x1-bucket",{"Bucket":"payroll-x1-bucket"}]"#,
            r#"["AWS_S3_BUCKET_001. (AWS_S3_BUCKET_001) payroll-x1-bucket-old x.payroll-x1-bucket",{"Bucket":"AWS_S3_BUCKET_001"}]"#,
        ),
        (
            r#"["orders 버킷payroll-x1을",{"TableName":"orders","Bucket":"payroll-x1"}]"#,
            r#"["orders 버킷AWS_S3_BUCKET_001을",{"TableName":"AWS_DYNAMODB_TABLE_001","Bucket":"AWS_S3_BUCKET_001"}]"#,
        ),
        (
            r#"{"SecretAccessKey":"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY","t":"is wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}"#,
            r#"{"SecretAccessKey":"AWS_SECRET_KEY_001","t":"is AWS_SECRET_KEY_001"}"#,
        ),
        (
            r#"{"type":"object","properties":{"bucket":{"type":"string"},"db_password":{"type":"string"}},"enum":["bucket"]}"#,
            r#"{"type":"object","properties":{"bucket":{"type":"string"},"db_password":{"type":"string"}},"enum":["bucket"]}"#,
        ),
    ] {
        assert_eq!(mask(&detector, body), expected, "{body}");
    }
}

#[test]
fn places_in_code() {
    let detector = Detector::new(&Detection::default()).unwrap();
    for text in [
        "os.environ[\"DB_PASSWORD\"] = \"Tr0ub4dor&3\"",
        "ENV['DB_PASSWORD']='Tr0ub4dor&3'",
        "'db_password' => 'Tr0ub4dor&3',",
        ":db_password => \"Tr0ub4dor&3\"",
        "const PASSWORD: string = \"Tr0ub4dor&3\";",
        "db_password: str = 'Tr0ub4dor&3'",
        "**Password:** `Tr0ub4dor&3`",
        "**Password**: Tr0ub4dor&3",
        "DB_PASSWORD=Tr0ub4dor&3\nA=b",
        "{password: Tr0ub4dor&3}",
        "?password=Tr0ub4dor&3;",
    ] {
        let found = found(&detector, text);
        assert_eq!(found, [("AWS_PASSWORD", String::from("Tr0ub4dor&3"))], "{text}");
    }
}

#[test]
fn code_stays() {
    let detector = Detector::new(&Detection::default()).unwrap();
    for text in [
        "interface Props { bucket: BucketProps; tableName: TableNameType; password: SecretStr }",
        "struct Config { bucket_name: Option<String>, cluster: ClusterConfig }",
        "role_name: RoleEnum\ncluster: this.cluster\nuser_name: form.cleaned_data",
        "session_token=credentials.session_token_value,",
        "usage: prog [--password PASSWORD] [--bucket BUCKET]\n  --cluster-name the name of the cluster",
        "password: PropTypes.string\npassword: your-password-here\npassword = YOUR_PASSWORD",
        "match x { \"password\" => Token::Password, \"bucket\" => bucket(y) }",
        "const f = password => hash(password);",
        "const bucket: Bucket = makeBucket();",
        "Account balance: 123456789012\naccount_created_at = 202401010000\naccounting: 123456789012",
    ] {
        assert_eq!(found(&detector, text), [], "{text}");
    }
}

/// No text makes the scan look at the same bytes again and again.
#[test]
fn time_is_linear() {
    let detector = Detector::new(&Detection::default()).unwrap();
    for unit in [
        ":",
        "=",
        "|",
        "\t",
        "--",
        "<",
        "</a>",
        "a:",
        "a=",
        "\"a\":",
        "|\n",
        "|a",
        "| a | b |\n",
        "--a ",
        "--name ",
        "Name:",
        "Bucket:\"",
        "Bucket:\\\"",
        "Bucket: [",
        "Buckets:\n- ",
        "password='",
        "A\tB",
        "ABCD\t",
        "account ",
        "{\"a\":{",
        "a: \n",
        "Name=a,Value=b,",
        "bucket=a,",
        "AAAAAAAA\n\t",
        "KEYS\t",
        "CREDENTIALS\t",
        "\nKEYS\t",
    ] {
        let text = unit.repeat(300_000 / unit.len());
        found(&detector, &text);
    }
}

/// Long values that repeat themselves are neither compiled nor searched for again and again.
#[test]
fn time_is_linear_in_what_propagates() {
    let detector = Detector::new(&Detection::default()).unwrap();
    let secrets: Vec<_> = (0..4).map(|at| format!("{}a{at}", "ab ".repeat(20_000))).collect();
    let text = "ab ".repeat(100_000);
    let body = format!(r#"{{"SecretString":{secrets:?},"text":"{text}"}}"#);
    assert!(mask(&detector, &body).contains(&text));
}

/// However a kind is found, its tokens are of one group, and restored or not.
#[test]
fn kinds_are_of_one_mind() {
    let differ = |kind: &&Kind| {
        let same = |other: &&Kind| other.prefix == kind.prefix;
        catalogue::kinds()
            .filter(same)
            .any(|other| (kind.group, kind.restores) != (other.group, other.restores))
    };
    let differ: Vec<_> = catalogue::kinds().filter(differ).map(|kind| (kind.prefix, kind.group)).collect();
    assert_eq!(differ, []);
}

#[test]
fn endings_of_ids_are_told_by_two_letters() {
    for ending in ID_ENDINGS {
        assert!(may_name_id(names::last_letters(ending)), "{}", String::from_utf8_lossy(ending));
    }
}

use crate::detect::tests::found;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const ACCOUNT: (&str, &str) = ("AWS_ACCOUNT", "123456789012");

fn check(cases: &[(&str, &[(&str, &str)])]) {
    for (text, expected) in cases {
        for text in [
            String::from(*text),
            format!("호스트{text}에서"),
            format!(r"a\n{text}\n"),
            format!("\"{text}\","),
        ] {
            let found = found(&text);
            let found: Vec<_> = found.iter().map(|(prefix, value)| (*prefix, value.as_str())).collect();
            assert_eq!(found, *expected, "{text}");
        }
    }
}

#[test]
fn endpoints_keep_service_and_region() {
    check(&[
        (
            "prod-db.abc123xyz789.us-east-1.rds.amazonaws.com",
            &[("AWS_RDS", "prod-db"), ("AWS_RDS", "abc123xyz789")],
        ),
        (
            "prod.cluster-ro-abc123xyz789.eu-west-1.rds.amazonaws.com:5432",
            &[("AWS_RDS", "prod"), ("AWS_RDS", "abc123xyz789")],
        ),
        (
            "db.abc123xyz789.rds.cn-north-1.amazonaws.com.cn",
            &[("AWS_RDS", "db"), ("AWS_RDS", "abc123xyz789")],
        ),
        (
            "my-redis.abc123.ng.0001.use1.cache.amazonaws.com",
            &[("AWS_ELASTICACHE", "my-redis"), ("AWS_ELASTICACHE", "abc123")],
        ),
        (
            "clustercfg.prod1.abc123.memorydb.us-east-1.amazonaws.com",
            &[("AWS_ELASTICACHE", "prod1"), ("AWS_ELASTICACHE", "abc123")],
        ),
        (
            "wg.123456789012.us-east-1.redshift-serverless.amazonaws.com:5439/dev",
            &[("AWS_REDSHIFT", "wg"), ACCOUNT],
        ),
        (
            "examplecluster.abc123xyz789.us-west-2.redshift.amazonaws.com",
            &[("AWS_REDSHIFT", "examplecluster"), ("AWS_REDSHIFT", "abc123xyz789")],
        ),
        ("search-movies-a1b2c3d4.us-east-1.es.amazonaws.com", &[("AWS_ES_DOMAIN", "movies-a1b2c3d4")]),
        ("07tjusf2h91cunochc.us-east-1.aoss.amazonaws.com", &[("AWS_ES_DOMAIN", "07tjusf2h91cunochc")]),
        (
            "internal-my-lb-1234567890.us-west-2.elb.amazonaws.com",
            &[("AWS_ELB_ARN", "my-lb"), ("AWS_ELB_DNS", "1234567890")],
        ),
        (
            "dualstack.my-lb-1234567890.us-west-2.elb.amazonaws.com",
            &[("AWS_ELB_ARN", "my-lb"), ("AWS_ELB_DNS", "1234567890")],
        ),
        (
            "my-nlb-5d1b75f4f1cee11e.elb.us-west-2.amazonaws.com",
            &[("AWS_ELB_ARN", "my-nlb"), ("AWS_ELB_DNS", "5d1b75f4f1cee11e")],
        ),
        ("ABCDEF0123456789.gr7.us-west-2.eks.amazonaws.com", &[("AWS_EKS_CLUSTER", "ABCDEF0123456789")]),
        ("oidc.eks.us-west-2.amazonaws.com/id/ABCDEF0123", &[("AWS_EKS_CLUSTER", "ABCDEF0123")]),
        ("https://abcd123456.execute-api.us-east-1.amazonaws.com/prod/pets", &[("AWS_API_GW", "abcd123456")]),
        ("abc123defghijk-ats.iot.us-west-2.amazonaws.com", &[("AWS_IOT", "abc123defghijk")]),
        ("abc123.credentials.iot.us-west-2.amazonaws.com", &[("AWS_IOT", "abc123")]),
        (
            "b-1.demo.xuy0sb.c5.kafka.us-east-1.amazonaws.com:9092",
            &[("AWS_MSK", "demo"), ("AWS_MSK", "xuy0sb")],
        ),
        ("fs-12345678.efs.us-east-1.amazonaws.com", &[("AWS_EFS", "fs-12345678")]),
        ("us-east-1a.fs-12345678.efs.us-east-1.amazonaws.com", &[("AWS_EFS", "fs-12345678")]),
        ("aaabbb.data.mediastore.us-west-2.amazonaws.com", &[("AWS_ENDPOINT", "aaabbb")]),
        ("0abcdefghijklm.lambda-url.us-east-1.on.aws/", &[("AWS_LAMBDA_URL", "0abcdefghijklm")]),
        ("123456789012.ddb.us-east-1.amazonaws.com", &[ACCOUNT]),
        (
            "my-domain-123456789012.d.codeartifact.us-west-2.amazonaws.com/npm/my-repo/",
            &[("AWS_ENDPOINT", "my-domain"), ACCOUNT, ("AWS_ENDPOINT", "my-repo")],
        ),
        (
            "vpce-0abcdef0123456789-a1b2c3d4-us-east-1a.ec2.us-east-1.vpce.amazonaws.com",
            &[("AWS_VPCE", "vpce-0abcdef0123456789"), ("AWS_VPCE", "a1b2c3d4-us-east-1a")],
        ),
        (
            "https://my-bucket.s3.amazonaws.com/q1%20report%20%28final%29.csv?x=1",
            &[("AWS_S3_BUCKET", "my-bucket"), ("AWS_S3_KEY", "q1%20report%20%28final%29.csv")],
        ),
        (
            "https%3A%2F%2Fmy-bucket.s3.amazonaws.com%2Fa.csv%20b.csv",
            &[("AWS_S3_BUCKET", "my-bucket"), ("AWS_S3_KEY", "a.csv")],
        ),
        (
            "https://bucket.vpce-12345678-a1b2c3d4.s3.us-east-1.vpce.amazonaws.com/my-bucket/a.csv",
            &[
                ("AWS_VPCE", "vpce-12345678"),
                ("AWS_VPCE", "a1b2c3d4"),
                ("AWS_S3_BUCKET", "my-bucket"),
                ("AWS_S3_KEY", "a.csv"),
            ],
        ),
        (
            "https://vpce-12345678-a1b2c3d4.sqs.us-east-1.vpce.amazonaws.com/123456789012/jobs",
            &[("AWS_VPCE", "vpce-12345678"), ("AWS_VPCE", "a1b2c3d4"), ACCOUNT, ("AWS_SQS_QUEUE", "jobs")],
        ),
        ("mfzwi23gnjvgw.mrap.accesspoint.s3-global.amazonaws.com", &[("AWS_S3_BUCKET", "mfzwi23gnjvgw")]),
        (
            "_424c7224e9b0146f9a8808af955727d0.acm-validations.aws",
            &[("AWS_ENDPOINT", "424c7224e9b0146f9a8808af955727d0")],
        ),
        (
            "vvjuipp74whm76gqoni7qmwwn4w4qusjiainivf6.dkim.amazonses.com",
            &[("AWS_ENDPOINT", "vvjuipp74whm76gqoni7qmwwn4w4qusjiainivf6")],
        ),
        (
            "my-bucket.bucket.vpce-12345678-a1b2c3d4.s3.us-east-1.vpce.amazonaws.com",
            &[("AWS_S3_BUCKET", "my-bucket"), ("AWS_VPCE", "vpce-12345678"), ("AWS_VPCE", "a1b2c3d4")],
        ),
        ("ec2-54-239-28-85.compute-1.amazonaws.com", &[("AWS_PUBLIC_IP", "ec2-54-239-28-85")]),
        ("ec2-54-239-28-85.cn-north-1.compute.amazonaws.com.cn", &[("AWS_PUBLIC_IP", "ec2-54-239-28-85")]),
        ("ip-10-0-1-5.eu-west-1.compute.internal", &[("AWS_PRIVATE_IP", "ip-10-0-1-5")]),
        ("i-0abcdef0123456789.ec2.internal", &[("AWS_EC2", "i-0abcdef0123456789")]),
        ("d111111abcdef8.cloudfront.net", &[("AWS_CLOUDFRONT", "d111111abcdef8")]),
        ("d-1234567890.awsapps.com/start", &[("AWS_DIRECTORY", "d-1234567890")]),
        ("a1234567890abcdef.awsglobalaccelerator.com", &[("AWS_ENDPOINT", "a1234567890abcdef")]),
        (
            "my-env.eba-abc123.us-east-1.elasticbeanstalk.com",
            &[("AWS_BEANSTALK", "my-env"), ("AWS_BEANSTALK", "eba-abc123")],
        ),
        ("admin.d2abc.amplifyapp.com", &[("AWS_AMPLIFY", "admin"), ("AWS_AMPLIFY", "d2abc")]),
        ("data.abc123.us-east-1.rds.amazonaws.com", &[("AWS_RDS", "data"), ("AWS_RDS", "abc123")]),
        ("main.d2abc.amplifyapp.com", &[("AWS_AMPLIFY", "main"), ("AWS_AMPLIFY", "d2abc")]),
        ("x7abc.us-east-1.awsapprunner.com", &[("AWS_APP_RUNNER", "x7abc")]),
        ("login.auth.us-east-1.amazoncognito.com/oauth2", &[("AWS_COGNITO", "login")]),
        ("https://123456789012.signin.aws.amazon.com/console", &[ACCOUNT]),
        ("https://acme.signin.aws.amazon.com/console", &[("AWS_ACCOUNT_ALIAS", "acme")]),
        ("db.abc123.${AWS::Region}.rds.amazonaws.com", &[("AWS_RDS", "db"), ("AWS_RDS", "abc123")]),
        ("DB.ABC123.US-EAST-1.RDS.AMAZONAWS.COM", &[("AWS_RDS", "DB"), ("AWS_RDS", "ABC123")]),
    ]);
}

#[test]
fn paths_name_queues_images_and_functions() {
    let queue: &[(&str, &str)] = &[ACCOUNT, ("AWS_SQS_QUEUE", "MyQueue.fifo")];
    check(&[
        ("https://sqs.us-east-1.amazonaws.com/123456789012/MyQueue.fifo", queue),
        (r"https:\/\/sqs.us-east-1.amazonaws.com\/123456789012\/MyQueue.fifo", queue),
        ("https%3A%2F%2Fsqs.us-east-1.amazonaws.com%2F123456789012%2FMyQueue.fifo", queue),
        ("https://us-east-1.queue.amazonaws.com/123456789012/MyQueue.fifo", queue),
        ("https://queue.amazonaws.com/123456789012/MyQueue.fifo", queue),
        (
            "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/my-app:1.2",
            &[ACCOUNT, ("AWS_ECR_URI", "team"), ("AWS_ECR_URI", "my-app")],
        ),
        (
            "123456789012.dkr.ecr.us-east-1.amazonaws.com/my-app@sha256:0123456789abcdef",
            &[ACCOUNT, ("AWS_ECR_URI", "my-app")],
        ),
        ("public.ecr.aws/z9d2n7e1/my-app:1", &[("AWS_ECR_URI", "z9d2n7e1"), ("AWS_ECR_URI", "my-app")]),
        ("https://git-codecommit.us-east-1.amazonaws.com/v1/repos/MyRepo", &[("AWS_CODECOMMIT", "MyRepo")]),
    ]);
}

#[test]
fn buckets_and_keys_are_found() {
    let both: &[(&str, &str)] = &[("AWS_S3_BUCKET", "my.bucket"), ("AWS_S3_KEY", "a.csv")];
    check(&[
        ("https://my.bucket.s3.amazonaws.com/a.csv", both),
        ("https://my.bucket.s3.eu-west-1.amazonaws.com/a.csv?versionId=1", both),
        ("https://my.bucket.s3-eu-west-1.amazonaws.com/a.csv", both),
        ("https://my.bucket.s3.dualstack.eu-west-1.amazonaws.com/a.csv", both),
        ("https://my.bucket.s3-accelerate.amazonaws.com/a.csv", both),
        ("https://s3.amazonaws.com/my.bucket/a.csv", both),
        ("https://s3.eu-west-1.amazonaws.com/my.bucket/a.csv", both),
        ("https://s3-eu-west-1.amazonaws.com/my.bucket/a.csv", both),
        ("s3://my.bucket/a.csv", both),
        ("s3a://my.bucket/a.csv", both),
        (r"s3:\/\/my.bucket\/a.csv", both),
        ("s3%3A%2F%2Fmy.bucket%2Fa.csv", both),
        ("my.bucket.s3-website-us-east-1.amazonaws.com", &[("AWS_S3_BUCKET", "my.bucket")]),
        ("my.bucket.s3-website.eu-west-1.amazonaws.com", &[("AWS_S3_BUCKET", "my.bucket")]),
        ("my-ap-123456789012.s3-accesspoint.us-west-2.amazonaws.com", &[("AWS_S3_BUCKET", "my-ap"), ACCOUNT]),
        (
            "s3://my-bucket/2024/*/${name}/part.csv",
            &[("AWS_S3_BUCKET", "my-bucket"), ("AWS_S3_KEY", "2024"), ("AWS_S3_KEY", "part.csv")],
        ),
        ("s3://my-bucket", &[("AWS_S3_BUCKET", "my-bucket")]),
        ("logs.s3.amazonaws.com", &[("AWS_S3_BUCKET", "logs")]),
    ]);
}

#[test]
fn hosts_of_nobody_stay() {
    for text in [
        "s3.amazonaws.com s3.us-east-1.amazonaws.com s3-us-west-2.amazonaws.com s3.dualstack.us-east-1.amazonaws.com",
        "sts.us-east-1.amazonaws.com sts.amazonaws.com ec2.us-gov-west-1.amazonaws.com ec2.us-east-1.api.aws",
        "elasticloadbalancing.amazonaws.com ecs-tasks.amazonaws.com monitoring.rds.amazonaws.com",
        "delivery.logs.amazonaws.com ecs.application-autoscaling.amazonaws.com storage-lens.s3.amazonaws.com",
        "http://s3.amazonaws.com/doc/2006-03-01/ https://queue.amazonaws.com/doc/2012-11-05/ sqs.us-east-1.amazonaws.com/",
        "docs.aws.amazon.com console.aws.amazon.com us-east-1.console.aws.amazon.com aws.amazon.com signin.aws.amazon.com",
        "runtime.sagemaker.us-east-1.amazonaws.com api.ecr.us-east-1.amazonaws.com dynamodb-fips.us-east-1.amazonaws.com",
        "cp.places.geo.us-east-1.amazonaws.com runtime-fips.sagemaker.us-east-1.amazonaws.com env.airflow.us-east-1.amazonaws.com",
        "data-ats.iot.us-east-1.amazonaws.com streams.dynamodb.us-east-1.amazonaws.com sns.cn-north-1.amazonaws.com.cn",
        "kinesis.${AWS::Region}.amazonaws.com <region>.amazonaws.com ${b}.s3.amazonaws.com *.s3.amazonaws.com",
        "x.amazonaws.com.evil.com x.amazonaws.community cloudfront.net .cloudfront.net amazonaws.com com.amazonaws.us-east-1.s3",
        "us-east-1.signin.aws.amazon.com vpce.amazonaws.com lambda.us-east-1.amazonaws.com/2015-03-31/functions",
    ] {
        assert_eq!(found(text), [], "{text}");
    }
}

#[test]
fn signed_urls_lose_their_credentials() {
    let hex = "0123456789abcdef".repeat(4);
    let url = format!(
        "https://b.s3.amazonaws.com/k?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20240101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Security-Token=IQoJb3JpZ2luX2VjEDk%2BaCXVz%3D&X-Amz-Signature={hex}&x=1"
    );
    let expected = [
        ("AWS_S3_BUCKET", "b".into()),
        ("AWS_S3_KEY", "k".into()),
        ("AWS_ACCESS_KEY", "AKIAIOSFODNN7EXAMPLE".into()),
        ("AWS_SESSION_TOKEN", "IQoJb3JpZ2luX2VjEDk%2BaCXVz%3D".into()),
        ("AWS_SIGNATURE", hex.clone()),
    ];
    assert_eq!(found(&url), expected);
    let header = format!("AWS4-HMAC-SHA256 SignedHeaders=host, Signature={hex}");
    assert_eq!(found(&header), [("AWS_SIGNATURE", hex)]);
    let old = "?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=vjbyPxybdZaNmGa%2ByT272YEAiv4%3D&Expires=1";
    assert_eq!(found(old).last().unwrap(), &("AWS_SIGNATURE", "vjbyPxybdZaNmGa%2ByT272YEAiv4%3D".into()));
}

/// What another rule has found in a host name stays, and hides nothing around it.
#[test]
fn a_host_name_goes_around_what_is_already_found() {
    check(&[
        (
            "a.i-0abcdef0123456789.b.us-east-1.rds.amazonaws.com",
            &[("AWS_RDS", "a"), ("AWS_EC2", "i-0abcdef0123456789"), ("AWS_RDS", "b")],
        ),
        (
            "x-vpc-12345678-y.vol-12345678.us-east-1.elb.amazonaws.com",
            &[
                ("AWS_ELB_ARN", "x"),
                ("AWS_VPC", "vpc-12345678"),
                ("AWS_ELB_ARN", "y"),
                ("AWS_EBS_VOL", "vol-12345678"),
            ],
        ),
        (
            "AWS_RDS_001.abc.us-east-1.rds.amazonaws.com",
            &[("AWS_LITERAL", "AWS_RDS_001"), ("AWS_RDS", "abc")],
        ),
        (
            "my-10.0.1.5.s3.amazonaws.com i-12345678.s3.amazonaws.com",
            &[("AWS_S3_BUCKET", "my"), ("AWS_PRIVATE_IP", "10.0.1.5"), ("AWS_EC2", "i-12345678")],
        ),
    ]);
}

/// A megabyte of what begins like something takes no longer than a megabyte of anything else.
#[test]
fn time_does_not_grow_with_what_was_looked_at() {
    for unit in [
        ".",
        ":",
        "1",
        "a:",
        "::",
        "0:0:",
        "1.",
        "10.0.1.",
        "a.",
        ".amazonaws.com",
        "a.amazonaws.com",
        "s3://",
        "s3://a/",
        "x.us-east-1.rds.amazonaws.com/",
        "console.aws.amazon.com/",
        "signature=",
        "ip-1-",
        "ec2-1-2-3-4-",
        "a}.",
        "${a}.amazonaws.com",
        "version 1.2.3.4 by ",
        "X-Amz-Security-Token=%3D",
        "sqs.us-east-1.amazonaws.com/",
    ] {
        let text = unit.repeat(1_000_000 / unit.len());
        assert!(found(&text).len() <= text.len());
    }
}

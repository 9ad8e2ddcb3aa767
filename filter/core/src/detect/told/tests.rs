use crate::config::detection::Detection;
use crate::detect::Detector;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

const SECRET: &str = "kPq9+Zt/3rLmNvXw8sYbHgTcD1eFuJ2oRiK4aQ6z";

fn found(text: &str) -> Vec<String> {
    let detector = Detector::new(&Detection::default()).unwrap();
    let mut findings = vec![];
    detector.find(text.as_bytes(), 0, &mut findings);
    findings.into_iter().map(|finding| text[finding.range].into()).collect()
}

#[test]
fn accounts_near_the_word() {
    for text in [
        "the account 482915073364 is ours",
        "AWS account number 482915073364",
        "the AWS account ID is 482915073364.",
        "Account Id: `482915073364`",
        "**Account ID:** 482915073364",
        "AWS Account ID (prod): 482915073364",
        "Account #: 482915073364",
        "account (482915073364)",
        "계정 482915073364에서",
        "AWS 계정 ID는 482915073364입니다",
        "계정 번호: 482915073364",
        "계정(482915073364)에",
        "482915073364 계정에서",
        "the 482915073364 account",
        "if account == \"482915073364\":",
        "account_id: str = \"482915073364\"",
        "const accountId: string = \"482915073364\";",
        "[?AccountId=='482915073364']",
        "\"accountId\": {\"S\": \"482915073364\"}",
        "AccountId -> 482915073364",
        "ACCOUNT_ID := 482915073364",
        "<AccountId>\n  482915073364\n</AccountId>",
        "variable \"account_id\" {\n  default = \"482915073364\"\n}",
        "cdk bootstrap aws://482915073364/us-east-1",
    ] {
        assert_eq!(found(text), ["482915073364"], "{text}");
    }
    assert_eq!(found("account 4829-1507-3364"), ["4829-1507-3364"]);
    for text in [
        "accounts 482915073364 and 463370519284",
        "계정 482915073364, 463370519284",
        "account_ids = [\n  \"482915073364\",\n  \"463370519284\",\n]",
    ] {
        assert_eq!(found(text), ["482915073364", "463370519284"], "{text}");
    }
}

#[test]
fn other_numbers_stay() {
    for text in [
        "The account is closed.\n\n482915073364 is the order",
        "account 48291507336",
        "account 4829150733641",
        "account balance: 482915073364",
        "account created 202401311200",
        "account: 482915073364.50",
        "bank account number 482915073364",
        "order 482915073364 for the account",
        "ts=202401311200 account=bob",
        "id: 482915073364 account=bob",
        "202401311200 account created",
        "account, 482915073364 of them",
        "aws://bucket",
    ] {
        assert_eq!(found(text), [""; 0], "{text}");
    }
}

#[test]
fn secrets_near_the_word() {
    for text in [
        "AWS Secret Access Key [None]: {}\n",
        "AWS Secret Access Key [****************QQ6z]: {}",
        ".secretAccessKey(\"{}\")",
        ".withSecretKey(\"{}\")",
        "os.environ[\"AWS_SECRET_ACCESS_KEY\"] = \"{}\"",
        "os.environ.get('AWS_SECRET_ACCESS_KEY', '{}')",
        "'aws_secret_access_key' => '{}'",
        "setx AWS_SECRET_ACCESS_KEY {}",
        "aws configure set aws_secret_access_key {} --profile x",
        "aws_secret_access_key: |\n  {}\n",
        "My AWS Secret Access Key is {}.",
        "시크릿 키: {}",
        "비밀 액세스 키: {}",
    ] {
        assert_eq!(found(&text.replace("{}", SECRET)), [SECRET], "{text}");
    }
    let id = "AKIAZQ3DXK7LMNOP2RST";
    for text in ["AwsBasicCredentials.create(\"{i}\", \"{}\")", "{i},{}", "secret of {i}: {}"] {
        assert_eq!(found(&text.replace("{}", SECRET).replace("{i}", id)), [id, SECRET], "{text}");
    }
}

#[test]
fn other_text_near_the_word_stays() {
    for text in [
        // A commit, a digest, a word of forty letters, a longer run, a path.
        "secret scan of 1f3870be274f6c49b3e31a0c6728957f1f3870be",
        "secret: 9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15",
        "secretKeyFromTheConfigurationOfTheApplicationThat(x)",
        "secret kPq9+Zt/3rLmNvXw8sYbHgTcD1eFuJ2oRiK4aQ6zA",
        "secret kPq9+Zt/3rLmNvXw8sYbHgTcD1eFuJ2oRiK4aQ6",
        "secrets in kPq9Zt3rLmNvXw8sYbHgTcD1eFuJ2oRiK4aQ6zAB.html",
    ] {
        assert_eq!(found(text), [""; 0], "{text}");
    }
    // A long run has no end that is a secret.
    assert_eq!(found(&alloc::format!("secret {}", SECRET.repeat(3))), [""; 0]);
}

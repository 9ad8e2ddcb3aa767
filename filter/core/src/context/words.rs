//! What is not a name although it stands in a name's place, and what is too ordinary to be looked for elsewhere.

use memchr::memmem;

/// Shortest name that is looked for in other places.
const MIN_PROPAGATED: usize = 5;
/// A name of lower-case letters only is looked for elsewhere from this length on.
const MIN_LETTERS: usize = 20;
/// Shortest one of letters only, with a capital inside (`PaymentsProcessor`).
const MIN_CAMEL: usize = 16;
/// Ordinary words that are joined (`my-load-balancer`) are, too.
const MIN_JOINED: usize = 12;

/// Words that stand for a value in schemas, templates, documentation and requests, in lower case.
const STAND_INS: &str = "\
    all any array auto bool boolean bytes changeme date default disabled empty enabled false float id \
    int integer key list long map name never nil no none null number object off on optional redacted \
    required self str string struct text the timestamp true type undefined unknown value yes";

/// Common words of English and of computing, AWS's services and resource types, enumerations, in lower case.
const ORDINARY: &str = "\
    access account active admin administrator alarm amazon analytics android apache application archive \
    aurora available backend backup bucket cache client cloud cloudformation cloudfront cloudtrail \
    cloudwatch cluster cognito compute config configuration console container content control create \
    customer customers database debug default delete deploy deployment destination develop developer \
    development device docker document domain dynamodb elasticache elasticsearch enabled encrypted \
    endpoint engine environment error event events example export failed false fargate frontend \
    function gateway general generic github global group handler health history hostname identity image \
    images import inactive index ingress input instance internal inventory invoice kinesis kubernetes \
    lambda latest launch linux listener local localhost location logging login machine managed manager \
    master message messages metadata metrics mongodb monitor monitoring mysql network nginx nodejs \
    normal notification notifications object opensearch order orders organization output owner \
    parameter password payment payments pending permission pipeline policy postgres postgresql primary \
    private prod product production products profile project provider public python query queue record \
    records redis redshift region release report reports repository request requests resource resources \
    response result results role route running sample schedule search secondary secret secrets security \
    server service services session sessions snapshot source stack staging standard standby static \
    status storage stream string subnet support system table target task template temporary terraform \
    test testing text token topic traffic ubuntu update upload uploads user username users value \
    version volume website windows worker workers workflow xray";

/// Longest word of the lists.
const MAX_WORD: usize = 20;

/// True if the value is a word of the list.
fn listed(list: &str, value: &[u8]) -> bool {
    let mut lower = [0; MAX_WORD];
    let Some(lower) = lower.get_mut(..value.len()) else { return false };
    lower.copy_from_slice(value);
    lower.make_ascii_lowercase();
    let list = list.as_bytes();
    let is_edge = |at: Option<usize>| at.and_then(|at| list.get(at)).is_none_or(|byte| *byte == b' ');
    !lower.contains(&b' ')
        && memmem::find_iter(list, lower)
            .any(|at| is_edge(at.checked_sub(1)) && is_edge(Some(at + value.len())))
}

/// True if a value stands for another one: a variable, an intrinsic function, a mask, nothing at all.
pub(super) fn is_stand_in(value: &[u8]) -> bool {
    let has = |needle: &[u8]| value.windows(needle.len()).any(|window| window == needle);
    let Some(first) = value.first() else { return true };
    matches!(first, b'$' | b'<' | b'{' | b'!' | b'%' | b'@' | b'(' | b'[')
        || [&b"${"[..], b"{{", b"$(", b"***"].iter().any(|variable| has(variable))
        || [
            &b"var."[..],
            b"local.",
            b"data.",
            b"module.",
            b"each.",
            b"self.",
            b"this.",
            b"props.",
            b"form.",
            b"credentials.",
            b"PropTypes.",
            b"process.env",
            b"os.environ",
            b"env.",
        ]
        .iter()
        .any(|scope| value.starts_with(scope))
        // A reference of Terraform.
        || (value.starts_with(b"aws_") && has(b"."))
        || value.iter().all(|byte| matches!(byte, b'*' | b'x' | b'X' | b'.' | b'-' | b'_' | b'?' | b'#'))
        || listed(STAND_INS, value)
}

/// True if a value is of another sort than a name: a number, a region, an instance type, a file's or URL's address.
pub(super) fn is_no_name(value: &[u8]) -> bool {
    is_stand_in(value)
        || value.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b':'))
        || is_date(value)
        || is_region(value)
        || is_instance_type(value)
        || value.starts_with(b"arn:")
}

/// `2024-05-01`, `2024-05-01T10`.
fn is_date(value: &[u8]) -> bool {
    let digits = |range| {
        value.get::<core::ops::Range<usize>>(range).is_some_and(|part| part.iter().all(u8::is_ascii_digit))
    };
    digits(0..4)
        && value.get(4) == Some(&b'-')
        && digits(5..7)
        && value.get(7) == Some(&b'-')
        && digits(8..10)
        && value.get(10).is_none_or(|byte| matches!(byte, b'T' | b'-' | b'_'))
}

/// `us-east-1`, `us-gov-west-1a`.
fn is_region(value: &[u8]) -> bool {
    const PARTS: &[&[u8]] = &[
        b"gov",
        b"iso",
        b"isob",
        b"isoe",
        b"isof",
        b"north",
        b"south",
        b"east",
        b"west",
        b"central",
        b"northeast",
        b"northwest",
        b"southeast",
        b"southwest",
    ];
    let mut parts = value.split(|byte| *byte == b'-');
    let area = parts.next().unwrap_or_default();
    let (mut words, mut ended) = (0, false);
    for part in parts {
        match part {
            [digit] | [digit, b'a'..=b'f'] if digit.is_ascii_digit() && !ended => ended = true,
            word if !ended && PARTS.contains(&word) => words += 1,
            _ => return false,
        }
    }
    ended && area.len() == 2 && (1..=2).contains(&words)
}

/// `t3.micro`, `db.r6g.2xlarge`, `cache.m5.large`.
fn is_instance_type(value: &[u8]) -> bool {
    const SIZES: &[&[u8]] = &[b"nano", b"micro", b"small", b"medium", b"large", b"metal", b"xlarge"];
    let size = value.rsplit(|byte| *byte == b'.').next().unwrap_or_default();
    size.len() < value.len() && SIZES.iter().any(|known| size.ends_with(known))
}

/// True if a value looks chosen: what a person writes in a sentence has no digit, hyphen or underscore.
pub(super) fn is_distinctive(value: &[u8]) -> bool {
    let digit = value.iter().any(u8::is_ascii_digit);
    let joined = value.iter().any(|byte| matches!(byte, b'-' | b'_' | b'/'));
    let letter = value.iter().any(u8::is_ascii_alphabetic);
    value.len() >= 4 && letter && (digit || joined || has_inner_capital(value))
}

/// True if a word is called like a type of a program: `BucketProps`.
pub(super) fn is_type(value: &[u8]) -> bool {
    const ENDINGS: &[&[u8]] =
        &[b"Config", b"Dto", b"Enum", b"Options", b"Props", b"Ref", b"Schema", b"Str", b"Type"];
    value.first().is_some_and(u8::is_ascii_uppercase)
        && ENDINGS.iter().any(|ending| value.ends_with(ending) && value.len() > ending.len())
}

fn has_inner_capital(value: &[u8]) -> bool {
    let inner = |pair: &[u8]| matches!(pair, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase());
    value.windows(2).any(inner)
}

/// True if a name found by its place may be looked for in other places: it cannot be an ordinary word there.
///
/// What is stopped here is masked at its own place all the same.
pub(crate) fn may_propagate(value: &[u8]) -> bool {
    let letters = value.iter().all(u8::is_ascii_alphabetic);
    let words = || value.split(|byte| !byte.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    // `us-east-1-prod`, `my-app`: words that say nothing, however they are joined.
    let common = |word: &[u8]| {
        listed(ORDINARY, word)
            || listed(STAND_INS, word)
            || word.iter().all(u8::is_ascii_digit)
            || word.len() <= 3
    };
    value.len() >= MIN_PROPAGATED
        && !is_no_name(value)
        && !listed(ORDINARY, value)
        && if letters {
            value.len() >= if has_inner_capital(value) { MIN_CAMEL } else { MIN_LETTERS }
        } else {
            value.iter().any(u8::is_ascii_alphabetic) && (value.len() >= MIN_JOINED || !words().all(common))
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_family = "wasm")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn lists_are_words() {
        for word in ORDINARY.split(' ').chain(STAND_INS.split(' ')) {
            assert!((2..=MAX_WORD).contains(&word.len()), "{word:?}");
            assert!(word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "{word:?}");
        }
    }

    #[test]
    fn what_may_propagate() {
        for value in [
            "orders-archive",
            "my-data-bucket-7",
            "PaymentsProcessor",
            "acmecorpcustomerbilling",
            "billing7",
            "team-payroll",
        ] {
            assert!(may_propagate(value.as_bytes()), "{value}");
        }
        for value in [
            "orders",
            "prod",
            "test-db",
            "us-east-1",
            "payroll",
            "t3.micro",
            "12345678",
            "a1",
            "my-app",
            "true",
        ] {
            assert!(!may_propagate(value.as_bytes()), "{value}");
        }
    }

    #[test]
    fn what_stands_for_another_value() {
        for value in [
            "",
            "$BUCKET",
            "${var.x}",
            "x-${y}",
            "{{bucket}}",
            "<bucket>",
            "var.bucket",
            "null",
            "True",
            "****",
            "string",
        ] {
            assert!(is_stand_in(value.as_bytes()), "{value}");
        }
        for value in ["my-bucket", "variable", "orders"] {
            assert!(!is_stand_in(value.as_bytes()), "{value}");
        }
        for value in
            ["us-east-1", "ap-northeast-2a", "us-gov-west-1", "db.t3.micro", "1.2.3", "5", "m5.24xlarge"]
        {
            assert!(is_no_name(value.as_bytes()), "{value}");
        }
    }
}

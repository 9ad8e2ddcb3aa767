//! What tells of a person. Off unless a configuration asks for it.

use super::{Group, Kind, Row};
use crate::detect::pii::{card, email, iban, phone, resident};

/// Every string with each digit behind it.
macro_rules! with_digits {
    ($($start:literal)*) => {
        &[$(
            concat!($start, "0"), concat!($start, "1"), concat!($start, "2"), concat!($start, "3"),
            concat!($start, "4"), concat!($start, "5"), concat!($start, "6"), concat!($start, "7"),
            concat!($start, "8"), concat!($start, "9"),
        )*]
    };
}

/// A row: token prefix, rule, anchors, grammar, source, examples; and what it does not find.
macro_rules! row {
    ($prefix:literal, $rule:literal, $anchors:expr, $grammar:expr, $source:literal, $examples:expr, $counter:expr) => {
        Row {
            kind: Kind::new($prefix, Group::Pii),
            rule: $rule,
            compound: false,
            anchors: $anchors,
            grammar: $grammar,
            source: $source,
            examples: &$examples,
            counter_examples: &$counter,
        }
    };
}

pub(super) static ROWS: &[Row] = &[
    row!(
        "PII_CARD",
        "payment-card",
        with_digits!("22" "23" "24" "25" "26" "27" "30" "34" "35" "36" "37" "38" "39" "4" "50" "51" "52" "53" "54" "55"
            "56" "57" "58" "60" "62" "63" "64" "65" "67" "81" "94"),
        card::number,
        "ISO/IEC 7812",
        [
            "4111111111111111",
            "4111 1111 1111 1111",
            "5555-5555-5555-4444",
            "3782 822463 10005",
            "6011111111111117"
        ],
        ["4111111111111112", "4111 1111 1111 111", "1111111111111117", "1753599250791", "411111-1111111111"]
    ),
    row!(
        "PII_EMAIL",
        "email",
        &["@"],
        email::address,
        "RFC 5321",
        ["alice@example.com", "bob.o'neil+x@mail.example.co.kr"],
        [
            "git@github.com:org/repo.git",
            "ssh://git@example.com/x",
            "@scope/pkg@1.2.3",
            "icon@2x.png",
            "user@localhost",
            "a@b",
            "@example.com",
            "x@.com",
            "x@example..com",
        ]
    ),
    row!(
        "PII_IBAN",
        "iban",
        with_digits!(
            "ad" "ae" "al" "at" "az" "ba" "be" "bg" "bh" "bi" "br" "by" "ch" "cr" "cy" "cz" "de" "dj" "dk" "do" "ee"
            "eg" "es" "fi" "fk" "fo" "fr" "gb" "ge" "gi" "gl" "gr" "gt" "hn" "hr" "hu" "ie" "il" "iq" "is" "it" "jo"
            "kw" "kz" "lb" "lc" "li" "lt" "lu" "lv" "ly" "mc" "md" "me" "mk" "mn" "mr" "mt" "mu" "ni" "nl" "no" "om"
            "pk" "pl" "ps" "pt" "qa" "ro" "rs" "ru" "sa" "sc" "sd" "se" "si" "sk" "sm" "so" "st" "sv" "tl" "tn" "tr"
            "ua" "va" "vg" "xk" "ye"
        ),
        iban::number,
        "https://www.swift.com/standards/data-standards/iban-international-bank-account-number",
        [
            "DE89370400440532013000",
            "GB29 NWBK 6016 1331 9268 19",
            "NO9386011117947",
            "MT84MALT011000012345MTLCAST001S"
        ],
        [
            "DE89370400440532013001",
            "GB29 NWBK 6016 1331 926819",
            "XX89370400440532013000",
            "DE8937040044053201300"
        ]
    ),
    row!(
        "PII_KR_RRN",
        "korean-resident-number",
        with_digits!("-"),
        resident::number,
        "https://www.law.go.kr/LSW/eng/engLsSc.do?query=resident+registration",
        ["900101-1234568", "201105-3123456"],
        ["900101-1234567", "901301-1234568", "900101-9234568", "900101-123456", "20900101-1234568"]
    ),
    row!(
        "PII_PHONE",
        "phone-international",
        with_digits!("+"),
        phone::international,
        "ITU-T E.164",
        ["+82-10-1234-5678", "+1 (555) 123-4567", "+821012345678", "+44 20 7946 0958", "+1.555.123.4567"],
        ["+0900", "+2024-01-01", "+10.123.45.67", "1+1234567890", "+12345678", "+1 2 3 4 5 6 7 8"]
    ),
    row!(
        "PII_PHONE",
        "phone-korean",
        &[
            "010", "011", "016", "017", "018", "019", "02-", "02.", "02 ", "02)", "031", "032", "033", "041",
            "042", "043", "044", "050", "051", "052", "053", "054", "055", "061", "062", "063", "064", "070",
            "080",
        ],
        phone::korean,
        "ITU-T E.164",
        ["010-1234-5678", "02-123-4567", "02) 1234-5678", "031-123-4567", "010 1234 5678", "010.1234.5678"],
        ["01012345678", "010-12-34", "02-12-2024", "010-1234-56789", "2010-1234-5678", "1-010-1234-5678"]
    ),
    row!(
        "PII_PHONE",
        "phone-american",
        &["(2", "(3", "(4", "(5", "(6", "(7", "(8", "(9"],
        phone::american,
        "https://www.nanpa.com/numbering",
        ["(555) 123-4567", "(555)123-4567"],
        ["(555) 1234567", "(5) 123-4567", "(555) 12-4567"]
    ),
    row!(
        "PII_PHONE",
        "phone-american-plain",
        &["0-", "1-", "2-", "3-", "4-", "5-", "6-", "7-", "8-", "9-"],
        phone::american_plain,
        "https://www.nanpa.com/numbering",
        ["555-234-5678"],
        ["155-234-5678", "555-123-4567", "555-234-567", "1-555-234-56789", "555-234-5678-9", "2024-01-01"]
    ),
];

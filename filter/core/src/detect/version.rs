//! Tells dotted numbers that are versions or sections from addresses, by what stands before them.

use crate::boundary;

/// Programs that a version follows as well as the address that they listen on, alone or at the end of a name.
const PROGRAMS: &[&str] = &["apache", "chrome", "driver", "kernel", "nginx", "openssl"];
/// Words that a version or section number follows, alone or at the end of a name. In lower case.
const WORDS: &[&str] = &[
    "annex",
    "appendix",
    "article",
    "build",
    "buildnumber",
    "chapter",
    "clause",
    "edition",
    "fig.",
    "figure",
    "firmware",
    "heading",
    "no.",
    "oid",
    "para",
    "paragraph",
    "patch",
    "patchlevel",
    "rel",
    "release",
    "revision",
    "sec",
    "sec.",
    "section",
    "subsection",
    "v.",
    "ver",
    "ver.",
    "§",
    "§§",
];
/// Of these, the ones that also count at the end of a longer name (`kernelRelease`, `driver_build`).
const ENDINGS: &[&str] =
    &["build", "buildnumber", "firmware", "patchlevel", "release", "revision", "section"];
/// The same of programs.
const PROGRAM_ENDINGS: &[&str] = &["driver", "kernel"];
/// What makes every name one of a version (`AgentVersion`, `version_name`).
const VERSION: &[u8] = b"version";
/// Names of protocols and of what has an address, which stand before addresses with a slash or a hyphen.
const ADDRESSED: &[&str] = &[
    "addr", "address", "client", "dst", "eni", "from", "gateway", "host", "http", "https", "icmp", "inside",
    "ip", "node", "outside", "peer", "server", "src", "ssh", "tcp", "to", "udp", "via",
];
/// Words before a section number, with nothing but a space between. An address may follow them all the same.
const LOOSE: &[&str] =
    &["benchmark", "cis", "control", "item", "recommendation", "requirement", "step", "table"];
/// Beginnings of words that say that a version changes: "upgraded the cluster from 7.10.2.1 to 7.17.0.3".
const CHANGES: &[&str] = &["bump", "downgrad", "upgrad"];
/// Most words between such a word and the first version.
const MAX_CHANGE: usize = 4;
/// Words between versions of one sentence: "version 1.2.3.4 was superseded by 1.2.3.10".
const BETWEEN: &[&str] = &[
    "->",
    "=>",
    "and",
    "been",
    "by",
    "downgraded",
    "from",
    "has",
    "is",
    "newer",
    "older",
    "or",
    "replaced",
    "superseded",
    "than",
    "then",
    "to",
    "updated",
    "upgraded",
    "was",
    "with",
    "→",
];
/// Longest name that is looked at.
const MAX_NAME: usize = 40;
/// Most characters between a name and its value: a cell of a table is padded.
const MAX_GAP: usize = 40;
/// Highest number of a chapter: a heading of a document may be an address, too.
const MAX_CHAPTER: u8 = 30;
/// Most versions and words of one sentence.
const MAX_WORDS: usize = 16;

/// True if what stands before a number says clearly that it is a version or the number of a section.
pub(super) fn follows_name(before: &[u8]) -> bool {
    follows(before, is_name)
}

/// True if what follows four numbers says that they are an address: a port, the length of a network, or the two hyphens
/// of a web server's log.
pub(super) fn precedes_address(after: &[u8]) -> bool {
    let number = |text: &[u8], most: usize| {
        let length = text.iter().take(most + 1).take_while(|byte| byte.is_ascii_digit()).count();
        let rest = text.get(length..).unwrap_or_default();
        let goes_on = matches!(rest, [b'.' | b':', next, ..] if next.is_ascii_digit());
        (2..=most).contains(&length) && boundary::may_end(rest) && !goes_on
    };
    match after {
        [b':', port @ ..] => number(port, 5),
        [b'/', network @ ..] => number(network, 2),
        _ => after.starts_with(b" - "),
    }
}

fn follows(before: &[u8], is_name: fn(&[u8]) -> bool) -> bool {
    let gap = gap(before);
    let before = strip(before, gap);
    if gap == 0 {
        return false;
    }
    let name = last(before, MAX_NAME, |byte| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | 0xC2 | 0xA7)
    });
    is_name(name)
}

/// True if it is a version by looser signs, which an address of a private network overrules. `first` is its first number.
pub(super) fn is_likely(before: &[u8], first: u8) -> bool {
    follows_name(before)
        || follows(before, is_program)
        || is_joined(before)
        || (first <= MAX_CHAPTER && is_heading(before))
        || follows_version(before)
        || is_change(before)
        || is_loose(before)
}

/// `Table 1.2.3.4`.
fn is_loose(before: &[u8]) -> bool {
    let word =
        before.strip_suffix(b" ").map(|rest| last(rest, MAX_NAME, |byte| byte.is_ascii_alphanumeric()));
    word.is_some_and(|word| LOOSE.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(word)))
}

/// `upgraded the cluster from 1.2.3.4`, but not what an address is told to become.
fn is_change(mut before: &[u8]) -> bool {
    for index in 0..=MAX_CHANGE {
        let Some(rest) = before.strip_suffix(b" ") else { return false };
        let word = last(rest, MAX_NAME, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if index == 0 && !word.eq_ignore_ascii_case(b"from") && !word.eq_ignore_ascii_case(b"to") {
            return false;
        }
        let begins = |stem: &&str| {
            word.get(..stem.len()).is_some_and(|start| start.eq_ignore_ascii_case(stem.as_bytes()))
        };
        if CHANGES.iter().any(begins) {
            return true;
        }
        before = strip(rest, word.len());
    }
    false
}

fn is_name(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    let is = |words: &[&str]| words.iter().any(|word| word.as_bytes() == name);
    is(WORDS)
        || name.windows(VERSION.len()).any(|part| part == VERSION)
        || ENDINGS.iter().any(|word| name.ends_with(word.as_bytes()))
}

fn is_program(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    PROGRAMS.iter().any(|word| word.as_bytes() == name)
        || PROGRAM_ENDINGS.iter().any(|word| name.ends_with(word.as_bytes()))
}

/// What stands between a name and its value: `": "`, ` = `, ` | `, `("`, `>`; not a line break.
fn gap(before: &[u8]) -> usize {
    let belongs = |byte: &&u8| {
        matches!(byte, b' ' | b'\t' | b':' | b'=' | b'"' | b'\'' | b'|' | b'(' | b'[' | b'>' | b'/' | b'\\')
    };
    before.iter().rev().take(MAX_GAP).take_while(belongs).count()
}

/// `Chrome/120.0.0.0`, `package-1.2.3.4`, `package==1.2.3.4`.
fn is_joined(before: &[u8]) -> bool {
    let (rest, slash) = match before {
        [rest @ .., b'=', b'='] | [rest @ .., b'-'] => (rest, false),
        [rest @ .., b'/'] => (rest, true),
        _ => return false,
    };
    let name =
        last(rest, MAX_NAME, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    // Names of packages may end with a digit; before a hyphen, those of machines do.
    let package = before.ends_with(b"=");
    let word = last(name, MAX_NAME, |byte| byte.is_ascii_alphabetic() || package && byte.is_ascii_digit());
    let addressed = ADDRESSED.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(word));
    // A product is written with a capital; a path is not, and has a slash before as well.
    let product = !slash
        || (name.first().is_some_and(u8::is_ascii_uppercase)
            && name.iter().any(u8::is_ascii_lowercase)
            && !strip(rest, name.len()).ends_with(b"/"));
    !word.is_empty() && !addressed && product
}

/// `## 1.2.3.4 Title`.
fn is_heading(before: &[u8]) -> bool {
    let spaces = before.iter().rev().take(4).take_while(|byte| **byte == b' ').count();
    spaces > 0 && strip(before, spaces).ends_with(b"#")
}

/// True if a version stands before in the same sentence, with nothing but words that connect in between.
fn follows_version(mut before: &[u8]) -> bool {
    let mut numbers = 0;
    for _ in 0..MAX_WORDS {
        let word = last(before, MAX_NAME, |byte| !matches!(byte, b' ' | b'\n' | b'\t'));
        let rest = strip(before, word.len());
        let trimmed = word.trim_ascii_start();
        let number = !trimmed.is_empty()
            && trimmed.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b','));
        if number && (follows_name(rest) || follows(rest, is_program) || is_change(rest)) {
            return true;
        }
        let connects = BETWEEN.iter().any(|known| known.as_bytes().eq_ignore_ascii_case(trimmed));
        if !(trimmed.is_empty() && rest.ends_with(b" ") || number || connects) {
            return false;
        }
        numbers += usize::from(number);
        if numbers > 2 {
            return false;
        }
        before = rest.strip_suffix(b" ").unwrap_or(rest);
    }
    false
}

/// The longest end of `text` whose bytes belong.
fn last(text: &[u8], most: usize, belongs: impl Fn(u8) -> bool) -> &[u8] {
    let length = text.iter().rev().take(most).take_while(|byte| belongs(**byte)).count();
    text.get(text.len() - length..).unwrap_or_default()
}

fn strip(text: &[u8], length: usize) -> &[u8] {
    text.get(..text.len().saturating_sub(length)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::detect::tests::values;
    #[cfg(target_family = "wasm")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn addresses_stay_addresses() {
        for (text, expected) in [
            ("server 54.1.2.3 build 77", "54.1.2.3"),
            ("ssh ec2-user@54.1.2.3", "54.1.2.3"),
            ("release notes of 54.1.2.3", "54.1.2.3"),
            ("host-54.1.2.3.example.com", "54.1.2.3"),
            ("tcp/54.1.2.3", "54.1.2.3"),
            ("GET /Api/54.1.2.3", "54.1.2.3"),
            ("ip.addr==54.1.2.3", "54.1.2.3"),
            ("nginx 1.21.4.2 on 54.1.2.3", "54.1.2.3"),
            ("version 1.21.4.2 runs on 54.1.2.3", "54.1.2.3"),
            ("upgraded to 1.2.3.4, reach it at 54.1.2.3", "54.1.2.3"),
            ("redirect from 54.1.2.3", "54.1.2.3"),
            ("table 10.0.1.5", "10.0.1.5"),
            ("버전이 아닌 54.1.2.3에서", "54.1.2.3"),
            ("\"PublicIp\": \"54.1.2.3\"", "54.1.2.3"),
            ("conversion\n54.1.2.3", "54.1.2.3"),
            ("nginx    10.0.1.5   5d", "10.0.1.5"),
            ("nginx  | 54.1.2.3 - - [10/Oct/2023:13:55:36 +0000]", "54.1.2.3"),
            ("Connecting to driver 10.0.1.5:7078", "10.0.1.5"),
            ("\"kernel\": \"10.0.1.5\"", "10.0.1.5"),
            ("release 54.1.2.3/32 again", "54.1.2.3"),
            ("worker-54.1.2.3:443", "54.1.2.3"),
            ("allow-54.1.2.3/32", "54.1.2.3"),
            ("# 54.1.2.3", "54.1.2.3"),
        ] {
            assert_eq!(values(text), [expected], "{text}");
        }
    }
}

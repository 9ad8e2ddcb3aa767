use super::*;
use alloc::vec;
use alloc::vec::Vec;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn places(kind: &OwnKind, text: &str) -> Vec<String> {
    let mut places = vec![];
    kind.find(text.as_bytes(), 0, |range| places.push(text[range].into()));
    places
}

fn regex(pattern: &str) -> Result<OwnKind, String> {
    OwnKind::regex("ORG_X".into(), true, pattern, false)
}

fn words(words: &[&str], ignore_case: bool) -> OwnKind {
    let words: Vec<String> = words.iter().map(|word| String::from(*word)).collect();
    OwnKind::words("ORG_X".into(), true, &words, ignore_case).unwrap()
}

#[test]
fn an_expression_finds_what_it_matches() {
    let text = "PRJ-1234, xPRJ-1111, 프로젝트 PRJ-0007을";
    // For Unicode a Korean letter goes on with the word; for ASCII, and our own boundaries, it does not.
    assert_eq!(places(&regex(r"\bPRJ-\d{4}\b").unwrap(), text), ["PRJ-1234"]);
    assert_eq!(places(&regex(r"(?-u:\bPRJ-\d{4}\b)").unwrap(), text), ["PRJ-1234", "PRJ-0007"]);
    assert_eq!(places(&regex("[가-힣]+부").unwrap(), "인사부와 총무부"), ["인사부", "총무부"]);
    let ignoring = OwnKind::regex("ORG_X".into(), true, "proj[a-z]+", true).unwrap();
    assert_eq!(places(&ignoring, "ProjAlpha"), ["ProjAlpha"]);
}

#[test]
fn expressions_that_cannot_be_meant_are_refused() {
    for (pattern, message) in [
        ("", "matches the empty text"),
        ("a*", "matches the empty text"),
        (r"\b", "matches the empty text"),
        ("(x|)", "matches the empty text"),
        (".", "everything"),
        (".+", "everything"),
        (r"\w{3,}", "everything"),
        (r"\S+", "everything"),
        (r"(?s).{2,}", "everything"),
        ("(", "unclosed group"),
        (r"(?P<n", "cannot be read"),
        (r"(a)\1", "backreferences are not supported"),
        ("[a-z]{1000}{1000}", "grows to more than"),
    ] {
        let error = regex(pattern).unwrap_err();
        assert!(error.contains(message), "{pattern}: {error}");
        assert!(!error.contains('\n'), "{error}");
    }
    for pattern in ["[A-Za-z0-9]{32}", r"\d{6}", "a", "[A-Z]{2,}"] {
        assert!(regex(pattern).is_ok(), "{pattern}");
    }
}

#[test]
fn words_stand_alone() {
    let codenames = words(&["blue", "blue harbour", "harbour", "c++", "항구"], false);
    assert_eq!(places(&codenames, "bluer blue, Blue _blue_ c++17 c++"), ["blue", "blue", "c++", "c++"]);
    // Overlapping ones: the list of findings keeps the longest.
    assert_eq!(places(&codenames, "blue harbour"), ["blue", "blue harbour", "harbour"]);
    assert_eq!(places(&codenames, "blue harbours"), ["blue"]);
    assert_eq!(places(&codenames, r"\nblue항구를"), ["blue", "항구"]);
    assert_eq!(places(&words(&["Blue"], true), "BLUE blue"), ["BLUE", "blue"]);
}

#[test]
fn words_that_cannot_be_meant_are_refused() {
    for (list, place) in [(vec![], 0), (vec!["ok", "x"], 1), (vec![" ok"], 0), (vec!["ok", ""], 1)] {
        let list: Vec<String> = list.into_iter().map(String::from).collect();
        assert_eq!(OwnKind::words("ORG_X".into(), true, &list, false).unwrap_err().0, place);
    }
    assert!(OwnKind::words("ORG_X".into(), true, &["x".repeat(MAX_WORD + 1)], false).is_err());
}

use super::*;
use alloc::format;
use alloc::string::{String, ToString};
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

/// Where `Z` stands in a text: `-` outside, the host it is behind, `?` for none to rely on; `@` and the host it is in.
fn place(text: &str, cut: usize) -> String {
    let mut tracker = UrlTracker::default();
    let (before, after) = text.split_once('Z').unwrap();
    let take = |tracker: &mut UrlTracker, mut text: &[u8]| {
        while !text.is_empty() {
            text = &text[tracker.take(text)..];
        }
    };
    let cut = cut.min(before.len());
    take(&mut tracker, &before.as_bytes()[..cut]);
    take(&mut tracker, &before.as_bytes()[cut..]);
    let host = |tracker: &UrlTracker| match tracker.host() {
        _ if tracker.authority().is_empty() => "-".into(),
        Some(host) => String::from_utf8_lossy(host).to_string(),
        None => "?".into(),
    };
    match tracker.place() {
        UrlPlace::Outside => "-".into(),
        UrlPlace::Rest => host(&tracker),
        UrlPlace::Authority => {
            take(&mut tracker, b"Z");
            let mut after = after.as_bytes();
            while tracker.place() == UrlPlace::Authority && !after.is_empty() {
                after = &after[tracker.take(after)..];
            }
            if tracker.place() == UrlPlace::Authority {
                tracker.end();
            }
            format!("@{}", host(&tracker))
        }
    }
}

#[test]
fn urls_and_where_they_end() {
    for (text, expected) in [
        ("Z", "-"),
        ("see https://a.example/Z now", "a.example"),
        ("see https://a.example/x Z", "-"),
        ("HTTPS://A.Example:8443?q=Z", "a.example"),
        ("http:a.example/Z", "a.example"),
        (r"http:\\a.example/Z", "a.example"),
        ("https:///a.example#Z", "a.example"),
        ("over http: Z", "-"),
        ("s3://bucket/Z", "-"),
        ("arn:aws:s3:::Z", "-"),
        ("xhttp://a.example/Z", "-"),
        ("www.a.example/Z", "www.a.example"),
        ("awww.a.example/Z", "-"),
        // Whose host it is said to be is not whose it is.
        ("https://a.example@b.example/Z", "?"),
        (r"https://a.example\@b.example/Z", "?"),
        ("https://a.example&#46;b.example/Z", "?"),
        ("https://a.example。b.example/Z", "?"),
        ("https://a.example:80:1/Z", "?"),
        ("https://a%2eexample/Z", "?"),
        // In the host.
        ("https://Z.s3.amazonaws.com/x", "@z.s3.amazonaws.com"),
        ("https://Z", "@z"),
        ("http://Z:80/x", "@z"),
        ("https://Z@b.example/", "@?"),
        // Markdown.
        ("[x](https://a.example/Z)", "a.example"),
        ("[x](https://a.example/)Z", "-"),
        ("[x](https://a.example/(b)Z)", "a.example"),
        ("[x](https://a.example/b)Z)", "-"),
        (r"[x](https://a.example/\)Z)", "a.example"),
        ("(https://a.example/)Z", "a.example"),
        ("![](//a.example/Z)", "a.example"),
        ("[x](<https://a.example/b Z>)", "a.example"),
        ("<https://a.example/>Z", "-"),
        ("`https://a.example/`Z", "-"),
        ("[x](https://a.example/ \"Z\")", "-"),
        // HTML.
        ("<img src=\"https://a.example/b Z\">", "a.example"),
        ("<img src='https://a.example/\"Z'>", "a.example"),
        ("<img src=https://a.example/Z>", "a.example"),
        ("<a href=https://a.example/>Z", "-"),
        ("<a href=\"https://a.example/\">Z", "-"),
        ("<a href=\"//a.example/Z\">", "a.example"),
        ("<img src=\"ht\ntps://a.example/Z\">", "a.example"),
        ("<img src=\"ht&#116;ps://a.example/Z\">", "a.example"),
        ("<img src=\"https&#58;//a.example/Z\">", "a.example"),
        // No URLs.
        ("(\"// Z\")", "-"),
        ("(\"//Z\")", "@-"),
        ("a; // Z", "-"),
        ("\"https://a.example is down\n\nZ", "-"),
    ] {
        for cut in 0..text.len() {
            assert_eq!(place(text, cut), expected, "{text:?}, {cut}");
        }
    }
}

#[test]
fn endless_authorities_are_no_hosts() {
    let mut tracker = UrlTracker::default();
    tracker.take(format!("https://{}", "a".repeat(1_000_000)).as_bytes());
    assert!(tracker.authority.capacity() < 4 * MAX_AUTHORITY);
    tracker.end();
    assert_eq!(tracker.host(), None);
}

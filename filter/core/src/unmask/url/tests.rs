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
        ("xhttp://a.example/Z", "a.example"),
        ("1https://a.example/Z", "a.example"),
        ("wxhttp: Z", "-"),
        ("sftp://a.example/Z", "-"),
        ("aws://a.example/Z", "-"),
        ("www.a.example/Z", "www.a.example"),
        ("awww.a.example/Z", "www.a.example"),
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
        // Escapes and entities of Markdown where a URL begins.
        (r"![x](https\://a.example/Z)", "a.example"),
        (r"![x](https\:\/\/a.example/Z)", "a.example"),
        ("![x](https&colon;&sol;&sol;a.example/Z)", "?"),
        ("![x](https&#58;&#47;&#47;a.example/Z)", "?"),
        ("![x](&#x2F;&#x000002f;a.example/Z)", "?"),
        ("![x](/&sol;a.example/Z)", "a.example"),
        ("![x](/&NewLine;/a.example/Z)", "a.example"),
        // Blanks in front of it.
        ("![x]( //a.example/Z)", "a.example"),
        ("![x](\n//a.example/Z)", "a.example"),
        ("[x]: //a.example/Z", "a.example"),
        ("<img src= //a.example/Z>", "a.example"),
        ("<img src=\" //a.example/b Z\">", "a.example"),
        ("<img src=\" https://a.example/b Z\">", "a.example"),
        ("<img src = 'https://a.example/b Z'>", "a.example"),
        // What does not end it.
        (r"![x](<https://a.example/\>Z>)", "a.example"),
        ("[x]: https://a.example/<Z", "a.example"),
        ("[x]:\n   https://a.example/<Z", "a.example"),
        ("<img src=\"ht&#116;ps://a.example/b Z\">", "a.example"),
        ("<img src=\"https://a.example/\n\nZ\">", "a.example"),
        (r"\<https://a.example/>Z", "a.example"),
        ("<img srcset=\"b 1x, https://a.example/<Z 2x\">", "a.example"),
        ("<img srcset=\"b 1x, https://a.example/x 2x\"> <b>https://a.example</b>Z", "-"),
        ("<img srcset=\"https://a.example/x 2x, https://a.example/\">Z", "-"),
        ("<p style=\"background:url('https://a.example/b Z')\">", "a.example"),
        ("<img srcset=\"b 2x, https://a.example/\">Z", "-"),
        // HTML reads numbers without a semicolon.
        ("<img src=\"&#104&#116&#116&#112&#115://a.example/Z\">", "a.example"),
        ("<img src=\"https&#58//a.example/Z\">", "a.example"),
        ("<img src=\"/\t/a.example/Z\">", "a.example"),
        // No URLs.
        ("a / /b.c/Z", "-"),
        ("see // Z", "-"),
        ("x //Z", "@-"),
        ("instance&#x2F;Z", "-"),
        ("a=b&#58;Z", "@-"),
        ("a=\"&#x2F;b/Z", "-"),
        ("<td>https://a.example</td><td>Z</td>", "-"),
        ("[x](docs/b.md) Z", "-"),
        ("<a id=\"b\" title=\"Z\">", "-"),
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

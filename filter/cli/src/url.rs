//! The URL of a request, taken apart into what its head says.

/// Where a request is sent to. Only split: host policy and path are the core's to judge.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Url<'a> {
    /// `https` or `http`.
    pub(crate) scheme: &'a str,
    /// Host and perhaps port, as `:authority`.
    pub(crate) authority: &'a str,
    /// Path and query, as `:path`; `/` if there is none.
    pub(crate) target: &'a str,
}

impl<'a> Url<'a> {
    /// Splits `scheme://authority/path?query`; the fragment, which is never sent, is left out.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let text = text.split('#').next().unwrap_or_default();
        let (scheme, rest) = text.split_once("://")?;
        if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            return None;
        }
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at_checked(end)?;
        let target = if target.is_empty() { "/" } else { target };
        (!authority.is_empty()).then_some(Self { scheme, authority, target })
    }

    /// The path without its query.
    pub(crate) fn path(&self) -> &'a str {
        self.target.split('?').next().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_split_as_a_client_would_send_it() {
        let cases = [
            (
                "https://a.com/v1/messages?beta=true#x",
                Some(("a.com", "/v1/messages?beta=true", "/v1/messages")),
            ),
            ("HTTP://[::1]:8081", Some(("[::1]:8081", "/", "/"))),
            ("http://a.com?q=/x", Some(("a.com", "?q=/x", ""))),
            ("https:///v1", None),
            ("ftp://a.com/", None),
            ("a.com/v1", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let url = Url::parse(text);
            assert_eq!(url.map(|url| (url.authority, url.target, url.path())), expected, "{text}");
        }
    }
}

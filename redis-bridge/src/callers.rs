//! Who may call: names, rights and scopes, each behind a bearer token.
//!
//! ```json
//! {"callers": [{"name": "sidecar", "token": "…", "rights": ["issue"], "scopes": ["default", "team-*"]}]}
//! ```
//!
//! Two entries may have one name: that is how a token is replaced without downtime.

use std::{collections::BTreeSet, fmt, sync::Arc};

use bridge_api::names;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use subtle::{ConditionallySelectable as _, ConstantTimeEq as _};

use crate::json;

/// Shortest token: as long as 128 bits in hexadecimal.
pub const MIN_TOKEN_LEN: usize = 32;
/// Longest token.
pub const MAX_TOKEN_LEN: usize = 512;
/// Longest name of a caller.
pub const MAX_NAME_LEN: usize = 64;
/// Most callers: all are compared at every call.
pub const MAX_CALLERS: usize = 256;

/// Everyone who may call.
#[derive(Clone, Debug)]
pub enum Callers {
    /// Only who shows the token of one of these.
    Known(Arc<[Caller]>),
    /// Everybody who reaches the bridge, everything.
    Everybody,
}

/// Somebody who may call.
#[derive(Clone)]
pub struct Caller {
    name: Arc<str>,
    digest: [u8; 32],
    rights: Vec<Right>,
    scopes: Vec<Pattern>,
}

/// What a caller may do.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Right {
    /// Forget scopes.
    Admin,
    /// Get tokens for values.
    Issue,
    /// Get values for tokens.
    Restore,
}

/// Why a callers file cannot be used. Never holds a token.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CallersError(String);

/// The scope of this name, or those whose names begin so.
#[derive(Clone)]
enum Pattern {
    Exact(String),
    Prefix(String),
}

impl Callers {
    /// Reads the text of a callers file.
    ///
    /// # Errors
    /// [`CallersError`] names the place that is wrong and what was expected there.
    pub fn from_json(json: &[u8]) -> Result<Self, CallersError> {
        let file: File<'_> = json::read(json).map_err(|wrong| CallersError(wrong.to_string()))?;
        if !(1..=MAX_CALLERS).contains(&file.callers.len()) {
            return Err(CallersError(format!("`callers`: expected 1 to {MAX_CALLERS} callers")));
        }
        let callers: Vec<Caller> = file
            .callers
            .iter()
            .enumerate()
            .map(|(at, caller)| caller.parse(&format!("callers[{at}]")))
            .collect::<Result<_, _>>()?;
        let mut digests = BTreeSet::new();
        match callers.iter().position(|caller| !digests.insert(caller.digest)) {
            Some(at) => Err(CallersError(format!(
                "`callers[{at}].token`: another caller has the same token; give each its own"
            ))),
            None => Ok(Self::Known(callers.into())),
        }
    }

    /// Whose token this is. Takes as long for the first caller as for the last, and for nobody.
    pub(crate) fn find<'a>(callers: &'a [Caller], token: &[u8]) -> Option<&'a Caller> {
        let digest: [u8; 32] = Sha256::digest(token).into();
        let mut found = u32::MAX;
        for (at, caller) in (0..).zip(callers) {
            found.conditional_assign(&at, caller.digest.ct_eq(&digest));
        }
        callers.get(usize::try_from(found).ok()?)
    }
}

impl Caller {
    /// As the operator calls it.
    pub(crate) fn name(&self) -> &Arc<str> {
        &self.name
    }

    pub(crate) fn may(&self, right: Right) -> bool {
        self.rights.contains(&right)
    }

    pub(crate) fn may_in(&self, scope: &str) -> bool {
        self.scopes.iter().any(|pattern| match pattern {
            Pattern::Exact(name) => name == scope,
            Pattern::Prefix(prefix) => scope.starts_with(prefix.as_str()),
        })
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Right {
    /// What to say to a caller who lacks it.
    pub(crate) fn lacking(self) -> &'static str {
        match self {
            Self::Admin => "The caller lacks the right `admin`.",
            Self::Issue => "The caller lacks the right `issue`.",
            Self::Restore => "The caller lacks the right `restore`.",
        }
    }
}

impl fmt::Display for CallersError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for CallersError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File<'a> {
    #[serde(borrow)]
    callers: Vec<FileCaller<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileCaller<'a> {
    name: String,
    /// Plain ASCII without escapes, so that it is never copied out of a buffer that is overwritten.
    #[serde(borrow)]
    token: &'a str,
    rights: Vec<Right>,
    scopes: Vec<String>,
}

impl FileCaller<'_> {
    fn parse(&self, place: &str) -> Result<Caller, CallersError> {
        let expected =
            |member: &str, what: String| CallersError(format!("`{place}{member}`: expected {what}"));
        let visible = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic());
        if !(1..=MAX_NAME_LEN).contains(&self.name.len()) || !visible(&self.name) {
            return Err(expected(".name", format!("1 to {MAX_NAME_LEN} visible ASCII characters")));
        }
        if !(MIN_TOKEN_LEN..=MAX_TOKEN_LEN).contains(&self.token.len()) || !visible(self.token) {
            let what = format!("{MIN_TOKEN_LEN} to {MAX_TOKEN_LEN} visible ASCII characters");
            return Err(expected(".token", what));
        }
        if self.rights.is_empty() {
            return Err(expected(".rights", "at least one of issue, restore, admin".to_owned()));
        }
        if self.scopes.is_empty() {
            return Err(expected(".scopes", "at least one scope, or `*` for all".to_owned()));
        }
        let pattern = |(at, text): (usize, &String)| {
            Pattern::parse(text).ok_or_else(|| {
                let what = "the name of a scope, or its beginning followed by `*`".to_owned();
                expected(&format!(".scopes[{at}]"), what)
            })
        };
        Ok(Caller {
            name: self.name.as_str().into(),
            digest: Sha256::digest(self.token).into(),
            rights: self.rights.clone(),
            scopes: self.scopes.iter().enumerate().map(pattern).collect::<Result<_, _>>()?,
        })
    }
}

impl Pattern {
    fn parse(text: &str) -> Option<Self> {
        match text.strip_suffix('*') {
            // Whatever may stand before other letters of a name.
            Some(prefix) => names::is_scope(&format!("{prefix}a")).then(|| Self::Prefix(prefix.to_owned())),
            None => names::is_scope(text).then(|| Self::Exact(text.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

    fn caller(name: &str, token: &str, rights: &str, scopes: &str) -> String {
        format!(r#"{{"name":"{name}","token":"{token}","rights":{rights},"scopes":{scopes}}}"#)
    }

    fn read(callers: &[String]) -> Result<Callers, CallersError> {
        Callers::from_json(format!(r#"{{"callers":[{}]}}"#, callers.join(",")).as_bytes())
    }

    #[test]
    fn finds_by_token_and_knows_rights_and_scopes() {
        let file = [
            caller("sidecar", A, r#"["issue"]"#, r#"["default","team-*"]"#),
            caller("sidecar", B, r#"["issue","restore","admin"]"#, r#"["*"]"#),
        ];
        let Callers::Known(callers) = read(&file).unwrap() else { panic!("known callers") };
        let (a, b) = (Callers::find(&callers, A.as_bytes()).unwrap(), Callers::find(&callers, B.as_bytes()));
        assert!(b.unwrap().may(Right::Admin) && b.unwrap().may_in("anything"));
        assert_eq!(a.name().as_ref(), "sidecar");
        assert!(a.may(Right::Issue) && !a.may(Right::Restore));
        for (scope, may) in
            [("default", true), ("defaults", false), ("team-", true), ("team-1", true), ("team", false)]
        {
            assert_eq!(a.may_in(scope), may, "{scope}");
        }
        for token in [&A[1..], "", &format!("{A}a"), &A.to_uppercase()] {
            assert!(Callers::find(&callers, token.as_bytes()).is_none(), "{token}");
        }
        assert!(!format!("{callers:?}").contains("digest"));
    }

    #[test]
    fn errors_name_the_place_and_never_the_token() {
        let good = || caller("x", A, r#"["issue"]"#, r#"["default"]"#);
        let secret = "geheim";
        for (callers, place) in [
            (vec![], "`callers`"),
            (vec![good(), caller("y", A, r#"["issue"]"#, r#"["b"]"#)], "`callers[1].token`: another"),
            (vec![good(), caller("y", secret, r#"["issue"]"#, r#"["b"]"#)], "`callers[1].token`"),
            (vec![caller("y", &format!("{A} {secret}"), r#"["issue"]"#, r#"["b"]"#)], "`callers[0].token`"),
            (vec![caller("", A, r#"["issue"]"#, r#"["b"]"#)], "`callers[0].name`"),
            (vec![caller("y", A, "[]", r#"["b"]"#)], "`callers[0].rights`"),
            (vec![caller("y", A, r#"["events"]"#, r#"["b"]"#)], "not one of those expected at line 1"),
            (vec![caller("y", A, r#"["geheim"]"#, r#"["b"]"#)], "not one of those expected at line 1"),
            (vec![caller("y", A, r#"["issue"]"#, "[]")], "`callers[0].scopes`"),
            (vec![caller("y", A, r#"["issue"]"#, r#"["b",""]"#)], "`callers[0].scopes[1]`"),
            (vec![caller("y", A, r#"["issue"]"#, r#"["*geheim"]"#)], "`callers[0].scopes[0]`"),
            (vec![caller("y", A, r#"["issue"]"#, r#""geheim""#)], "another type than expected at line 1"),
            (vec![format!(r#"{{"token":"{A}","geheim":1}}"#)], "does not belong here at line 1"),
            (vec!["\"geheim\"".to_owned()], "another type than expected at line 1"),
            (vec![secret.to_owned()], "no valid JSON at line 1"),
        ] {
            let error = read(&callers).unwrap_err().to_string();
            assert!(error.contains(place), "{callers:?}: {error}");
            assert!(!error.contains(secret) && !error.contains(A), "{error}");
        }
    }
}

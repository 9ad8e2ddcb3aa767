//! `check --envoy`: what in an Envoy configuration does not fit the filter.
//!
//! ```text
//! YAML or JSON ──▶ tree ──▶ each connection manager with the filter ──▶ chain, filter, routes, logs ─┐
//!                   └─────▶ the rest: admin, clusters, ways around the filter ───────────────────────┴─▶ findings
//! ```
//!
//! Only what was seen to fail, to leak or to cut streams is a finding; taste is not.

use self::chain::Chain;
use self::tree::Node;
use crate::failure::Failure;
use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

mod chain;
mod clusters;
mod filter;
mod logs;
mod routes;
#[cfg(test)]
mod tests;
mod tree;

/// What was found so far.
#[derive(Default)]
struct Findings {
    /// What does not fit: a place and a sentence.
    wrong: Vec<(String, String)>,
    /// What could not be looked at.
    unchecked: Vec<(String, String)>,
}

impl Findings {
    fn add(&mut self, node: &Node<'_>, sentence: impl Into<String>) {
        self.wrong.push((node.place().to_owned(), sentence.into()));
    }

    fn unchecked(&mut self, node: &Node<'_>, sentence: impl Into<String>) {
        self.unchecked.push((node.place().to_owned(), sentence.into()));
    }
}

/// Checks the file at `path`. What is found is the result, and goes to stdout, a line each.
pub(crate) fn check(path: &Path, out: &mut impl Write) -> Result<(), Failure> {
    let text = fs::read_to_string(path).map_err(|error| Failure::file("read", path, &error))?;
    let shown = path.display();
    let findings = match findings(&text, path.parent()) {
        Ok(findings) => findings,
        Err(sentence) => {
            writeln!(out, "{shown}: {sentence}")?;
            return Err(Failure::Reported);
        }
    };
    for (place, sentence) in &findings.unchecked {
        writeln!(out, "{shown}: {place}: not checked: {sentence}")?;
    }
    for (place, sentence) in &findings.wrong {
        writeln!(out, "{shown}: {place}: {sentence}")?;
    }
    if !findings.wrong.is_empty() {
        return Err(Failure::Reported);
    }
    Ok(writeln!(out, "{shown}: valid")?)
}

/// What is wrong in this text, which lies in `folder`; an error if it is no configuration at all.
fn findings(text: &str, folder: Option<&Path>) -> Result<Findings, String> {
    Ok(judge(&tree::read(text)?, folder))
}

fn judge(tree: &Value, folder: Option<&Path>) -> Findings {
    let root = Node::root(tree);
    let mut findings = Findings::default();
    admin(&root, &mut findings);
    let managers = chain::managers(&root);
    let files = Files { folder: folder.map(Path::to_owned) };
    let (with, without): (Vec<Chain<'_>>, Vec<Chain<'_>>) = managers
        .into_iter()
        .map(|manager| Chain::new(manager, &files, &mut findings))
        .partition(Chain::masks);
    let clusters = clusters::all(&root);
    let checked = if with.is_empty() { &without } else { &with };
    if with.is_empty() && !routes::leave_it_to_another_hop(&root, &without, &clusters, &mut findings) {
        findings.add(&root, "no connection manager has the Cloakroom filter, so nothing is masked here");
        return findings;
    }
    for chain in &with {
        chain.check(&mut findings);
        filter::check(chain, &clusters, &root, &mut findings);
        routes::check(chain, &clusters, &mut findings);
        logs::check(chain, &mut findings);
    }
    let providers = clusters::providers(&clusters, checked);
    for provider in &providers {
        clusters::check(provider, &mut findings);
    }
    if !with.is_empty() {
        routes::ways_around(&root, &without, &clusters, &providers, &mut findings);
    }
    findings
}

/// Envoy's admin interface shows the configuration and stops Envoy.
fn admin(root: &Node<'_>, findings: &mut Findings) {
    if let Some(address) = root.at("admin.address.socket_address") {
        findings.add(
            &address,
            "the admin interface is on a TCP port, where whoever reaches it can read the configuration and stop Envoy; use a \
             `pipe` with `mode: 384`",
        );
    }
    if let Some(pipe) = root.at("admin.address.pipe")
        && pipe.number("mode").is_some_and(|mode| mode & 0o006 != 0)
    {
        findings.add(
            &pipe,
            "everybody may use the admin interface, read the configuration and stop Envoy; say `mode: 384`, which is octal 0600",
        );
    }
}

/// Files that the configuration names.
struct Files {
    folder: Option<PathBuf>,
}

impl Files {
    /// What stands in `path`: where it says, or beside the configuration, where it lies while it is made.
    fn read(&self, path: &str) -> Option<String> {
        let path = Path::new(path);
        let beside = || Some(self.folder.as_deref()?.join(path.file_name()?));
        fs::read_to_string(path).ok().or_else(|| fs::read_to_string(beside()?).ok())
    }
}

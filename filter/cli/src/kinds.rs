//! The catalogue as a page of Markdown: what is found, how, and where its grammar is written down.

use cloakroom_core::catalogue::{self, Group, Kind, Row};
use cloakroom_core::context::{self, Field};
use std::collections::BTreeMap;
use std::io::{self, Write};

const HEAD: &str = "# What Cloakroom finds

Written by `cloakroom kinds` from the catalogue; `make golden` renews it. Tokens are the prefix and a number,
`AWS_EC2_001`. Groups and single kinds are turned on and off by `detect.kinds`.
";

/// Writes the page.
pub(crate) fn page(out: &mut impl Write) -> io::Result<()> {
    out.write_all(HEAD.as_bytes())?;
    for group in Group::ALL.into_iter().filter(|group| *group != Group::Literals) {
        let default = if group.is_on_by_default() { "on" } else { "off" };
        writeln!(out, "\n## `{}`, {default} by default\n", group.name())?;
        writeln!(out, "| token | restored | rule | examples | not these | source |")?;
        writeln!(out, "| --- | --- | --- | --- | --- | --- |")?;
        // One line a rule; kinds that are only found inside others have none.
        let mut kinds: BTreeMap<&str, (&Kind, Vec<&Row>)> = BTreeMap::new();
        for kind in catalogue::kinds().filter(|kind| kind.group == group) {
            kinds.entry(kind.prefix).or_insert((kind, Vec::new()));
        }
        for row in catalogue::rows().filter(|row| row.kind.group == group) {
            kinds.entry(row.kind.prefix).or_insert((&row.kind, Vec::new())).1.push(row);
        }
        for (prefix, (kind, rows)) in kinds {
            let fields: Vec<&Field> = context::fields().filter(|field| field.kind.prefix == prefix).collect();
            let start = format!("| `{prefix}` | {}", if kind.restores { "yes" } else { "no" });
            if rows.is_empty() && fields.is_empty() {
                writeln!(out, "{start} | part of an ARN or a URL | | | |")?;
            }
            for Row { rule, examples, counter_examples, source, .. } in rows {
                let (examples, not) = (cells(examples), cells(counter_examples));
                writeln!(out, "{start} | {rule} | {examples} | {not} | {} |", link(source))?;
            }
            for Field { rule, names, counter_examples, source, .. } in fields {
                let (names, not) = (named(names), cells(counter_examples));
                writeln!(out, "{start} | {rule} | {names} | {not} | {} |", link(source))?;
            }
        }
    }
    Ok(())
}

/// The names under which values stand, three of them.
fn named(names: &[&str]) -> String {
    let shown: Vec<String> =
        names.iter().take(3).map(|name| format!("`{}`", name.trim_start_matches('='))).collect();
    let more = names.len() - shown.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("what stands under {}{more}", shown.join(", "))
}

/// At most three, in code, whatever is in them.
fn cells(texts: &[&str]) -> String {
    let cell = |text: &&str| {
        let text: String = text.chars().flat_map(char::escape_debug).collect();
        let shown: String =
            text.replace("\\\"", "\"").replace("\\'", "'").replace('|', "\\|").chars().take(60).collect();
        format!("`{shown}`")
    };
    texts.iter().filter(|text| !text.contains('`')).take(3).map(cell).collect::<Vec<_>>().join(", ")
}

/// The page's host is its name; an RFC has a name of its own.
fn link(source: &str) -> String {
    match source.strip_prefix("https://").and_then(|rest| rest.split('/').next()) {
        Some(host) => format!("[{}]({source})", host.trim_start_matches("www.").trim_start_matches("docs.")),
        None => source.to_owned(),
    }
}

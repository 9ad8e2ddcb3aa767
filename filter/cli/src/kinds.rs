//! The catalogue as a page of Markdown: what is found, how, and where its grammar is written down.

use cloakroom_core::catalogue::{self, Group, Kind, Row};
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
        // One line a rule; kinds that are only found inside others, or by their place, have none.
        let mut kinds: BTreeMap<&str, (&Kind, Vec<&Row>)> = BTreeMap::new();
        for kind in catalogue::kinds().filter(|kind| kind.group == group) {
            kinds.entry(kind.prefix).or_insert((kind, Vec::new()));
        }
        for row in catalogue::rows().filter(|row| row.kind.group == group) {
            kinds.entry(row.kind.prefix).or_insert((&row.kind, Vec::new())).1.push(row);
        }
        for (prefix, (kind, rows)) in kinds {
            let restored = if kind.restores { "yes" } else { "no" };
            if rows.is_empty() {
                writeln!(
                    out,
                    "| `{prefix}` | {restored} | part of an ARN or a URL, or named by its key | | | |"
                )?;
            }
            for Row { rule, examples, counter_examples, source, .. } in rows {
                let (examples, not) = (cells(examples), cells(counter_examples));
                writeln!(
                    out,
                    "| `{prefix}` | {restored} | {rule} | {examples} | {not} | {} |",
                    link(source)
                )?;
            }
        }
    }
    Ok(())
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

fn link(source: &str) -> String {
    if source.starts_with("https://") { format!("[AWS]({source})") } else { source.to_owned() }
}

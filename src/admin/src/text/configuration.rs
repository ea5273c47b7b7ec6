//! The configuration of the cluster in words.

use serde_json::Value;

use super::{WIDTH, clean, date, indented, pairs, table, wrap};
use crate::configuration::{
    ConfigurationChanges, ConfigurationImport, ConfigurationPart, ConfigurationRevision, SettingDifference,
};

/// Longest value of a difference that is shown on its line, bytes; a longer one is a certificate or a list.
const VALUE: usize = 200;

/// Settings.
#[must_use]
pub fn configuration(part: &ConfigurationPart) -> String {
    let json = serde_json::to_string_pretty(&part.value).unwrap_or_default();
    let mut text: String = json.lines().map(|line| clean(line) + "\n").collect();
    if !part.lost.is_empty() {
        text.push('\n');
        text += &paragraphs(&part.lost);
    }
    text
}

/// Revisions.
#[must_use]
pub fn revisions(found: &[ConfigurationRevision]) -> String {
    if found.is_empty() {
        return "Nobody has changed the configuration yet.\n".into();
    }
    let block = |one: &ConfigurationRevision| {
        let head = format!("{}  {}  {}\n", one.revision, date(one.time), clean(&one.who));
        let why = (!one.message.is_empty()).then(|| one.message.clone());
        let lines: Vec<String> = why.into_iter().chain(one.paths.iter().cloned()).collect();
        head + &indented(&lines)
    };
    found.iter().map(block).collect()
}

/// What differs, or what a change did.
#[must_use]
pub fn configuration_changes(changes: &ConfigurationChanges) -> String {
    let mut text = match (changes.differences.is_empty(), changes.to) {
        (true, _) => "Nothing differs.\n".to_owned(),
        (false, Some(to)) => format!("Revision {to}, compared with {}:\n", changes.from),
        (false, None) => format!("Compared with revision {}:\n", changes.from),
    };
    text += &differences(&changes.differences);
    text + &paragraphs(&changes.notes)
}

/// What an import did, or would do.
#[must_use]
pub fn imported(import: &ConfigurationImport) -> String {
    let state = match import.changes.to {
        Some(revision) => format!("in force as revision {revision}"),
        None => "not in force: give --confirm to take it".into(),
    };
    let mut text = pairs(&[
        (
            "Made by",
            format!("version {}, revision {}", import.product, import.revision),
        ),
        ("Layout", import.layout.to_string()),
        ("State", state),
    ]);
    text += &configuration_changes(&import.changes);
    if !import.left_out.is_empty() {
        let rows: Vec<_> = import.left_out.iter().map(|path| [path.clone()]).collect();
        text += &table(["SECRETS TO ENTER AGAIN"], &rows);
    }
    text
}

fn differences(found: &[SettingDifference]) -> String {
    let block = |one: &SettingDifference| {
        let lines = match (&one.before, &one.after) {
            (Some(before), Some(after)) if before == after => vec!["another secret".to_owned()],
            (before, after) => {
                let before = before.as_ref().map(|value| format!("- {}", value_words(value)));
                let after = after.as_ref().map(|value| format!("+ {}", value_words(value)));
                before.into_iter().chain(after).collect()
            }
        };
        clean(&one.path) + "\n" + &indented(&lines)
    };
    found.iter().map(block).collect()
}

fn value_words(value: &Value) -> String {
    let text = value.to_string();
    if text.len() <= VALUE {
        return text;
    }
    let cut = text.floor_char_boundary(VALUE);
    format!("{}...", &text[..cut])
}

fn paragraphs(lines: &[String]) -> String {
    let wrapped = lines.iter().flat_map(|line| wrap(line, WIDTH));
    wrapped.map(|line| line + "\n").collect()
}

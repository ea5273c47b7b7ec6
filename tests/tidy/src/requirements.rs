//! The list of requirements and the tests it names.
//!
//! `tests/requirements.md` has one row a requirement: id, behaviour, source, and the tests that show it
//! (`file::function`, separated by commas) or the word *open*.

use std::collections::BTreeMap;

use regex::Regex;

use crate::tree::Tree;

/// Where the list is.
const LIST: &str = "tests/requirements.md";
/// Families of ids and how many rows each has: a row can neither vanish nor be made up.
const FAMILIES: [(&str, usize); 8] = [
    ("I", 10),
    ("P", 8),
    ("U", 21),
    ("D", 9),
    ("H", 13),
    ("X", 15),
    ("M", 11),
    ("K", 5),
];
/// Rows that must have tests by now.
const DUE: [&str; 22] = [
    "I-01", "I-02", "I-03", "I-04", "I-05", "I-06", "I-07", "I-08", "I-09", "I-10", "P-01", "P-02", "P-03",
    "P-04", "P-05", "P-06", "P-07", "P-08", "U-11", "U-12", "U-16", "U-17",
];
/// What stands for a row without a test.
const OPEN: &str = "*open*";

/// Every id once, every id known, every named test there, nothing open that is due.
#[must_use]
pub fn requirements(tree: &Tree) -> Vec<String> {
    let Some(list) = tree.file(LIST) else {
        return vec![format!("{LIST}: missing")];
    };
    let (rows, mut problems) = rows(&list.text);
    problems.extend(unknown_or_missing(&rows));
    for (id, tests) in &rows {
        if tests == OPEN {
            if DUE.contains(&id.as_str()) {
                problems.push(format!("{LIST}: {id} is due and names no test"));
            }
            continue;
        }
        problems.extend(tests.split(',').filter_map(|test| missing_test(tree, id, test)));
    }
    problems
}

/// Id and tests of every row, and ids that come twice.
fn rows(text: &str) -> (BTreeMap<String, String>, Vec<String>) {
    let mut rows = BTreeMap::new();
    let mut problems = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let cells: Vec<_> = line
            .trim()
            .trim_matches('|')
            .split(" | ")
            .map(str::trim)
            .collect();
        let [id, .., tests] = cells.as_slice() else {
            continue;
        };
        if !line.starts_with('|') || id.len() != 4 || id.as_bytes()[1] != b'-' {
            continue;
        }
        if cells.len() != 4 {
            problems.push(format!(
                "{LIST}:{}: {id} has {} cells, not 4",
                number + 1,
                cells.len()
            ));
        }
        if rows.insert((*id).to_owned(), (*tests).to_owned()).is_some() {
            problems.push(format!("{LIST}:{}: {id} comes twice", number + 1));
        }
    }
    (rows, problems)
}

fn unknown_or_missing(rows: &BTreeMap<String, String>) -> Vec<String> {
    let known: Vec<_> = FAMILIES
        .iter()
        .flat_map(|(family, count)| (1..=*count).map(move |n| format!("{family}-{n:02}")))
        .collect();
    let missing = known
        .iter()
        .filter(|id| !rows.contains_key(*id))
        .map(|id| format!("{LIST}: {id} is missing"));
    let unknown = rows
        .keys()
        .filter(|id| !known.contains(id))
        .map(|id| format!("{LIST}: {id} is not known"));
    missing.chain(unknown).collect()
}

/// What is wrong with the test `named` of row `id`.
fn missing_test(tree: &Tree, id: &str, named: &str) -> Option<String> {
    let named = named.trim().trim_matches('`');
    let Some((path, function)) = named.rsplit_once("::") else {
        return Some(format!(
            "{LIST}: {id} names `{named}`, which is no `file::function`"
        ));
    };
    let Some(file) = tree.file(path) else {
        return Some(format!("{LIST}: {id} names `{named}`, but there is no {path}"));
    };
    let function = Regex::new(&format!(
        r"(?m)#\[(\w+::)?test\b[^\n]*\]\s*(#\[[^\n]*\]\s*)*(async )?fn {}\(",
        regex::escape(function)
    ));
    let there = function.is_ok_and(|function| function.is_match(&file.text));
    (!there).then(|| format!("{LIST}: {id} names `{named}`, but {path} has no such test"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::SourceFile;

    const TEST: &str = "#[test]\nfn works() -> Result<()> {}\nfn helper() {}\n";

    /// What is wrong with a list of every id, `tests` standing in every row, after `change`.
    fn problems(tests: &str, change: impl Fn(String) -> String) -> Vec<String> {
        let ids = FAMILIES
            .iter()
            .flat_map(|(family, count)| (1..=*count).map(move |n| format!("{family}-{n:02}")));
        let list = ids
            .map(|id| format!("| {id} | does it | S | {tests} |\n"))
            .collect();
        let file = |path: &str, text: String| SourceFile {
            path: path.into(),
            text,
        };
        let files = vec![file(LIST, change(list)), file("tests/a.rs", TEST.into())];
        requirements(&Tree {
            top: Vec::new(),
            files,
        })
    }

    #[test]
    fn a_whole_list_with_real_tests_passes() {
        assert!(problems("`tests/a.rs::works`", |list| list).is_empty());
        assert!(problems("`tests/a.rs::works`, `tests/a.rs::works`", |list| list).is_empty());
    }

    #[test]
    fn lost_doubled_and_made_up_rows_are_named() {
        let with = |change: fn(String) -> String| problems("`tests/a.rs::works`", change);
        assert_eq!(with(|list| list.replace("| U-07 |", "| U-99 |")).len(), 2);
        assert_eq!(with(|list| list.replace("| U-08 |", "| U-07 |")).len(), 2);
        assert_eq!(
            with(|list| list.replace("| U-08 | does it |", "| U-08 |")).len(),
            1
        );
    }

    #[test]
    fn a_test_must_be_there_and_be_a_test() {
        let one = |tests: &str| {
            problems("`tests/a.rs::works`", |list| {
                list.replacen("`tests/a.rs::works`", tests, 1)
            })
        };
        for (tests, why) in [
            ("`tests/a.rs::gone`", "has no such test"),
            ("`tests/a.rs::helper`", "has no such test"),
            ("`tests/b.rs::works`", "there is no tests/b.rs"),
            ("soon", "is no `file::function`"),
        ] {
            assert!(one(tests)[0].contains(why), "{tests}");
        }
    }

    #[test]
    fn what_is_due_may_not_be_open() {
        assert_eq!(problems(OPEN, |list| list).len(), DUE.len());
    }
}

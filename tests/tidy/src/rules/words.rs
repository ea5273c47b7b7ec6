//! Words no text file of the repository may hold.

use regex::Regex;

use crate::tree::Tree;

/// (pattern, mend). Written so that this file does not offend itself.
const WORDS: [(&str, &str); 3] = [
    (r"\b(TO[D]O|FIX[M]E|XX[X])\b", "finish it or leave it out"),
    (
        r#"(^|[\s"'`(=:])(/roo[t]/|/wor[k]/|\.\./share[d]\b)"#,
        "a place of one machine means nothing on another",
    ),
    (
        r"\b((static|index)\.crates\.i[o]|pypi\.or[g]|pythonhosted\.or[g]|npmjs\.(or[g]|co[m])|(deb|security|ftp|snapshot|archive)\.debian\.or[g])\b",
        "package registries are reached through their clients, never by host name",
    ),
];

/// Cargo names its index in every lock file.
const EXEMPT: [&str; 1] = ["Cargo.lock"];

/// Marks of unfinished work, places of one machine, hosts of package registries.
#[must_use]
pub fn forbidden_words(tree: &Tree) -> Vec<String> {
    let mut problems = Vec::new();
    let mut rules = Vec::new();
    for (pattern, mend) in WORDS {
        match Regex::new(pattern) {
            Ok(regex) => rules.push((regex, mend)),
            Err(e) => problems.push(format!("the rule {pattern:?}: {e}")),
        }
    }
    for file in tree
        .files
        .iter()
        .filter(|file| !EXEMPT.contains(&file.path.as_str()))
    {
        for (regex, mend) in &rules {
            for found in regex.find_iter(&file.text) {
                let line = file.text[..found.end()].lines().count();
                let word = found.as_str().trim();
                problems.push(format!("{}:{line}: `{word}`: {mend}", file.path));
            }
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::SourceFile;

    fn problems(text: &str) -> Vec<String> {
        let file = SourceFile {
            path: "a.md".into(),
            text: text.into(),
        };
        forbidden_words(&Tree {
            top: Vec::new(),
            files: vec![file],
        })
    }

    #[test]
    fn unfinished_work_is_found_with_its_line() {
        let found = problems(concat!("a\nb TO", "DO c\n"));
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("a.md:2: "), "{found:?}");
        assert_eq!(problems("mastodon").len(), 0);
    }

    #[test]
    fn places_and_hosts_are_found_and_relatives_are_not() {
        assert_eq!(problems(concat!("see /wor", "k/x and /roo", "t/.cargo")).len(), 2);
        assert_eq!(problems("rootfs/root/a, target/work/b").len(), 0);
        assert_eq!(problems(concat!("https://deb.debian.o", "rg/debian")).len(), 1);
    }
}

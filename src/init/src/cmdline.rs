//! The kernel command line: only parameters that begin with `sps.` are ours.

use std::collections::BTreeMap;
use std::fs;

/// Our parameters: `sps.name=value`, or `sps.name` with an empty value; the last of a name counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommandLine {
    parameters: BTreeMap<String, String>,
}

impl CommandLine {
    /// Reads `/proc/cmdline`; one that cannot be read counts as empty.
    #[must_use]
    pub fn read() -> Self {
        Self::parse(&fs::read_to_string("/proc/cmdline").unwrap_or_default())
    }

    /// Takes our parameters out of a command line.
    #[must_use]
    pub fn parse(line: &str) -> Self {
        let own = line
            .split_ascii_whitespace()
            .filter_map(|word| word.strip_prefix("sps."));
        let parameters = own.map(|word| word.split_once('=').unwrap_or((word, "")));
        Self {
            parameters: parameters
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        }
    }

    /// The value of `sps.<name>`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_parameters_count_and_the_last_wins() {
        let line = CommandLine::parse("quiet sps.a=1 root=/dev/sda sps.a=2 sps.flag\n");
        assert_eq!(
            (line.get("a"), line.get("flag"), line.get("root")),
            (Some("2"), Some(""), None)
        );
    }
}

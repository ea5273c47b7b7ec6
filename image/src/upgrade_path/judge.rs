//! What the rules of a firmware say of one appliance, and which version to install first when they say no.
//!
//! Invariant: the version named first is above the running one and may itself be followed by the firmware that was
//! refused. Whether it can be reached is what its own rules say: a chain of refusals climbs and ends.

use thiserror::Error;

use super::rule::Rule;
use crate::version::{Channel, Version};

/// Whether the data of an earlier firmware is still as that firmware left it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Earlier {
    /// Its slot is there and its data layout is kept: it can be returned to.
    Kept,
    /// It is not, or nobody knows.
    Gone,
}

/// Why a firmware may be started after the running one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// This rule admits the running version.
    Upgrade(Rule),
    /// It is the running version, perhaps another build.
    SameVersion,
    /// It is older, and its data is kept.
    Return,
}

/// Why not.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// No rule admits the running version, and there is one to go over.
    #[error(
        "firmware {to} cannot follow {from} directly: install {first} first ({rule} is supported), then firmware {to}"
    )]
    InstallFirst {
        /// The running version.
        from: Version,
        /// The firmware refused.
        to: Version,
        /// What to install first.
        first: Version,
        /// The rule that admits it.
        rule: Rule,
    },
    /// No rule admits the running version or anything between the two.
    #[error(
        "firmware {to} cannot follow {from}, and names no version between them; it can follow: {supported}. Install it anew \
         from its medium, or ask support for a way"
    )]
    NoWay {
        /// The running version.
        from: Version,
        /// The firmware refused.
        to: Version,
        /// Every rule.
        supported: String,
    },
    /// A feature release runs and this is an earlier LTS.
    #[error(
        "firmware {to} is an LTS that the running feature release {from} has left behind: stay with feature releases until \
         {next} LTS, or roll back while the earlier firmware is kept"
    )]
    ToLts {
        /// The running version.
        from: Version,
        /// The firmware refused.
        to: Version,
        /// Major number of the LTS that follows the running version.
        next: u64,
    },
    /// It is older.
    #[error(
        "firmware {to} is older than the running {from}, and its data is not kept: roll back to what is kept, or install it \
         anew from its medium"
    )]
    Older {
        /// The running version.
        from: Version,
        /// The firmware refused.
        to: Version,
    },
}

/// What [`judge`] says.
pub type Verdict = Result<Passage, Refusal>;

/// Whether an appliance that runs `from` may start the firmware `to` with these rules; `earlier` says whether an older
/// one can be returned to. The channels are the versions' own.
///
/// # Errors
/// The reason and what to do, when it may not.
pub fn judge(rules: &[Rule], from: Version, to: Version, earlier: Earlier) -> Verdict {
    if from.without_build() == to.without_build() && from <= to {
        return Ok(Passage::SameVersion);
    }
    if to < from {
        return match earlier {
            Earlier::Kept => Ok(Passage::Return),
            Earlier::Gone => Err(older(from, to)),
        };
    }
    match rules.iter().find(|rule| rule.admits(from)) {
        Some(rule) => Ok(Passage::Upgrade(*rule)),
        None => Err(detour(rules, from, to)),
    }
}

fn older(from: Version, to: Version) -> Refusal {
    if from.channel() == Channel::Feature && to.channel() == Channel::Lts {
        let next = u64::from(from.major()) + 1;
        return Refusal::ToLts { from, to, next };
    }
    Refusal::Older { from, to }
}

/// Names the nearest version between the two from which `to` can be reached.
fn detour(rules: &[Rule], from: Version, to: Version) -> Refusal {
    let stones = rules.iter().filter_map(|rule| {
        let first = rule.next_after(from)?;
        (first < to).then_some((*rule, first))
    });
    match stones.min_by_key(|(rule, first)| distance(*rule, from, *first)) {
        Some((rule, first)) => Refusal::InstallFirst {
            from,
            to,
            first,
            rule,
        },
        None => Refusal::NoWay {
            from,
            to,
            supported: spelled(rules),
        },
    }
}

/// Order of preference: a maintenance release of the running line, for an LTS the nearest LTS, else the nearest line;
/// within a line, the one that may be any later maintenance release too, so that nobody looks for an old file.
fn distance(rule: Rule, from: Version, first: Version) -> (bool, bool, (u32, u32), bool, Version) {
    let line = |version: Version| (version.major(), version.minor());
    let leaves_lts = from.channel() == Channel::Lts && first.channel() != Channel::Lts;
    (
        line(first) != line(from),
        leaves_lts,
        line(first),
        !rule.is_open(),
        first,
    )
}

fn spelled(rules: &[Rule]) -> String {
    let spelled: Vec<String> = rules.iter().map(Rule::to_string).collect();
    if spelled.is_empty() {
        "no version".to_owned()
    } else {
        spelled.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A firmware 7.0.3.1: the pattern that rules must be able to express.
    const PATTERN: [&str; 6] = [
        "7 LTS",
        "=6.9.4",
        "=6.9.5",
        "=6.0.0",
        ">=6.11 feature",
        ">=6.0.11 in 6 LTS",
    ];

    fn rules(texts: &[&str]) -> Vec<Rule> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn version(text: &str) -> Version {
        text.parse().unwrap()
    }

    /// Every version with small numbers, with and without build.
    fn grid() -> impl Iterator<Item = Version> {
        let numbers = (5..9).flat_map(|major| (0..14).map(move |minor| (major, minor)));
        let versions = numbers.flat_map(|(major, minor)| {
            (0..13).map(move |patch| format!("{major}.{minor}.{patch}").parse().unwrap())
        });
        versions.flat_map(|plain: Version| [plain, format!("{plain}.1").parse().unwrap()])
    }

    fn rule_sets() -> Vec<Vec<Rule>> {
        let sets: [&[&str]; 9] = [
            &PATTERN,
            &[],
            &["any"],
            &["7.x"],
            &["6.12.x", ">=6.13.1 in 6.13"],
            &[">=6.2 feature", "8 LTS"],
            &["=7.0.3.1"],
            &[">=7.12 feature"],
            &[">=5.0.4 in 5 LTS", ">=6.0.7.1 in 6 LTS", ">=7.0.1 in 7 LTS"],
        ];
        sets.into_iter().map(rules).collect()
    }

    #[test]
    fn the_pattern_admits_what_it_says_and_no_more() {
        let (rules, to) = (rules(&PATTERN), version("7.0.3.1"));
        for from in grid().filter(|from| *from < to && from.without_build() != Version::new(7, 0, 3)) {
            let (major, minor, patch) = (from.major(), from.minor(), from.patch());
            let supported = (major, minor) == (7, 0)
                || matches!((major, minor, patch), (6, 9, 4 | 5) | (6, 0, 0))
                || major == 6 && minor >= 11
                || (major, minor) == (6, 0) && patch >= 11;
            assert_eq!(
                judge(&rules, from, to, Earlier::Gone).is_ok(),
                supported,
                "{from}"
            );
        }
    }

    #[test]
    fn a_version_named_first_leads_there_and_every_chain_ends() {
        let targets = ["6.0.12", "6.13.2", "7.0.3.1", "7.4.0", "8.0.1"].map(version);
        for (rules, to) in rule_sets().iter().flat_map(|rules| targets.map(|to| (rules, to))) {
            for from in grid() {
                match judge(rules, from, to, Earlier::Gone) {
                    Ok(Passage::Upgrade(rule)) => assert!(rule.admits(from) && from < to),
                    Ok(Passage::SameVersion) => assert_eq!(from.without_build(), to.without_build()),
                    Ok(Passage::Return) => panic!("{from} returned to {to} without its data"),
                    Err(Refusal::InstallFirst { first, .. }) => {
                        assert!(from < first && first < to, "{from} {first} {to}");
                        let then = judge(rules, first, to, Earlier::Gone);
                        assert!(
                            matches!(then, Ok(Passage::Upgrade(_))),
                            "{from} {first}: {then:?}"
                        );
                    }
                    Err(Refusal::NoWay { .. }) => assert!(from < to && no_stone(rules, from, to)),
                    Err(Refusal::ToLts { .. } | Refusal::Older { .. }) => assert!(to < from),
                }
            }
        }
    }

    /// No version of the grid between the two is admitted by a rule.
    fn no_stone(rules: &[Rule], from: Version, to: Version) -> bool {
        !grid().any(|between| from < between && between < to && rules.iter().any(|rule| rule.admits(between)))
    }

    #[test]
    fn only_what_is_kept_is_returned_to() {
        for from in grid().step_by(7) {
            for to in grid().step_by(11).filter(|to| *to < from) {
                assert_eq!(
                    judge(&rules(&["any"]), from, to, Earlier::Kept),
                    Ok(Passage::Return)
                );
                let refused = judge(&rules(&["any"]), from, to, Earlier::Gone).unwrap_err();
                let leaves = from.channel() == Channel::Feature && to.channel() == Channel::Lts;
                assert_eq!(matches!(refused, Refusal::ToLts { .. }), leaves, "{from} {to}");
            }
        }
    }

    #[test]
    fn a_version_may_follow_itself() {
        let same = |from: &str, to: &str| judge(&[], version(from), version(to), Earlier::Gone);
        assert_eq!(same("7.0.3", "7.0.3"), Ok(Passage::SameVersion));
        assert_eq!(same("7.0.3", "7.0.3.1"), Ok(Passage::SameVersion));
        assert!(same("7.0.3.1", "7.0.3").is_err());
    }

    #[test]
    fn refusals_name_what_to_do() {
        let pattern = rules(&PATTERN);
        let said = |from: &str, to: &str, rules: &[Rule]| {
            let refusal = judge(rules, version(from), version(to), Earlier::Gone).expect_err(from);
            format!("{refusal}\n")
        };
        let texts = [
            said("5.0.9", "7.0.3.1", &pattern),
            said("5.4.0", "7.0.3.1", &pattern),
            said("6.0.5", "7.0.3.1", &pattern),
            said("6.4.0", "7.0.3.1", &pattern),
            said("6.10.2", "7.0.3.1", &pattern),
            said("7.0.2", "7.4.0", &rules(&[">=6.11 feature"])),
            said("6.10.2", "7.0.0", &rules(&["=6.9.4", "7 LTS"])),
            said("6.10.2", "7.0.0", &[]),
            said("7.1.0", "7.0.3.1", &pattern),
            said("6.13.0", "6.9.4", &pattern),
            said("7.0.4", "7.0.3.1", &pattern),
        ];
        insta::assert_snapshot!(texts.concat());
    }
}

//! The rule of versions: an indexer is not older than its appliance. A later one knows everything an earlier one tells.

/// Longest text of a version.
const LONGEST: usize = 43;

/// What the rule says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may index.
    Fits,
    /// It is older than the appliance.
    Older,
    /// It is no version.
    Unknown,
}

/// Whether an indexer of this version may work for an appliance of that one: `major.minor.patch`, or with a build number.
#[must_use]
pub fn may_index(indexer: &str, appliance: &str) -> Verdict {
    match (numbers(indexer), numbers(appliance)) {
        (Some(indexer), Some(appliance)) if indexer >= appliance => Verdict::Fits,
        (Some(_), Some(_)) => Verdict::Older,
        _ => Verdict::Unknown,
    }
}

fn numbers(text: &str) -> Option<[u32; 4]> {
    if text.len() > LONGEST {
        return None;
    }
    let mut numbers = [0; 4];
    let mut count = 0;
    for part in text.split('.') {
        let plain = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        *numbers.get_mut(count)? = part.parse().ok().filter(|_| plain)?;
        count += 1;
    }
    (count >= 3).then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_indexer_is_not_older_than_its_appliance() {
        for (indexer, verdict) in [
            ("7.1.2", Verdict::Fits),
            ("7.1.2.1", Verdict::Fits),
            ("7.1.10", Verdict::Fits),
            ("8.0.0", Verdict::Fits),
            ("7.1.1", Verdict::Older),
            ("7.0.99", Verdict::Older),
            ("6.14.3.9", Verdict::Older),
            ("", Verdict::Unknown),
            ("7.1", Verdict::Unknown),
            ("7.1.x", Verdict::Unknown),
            ("7.1.+3", Verdict::Unknown),
            ("7.1.2.3.4", Verdict::Unknown),
            ("7.1.99999999999", Verdict::Unknown),
        ] {
            assert_eq!(may_index(indexer, "7.1.2"), verdict, "{indexer}");
        }
        assert_eq!(may_index("7.1.2", "7.1.2.5"), Verdict::Older);
    }
}

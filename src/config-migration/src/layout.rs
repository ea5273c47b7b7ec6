//! Numbers of the layouts, and the versions of the history in which they appeared.

/// The oldest layout that is known.
pub const FIRST: u32 = 1;
/// The layout that this firmware works on.
pub const LATEST: u32 = 5;

/// Version of each layout, from the first on: the upgrade guides are named after these.
const VERSIONS: [&str; 5] = ["5.0", "5.9", "6.3", "6.8", "7.0"];

/// Version in which a layout appeared; none for a layout nobody knows.
#[must_use]
pub fn version(layout: u32) -> Option<&'static str> {
    let place = layout.checked_sub(FIRST)?;
    VERSIONS.get(usize::try_from(place).ok()?).copied()
}

/// Every layout with its version, ascending.
pub fn versions() -> impl Iterator<Item = (u32, &'static str)> {
    (FIRST..).zip(VERSIONS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layout_has_a_version_and_no_other_number() {
        assert_eq!(
            (version(0), version(LATEST + 1), version(u32::MAX)),
            (None, None, None)
        );
        assert_eq!(versions().last(), Some((LATEST, "7.0")));
        assert!(versions().all(|(layout, name)| version(layout) == Some(name)));
    }
}

//! The history of layouts, a file each. A new layout is a file here and its line in [`HISTORY`].

mod l1;
mod l2;
mod l3;
mod l4;
mod l5;

use crate::layout::Layout;

/// Every layout there ever was, the first first.
pub const HISTORY: [&Layout; 5] = [&l1::LAYOUT, &l2::LAYOUT, &l3::LAYOUT, &l4::LAYOUT, &l5::LAYOUT];
/// Number of the first.
pub const FIRST: u32 = 1;
/// Number of the layout this firmware works on.
pub const LATEST: u32 = 5;

/// The layout of this number.
#[must_use]
pub fn layout(number: u32) -> Option<&'static Layout> {
    HISTORY.into_iter().find(|layout| layout.number == number)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::layout::{Class, Form, Kind};
    use crate::names::RESERVED;

    #[test]
    fn numbers_are_those_of_the_list() {
        let numbers: Vec<u32> = HISTORY.iter().map(|layout| layout.number).collect();
        assert_eq!(numbers, (FIRST..=LATEST).collect::<Vec<_>>());
        assert_eq!(layout(LATEST), Some(&l5::LAYOUT));
        assert_eq!(layout(LATEST + 1), None);
    }

    #[test]
    fn places_are_apart_and_each_kind_has_one() {
        for layout in HISTORY {
            let mut kinds = BTreeSet::new();
            for place in layout.places {
                assert!(
                    kinds.insert(place.kind),
                    "{}: {:?} twice",
                    layout.number,
                    place.kind
                );
                let plain = |part: &str| !part.is_empty() && !part.starts_with('.');
                assert!(place.path.split('/').all(plain), "{}", place.path);
                assert!(!RESERVED.contains(&place.path), "{}", place.path);
                let inside = layout.places.iter().filter(|other| {
                    other.path == place.path || other.path.starts_with(&format!("{}/", place.path))
                });
                assert_eq!(
                    inside.count(),
                    1,
                    "{}: nothing lies in {}",
                    layout.number,
                    place.path
                );
            }
        }
    }

    #[test]
    fn nothing_that_is_kept_loses_its_place_and_its_class_fits() {
        for pair in HISTORY.windows(2) {
            for place in pair[0].places {
                let next = pair[1].place(place.kind);
                assert!(
                    next.is_some() || place.class == Class::Dropped,
                    "{:?} has no place in layout {}",
                    place.kind,
                    pair[1].number
                );
                let same = next.is_none_or(|next| next.class == place.class);
                assert!(same, "{:?} changes its class", place.kind);
            }
        }
        for layout in HISTORY {
            let document = layout.place(Kind::Configuration).unwrap();
            assert_eq!((document.form, document.class), (Form::File, Class::Document));
        }
    }
}

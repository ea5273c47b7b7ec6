//! Where a file goes in a folder that is arranged another way. Names are bytes.

use crate::layout::Arrangement;

/// Folder, within one that is arranged by day, of files whose names tell no day.
pub const UNDATED: &str = "undated";
/// Years that a session may be of: before the first release there was none, and four digits end with the last.
const YEARS: std::ops::RangeInclusive<u32> = 1990..=9999;

/// Path in a folder arranged like `to` of what has the path `relative` in one arranged like `from`.
#[must_use]
pub fn arranged(relative: &[u8], from: Arrangement, to: Arrangement) -> Vec<u8> {
    match (from, to) {
        (Arrangement::Free, Arrangement::ByDay) => {
            let mut path = match day_of(relative) {
                Some((year, month, day)) => format!("{year:04}/{month:02}/{day:02}/"),
                None => format!("{UNDATED}/"),
            }
            .into_bytes();
            path.extend_from_slice(relative);
            path
        }
        (Arrangement::ByDay, Arrangement::Free) => {
            let name = relative
                .iter()
                .rposition(|byte| *byte == b'/')
                .map_or(0, |slash| slash + 1);
            relative[name..].to_vec()
        }
        (Arrangement::Free, Arrangement::Free) | (Arrangement::ByDay, Arrangement::ByDay) => {
            relative.to_vec()
        }
    }
}

/// Year, month and day that the name of a session's file tells: `ssh-20240517-081530-7f3a.zat` is of 2024-05-17.
#[must_use]
pub fn day_of(name: &[u8]) -> Option<(u32, u32, u32)> {
    if name.contains(&b'/') {
        return None;
    }
    let date = name.split(|byte| *byte == b'-').nth(1)?;
    if date.len() != 8 || !date.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = |digits: &[u8]| {
        digits
            .iter()
            .fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'))
    };
    let (year, month, day) = (number(&date[..4]), number(&date[4..6]), number(&date[6..]));
    let is_day = YEARS.contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    is_day.then_some((year, month, day))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Arrangement::{ByDay, Free};

    fn by_day(name: &[u8]) -> String {
        String::from_utf8_lossy(&arranged(name, Free, ByDay)).into_owned()
    }

    #[test]
    fn a_trail_goes_to_its_day() {
        assert_eq!(
            by_day(b"ssh-20240517-081530-7f3a.zat"),
            "2024/05/17/ssh-20240517-081530-7f3a.zat"
        );
    }

    #[test]
    fn whatever_tells_no_day_is_kept_apart_under_its_name() {
        for name in [
            &b"x.zat"[..],
            b"ssh-20241317-1.zat",
            b"ssh-2024051-1",
            b"a/ssh-20240517-1",
            b"\xff\n-20240500-x",
        ] {
            assert!(by_day(name).starts_with("undated/"), "{name:?}");
            assert!(arranged(name, Free, ByDay).ends_with(name));
        }
    }

    #[test]
    fn there_and_back_is_the_same_name() {
        for name in [&b"ssh-20240517-081530-7f3a.zat"[..], b"x\n\xff"] {
            assert_eq!(arranged(&arranged(name, Free, ByDay), ByDay, Free), name);
            assert_eq!(arranged(name, ByDay, ByDay), name);
        }
    }
}

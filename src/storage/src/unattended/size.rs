//! Sizes as people write them: `500 GB`, `1.5TB`, `32GiB`, plain bytes. Pure.

use thiserror::Error;

/// Units: powers of ten as on the label of a disk, powers of two with an `i`.
const UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// The text is no size.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{0:?} is no size: write a number and B, kB, MB, GB, TB, KiB, MiB, GiB or TiB, such as \"500 GB\"")]
pub struct SizeError(String);

/// Bytes of a size.
///
/// # Errors
/// When the text is no size or larger than can be.
pub fn parse_size(text: &str) -> Result<u64, SizeError> {
    let wrong = || SizeError(text.chars().take(40).collect());
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let unit = unit.trim_start();
    let known = UNITS
        .iter()
        .find(|(name, _)| unit.is_empty() && *name == "B" || name.eq_ignore_ascii_case(unit));
    let (_, unit) = known.ok_or_else(wrong)?;
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let whole: u64 = whole.parse().map_err(|_| wrong())?;
    let bytes = whole.checked_mul(*unit).ok_or_else(wrong)?;
    bytes
        .checked_add(fraction(part, *unit).ok_or_else(wrong)?)
        .ok_or_else(wrong)
}

/// At most six digits behind the point: more would be finer than any size on a label.
fn fraction(digits: &str, unit: u64) -> Option<u64> {
    if digits.is_empty() {
        return Some(0);
    }
    let scale = 10_u64.checked_pow(u32::try_from(digits.len()).ok()?)?;
    let value: u64 = digits.parse().ok().filter(|_| digits.len() <= 6)?;
    u64::try_from(u128::from(value) * u128::from(unit) / u128::from(scale)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_they_are_written() {
        let sizes = [
            ("0", 0),
            ("4096", 4096),
            ("500 GB", 500_000_000_000),
            ("1.5TB", 1_500_000_000_000),
            (" 32 gib ", 32 << 30),
            ("0.5 KiB", 512),
        ];
        for (text, bytes) in sizes {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused() {
        for text in [
            "",
            "GB",
            "-1 GB",
            "1e9",
            "1 XB",
            "1.2.3 GB",
            "99999999999999999999",
            "99999999 TB",
            ".5 GB",
            "1.1234567 GB",
        ] {
            assert!(parse_size(text).is_err(), "{text}");
        }
    }
}

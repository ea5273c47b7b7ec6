//! What a token says, for people and programs.

use x509_cert::der::{DateTime, Tag, TagNumber};

use crate::fields::Fields;

/// What a good token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// When the digest was there, milliseconds since 1970.
    pub time: i64,
    /// How far off that may be, milliseconds; none: the authority does not say.
    pub accuracy: Option<u64>,
    /// Its number at the authority, hexadecimal.
    pub serial: String,
    /// The policy of the authority under which it was given, numbers with dots.
    pub policy: String,
    /// Subject of the certificate that signed it.
    pub authority: String,
}

/// `YYYYMMDDhhmmss[.f…]Z` (RFC 3161, 2.4.2) as milliseconds since 1970.
pub(crate) fn time(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return None,
        None => (text, "0"),
    };
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() != 14 || !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    let part = |from: usize, to: usize| whole.get(from..to)?.parse::<u8>().ok();
    let year = whole.get(..4)?.parse().ok()?;
    let moment = DateTime::new(
        year,
        part(4, 6)?,
        part(6, 8)?,
        part(8, 10)?,
        part(10, 12)?,
        part(12, 14)?,
    )
    .ok()?;
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(3);
    let thousandths = digits.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    let seconds = i64::try_from(moment.unix_duration().as_secs()).ok()?;
    seconds.checked_mul(1000)?.checked_add(thousandths)
}

/// Accuracy (RFC 3161, 2.4.2) in milliseconds, rounded up.
pub(crate) fn accuracy(mut fields: Fields<'_>) -> Option<u64> {
    let part = |number| Tag::ContextSpecific {
        constructed: false,
        number: TagNumber(number),
    };
    let seconds = number(&mut fields, Tag::Integer)?;
    let milliseconds = number(&mut fields, part(0))?;
    let microseconds = number(&mut fields, part(1))?;
    seconds
        .checked_mul(1000)?
        .checked_add(milliseconds)?
        .checked_add(u64::from(microseconds > 0))
}

/// A number of four bytes at most that may be missing.
fn number(fields: &mut Fields<'_>, tag: Tag) -> Option<u64> {
    let Some(value) = fields.maybe(tag)? else {
        return Some(0);
    };
    let value = value.value();
    let is_fitting = value.len() <= 5 && value.first().is_some_and(|first| first & 0x80 == 0);
    is_fitting.then(|| value.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_to_the_millisecond() {
        assert_eq!(time(b"19700101000001Z"), Some(1000));
        assert_eq!(time(b"20261123201500.5Z"), Some(1_795_464_900_500));
        assert_eq!(time(b"20261123201500.123456Z"), Some(1_795_464_900_123));
        for bad in [
            "",
            "Z",
            "20261123201500",
            "20261123201500.Z",
            "20261323201500Z",
            "2026112320150Z",
            "20261123201500+0100",
            "+0261123201500Z",
            "19690101000000Z",
        ] {
            assert_eq!(time(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn an_accuracy_is_rounded_up() {
        let read = |der: &[u8]| accuracy(Fields::of(der).unwrap());
        assert_eq!(read(&[0x30, 3, 2, 1, 1]), Some(1000));
        assert_eq!(read(&[0x30, 10, 2, 1, 1, 0x80, 2, 1, 0, 0x81, 1, 9]), Some(1257));
        assert_eq!(read(&[0x30, 3, 2, 1, 0xff]), None);
    }
}

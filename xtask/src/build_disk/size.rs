//! Sizes of disks as people write them.

use sps_image::disk::layout::{ALIGN, LEAST_DISK};

/// Reads a number of bytes with a unit: `GiB` and `MiB` are powers of 1024, `GB` and `MB` of 1000. The result is rounded up to
/// whole MiB, as the formats and the partitions want it.
pub(super) fn parse(text: &str) -> Result<u64, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = match unit.trim() {
        "" => 1,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return Err(format!("{unit:?} is no unit: use MB, GB, TB, MiB, GiB or TiB")),
    };
    let bytes = number
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(factor));
    let bytes = bytes.ok_or_else(|| format!("{number:?} is no number of bytes"))?;
    if bytes < LEAST_DISK {
        return Err(format!(
            "an appliance needs a disk of at least {} GB",
            LEAST_DISK / 1_000_000_000
        ));
    }
    Ok(bytes.next_multiple_of(ALIGN))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_told_apart() {
        assert_eq!(parse("4GiB"), Ok(4 << 30));
        assert_eq!(parse("3 GB"), Ok(2862 << 20));
        assert_eq!(parse("4294967296"), Ok(4 << 30));
        for bad in ["", "GiB", "4 gib", "-4GiB", "99999999999TiB", "2GiB", "4.5GiB"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}

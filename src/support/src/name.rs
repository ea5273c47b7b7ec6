//! What a bundle is called: host, time, build, so that one can be told from the other in a folder of many.

use time::OffsetDateTime;

/// Ending of a bundle.
const ENDING: &str = ".tar.zst";
/// Longest part of a name that comes from outside.
const PART: usize = 64;

/// `debug_info-<host><YYYYMMDDHHMM>-<build>.tar.zst`, time in UTC. What could not stand in a file name is left out.
#[must_use]
pub fn file_name(host: &str, unix: u64, build: &str) -> String {
    let at = i64::try_from(unix)
        .ok()
        .and_then(|unix| OffsetDateTime::from_unix_timestamp(unix).ok());
    let at = at.unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let (year, month, day) = (at.year(), u8::from(at.month()), at.day());
    let stamp = format!("{year:04}{month:02}{day:02}{:02}{:02}", at.hour(), at.minute());
    format!("debug_info-{}{stamp}-{}{ENDING}", part(host), part(build))
}

/// The folder inside the bundle: its name without the ending.
pub(crate) fn folder(file_name: &str) -> &str {
    file_name.strip_suffix(ENDING).unwrap_or(file_name)
}

fn part(text: &str) -> String {
    let fine = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let part: String = text.chars().filter(fine).take(PART).collect();
    part.trim_start_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_time_and_build_stand_in_the_name() {
        let name = file_name("sps1", 1_700_000_000, "0a1b2c3");
        assert_eq!(name, "debug_info-sps1202311142213-0a1b2c3.tar.zst");
        assert_eq!(folder(&name), "debug_info-sps1202311142213-0a1b2c3");
        assert_eq!(
            file_name("../a b", u64::MAX, "x/y"),
            "debug_info-ab197001010000-xy.tar.zst"
        );
    }
}

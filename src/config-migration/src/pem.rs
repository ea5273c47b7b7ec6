//! Certificates out of PEM text, as people paste it: text between them, spaces and long lines are passed over.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";
/// Certificates that are read of one text: no chain, and few lists of CAs, are longer.
const MOST: usize = 256;

/// The certificates of a text, DER; none where one cannot be read, where there is none, or where there are too many.
pub(crate) fn certificates(text: &str) -> Option<Vec<Vec<u8>>> {
    let mut found = Vec::new();
    for part in text.split(BEGIN).skip(1) {
        let (body, _) = part.split_once(END)?;
        let body: String = body.split_ascii_whitespace().collect();
        found.push(STANDARD.decode(body).ok()?);
    }
    (!found.is_empty() && found.len() <= MOST).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_around_is_passed_over_and_a_torn_one_is_none() {
        let one = format!("{BEGIN}\r\nAQ I\n D\n{END}\n");
        assert_eq!(
            certificates(&format!("subject=x\n{one}\n{one}")),
            Some(vec![vec![1, 2, 3]; 2])
        );
        for none in [
            "",
            "AQID",
            BEGIN,
            &one.replace(END, ""),
            &one.replace("AQ", "!"),
            &one.repeat(MOST + 1),
        ] {
            assert_eq!(certificates(none), None);
        }
    }
}

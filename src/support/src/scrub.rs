//! Takes secrets out of a text: those that are known, and what looks like one.
//!
//! The known ones are the secrets of every revision of the node document. What looks like one is an argon2 hash or a
//! PEM block of a private key, wherever it stands: a second net under the first.

use zeroize::Zeroizing;

use sps_config::{REDACTED, Secret};

/// Shortest text that is searched for: shorter ones would take common words away and cannot be keys.
const LEAST: usize = 8;
/// Where a hash begins.
const HASH: &[u8] = b"$argon2";
/// A private key in PEM format (RFC 7468), of any kind.
const PEM_BEGIN: &[u8] = b"-----BEGIN ";
const PEM_PRIVATE: &[u8] = b"PRIVATE KEY-----";
const PEM_END: &[u8] = b"-----END ";
/// Longest label of a PEM block that is looked at.
const LABEL: usize = 64;

/// What is to be taken out.
pub(crate) struct Scrubber {
    known: Vec<Zeroizing<Vec<u8>>>,
    /// Whether a secret can begin with this byte: most bytes of a log begin none, and are passed over.
    begins: [bool; 256],
}

impl Default for Scrubber {
    fn default() -> Self {
        let mut begins = [false; 256];
        for start in [HASH, PEM_BEGIN] {
            begins[usize::from(start[0])] = true;
        }
        Self {
            known: Vec::new(),
            begins,
        }
    }
}

impl std::fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Scrubber of {} secrets", self.known.len())
    }
}

impl Scrubber {
    /// Learns a secret: as a whole, as JSON writes it, and each of its lines.
    pub(crate) fn learn(&mut self, secret: &Secret) {
        let text = secret.expose();
        self.add(text);
        if let Ok(json) = serde_json::to_string(text).map(Zeroizing::new) {
            self.add(json.trim_matches('"'));
        }
        text.lines()
            .filter(|line| !line.starts_with("-----"))
            .for_each(|line| self.add(line.trim()));
        // Longest first, so that no part of a secret is left around a shorter one.
        self.known.sort_by_key(|known| std::cmp::Reverse(known.len()));
    }

    fn add(&mut self, text: &str) {
        let bytes = Zeroizing::new(text.as_bytes().to_vec());
        if bytes.len() >= LEAST && !self.known.contains(&bytes) {
            self.begins[usize::from(bytes[0])] = true;
            self.known.push(bytes);
        }
    }

    /// `bytes` without secrets, and how many were taken out.
    pub(crate) fn scrub(&self, bytes: &[u8]) -> (Vec<u8>, u64) {
        let mut clean = Vec::with_capacity(bytes.len());
        let (mut at, mut found) = (0, 0);
        while at < bytes.len() {
            let skipped = bytes[at..]
                .iter()
                .take_while(|byte| !self.begins[usize::from(**byte)])
                .count();
            clean.extend_from_slice(&bytes[at..at + skipped]);
            at += skipped;
            let Some(byte) = bytes.get(at) else { break };
            if let Some(length) = self.secret_at(&bytes[at..]) {
                clean.extend(REDACTED.as_bytes());
                at += length;
                found += 1;
            } else {
                clean.push(*byte);
                at += 1;
            }
        }
        (clean, found)
    }

    /// Length of the secret at the beginning of `rest`.
    fn secret_at(&self, rest: &[u8]) -> Option<usize> {
        let known = self
            .known
            .iter()
            .find(|known| rest.starts_with(known))
            .map(|known| known.len());
        known.or_else(|| hash(rest)).or_else(|| private_key(rest))
    }
}

fn hash(rest: &[u8]) -> Option<usize> {
    rest.starts_with(HASH).then(|| {
        let part = |byte: &u8| byte.is_ascii_alphanumeric() || b"$=,+/.-_".contains(byte);
        rest.iter().take_while(|byte| part(byte)).count()
    })
}

fn private_key(rest: &[u8]) -> Option<usize> {
    if !rest.starts_with(PEM_BEGIN) {
        return None;
    }
    let label = &rest[..rest.len().min(PEM_BEGIN.len() + LABEL)];
    let label = label.split(|byte| *byte == b'\n').next().unwrap_or(label);
    find(label, PEM_PRIVATE)?;
    // A block without an end goes to the end of the text.
    let end = find(rest, PEM_END).map_or(rest.len(), |end| {
        let tail = &rest[end + PEM_END.len()..];
        find(tail, b"-----").map_or(rest.len(), |dashes| end + PEM_END.len() + dashes + 5)
    });
    Some(end)
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrubbed(secrets: &[&str], text: &str) -> String {
        let mut scrubber = Scrubber::default();
        for secret in secrets {
            scrubber.learn(&Secret::from((*secret).to_owned()));
        }
        String::from_utf8(scrubber.scrub(text.as_bytes()).0).unwrap()
    }

    #[test]
    fn known_secrets_go_in_every_spelling() {
        let key = "-----BEGIN X-----\nMC4CAQAwBQYDK2Vw\nBCIEIAABAgMEBQYH\n-----END X-----\n";
        let text = format!(
            "a {key} b {} c MC4CAQAwBQYDK2Vw d",
            serde_json::to_string(key).unwrap()
        );
        let clean = scrubbed(&[key], &text);
        assert!(!clean.contains("MC4C") && !clean.contains("BCIE"), "{clean}");
        assert!(
            clean.starts_with("a [redacted]") && clean.ends_with("c [redacted] d"),
            "{clean}"
        );
        assert_eq!(
            scrubbed(&["longsecret", "longsecretmore"], "xlongsecretmorex"),
            "x[redacted]x"
        );
    }

    #[test]
    fn what_looks_like_a_secret_goes_too() {
        assert_eq!(
            scrubbed(&[], "p=\"$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA\" q"),
            "p=\"[redacted]\" q"
        );
        let key = "x\n-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn\n-----END OPENSSH PRIVATE KEY-----\ny";
        assert_eq!(scrubbed(&[], key), "x\n[redacted]\ny");
        assert_eq!(scrubbed(&[], "-----BEGIN PRIVATE KEY-----\nb3Blbn"), "[redacted]");
        let public = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----";
        assert_eq!(scrubbed(&[], public), public);
    }

    #[test]
    fn short_texts_are_no_secrets_and_counting_works() {
        assert_eq!(scrubbed(&["", "the"], "the end"), "the end");
        assert_eq!(Scrubber::default().scrub(b"$argon2 $argon2").1, 2);
    }
}

//! Forms that values of several sections have.

use std::collections::BTreeMap;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Checked, offence};

/// Longest name of an object, bytes: what a page can show.
const NAME: usize = 128;
/// Longest label of a host name (RFC 1035, 2.3.4).
const LABEL: usize = 63;
/// Longest domain name in text (RFC 1035, 2.3.4: 255 octets on the wire).
const DOMAIN: usize = 253;
/// Parts of a time zone's name, and letters of a part: `America/Argentina/ComodRivadavia` and a few more.
const ZONE_PARTS: usize = 3;
const ZONE_PART: usize = 20;
/// Kinds of public keys (RFC 8709, RFC 5656, RFC 8332, OpenSSH's PROTOCOL.u2f). No DSA.
const SSH_KEY_KINDS: [&str; 7] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];
/// Keys by which secrets are told in a file: no object may be called so.
const TAKEN: [&str; 2] = ["plain", "encrypted"];

/// The name of an object.
pub(super) fn name(path: &str, name: &str) -> Checked {
    if name.trim().is_empty() || name.len() > NAME || name.contains(char::is_control) || TAKEN.contains(&name)
    {
        return offence(
            path,
            format!(
                "{name:?} is no name: use up to {NAME} bytes without control characters, and neither of {}",
                TAKEN.join(", ")
            ),
        );
    }
    Ok(())
}

/// The names of objects.
pub(super) fn names<T>(path: &str, objects: &BTreeMap<String, T>) -> Checked {
    objects.keys().try_for_each(|key| name(path, key))
}

/// The name of an object that must be there.
pub(super) fn reference<T>(
    path: &str,
    name: Option<&String>,
    objects: &BTreeMap<String, T>,
    page: &str,
) -> Checked {
    match name {
        Some(name) if !objects.contains_key(name) => offence(
            path,
            format!("there is no {name:?} under {page}: make it first, or choose another"),
        ),
        _ => Ok(()),
    }
}

/// A label of a host name (RFC 1123, 2.1).
pub(super) fn is_label(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= LABEL
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

pub(super) fn is_domain(text: &str) -> bool {
    text.len() <= DOMAIN && text.split('.').all(is_label)
}

/// The form of a name in the IANA database (its file *theory.html*); whether there is such a zone is for those who have the database.
pub(super) fn is_time_zone(name: &str) -> bool {
    let part = |part: &str| {
        (1..=ZONE_PART).contains(&part.len())
            && part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'+'))
    };
    name.split('/').count() <= ZONE_PARTS && name.split('/').all(part)
}

/// The name or address of a server.
pub(super) fn server(path: &str, text: &str) -> Checked {
    if text.parse::<IpAddr>().is_ok() || is_domain(text) {
        return Ok(());
    }
    offence(
        path,
        format!(
            "{text:?} is neither the name nor the address of a server; give one such as host.example.net"
        ),
    )
}

/// Public keys that may log in: lines `kind base64 comment`, where the base64 begins with the same kind (RFC 4253, 6.6).
pub(super) fn public_keys(path: &str, lines: &[String]) -> Checked {
    let wrong = lines.iter().position(|line| !is_public_key(line));
    wrong.map_or(Ok(()), |place| {
        offence(
            format!("{path}.{place}"),
            "not a public key; give the line of the .pub file, without options (no DSA)",
        )
    })
}

pub(super) fn is_public_key(line: &str) -> bool {
    let mut words = line.split(' ');
    let (Some(kind), Some(blob)) = (words.next(), words.next()) else {
        return false;
    };
    let Ok(bytes) = STANDARD.decode(blob) else {
        return false;
    };
    let inner = bytes.get(4..4 + kind.len());
    !line.contains(char::is_control) && SSH_KEY_KINDS.contains(&kind) && inner == Some(kind.as_bytes())
}

/// A TCP or UDP port.
pub(super) fn port(path: &str, port: u16) -> Checked {
    if port == 0 {
        return offence(path, "0 is no port; give one of 1 to 65535");
    }
    Ok(())
}

/// Certificates as text.
pub(super) fn certificate(path: &str, text: &str) -> Checked {
    let complete = |text: &str| {
        text.contains("-----BEGIN CERTIFICATE-----") && text.contains("-----END CERTIFICATE-----")
    };
    if complete(text) {
        return Ok(());
    }
    offence(
        path,
        "no certificate in PEM format; upload the certificate, not its key",
    )
}

/// `HH:MM`, as minutes of the day.
pub(super) fn minutes(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str, most: u32| -> Option<u32> {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|number| digits && *number <= most)
    };
    Some(number(hours, 23)? * 60 + number(minutes, 59)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_the_day() {
        assert_eq!(
            (minutes("00:00"), minutes("23:59"), minutes("08:30")),
            (Some(0), Some(1439), Some(510))
        );
        for none in ["24:00", "8:30", "08:60", "0830", "", "08:3", "+8:30", "08:30:00"] {
            assert_eq!(minutes(none), None, "{none}");
        }
    }
}

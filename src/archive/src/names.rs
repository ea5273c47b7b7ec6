//! Names of files as text: bytes that are not plain are written as `%` and two digits.

/// Whether a byte stands for itself.
const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'.' | b'_' | b'-' | b'/' | b' ' | b'+' | b',' | b'=' | b'@' | b':'
        )
}

/// The text of a path.
pub(crate) fn escaped(path: &[u8]) -> String {
    let mut text = String::with_capacity(path.len());
    for byte in path {
        if is_plain(*byte) {
            text.push(char::from(*byte));
        } else {
            text.push_str(&format!("%{byte:02x}"));
        }
    }
    text
}

/// The path of a text; nothing when it is none that [`escaped`] writes, or one that leads out of its folder.
pub(crate) fn unescaped(text: &str) -> Option<Vec<u8>> {
    let mut path = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            path.push(byte);
            continue;
        }
        let digits = [bytes.next()?, bytes.next()?];
        let digits = std::str::from_utf8(&digits).ok()?;
        path.push(u8::from_str_radix(digits, 16).ok()?);
    }
    let part = |part: &[u8]| !part.is_empty() && part != b"." && part != b".." && !part.contains(&0);
    let inside = path.split(|byte| *byte == b'/').all(part);
    (inside && escaped(&path) == text).then_some(path)
}

/// A text as one part of an object's name: letters, digits, dots, hyphens and underscores.
pub(crate) fn part(text: &str) -> String {
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() || "._-".contains(c) {
            c
        } else {
            '_'
        }
    };
    let name: String = text.chars().map(plain).collect();
    let name = name.trim_start_matches('.');
    if name.is_empty() {
        "_".to_owned()
    } else {
        name.to_owned()
    }
}

/// A path as the name of an object: as [`part`], its folders kept.
pub(crate) fn object(path: &str) -> String {
    let parts: Vec<String> = path.split('/').map(part).collect();
    parts.join("/")
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The digest of 64 lower-case digits.
pub(crate) fn digest(text: &str) -> Option<[u8; 32]> {
    let plain = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
    if text.len() != 64 || !text.as_bytes().iter().all(plain) {
        return None;
    }
    let mut bytes = [0; 32];
    for (place, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * place..2 * place + 2)?, 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_comes_back_and_none_leads_out() {
        let all: Vec<u8> = (1..=255).collect();
        for path in [&b"audit/2024/05/17/a.zat"[..], &all, b"100%25", b"x\xff\n"] {
            let text = escaped(path);
            assert_eq!(unescaped(&text).as_deref(), Some(path), "{text}");
        }
        for text in [
            "", "/", "a//b", "../a", "a/..", "./a", "%", "%2", "%zz", "%00", "%41", "%2E%2E", "a\u{e4}",
        ] {
            assert_eq!(unescaped(text), None, "{text}");
        }
    }

    #[test]
    fn objects_have_plain_names_and_digests_their_own_form() {
        assert_eq!(object("2024/05/..x/a b\u{e4}.zat"), "2024/05/x/a_b_.zat");
        assert_eq!(object("../../x"), "_/_/x");
        let digest_of = "0123456789abcdef".repeat(4);
        assert_eq!(hex(&digest(&digest_of).unwrap()), digest_of);
        assert_eq!((digest("AB"), digest(&digest_of.to_uppercase())), (None, None));
    }
}

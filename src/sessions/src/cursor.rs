//! A place in a list, as text that a page hands out and takes back.
//!
//! It holds the last session shown, not a count: sessions that come and go meanwhile shift nothing. It also holds a digest of filter
//! and order, so that it is not used with others. It grants nothing: a forged one leads to another place of the same list.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use sps_session_record::MAX_NAME;

use crate::filter::{Filter, FilterError, Sort};

/// First byte: the form of what follows.
const FORM: u8 = 1;
/// Bytes of the digest.
const DIGEST: usize = 8;
/// Bytes before the value: form, digest, direction, key.
const HEAD: usize = 1 + DIGEST + 1 + 8;

/// A place between two sessions of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    digest: [u8; DIGEST],
    /// Whether the list goes on before the place instead of after it.
    pub(crate) backward: bool,
    /// The session beside the place.
    pub(crate) key: i64,
    /// The value of that session by which the list is sorted; empty when it is sorted by start.
    pub(crate) value: Vec<u8>,
}

impl Cursor {
    pub(crate) fn new(digest: [u8; DIGEST], backward: bool, key: i64, value: Vec<u8>) -> Self {
        Self {
            digest,
            backward,
            key,
            value,
        }
    }

    /// Reads the text.
    ///
    /// # Errors
    /// It was not made by [`Cursor::text`].
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let longest = (HEAD + 1 + MAX_NAME) * 4 / 3 + 4;
        if text.len() > longest {
            return Err(FilterError::Cursor);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| FilterError::Cursor)?;
        let (head, value) = bytes.split_at_checked(HEAD).ok_or(FilterError::Cursor)?;
        let (form, digest, direction, key) =
            (head[0], &head[1..=DIGEST], head[DIGEST + 1], &head[DIGEST + 2..]);
        let digest = digest.try_into().map_err(|_| FilterError::Cursor)?;
        let key = i64::from_be_bytes(key.try_into().map_err(|_| FilterError::Cursor)?);
        if form != FORM || direction > 1 || value.len() > MAX_NAME + 1 {
            return Err(FilterError::Cursor);
        }
        Ok(Self::new(digest, direction == 1, key, value.to_vec()))
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> String {
        let direction = u8::from(self.backward);
        let key = self.key.to_be_bytes();
        let bytes = [&[FORM][..], &self.digest, &[direction], &key, &self.value].concat();
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Whether it belongs to the search with this digest.
    pub(crate) fn belongs(&self, digest: [u8; DIGEST], by_value: bool) -> Result<(), FilterError> {
        if self.digest != digest {
            return Err(FilterError::OtherSearch);
        }
        if self.value.is_empty() == by_value {
            return Err(FilterError::Cursor);
        }
        Ok(())
    }
}

/// A digest of what makes a list the same list.
pub(crate) fn digest(filter: &Filter, sort: Sort) -> [u8; DIGEST] {
    let text = serde_json::to_vec(&(filter, sort)).unwrap_or_default();
    let mut digest = [0; DIGEST];
    digest.copy_from_slice(&Sha256::digest(text)[..DIGEST]);
    digest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_back_and_nothing_else_is_taken_for_one() {
        let cursor = Cursor::new([7; DIGEST], true, 42, vec![1, 2]);
        let text = cursor.text();
        assert_eq!(Cursor::parse(&text).unwrap(), cursor);
        let mut wrong = vec![String::new(), "ä".into(), "A".repeat(5000), text[..10].into()];
        wrong.push(URL_SAFE_NO_PAD.encode([2; HEAD]));
        for text in wrong {
            assert!(matches!(Cursor::parse(&text), Err(FilterError::Cursor)), "{text}");
        }
    }

    #[test]
    fn a_place_belongs_to_one_list() {
        let all = Filter::default();
        let ours = digest(&all, Sort::default());
        let cursor = Cursor::new(ours, false, 0, Vec::new());
        assert!(cursor.belongs(ours, false).is_ok());
        assert!(matches!(cursor.belongs(ours, true), Err(FilterError::Cursor)));
        let some = Filter {
            has_trail: Some(true),
            ..all
        };
        let other = digest(&some, Sort::default());
        assert!(matches!(
            cursor.belongs(other, false),
            Err(FilterError::OtherSearch)
        ));
    }
}

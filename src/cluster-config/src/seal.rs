//! Secrets of a document that is written out: encrypted before it goes to disk, opened when it comes back.
//!
//! A secret is `{"plain": TEXT}` or `{"encrypted": "1.KEY.BASE64"}`. What is encrypted beside it is the document's identifier and the
//! secret's place, so that it opens nowhere else. A place in a list is told by the `name` of the object there: order
//! may change, names are the identity. Where there is no name it is told by its number.

use std::convert::Infallible;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use thiserror::Error;
use zeroize::Zeroize;

use crate::cipher::{self, CipherError};
use crate::key::ClusterKey;
use crate::lost::{LossReason, LostSecret};
use crate::place::escaped;
use crate::protected::MARK;

const PLAIN: &str = "plain";
const ENCRYPTED: &str = "encrypted";
/// Number of the form of an encrypted secret.
const FORM: &str = "1";

/// Why a secret cannot be encrypted.
#[derive(Debug, Error)]
pub enum SealError {
    /// There is no cluster key.
    #[error(
        "{path}: there is no cluster key to encrypt the secret with: join the cluster again, or import a backup with its password"
    )]
    NoKey {
        /// The secret's path.
        path: String,
    },
    /// Encrypting it.
    #[error("{path}: could not encrypt the secret")]
    Encrypt {
        /// The secret's path.
        path: String,
        /// Why.
        #[source]
        source: CipherError,
    },
}

/// The one text of an object that has this key only.
fn only<'a>(object: &'a mut Map<String, Value>, key: &str) -> Option<&'a mut String> {
    if object.len() != 1 {
        return None;
    }
    match object.get_mut(key) {
        Some(Value::String(text)) => Some(text),
        _ => None,
    }
}

/// Whether an object is a secret, known or encrypted.
pub(crate) fn is_secret(object: &Map<String, Value>) -> bool {
    let text = |key: &str| object.get(key).is_some_and(Value::is_string);
    object.len() == 1 && (text(PLAIN) || text(ENCRYPTED))
}

/// Whether an object is an encrypted secret.
pub(crate) fn is_encrypted(object: &Map<String, Value>) -> bool {
    object.len() == 1 && object.get(ENCRYPTED).is_some_and(Value::is_string)
}

/// Calls `act` with every value that may be a secret, and its path.
fn visit<E>(
    value: &mut Value,
    path: &str,
    act: &mut impl FnMut(&str, &mut Value) -> Result<(), E>,
) -> Result<(), E> {
    act(path, value)?;
    match value {
        Value::Object(object) => {
            for (name, inner) in object.iter_mut() {
                visit(inner, &format!("{path}/{}", escaped(name)), act)?;
            }
        }
        Value::Array(list) => {
            for (place, inner) in list.iter_mut().enumerate() {
                let name = inner.get("name").and_then(Value::as_str);
                let place = name.map_or_else(|| place.to_string(), |name| format!("={}", escaped(name)));
                visit(inner, &format!("{path}/{place}"), act)?;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    Ok(())
}

fn about(id: &str, path: &str) -> String {
    format!("sps cluster secret {FORM}\0{id}\0{path}")
}

/// Encrypts every plain secret.
pub(crate) fn seal(document: &mut Value, key: Option<&ClusterKey>, id: &str) -> Result<(), SealError> {
    visit(document, "", &mut |path, value| {
        let Some(text) = value.as_object_mut().and_then(|object| only(object, PLAIN)) else {
            return Ok(());
        };
        let key = key.ok_or_else(|| SealError::NoKey {
            path: path.to_owned(),
        })?;
        let sealed = cipher::encrypt(key.bytes(), about(id, path).as_bytes(), text.as_bytes());
        text.zeroize();
        let sealed = sealed.map_err(|source| SealError::Encrypt {
            path: path.to_owned(),
            source,
        })?;
        *value = secret(
            ENCRYPTED,
            format!("{FORM}.{}.{}", key.id(), STANDARD.encode(sealed)),
        );
        Ok(())
    })
}

/// Opens every encrypted secret; says which cannot be opened. These stay as they are.
pub(crate) fn open(document: &mut Value, key: Option<&ClusterKey>, id: &str) -> Vec<LostSecret> {
    let mut lost = Vec::new();
    let mut lose = |path: &str, reason| {
        lost.push(LostSecret {
            path: path.to_owned(),
            reason,
        });
    };
    let Ok::<(), Infallible>(()) = visit(document, "", &mut |path, value| {
        if value.as_str() == Some(MARK) {
            lose(path, LossReason::LeftOut);
        }
        let Some(text) = value.as_object_mut().and_then(|object| only(object, ENCRYPTED)) else {
            return Ok(());
        };
        match opened(text, key, id, path) {
            Ok(plain) => *value = secret(PLAIN, plain),
            Err(reason) => lose(path, reason),
        }
        Ok(())
    });
    lost
}

fn opened(text: &str, key: Option<&ClusterKey>, id: &str, path: &str) -> Result<String, LossReason> {
    let key = key.ok_or(LossReason::NoKey)?;
    let parts: Vec<&str> = text.split('.').collect();
    let [FORM, key_id, sealed] = parts.as_slice() else {
        return Err(LossReason::Changed);
    };
    if *key_id != key.id().to_string() {
        return Err(LossReason::OtherKey);
    }
    let sealed = STANDARD.decode(sealed).map_err(|_| LossReason::Changed)?;
    let plain =
        cipher::decrypt(key.bytes(), about(id, path).as_bytes(), &sealed).ok_or(LossReason::Changed)?;
    let text = std::str::from_utf8(&plain).map_err(|_| LossReason::Changed)?;
    Ok(text.to_owned())
}

/// Leaves out the secrets that are encrypted, or those in plain as well.
pub(crate) fn leave_out(document: &mut Value, plain_too: bool) {
    let Ok::<(), Infallible>(()) = visit(document, "", &mut |_, value| {
        let Some(object) = value.as_object_mut() else {
            return Ok(());
        };
        let secret = only(object, ENCRYPTED).is_some() || plain_too && only(object, PLAIN).is_some();
        if secret {
            wipe(value);
            *value = Value::from(MARK);
        }
        Ok(())
    });
}

/// Wipes the plain secrets of a document that is no longer needed.
pub(crate) fn wipe(document: &mut Value) {
    let Ok::<(), Infallible>(()) = visit(document, "", &mut |_, value| {
        if let Some(text) = value.as_object_mut().and_then(|object| only(object, PLAIN)) {
            text.zeroize();
        }
        Ok(())
    });
}

fn secret(kind: &str, text: String) -> Value {
    Value::Object(Map::from_iter([(kind.to_owned(), Value::String(text))]))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key() -> ClusterKey {
        ClusterKey::generate().unwrap()
    }

    fn document() -> Value {
        json!({
            "a/b": {"password": {"plain": "one"}},
            "list": [{"name": "x", "password": {"plain": "two"}}, {"name": "y", "password": {"plain": "three"}}],
            "open": "text",
        })
    }

    #[test]
    fn nothing_plain_is_left_and_everything_comes_back() {
        let (key, mut sealed) = (key(), document());
        seal(&mut sealed, Some(&key), "id").unwrap();
        let text = sealed.to_string();
        assert!(
            !["plain", "one", "two", "three"]
                .iter()
                .any(|word| text.contains(word)),
            "{text}"
        );
        assert_eq!(open(&mut sealed, Some(&key), "id"), []);
        assert_eq!(sealed, document());
    }

    #[test]
    fn a_secret_opens_at_its_own_place_only() {
        let (key, mut sealed) = (key(), document());
        seal(&mut sealed, Some(&key), "id").unwrap();
        let mut moved = sealed.clone();
        moved["a/b"]["password"] = sealed["list"][0]["password"].clone();
        let lost = open(&mut moved, Some(&key), "id");
        assert_eq!(
            lost,
            [LostSecret {
                path: "/a~1b/password".into(),
                reason: LossReason::Changed
            }]
        );
        let mut other = sealed.clone();
        assert_eq!(
            open(&mut other, Some(&key), "other").len(),
            3,
            "another document's"
        );
        let mut turned = sealed.clone();
        turned["list"].as_array_mut().unwrap().reverse();
        assert_eq!(open(&mut turned, Some(&key), "id"), [], "order is no place");
    }

    #[test]
    fn without_the_key_secrets_are_lost_and_kept() {
        let (right, mut sealed) = (key(), document());
        seal(&mut sealed, Some(&right), "id").unwrap();
        for (wrong, reason) in [(None, LossReason::NoKey), (Some(&key()), LossReason::OtherKey)] {
            let mut read = sealed.clone();
            let lost = open(&mut read, wrong, "id");
            assert_eq!(read, sealed);
            assert!(
                lost.len() == 3 && lost.iter().all(|lost| lost.reason == reason),
                "{lost:?}"
            );
        }
        insta::assert_snapshot!(open(&mut sealed, None, "id")[2], @"/list/=y/password: the secret cannot be used, the cluster key is missing; enter it again, or import a backup with its password");
        assert!(matches!(
            seal(&mut document(), None, "id"),
            Err(SealError::NoKey { .. })
        ));
    }
}

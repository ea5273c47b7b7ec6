//! What an authority answers (RFC 3161, 2.4.2).

use x509_cert::der::Tag;

use crate::authority::Authority;
use crate::error::AnswerError;
use crate::fields::Fields;
use crate::request::Request;
use crate::stamped::Stamp;
use crate::token::{Token, open};

/// Longest answer, bytes: tokens with a chain of certificates have some thousand.
pub const MAX_ANSWER: usize = 64 * 1024;
/// Most characters of what an authority says that are passed on.
const SAID: usize = 200;

/// PKIStatus: granted, and granted with modifications.
const GRANTED: [&[u8]; 2] = [&[0], &[1]];
/// Bits of PKIFailureInfo, and what they mean.
const FAILURES: [(usize, &str); 8] = [
    (0, "it does not know the algorithm"),
    (2, "the request is not permitted or supported"),
    (5, "the request has the wrong form"),
    (14, "its own clock is not available"),
    (15, "it does not know the policy"),
    (16, "it does not know the extension"),
    (17, "it does not give what was asked for"),
    (25, "it cannot work at the moment"),
];

pub(crate) fn judge<'a>(
    request: &Request,
    answer: &'a [u8],
    authority: &Authority,
) -> Result<(&'a [u8], Stamp), AnswerError> {
    if answer.len() > MAX_ANSWER {
        return Err(AnswerError::TooLong);
    }
    let raw = read(answer)?;
    let (token, stamp) = open(raw, &request.digest, authority)?;
    fits(request, &token)?;
    Ok((raw, stamp))
}

/// The token of an answer that grants one.
fn read(answer: &[u8]) -> Result<&[u8], AnswerError> {
    let mut fields = Fields::of(answer).ok_or(AnswerError::Garbage)?;
    let mut status = fields.fields(Tag::Sequence).ok_or(AnswerError::Garbage)?;
    let number = status.value(Tag::Integer).ok_or(AnswerError::Garbage)?;
    if !GRANTED.contains(&number) {
        return Err(AnswerError::Refused {
            reason: refusal(&mut status),
        });
    }
    let token = fields.raw().ok_or(AnswerError::Garbage)?;
    if fields.is_finished() {
        Ok(token)
    } else {
        Err(AnswerError::Garbage)
    }
}

/// What it says of itself, without anything that is no text.
fn refusal(status: &mut Fields<'_>) -> String {
    let mut said = String::new();
    if let Some(Some(texts)) = status.maybe(Tag::Sequence)
        && let Some(mut texts) = Fields::inside(texts, Tag::Sequence)
        && let Some(text) = texts.value(Tag::Utf8String)
    {
        let text = String::from_utf8_lossy(text);
        said = text.chars().filter(|it| !it.is_control()).take(SAID).collect();
    }
    let bits = status.value(Tag::BitString).unwrap_or_default();
    let bits = bits.get(1..).unwrap_or_default();
    let is_set = |bit: usize| {
        bits.get(bit / 8)
            .is_some_and(|byte| byte & (0x80 >> (bit % 8)) != 0)
    };
    let meaning = FAILURES.iter().find(|(bit, _)| is_set(*bit));
    match (said.is_empty(), meaning) {
        (true, None) => "it does not say why".to_owned(),
        (true, Some((_, meaning))) => (*meaning).to_owned(),
        (false, None) => said,
        (false, Some((_, meaning))) => format!("{meaning} ({said})"),
    }
}

/// Whether a good token answers this request.
fn fits(request: &Request, token: &Token<'_>) -> Result<(), AnswerError> {
    if token.nonce != Some(request.number().get(2..).unwrap_or_default()) {
        return Err(AnswerError::Nonce);
    }
    match request.policy {
        Some(policy) if policy.0 != token.policy => Err(AnswerError::Policy {
            wanted: policy.to_string(),
            found: token.policy.to_string(),
        }),
        _ => Ok(()),
    }
}

//! Texts about an image: the manifest as a table or JSON, and the verdict of a check.
//!
//! Invariant: control characters of an image never reach a terminal: whatever is printed from one is escaped. Must
//! not read files; must not decide anything.

use std::error::Error;
use std::fmt::Write;
use std::time::{Duration, UNIX_EPOCH};

use crate::keys::{KeyId, PublicKey};
use crate::manifest::Manifest;
use crate::upgrade_path::Rule;
use crate::verify::{Fault, Refusal, Verified, VerifyError};
use crate::version::Channel;

/// What is known about the signature when a manifest is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureState {
    /// Made by a trusted key over exactly this manifest.
    Good(PublicKey),
    /// Made by a key that is not trusted.
    UnknownKey(KeyId),
    /// Does not fit the manifest.
    Bad(KeyId),
}

/// The manifest for people.
#[must_use]
pub fn table(manifest: &Manifest, signature: SignatureState) -> String {
    let mut text = String::new();
    for (field, value) in fields(manifest, signature) {
        line(&mut text, &format!("{field:<15} {}", value.escape_debug()));
    }
    line(&mut text, "");
    line(&mut text, &format!("{:<26} {:>12}  SHA-256", "payload", "bytes"));
    for payload in &manifest.payloads {
        line(
            &mut text,
            &format!(
                "{:<26} {:>12}  {}",
                payload.name,
                grouped(payload.size),
                payload.sha256
            ),
        );
    }
    line(
        &mut text,
        &format!(
            "{:<26} {:>12}  {}",
            "the image",
            grouped(manifest.image.size),
            manifest.image.sha256
        ),
    );
    for (title, content) in [
        ("upgrade notes", &manifest.upgrade_notes),
        ("upgrade news", &manifest.upgrade_news),
    ] {
        if !content.is_empty() {
            line(&mut text, &format!("\n{title}:"));
            content
                .lines()
                .for_each(|content| line(&mut text, &format!("  {}", content.escape_debug())));
        }
    }
    text
}

fn fields(manifest: &Manifest, signature: SignatureState) -> Vec<(&'static str, String)> {
    vec![
        ("product", manifest.product.clone()),
        ("version", format!("{} ({})", manifest.version, manifest.channel)),
        (
            "build",
            format!("{} of {}", manifest.build_id, date(manifest.build_time)),
        ),
        ("signature", signature_text(signature)),
        ("data layout", manifest.data_layout.to_string()),
        ("boot protocol", manifest.boot_protocol.to_string()),
        ("hardware", manifest.hardware.join(", ")),
        (
            "upgrade from",
            if manifest.upgrade_from.is_empty() {
                "-".to_owned()
            } else {
                let rules: Vec<String> = manifest.upgrade_from.iter().map(Rule::to_string).collect();
                rules.join(", ")
            },
        ),
        ("support", support(manifest)),
    ]
}

/// How long the firmware is supported.
fn support(manifest: &Manifest) -> String {
    match (manifest.supported_until, manifest.channel) {
        (Some(day), _) => format!("until {day}"),
        (None, Channel::Feature) => "until the next feature release".to_owned(),
        (None, Channel::Lts) => "no end announced".to_owned(),
    }
}

fn signature_text(signature: SignatureState) -> String {
    match signature {
        SignatureState::Good(key) => format!("good; {}", key_text(&key)),
        SignatureState::UnknownKey(key) => {
            format!("NOT CHECKED: key {key} is not trusted here, give it with --key")
        }
        SignatureState::Bad(key) => format!("BAD: does not fit this manifest and key {key}"),
    }
}

fn key_text(key: &PublicKey) -> String {
    if key.is_development() {
        format!(
            "published development key {}: says nothing about who made it",
            key.id()
        )
    } else {
        format!("key {}", key.id())
    }
}

/// The manifest as JSON.
///
/// # Errors
/// Never in practice: a manifest that was read can be written.
pub fn json(manifest: &Manifest) -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string_pretty(manifest)? + "\n")
}

/// What to say about an image that passed.
#[must_use]
pub fn accepted(name: &str, verified: &Verified) -> String {
    let manifest = &verified.manifest;
    let mut text = String::new();
    line(&mut text, &format!("{}: good", name.escape_debug()));
    let build = format!("build {} of {}", manifest.build_id, date(manifest.build_time));
    line(
        &mut text,
        &format!(
            "  {} {} ({}), {build}",
            manifest.product, manifest.version, manifest.channel
        ),
    );
    line(
        &mut text,
        &format!("  signed with the {}", key_text(&verified.key)),
    );
    let bytes = grouped(manifest.image.size);
    line(
        &mut text,
        &format!(
            "  all {bytes} bytes are the ones signed, {} payloads",
            manifest.payloads.len()
        ),
    );
    text
}

/// What to say about an image that did not pass.
#[must_use]
pub fn rejected(name: &str, error: &VerifyError) -> String {
    let name = name.escape_debug();
    let mut text = String::new();
    match error {
        VerifyError::Unreadable(source) => line(&mut text, &format!("{name}: cannot be read: {source}")),
        VerifyError::Refused(Refusal::Content(faults)) => {
            line(
                &mut text,
                &format!("{name}: REFUSED, its content is not what was signed"),
            );
            faults
                .iter()
                .for_each(|fault| line(&mut text, &format!("  {}", fault_text(fault))));
        }
        VerifyError::Refused(refusal) => line(&mut text, &format!("{name}: REFUSED, {}", chain(refusal))),
    }
    if is_damage(error) {
        line(
            &mut text,
            "  Copy or download it again; if that does not help, do not use it.",
        );
    }
    text
}

/// Whether another copy of the same file may be good.
fn is_damage(error: &VerifyError) -> bool {
    let VerifyError::Refused(refusal) = error else {
        return false;
    };
    matches!(
        refusal,
        Refusal::Iso(_) | Refusal::BadSignature { .. } | Refusal::Content(_) | Refusal::SignatureFormat(_)
    )
}

fn fault_text(fault: &Fault) -> String {
    fault.to_string().escape_debug().to_string()
}

/// An error and everything behind it, in one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        // Transparent errors repeat what stands already.
        if !text.ends_with(&source.to_string()) {
            // Writing into a String cannot fail.
            let _ = write!(text, ": {source}");
        }
        next = source.source();
    }
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// Build times are bounded by the manifest's rules, so they always are dates.
fn date(seconds: u64) -> String {
    humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(seconds)).to_string()
}

/// `10098688` as `10,098,688`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn line(text: &mut String, content: &str) {
    text.push_str(content);
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        let texts: Vec<String> = [0, 999, 1000, 10_098_688].into_iter().map(grouped).collect();
        assert_eq!(texts, ["0", "999", "1,000", "10,098,688"]);
    }
}

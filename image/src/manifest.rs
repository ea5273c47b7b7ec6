//! `firmware/manifest.json`: what a firmware is, and the size and SHA-256 of every byte of it.
//!
//! Invariants: unknown fields, double names and anything out of bounds are refused; the same manifest always has
//! the same bytes, and its length does not depend on the digests in it. Signatures are checked by `verify`.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::day::Day;
use crate::hex::Sha256Digest;
use crate::names;
use crate::release::is_word;
use crate::upgrade_path::Rule;
use crate::version::{Channel, Version};

/// Format of the manifest this code reads and writes.
pub const FORMAT: u32 = 1;
/// Longest manifest: notes and news of 32 KiB each, 64 payloads and the rest, with room for escapes.
pub const MAX_SIZE: usize = 256 * 1024;
/// Largest payload: far above a slot's size, far below what would fill a memory.
pub const MAX_PAYLOAD: u64 = 1024 * 1024 * 1024;
/// Largest ISO.
pub const MAX_IMAGE: u64 = 2 * MAX_PAYLOAD;
/// Build times end with the year 2099: directory records of an ISO count years in one byte (ECMA-119 9.1.5).
pub const MAX_BUILD_TIME: u64 = 4_102_444_799;
const MAX_PAYLOADS: usize = 64;
const MAX_NOTES: usize = 32 * 1024;
const MAX_LIST: usize = 64;
const MAX_RULE: usize = 128;

/// The manifest of a firmware.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// [`names::PRODUCT`].
    pub product: String,
    /// The firmware's version.
    pub version: Version,
    /// The channel of that version.
    pub channel: Channel,
    /// Which build: a short hexadecimal name of its content.
    pub build_id: String,
    /// Seconds since 1970.
    pub build_time: u64,
    /// Whether it is signed with the published development key.
    pub development: bool,
    /// Number of the data layout this firmware works on.
    pub data_layout: u32,
    /// Protocol between boot loader and firmware this firmware needs.
    pub boot_protocol: u32,
    /// Hardware types this firmware supports.
    pub hardware: Vec<String>,
    /// What an administrator must know before upgrading.
    pub upgrade_notes: String,
    /// What is new.
    pub upgrade_news: String,
    /// Rules that say from which versions this one may be reached.
    pub upgrade_from: Vec<Rule>,
    /// Last day of support: of an LTS a day fixed with the release, of a feature release usually none, since it is supported
    /// until the next one. Comes from the repository, like everything here.
    pub supported_until: Option<Day>,
    /// The whole ISO.
    pub image: ImageDigest,
    /// Every file of the ISO but manifest and signature, sorted by name.
    pub payloads: Vec<Payload>,
}

/// Size and digest of the whole ISO, with the bytes of manifest and signature taken as zeros. It covers what no
/// payload covers: boot sector, partition tables, boot catalogue, directories, padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageDigest {
    /// Bytes.
    pub size: u64,
    /// SHA-256.
    pub sha256: Sha256Digest,
}

/// One file of the ISO.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payload {
    /// Path in the ISO.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256.
    pub sha256: Sha256Digest,
}

/// Why a manifest is refused.
#[derive(Debug, Error)]
pub enum ManifestError {
    /// It is too long.
    #[error("the manifest has {size} bytes, at most {MAX_SIZE} are accepted")]
    TooLong {
        /// Bytes found.
        size: usize,
    },
    /// It is of a format this code does not know.
    #[error("the manifest has format {format}, this program knows format {FORMAT}: use a newer program")]
    Format {
        /// The format found.
        format: u32,
    },
    /// It is not the JSON expected; unknown and missing fields are named by the source.
    #[error("the manifest cannot be read")]
    Json(#[from] serde_json::Error),
    /// It is for another product.
    #[error("this is firmware for {product:?}, not for {:?}", names::PRODUCT)]
    Product {
        /// The product found.
        product: String,
    },
    /// A payload without which nothing boots is not listed.
    #[error("the manifest does not list {name}")]
    PayloadMissing {
        /// The payload.
        name: &'static str,
    },
    /// A payload has a name that is not plain.
    #[error("the manifest lists a payload named {name:?}: names are plain and below firmware/ or boot/")]
    PayloadName {
        /// The name found.
        name: String,
    },
    /// Payloads are listed twice or out of order.
    #[error("the manifest lists {name} twice or out of order")]
    PayloadOrder {
        /// The payload.
        name: String,
    },
    /// A payload or the image has an impossible size.
    #[error("the manifest says that {name} has {size} bytes, which cannot be")]
    Size {
        /// What is meant.
        name: String,
        /// The size found.
        size: u64,
    },
    /// Another field holds what it must not hold.
    #[error("the manifest is refused: {reason}")]
    Field {
        /// Which field and why.
        reason: String,
    },
}

/// Only the format, so that a newer manifest is named as such and not as a wrong field.
#[derive(Deserialize)]
struct FormatOnly {
    format: u32,
}

impl Manifest {
    /// The exact bytes that are signed and stored.
    ///
    /// # Errors
    /// When the manifest would be refused on reading.
    pub fn to_json(&self) -> Result<Vec<u8>, ManifestError> {
        self.check()?;
        let mut text = serde_json::to_vec_pretty(self)?;
        text.push(b'\n');
        check_length(&text)?;
        Ok(text)
    }

    /// Reads and checks a manifest.
    ///
    /// # Errors
    /// When it is too long, not the JSON expected, or breaks a rule.
    pub fn from_json(text: &[u8]) -> Result<Self, ManifestError> {
        check_length(text)?;
        if let Ok(FormatOnly { format }) = serde_json::from_slice(text)
            && format != FORMAT
        {
            return Err(ManifestError::Format { format });
        }
        let manifest: Self = serde_json::from_slice(text)?;
        manifest.check()?;
        Ok(manifest)
    }

    /// The payload of this name.
    #[must_use]
    pub fn payload(&self, name: &str) -> Option<&Payload> {
        self.payloads.iter().find(|payload| payload.name == name)
    }

    fn check(&self) -> Result<(), ManifestError> {
        if self.format != FORMAT {
            return Err(ManifestError::Format { format: self.format });
        }
        if self.product != names::PRODUCT {
            return Err(ManifestError::Product {
                product: self.product.chars().take(MAX_RULE).collect(),
            });
        }
        self.check_fields()?;
        self.check_payloads()
    }

    fn check_fields(&self) -> Result<(), ManifestError> {
        let rules: [(bool, &str); 8] = [
            (
                self.channel == self.version.channel(),
                "the channel is not the one the version says",
            ),
            (
                is_word(&self.build_id),
                "the build id must be 1 to 64 letters, digits or dashes",
            ),
            (
                self.build_time <= MAX_BUILD_TIME,
                "the build time is after the year 2099",
            ),
            (
                is_list(&self.hardware) && !self.hardware.is_empty(),
                "hardware must be 1 to 64 short texts",
            ),
            (
                self.upgrade_from.len() <= MAX_LIST,
                "upgrade_from must be at most 64 rules",
            ),
            (
                self.upgrade_notes.len() <= MAX_NOTES,
                "the upgrade notes are longer than 32 KiB",
            ),
            (
                self.upgrade_news.len() <= MAX_NOTES,
                "the upgrade news are longer than 32 KiB",
            ),
            (self.is_printable(), "a text holds control characters"),
        ];
        match rules.into_iter().find(|(kept, _)| !kept) {
            Some((_, reason)) => Err(ManifestError::Field {
                reason: reason.to_owned(),
            }),
            None => Ok(()),
        }
    }

    /// Texts end up on terminals; notes may have lines.
    fn is_printable(&self) -> bool {
        let clean = |text: &String| !text.chars().any(char::is_control);
        let notes = [&self.upgrade_notes, &self.upgrade_news];
        self.hardware.iter().all(clean)
            && notes
                .iter()
                .all(|text| !text.chars().any(|c| c.is_control() && c != '\n'))
    }

    fn check_payloads(&self) -> Result<(), ManifestError> {
        if self.payloads.len() > MAX_PAYLOADS {
            return Err(ManifestError::Field {
                reason: format!("more than {MAX_PAYLOADS} payloads"),
            });
        }
        if let Some(payload) = self
            .payloads
            .iter()
            .find(|payload| !names::is_payload_name(&payload.name))
        {
            return Err(ManifestError::PayloadName {
                name: payload.name.chars().take(MAX_RULE).collect(),
            });
        }
        if let Some(pair) = self.payloads.windows(2).find(|pair| pair[0].name >= pair[1].name) {
            return Err(ManifestError::PayloadOrder {
                name: pair[1].name.clone(),
            });
        }
        let listed: BTreeSet<&str> = self
            .payloads
            .iter()
            .map(|payload| payload.name.as_str())
            .collect();
        if let Some(name) = names::REQUIRED.iter().find(|name| !listed.contains(*name)) {
            return Err(ManifestError::PayloadMissing { name });
        }
        self.check_sizes()
    }

    fn check_sizes(&self) -> Result<(), ManifestError> {
        let wrong = |name: &str, size| {
            Err(ManifestError::Size {
                name: name.to_owned(),
                size,
            })
        };
        if let Some(payload) = self
            .payloads
            .iter()
            .find(|payload| !(1..=MAX_PAYLOAD).contains(&payload.size))
        {
            return wrong(&payload.name, payload.size);
        }
        let total: u64 = self.payloads.iter().map(|payload| payload.size).sum();
        if self.image.size > MAX_IMAGE || self.image.size < total {
            return wrong("the image", self.image.size);
        }
        Ok(())
    }
}

fn check_length(text: &[u8]) -> Result<(), ManifestError> {
    if text.len() > MAX_SIZE {
        Err(ManifestError::TooLong { size: text.len() })
    } else {
        Ok(())
    }
}

fn is_list(items: &[String]) -> bool {
    items.len() <= MAX_LIST && items.iter().all(|item| (1..=MAX_RULE).contains(&item.len()))
}

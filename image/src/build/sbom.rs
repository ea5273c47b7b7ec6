//! Software bill of materials as CycloneDX 1.6 JSON (ECMA-424).
//!
//! Invariant: the same parts give the same bytes: sorted, dated by the build time, the serial number derived from
//! the content. Collecting the parts is not done here.

use std::time::{Duration, UNIX_EPOCH};

use serde::Serialize;
use serde_json::{Value, json};

use crate::hex::{self, Sha256Digest};
use crate::names;
use crate::version::Version;

/// What a part is, in CycloneDX's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Linked into something, such as a crate.
    Library,
    /// A program or its data, such as a boot loader.
    Application,
    /// The kernel.
    OperatingSystem,
    /// Runs below the operating system, such as CPU microcode.
    Firmware,
}

/// Under what terms a part may be used.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Licence {
    /// An SPDX expression.
    Expression(String),
    /// The name of a licence that is not on the SPDX list.
    Name(String),
}

/// One part of the firmware.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Component {
    /// Name of the crate or package.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What it is.
    pub kind: Kind,
    /// Package URL; must be unique.
    pub purl: String,
    /// Licence, if it is known.
    pub licence: Option<Licence>,
    /// SHA-256 of the archive it came as, if there is one.
    pub sha256: Option<Sha256Digest>,
}

/// What the firmware is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sbom {
    /// The firmware's version.
    pub version: Version,
    /// Seconds since 1970.
    pub build_time: u64,
    /// Its parts, in any order.
    pub components: Vec<Component>,
}

impl Sbom {
    /// The JSON document, ended by a line feed.
    ///
    /// # Errors
    /// Never in practice: everything in it is text.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut sorted = self.components.clone();
        sorted.sort_by(|a, b| (&a.purl, a).cmp(&(&b.purl, b)));
        sorted.dedup();
        let components: Vec<Value> = sorted.iter().map(component).collect();
        let mut document = json!({
            "bomFormat": "CycloneDX",
            "specVersion": "1.6",
            "version": 1,
            "metadata": { "timestamp": self.timestamp(), "component": self.product() },
            "components": components,
        });
        document["serialNumber"] = serial_number(&serde_json::to_vec(&document)?).into();
        let mut text = serde_json::to_vec_pretty(&document)?;
        text.push(b'\n');
        Ok(text)
    }

    fn timestamp(&self) -> String {
        humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(self.build_time)).to_string()
    }

    fn product(&self) -> Value {
        json!({
            "type": "firmware",
            "bom-ref": names::PRODUCT,
            "name": names::PRODUCT,
            "version": self.version.to_string(),
        })
    }
}

fn component(component: &Component) -> Value {
    let mut value = json!({
        "type": component.kind,
        "bom-ref": component.purl,
        "name": component.name,
        "version": component.version,
        "purl": component.purl,
    });
    match &component.licence {
        Some(Licence::Expression(expression)) => value["licenses"] = json!([{ "expression": expression }]),
        Some(Licence::Name(name)) => value["licenses"] = json!([{ "license": { "name": name } }]),
        None => {}
    }
    if let Some(digest) = component.sha256 {
        value["hashes"] = json!([{ "alg": "SHA-256", "content": digest.to_string() }]);
    }
    value
}

/// A UUID of version 8 (RFC 9562, 5.8) whose free bits are the beginning of the content's SHA-256.
fn serial_number(content: &[u8]) -> String {
    let digest = Sha256Digest::of(content);
    let mut uuid = [0; 16];
    uuid.copy_from_slice(&digest.as_bytes()[..16]);
    uuid[6] = 0x80 | uuid[6] & 0x0f;
    uuid[8] = 0x80 | uuid[8] & 0x3f;
    let text = hex::encode(&uuid);
    let (a, b, c, d, e) = (&text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..]);
    format!("urn:uuid:{a}-{b}-{c}-{d}-{e}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sbom() -> Sbom {
        let part = |name: &str, kind, licence| Component {
            name: name.to_owned(),
            version: "1.2.3".to_owned(),
            kind,
            purl: format!("pkg:cargo/{name}@1.2.3"),
            licence,
            sha256: None,
        };
        Sbom {
            version: Version::new(0, 1, 0),
            build_time: 1_700_000_000,
            components: vec![
                part("serde", Kind::Library, Some(Licence::Expression("MIT OR Apache-2.0".to_owned()))),
                Component {
                    purl: "pkg:deb/debian/grub2@2.06?arch=amd64".to_owned(),
                    sha256: Some(Sha256Digest::of(b"")),
                    ..part("grub2", Kind::Application, Some(Licence::Name("GPL-3+".to_owned())))
                },
                part("anyhow", Kind::Library, None),
            ],
        }
    }

    #[test]
    fn the_document() {
        insta::assert_snapshot!(String::from_utf8(sbom().to_json().unwrap()).unwrap());
    }

    #[test]
    fn order_and_repetition_do_not_matter_but_content_does() {
        let mut other = sbom();
        other.components.reverse();
        other.components.push(other.components[0].clone());
        assert_eq!(other.to_json().unwrap(), sbom().to_json().unwrap());
        other.components.pop();
        other.components.pop();
        let serial = |sbom: &Sbom| serde_json::from_slice::<Value>(&sbom.to_json().unwrap()).unwrap()["serialNumber"].clone();
        assert_ne!(serial(&other), serial(&sbom()));
    }
}

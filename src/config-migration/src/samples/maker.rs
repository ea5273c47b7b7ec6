//! Values of documents, from a seed.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

const ROOT: &str = include_str!("root.pem");
const ISSUING: &str = include_str!("issuing.pem");
const WEB: &str = include_str!("web.pem");
const CLIENT: &str = include_str!("client.pem");
/// RSA with 1,024 bits and SHA-1: for keys that sign or decrypt, which is exempt.
const OLD: &str = include_str!("old_tsa.pem");

/// Words of which names are made.
const WORDS: [&str; 16] = [
    "vienna", "budapest", "database", "web", "finance", "core", "backup", "vendor", "factory", "mail",
    "storage", "branch", "sap", "network", "legacy", "audit",
];
/// What the names of a wild document hold.
const STRANGE: [&str; 8] = ["", " x", ".y", "/z", "~0", "ßé", "\u{6f22}", "-_"];

/// How much a document holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Style {
    Bare,
    Believable,
    Wild,
}

/// Makes values; the same seed makes the same ones.
pub(super) struct Maker {
    state: u64,
    style: Style,
}

impl Maker {
    pub(super) const fn bare() -> Self {
        Self::new(0, Style::Bare)
    }

    pub(super) const fn believable(seed: u64) -> Self {
        Self::new(seed, Style::Believable)
    }

    pub(super) const fn wild(seed: u64) -> Self {
        Self::new(seed, Style::Wild)
    }

    const fn new(seed: u64, style: Style) -> Self {
        Self { state: seed, style }
    }

    /// `SplitMix64` (Steele, Lea, Flood 2014).
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn number(&mut self, least: u64, most: u64) -> u64 {
        least + self.next() % (most - least + 1)
    }

    pub(super) fn flag(&mut self) -> bool {
        self.style != Style::Bare && self.next().is_multiple_of(2)
    }

    /// A value, or null: mostly a value where a customer has set things up.
    pub(super) fn maybe(&mut self, make: impl FnOnce(&mut Self) -> Value) -> Value {
        let there = match self.style {
            Style::Bare => false,
            Style::Believable => self.number(0, 3) > 0,
            Style::Wild => self.flag(),
        };
        if there { make(self) } else { Value::Null }
    }

    fn count(&mut self, least: u64, most: u64) -> u64 {
        match self.style {
            Style::Bare => 0,
            Style::Believable => self.number(least, most),
            Style::Wild => self.number(0, most + 2),
        }
    }

    /// A list.
    pub(super) fn some(&mut self, least: u64, most: u64, mut make: impl FnMut(&mut Self) -> Value) -> Value {
        (0..self.count(least, most)).map(|_| make(self)).collect()
    }

    /// Objects by name.
    pub(super) fn map(&mut self, least: u64, most: u64, mut make: impl FnMut(&mut Self) -> Value) -> Value {
        let count = self.count(least, most);
        let object: Map<String, Value> = (0..count).map(|number| (self.name(number), make(self))).collect();
        Value::Object(object)
    }

    /// A name that no other object of the same list has.
    pub(super) fn name(&mut self, number: u64) -> String {
        format!("{}-{number}", self.text())
    }

    /// A text of a person.
    pub(super) fn text(&mut self) -> String {
        let place = |length: usize, number: u64| usize::try_from(number).unwrap_or(0) % length;
        let number = self.next();
        if self.style == Style::Wild {
            format!(
                "qz{:x}{}",
                number & 0xffff,
                STRANGE[place(STRANGE.len(), number >> 16)]
            )
        } else {
            WORDS[place(WORDS.len(), number)].to_owned()
        }
    }

    pub(super) fn word(&mut self) -> Value {
        self.text().into()
    }

    pub(super) fn one_of(&mut self, values: &[&str]) -> Value {
        let place = usize::try_from(self.next()).unwrap_or(0) % values.len();
        values[place].into()
    }

    pub(super) fn hex(&mut self, digits: usize) -> Value {
        let text: String = (0..digits).map(|_| format!("{:x}", self.next() % 16)).collect();
        text.into()
    }

    /// A part of a host name.
    fn label_text(&mut self) -> String {
        if self.style == Style::Bare {
            return "sps".to_owned();
        }
        let mark = if self.style == Style::Wild { "qz" } else { "scb" };
        format!("{mark}{}", self.next() % 1000)
    }

    pub(super) fn label(&mut self) -> Value {
        self.label_text().into()
    }

    pub(super) fn domain(&mut self) -> Value {
        format!("{}.example.net", self.label_text()).into()
    }

    pub(super) fn host(&mut self) -> Value {
        if self.flag() {
            self.domain()
        } else {
            self.address()
        }
    }

    /// An address of 10.0.0.0/8.
    pub(super) fn address(&mut self) -> Value {
        self.address_text().into()
    }

    fn address_text(&mut self) -> String {
        let [a, b, c, ..] = self.next().to_le_bytes();
        format!("10.{a}.{b}.{}", c.clamp(1, 254))
    }

    pub(super) fn network_address(&mut self) -> Value {
        if self.style == Style::Bare {
            return "192.168.1.1/24".into();
        }
        format!("{}/8", self.address_text()).into()
    }

    pub(super) fn network(&mut self) -> Value {
        let [a, b, ..] = self.next().to_le_bytes();
        format!("10.{a}.{b}.0/24").into()
    }

    pub(super) fn mail_address(&mut self) -> Value {
        let (user, domain) = (self.label_text(), self.domain());
        format!("{user}@{}", domain.as_str().unwrap_or_default()).into()
    }

    /// A secret that no key opens.
    pub(super) fn secret(&mut self) -> Value {
        let bytes: Vec<u8> = (0..4).flat_map(|_| self.next().to_le_bytes()).collect();
        json!({"encrypted": STANDARD.encode(bytes)})
    }

    fn credential(&mut self, certificate: &str) -> Value {
        json!({"certificate": certificate, "private_key": self.secret()})
    }

    pub(super) fn web_credential(&mut self) -> Value {
        self.credential(&[WEB, ISSUING].concat())
    }

    pub(super) fn ca_credential(&mut self) -> Value {
        self.credential(&[ISSUING, ROOT].concat())
    }

    pub(super) fn client_credential(&mut self) -> Value {
        self.credential(CLIENT)
    }

    pub(super) fn old_credential(&mut self) -> Value {
        self.credential(OLD)
    }

    pub(super) fn web_certificate(&mut self) -> Value {
        WEB.into()
    }

    pub(super) fn old_certificate(&mut self) -> Value {
        OLD.into()
    }

    pub(super) fn ca_certificate(&mut self) -> Value {
        if self.flag() { ROOT.into() } else { ISSUING.into() }
    }

    pub(super) fn ca_list_name(&mut self) -> Value {
        "corporate".into()
    }

    pub(super) fn ldap_name(&mut self) -> Value {
        "directory".into()
    }

    /// A line as in `authorized_keys`; its number is at random and no key, but has the size of one.
    pub(super) fn ssh_line(&mut self, kind: &str, bits: usize) -> Value {
        let mut number: Vec<u8> = (0..bits / 64).flat_map(|_| self.next().to_le_bytes()).collect();
        if let Some(first) = number.first_mut() {
            *first |= 0x80;
        }
        let number = [&[0][..], &number].concat();
        let parts: Vec<&[u8]> = match kind {
            "ssh-rsa" => vec![kind.as_bytes(), &[1, 0, 1], &number],
            _ => vec![kind.as_bytes(), &number, &[1], &[2], &[3]],
        };
        let mut blob = Vec::new();
        for part in parts {
            blob.extend(u32::try_from(part.len()).unwrap_or(0).to_be_bytes());
            blob.extend(part);
        }
        format!("{kind} {}", STANDARD.encode(blob)).into()
    }
}

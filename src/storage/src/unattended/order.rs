//! What an order says: `sps-install.toml`, or `sps.install…` on the kernel's command line. Pure.
//!
//! ```toml
//! keep = false          # keep state and data of the appliance that is there
//! erase = false         # state and data of an appliance that is there may be lost
//! after = "reboot"      # or "poweroff"
//!
//! [disk]                # everything said must fit, exactly one disk may
//! only = true           # there is no other disk
//! id = "S5Y1NX0R"       # serial number or world-wide name
//! model = "SSD 870"     # part of the model's name
//! at_least = "100 GB"
//! at_most = "2 TB"
//! ```

use serde::Deserialize;
use thiserror::Error;

use super::size::{SizeError, parse_size};

/// Name of the file in the root folder of a medium.
pub const FILE_NAME: &str = "sps-install.toml";
/// Longest file that is read: an order is a dozen lines.
pub const MOST_BYTES: usize = 16 * 1024;
/// How every parameter on the command line begins.
const PARAMETER: &str = "sps.install";

/// What to do when it is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum After {
    /// Start the appliance.
    #[default]
    Reboot,
    /// Turn the machine off.
    Poweroff,
}

/// Which disk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DiskRule {
    /// There is only one that could be meant.
    pub only: bool,
    /// Serial number or world-wide name.
    pub id: Option<String>,
    /// Part of the model's name.
    pub model: Option<String>,
    /// Bytes.
    pub at_least: Option<u64>,
    /// Bytes.
    pub at_most: Option<u64>,
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Which disk.
    pub disk: DiskRule,
    /// Keep state and data.
    pub keep: bool,
    /// State and data of an appliance may be lost.
    pub erase: bool,
    /// What then.
    pub after: After,
}

/// Why an order is refused.
#[derive(Debug, Error)]
pub enum OrderError {
    /// It is too long.
    #[error("{FILE_NAME} is longer than {MOST_BYTES} bytes: it is no order")]
    TooLong,
    /// It is not the TOML expected; the source names the line.
    #[error("{FILE_NAME} is refused")]
    Toml(#[source] Box<toml::de::Error>),
    /// It is not text.
    #[error("{FILE_NAME} is not UTF-8 text")]
    NotText,
    /// A size is none.
    #[error("{field} is refused")]
    Size {
        /// Where.
        field: &'static str,
        /// Why.
        #[source]
        source: SizeError,
    },
    /// No rule names a disk.
    #[error("no disk is named: say only, id, model, at_least or at_most")]
    NoRule,
    /// The range is empty.
    #[error("at_least is larger than at_most: no disk can fit")]
    Range,
    /// Both cannot be.
    #[error("keep and erase contradict each other: say one of them")]
    KeepAndErase,
    /// A parameter is not known.
    #[error(
        "the kernel parameter {0:?} is not known: sps.install=only, =id:…, =model:…, =size:FROM-TO, \
         sps.install.keep, sps.install.erase, sps.install.after=reboot or =poweroff"
    )]
    Parameter(String),
}

/// The file, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    disk: FileDisk,
    #[serde(default)]
    keep: bool,
    #[serde(default)]
    erase: bool,
    #[serde(default)]
    after: After,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileDisk {
    #[serde(default)]
    only: bool,
    id: Option<String>,
    model: Option<String>,
    at_least: Option<String>,
    at_most: Option<String>,
}

impl Order {
    /// Reads `sps-install.toml`.
    ///
    /// # Errors
    /// Names the line and what may stand there.
    pub fn from_toml(bytes: &[u8]) -> Result<Self, OrderError> {
        if bytes.len() > MOST_BYTES {
            return Err(OrderError::TooLong);
        }
        let text = std::str::from_utf8(bytes).map_err(|_| OrderError::NotText)?;
        // Windows writes a byte order mark.
        let text = text.trim_start_matches('\u{feff}');
        let file: File = toml::from_str(text).map_err(|error| OrderError::Toml(Box::new(error)))?;
        let order = Self {
            disk: DiskRule {
                only: file.disk.only,
                id: file.disk.id,
                model: file.disk.model,
                at_least: size("at_least", file.disk.at_least.as_deref())?,
                at_most: size("at_most", file.disk.at_most.as_deref())?,
            },
            keep: file.keep,
            erase: file.erase,
            after: file.after,
        };
        order.check()
    }

    /// Reads the kernel's command line; nothing when no parameter is ours. A `_` in a model stands for a space.
    ///
    /// # Errors
    /// Names the parameter.
    pub fn from_command_line(line: &str) -> Result<Option<Self>, OrderError> {
        let ours: Vec<&str> = line
            .split_ascii_whitespace()
            .filter(|word| {
                word.split('=')
                    .next()
                    .is_some_and(|name| name.starts_with(PARAMETER))
            })
            .collect();
        if ours.is_empty() {
            return Ok(None);
        }
        let mut order = Self {
            disk: DiskRule::default(),
            keep: false,
            erase: false,
            after: After::Reboot,
        };
        for word in ours {
            order.parameter(word)?;
        }
        order.check().map(Some)
    }

    fn parameter(&mut self, word: &str) -> Result<(), OrderError> {
        let unknown = || OrderError::Parameter(word.chars().take(80).collect());
        let rest = word.strip_prefix(PARAMETER).ok_or_else(unknown)?;
        match rest {
            ".keep" => self.keep = true,
            ".erase" => self.erase = true,
            ".after=reboot" => self.after = After::Reboot,
            ".after=poweroff" => self.after = After::Poweroff,
            "=only" => self.disk.only = true,
            _ => match rest.strip_prefix('=').and_then(|rule| rule.split_once(':')) {
                Some(("id", id)) if !id.is_empty() => self.disk.id = Some(id.to_owned()),
                Some(("model", model)) if !model.is_empty() => {
                    self.disk.model = Some(model.replace('_', " "));
                }
                Some(("size", range)) => {
                    let (from, to) = range.split_once('-').ok_or_else(unknown)?;
                    let bound = |text: &str| (!text.is_empty()).then(|| text.to_owned());
                    self.disk.at_least = size("the smallest size", bound(from).as_deref())?;
                    self.disk.at_most = size("the largest size", bound(to).as_deref())?;
                }
                _ => return Err(unknown()),
            },
        }
        Ok(())
    }

    fn check(self) -> Result<Self, OrderError> {
        let rule = &self.disk;
        let named = rule.only || rule.id.is_some() || rule.model.is_some();
        if !named && rule.at_least.is_none() && rule.at_most.is_none() {
            return Err(OrderError::NoRule);
        }
        if matches!((rule.at_least, rule.at_most), (Some(least), Some(most)) if least > most) {
            return Err(OrderError::Range);
        }
        if self.keep && self.erase {
            return Err(OrderError::KeepAndErase);
        }
        Ok(self)
    }
}

fn size(field: &'static str, text: Option<&str>) -> Result<Option<u64>, OrderError> {
    text.map(parse_size)
        .transpose()
        .map_err(|source| OrderError::Size { field, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        sps_bootlog::causes(&Order::from_toml(text.as_bytes()).unwrap_err())
    }

    #[test]
    fn a_whole_order_is_read() {
        let text = "\u{feff}keep = true\r\nafter = \"poweroff\"\r\n[disk]\r\nid = \"S1\"\r\nmodel = \"SSD\"\r\n\
            at_least = \"100 GB\"\r\nat_most = \"2 TB\"\r\n";
        let order = Order::from_toml(text.as_bytes()).unwrap();
        assert_eq!(
            (order.keep, order.erase, order.after),
            (true, false, After::Poweroff)
        );
        assert_eq!(order.disk.at_least, Some(100_000_000_000));
        assert_eq!(order.disk.id.as_deref(), Some("S1"));
        assert!(!order.disk.only);
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        let typo = told("[disk]\nonly = true\nkepe = true\n");
        assert!(typo.contains("line 3") && typo.contains("kepe"), "{typo}");
        assert!(typo.contains("at_least"), "{typo}");
        assert!(told("keep = 1\n[disk]\nonly = true").contains("line 1"));
        assert!(told("after = \"halt\"\n[disk]\nonly = true").contains("poweroff"));
        assert!(told("[disk]\nat_least = \"big\"\n").contains("500 GB"));
        assert!(told("keep = false").contains("disk"));
        assert!(told("[disk]\nonly = false").contains("no disk is named"));
        assert!(told("[disk]\nat_least = \"2 GB\"\nat_most = \"1 GB\"").contains("larger than"));
        assert!(told("keep = true\nerase = true\n[disk]\nonly = true").contains("contradict"));
        assert!(matches!(
            Order::from_toml(&vec![b'#'; MOST_BYTES + 1]),
            Err(OrderError::TooLong)
        ));
        assert!(matches!(Order::from_toml(b"\xff\xfe"), Err(OrderError::NotText)));
    }

    #[test]
    fn the_command_line_gives_the_same_orders() {
        let read = |line| Order::from_command_line(line);
        assert_eq!(read("quiet console=tty0 sps.slot=1").unwrap(), None);
        let order = read("quiet sps.install=only sps.install.erase sps.install.after=poweroff")
            .unwrap()
            .unwrap();
        assert!(order.disk.only && order.erase && order.after == After::Poweroff);
        let order =
            read("sps.install=id:S1 sps.install=model:SSD_870 sps.install=size:100GB- sps.install.keep")
                .unwrap();
        let disk = order.unwrap().disk;
        assert_eq!(
            (disk.id.as_deref(), disk.model.as_deref()),
            (Some("S1"), Some("SSD 870"))
        );
        assert_eq!((disk.at_least, disk.at_most), (Some(100_000_000_000), None));
        for wrong in [
            "sps.install",
            "sps.install=",
            "sps.install=all",
            "sps.install=id:",
            "sps.install.kepe",
            "sps.install=size:5",
        ] {
            let error = read(wrong).unwrap_err();
            assert!(
                matches!(&error, OrderError::Parameter(word) if word == wrong),
                "{wrong}: {error}"
            );
        }
        assert!(matches!(read("sps.install.keep"), Err(OrderError::NoRule)));
    }
}

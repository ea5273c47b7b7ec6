//! Why an appliance is in rescue mode: the word GRUB hands to the kernel as `sps.rescue=`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Why GRUB started rescue mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Rescue {
    /// No slot that boots by itself has tries left.
    Tries,
    /// Both copies of the boot control are bad, or no try can be written down in them.
    Control,
    /// A slot had tries, but its files cannot be loaded, and no other one has any.
    Unreadable,
    /// GRUB cannot read the partition table and found the partitions by their places.
    Table,
    /// Somebody chose it in the menu.
    Menu,
}

impl Rescue {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Tries,
        Self::Control,
        Self::Unreadable,
        Self::Table,
        Self::Menu,
    ];

    /// The word GRUB uses.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Tries => "tries",
            Self::Control => "control",
            Self::Unreadable => "unreadable",
            Self::Table => "table",
            Self::Menu => "menu",
        }
    }
}

impl fmt::Display for Rescue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tries => "every installed firmware used up its starts without becoming healthy",
            Self::Control => "the boot control is damaged",
            Self::Unreadable => "the boot loader cannot read the installed firmware",
            Self::Table => "the boot loader cannot read the partition table",
            Self::Menu => "it was chosen in the boot menu",
        })
    }
}

impl FromStr for Rescue {
    type Err = ();

    fn from_str(word: &str) -> Result<Self, ()> {
        Self::ALL
            .into_iter()
            .find(|rescue| rescue.word() == word)
            .ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back() {
        for rescue in Rescue::ALL {
            assert_eq!(rescue.word().parse(), Ok(rescue));
        }
        assert_eq!("Tries".parse::<Rescue>(), Err(()));
    }
}

//! Seals that timestamps may be about, while a trail is read.

use std::collections::VecDeque;

use sps_trail::Item;

/// Seals that are remembered: a token comes some seconds after its seal, and seals come seconds apart.
const REMEMBERED: usize = 64;

/// A seal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seal {
    /// What a timestamp of it is about.
    about: [u8; 32],
    /// When by the appliance's clock, milliseconds since 1970.
    pub(super) time: i64,
    /// The signature, of which `about` is the SHA-256.
    pub(super) signature: [u8; 64],
}

/// A token, and the seal before it that it must be about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stamped<'a> {
    pub(super) about: &'a [u8; 32],
    pub(super) token: &'a [u8],
    /// None: there is no such seal.
    pub(super) seal: Option<Seal>,
}

/// The last of them.
#[derive(Debug, Default)]
pub(super) struct Seals(VecDeque<Seal>);

impl Seals {
    /// Takes what was read; a token comes back with its seal.
    pub(super) fn read<'a>(&mut self, item: &'a Item) -> Option<Stamped<'a>> {
        match item {
            Item::Seal {
                time,
                signature,
                about,
            } => {
                if self.0.len() == REMEMBERED {
                    self.0.pop_front();
                }
                self.0.push_back(Seal {
                    about: *about,
                    time: *time,
                    signature: *signature,
                });
                None
            }
            Item::Timestamp { about, token } => Some(Stamped {
                about,
                token,
                seal: self.0.iter().rev().find(|seal| seal.about == *about).copied(),
            }),
            _ => None,
        }
    }
}

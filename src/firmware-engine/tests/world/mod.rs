//! A simulated appliance around the engine: ESP, slots, state, firmware of every kind, power that goes at any time.

#![allow(
    dead_code,
    reason = "every test file is its own crate and uses its own part of this"
)]

mod invariants;
mod machine;
mod people;

use std::collections::BTreeMap;

use sps_firmware_engine::{Attempt, Build, Complete, Content, Facts, Failed, Rescue, Rollback, Trial};
use sps_image::boot_control::{Control, Other, SIZE, SLOTS, SlotNumber, choose};
use sps_image::hex::Sha256Digest;
use sps_image::version::Version;

/// How a firmware behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Gets healthy.
    Good,
    /// The kernel panics before anything is mounted.
    PanicsEarly,
    /// Panics in a later phase.
    PanicsLate,
    /// Comes up, but its services never get healthy.
    NeverHealthy,
    /// GRUB cannot load it.
    NotLoadable,
    /// Gets healthy so many times, then panics late.
    Wearing(u32),
}

/// What the boot loader would find of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// What the kernel sees.
    Settled,
    /// Anything: the journal holds what was changed.
    Unsettled,
}

/// The power went.
#[derive(Debug)]
pub(crate) struct Cut;

/// When the power goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Power {
    /// Never.
    Steady,
    /// After so many more steps, once.
    GoesAfter(u32),
    /// At any step with this chance in a thousand.
    Fails(u64),
}

/// A small generator (splitmix64), so that a seed replays the same story.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

/// What runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Running {
    pub(crate) slot: SlotNumber,
    pub(crate) rescue: Option<Rescue>,
    pub(crate) healthy: bool,
}

pub(crate) struct World {
    pub(crate) name: String,
    pub(crate) dice: Dice,
    pub(crate) power: Power,
    pub(crate) copies: [[u8; SIZE]; 2],
    pub(crate) contents: [Content; SLOTS],
    pub(crate) seen: [Seen; SLOTS],
    pub(crate) failed: Vec<Failed>,
    pub(crate) mirror: Option<Control>,
    pub(crate) attempt: Option<Attempt>,
    pub(crate) rollback: Option<Rollback>,
    pub(crate) trial: Option<Trial>,
    pub(crate) repaired: bool,
    pub(crate) running: Option<Running>,
    pub(crate) kinds: BTreeMap<Sha256Digest, Kind>,
    pub(crate) staging: Option<Build>,
    /// Starts of a firmware that has never been healthy since a person chose it.
    pub(crate) trials: BTreeMap<Sha256Digest, u32>,
    /// The firmware that is healthy and about to be written down as good.
    pub(crate) proving: Option<Sha256Digest>,
    /// Tries taken from a firmware since they were full.
    pub(crate) starts: BTreeMap<Sha256Digest, u32>,
    /// How often a firmware was healthy.
    pub(crate) healthy: BTreeMap<Sha256Digest, u32>,
    /// Whether a copy of the boot control was damaged by more than a cut write.
    pub(crate) damaged: bool,
    /// Of the machine's clock; the next start is a minute later.
    pub(crate) minute: u8,
    pub(crate) cuts: u32,
    pub(crate) rescues: u32,
    pub(crate) rollbacks: u32,
    aloud: bool,
}

impl World {
    /// An appliance as the installer leaves it, switched off.
    pub(crate) fn new(name: String, seed: u64, aloud: bool) -> Self {
        let control = Control::installed(SlotNumber::FIRST);
        let mut world = Self {
            name,
            dice: Dice(seed),
            power: Power::Steady,
            copies: [control.to_bytes(); 2],
            contents: Default::default(),
            seen: [Seen::Settled; SLOTS],
            failed: Vec::new(),
            mirror: Some(control),
            attempt: None,
            rollback: None,
            trial: None,
            repaired: false,
            running: None,
            kinds: BTreeMap::new(),
            staging: None,
            trials: BTreeMap::new(),
            proving: None,
            starts: BTreeMap::new(),
            healthy: BTreeMap::new(),
            damaged: false,
            minute: 0,
            cuts: 0,
            rescues: 0,
            rollbacks: 0,
            aloud,
        };
        let build = world.build(Kind::Good);
        world.healthy.insert(build.digest, 1);
        world.contents[0] = Content::Complete(Complete {
            build,
            size: 1,
            staged_at: 0,
        });
        world
    }

    /// A firmware that has not been seen before; later ones are newer.
    pub(crate) fn build(&mut self, kind: Kind) -> Build {
        let number = self.kinds.len() as u32;
        let digest = Sha256Digest::of(&number.to_le_bytes());
        self.kinds.insert(digest, kind);
        let version = Version::new(1, number, 0);
        Build {
            digest,
            version,
            channel: version.channel(),
            build_id: format!("build-{number}"),
            build_time: u64::from(number),
            development: true,
            boot_protocol: 1,
            data_layout: 1,
        }
    }

    pub(crate) fn facts(&self) -> Facts {
        let chosen = choose(&self.copies[0], &self.copies[1]);
        Facts {
            copies_agree: chosen.as_ref().is_ok_and(|chosen| chosen.other == Other::Same),
            control: chosen.ok().map(|chosen| chosen.control),
            contents: self.contents.clone(),
            failed: self.failed.clone(),
            running: self.running.map(|running| running.slot),
            rescue: self.running.and_then(|running| running.rescue),
        }
    }

    pub(crate) fn content_mut(&mut self, slot: SlotNumber) -> &mut Content {
        &mut self.contents[usize::from(slot.get()) - 1]
    }

    pub(crate) fn digest(&self, slot: SlotNumber) -> Option<Sha256Digest> {
        self.contents[usize::from(slot.get()) - 1]
            .build()
            .map(|build| build.digest)
    }

    pub(crate) fn kind(&self, slot: SlotNumber) -> Option<Kind> {
        self.digest(slot)
            .and_then(|digest| self.kinds.get(&digest).copied())
    }

    /// Tells what happens, when somebody wants to hear it.
    pub(crate) fn note(&self, line: impl FnOnce() -> String) {
        if self.aloud {
            println!("{}", line());
        }
    }

    /// Ends the test, saying what happened and how to see it again.
    pub(crate) fn fail(&self, what: &str) -> ! {
        panic!(
            "{what}; every step of it: {} cargo test -p sps-firmware-engine --test simulation -- --nocapture",
            self.name
        );
    }

    /// One step is about to be done: perhaps the power goes first.
    pub(crate) fn step(&mut self) -> Result<(), Cut> {
        let goes = match &mut self.power {
            Power::Steady => false,
            Power::Fails(chance) => {
                let chance = *chance;
                self.dice.below(1000) < chance
            }
            Power::GoesAfter(0) => {
                self.power = Power::Steady;
                true
            }
            Power::GoesAfter(left) => {
                *left -= 1;
                false
            }
        };
        if goes {
            self.cuts += 1;
            self.note(|| "the power goes".to_owned());
            Err(Cut)
        } else {
            Ok(())
        }
    }
}

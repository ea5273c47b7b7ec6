//! Boot control: what GRUB and the appliance tell each other about the slots, in two small files on the ESP.
//!
//! Each copy is a GRUB environment block (GRUB manual, "The GRUB environment block"): a fixed first line, then lines
//! `name=value`, then `#` to the end. Every value is one character, so `save_env` replaces it in place and neither
//! writer ever changes the size or the order; all lines lie in the first 512 bytes, one disk sector.
//!
//! Invariants: a copy is complete or it is nothing: `head` and `tail` carry the same lock letter, every variable
//! is there, in order and legal. Both writers take the next lock letter, write A, sync, write B, sync; both readers
//! take A if it is complete, else B. What GRUB would read as a variable, this code reads or refuses: behind the last
//! line there is one comment without an end.
//!
//! What cannot be seen: a value changed into another legal value. GRUB has no checksum to compute; the test
//! `single_bytes` counts these changes. Must not know where the copies lie.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Bytes of a copy: the size `grub-editenv create` makes, two disk sectors.
pub const SIZE: usize = 1024;
/// Every line of a copy lies in so many bytes: one disk sector, which a disk writes whole or not at all.
pub const SECTOR: usize = 512;
/// Protocol between GRUB's `grub.cfg` on the disk and the firmware; a manifest states the one it needs.
pub const PROTOCOL: u32 = 1;
/// Slots of an appliance.
pub const SLOTS: usize = 4;
/// Boots a firmware gets before it has to be healthy.
pub const MAX_TRIES: u8 = 3;

/// First line of every environment block (GRUB: `include/grub/lib/envblk.h`).
const SIGNATURE: &str = "# GRUB Environment Block\n";
/// `protocol` as it is written.
const PROTOCOL_VALUE: char = '1';
/// The variables of each slot.
const SLOT_VARIABLES: [[&str; 3]; SLOTS] = [
    ["slot1_valid", "slot1_tries", "slot1_good"],
    ["slot2_valid", "slot2_tries", "slot2_good"],
    ["slot3_valid", "slot3_tries", "slot3_good"],
    ["slot4_valid", "slot4_tries", "slot4_good"],
];
/// What fills a block.
const PADDING: u8 = b'#';

/// A slot: 1 to 4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct SlotNumber(u8);

/// The number is no slot.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("there is no slot {0}: slots are numbered 1 to {SLOTS}")]
pub struct SlotNumberError(pub u8);

impl SlotNumber {
    /// Every slot, in order.
    pub const ALL: [Self; SLOTS] = [Self(1), Self(2), Self(3), Self(4)];
    /// The slot an installation fills.
    pub const FIRST: Self = Self(1);

    /// 1 to 4.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    const fn index(self) -> usize {
        self.0 as usize - 1
    }
}

impl TryFrom<u8> for SlotNumber {
    type Error = SlotNumberError;

    fn try_from(number: u8) -> Result<Self, SlotNumberError> {
        Self::ALL
            .into_iter()
            .find(|slot| slot.0 == number)
            .ok_or(SlotNumberError(number))
    }
}

impl From<SlotNumber> for u8 {
    fn from(slot: SlotNumber) -> Self {
        slot.0
    }
}

impl fmt::Display for SlotNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// Boots left: 0 to [`MAX_TRIES`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tries(u8);

impl Tries {
    /// None.
    pub const NONE: Self = Self(0);
    /// As many as there can be.
    pub const FULL: Self = Self(MAX_TRIES);

    /// So many, or nothing when there cannot be so many.
    #[must_use]
    pub const fn new(tries: u8) -> Option<Self> {
        if tries <= MAX_TRIES {
            Some(Self(tries))
        } else {
            None
        }
    }

    /// 0 to [`MAX_TRIES`].
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// One less, or nothing when there are none.
    #[must_use]
    pub const fn take(self) -> Option<Self> {
        match self.0.checked_sub(1) {
            Some(left) => Some(Self(left)),
            None => None,
        }
    }
}

impl fmt::Display for Tries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The flags of one slot that GRUB sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlotFlags {
    /// GRUB may boot it.
    pub valid: bool,
    /// Boots left; GRUB takes one before it starts the kernel.
    pub tries: Tries,
    /// It was healthy since it was last activated.
    pub good: bool,
}

impl SlotFlags {
    /// A slot that was just activated.
    pub const ON_TRIAL: Self = Self {
        valid: true,
        tries: Tries::FULL,
        good: false,
    };
    /// A slot that has proved itself.
    pub const GOOD: Self = Self {
        valid: true,
        tries: Tries::FULL,
        good: true,
    };
}

/// Says which write a copy belongs to: a copy whose `head` and `tail` differ was never finished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lock {
    /// `a`
    #[default]
    A,
    /// `b`
    B,
    /// `c`
    C,
}

impl Lock {
    /// The letter of the next write.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::C,
            Self::C => Self::A,
        }
    }

    /// The letter as it is written.
    #[must_use]
    pub const fn letter(self) -> char {
        match self {
            Self::A => 'a',
            Self::B => 'b',
            Self::C => 'c',
        }
    }

    const fn of(letter: char) -> Option<Self> {
        match letter {
            'a' => Some(Self::A),
            'b' => Some(Self::B),
            'c' => Some(Self::C),
            _ => None,
        }
    }
}

/// The boot control.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Control {
    /// Which write this is.
    pub lock: Lock,
    /// The slot to boot first: "After reboot".
    pub first: Option<SlotNumber>,
    /// The good slot to boot when `first` has no tries left.
    pub second: Option<SlotNumber>,
    /// The flags of the slots in their order; [`Control::slot`] finds them by number.
    pub slots: [SlotFlags; SLOTS],
}

impl Control {
    /// What an installation writes: this slot is good and nothing else is there.
    #[must_use]
    pub fn installed(slot: SlotNumber) -> Self {
        let mut control = Self {
            first: Some(slot),
            ..Self::default()
        };
        *control.slot_mut(slot) = SlotFlags::GOOD;
        control
    }

    /// The flags of a slot.
    #[must_use]
    pub const fn slot(&self, number: SlotNumber) -> SlotFlags {
        self.slots[number.index()]
    }

    /// The flags of a slot, to change.
    pub const fn slot_mut(&mut self, number: SlotNumber) -> &mut SlotFlags {
        &mut self.slots[number.index()]
    }

    /// The same control as the next write.
    #[must_use]
    pub const fn with_next_lock(mut self) -> Self {
        self.lock = self.lock.next();
        self
    }

    /// Whether both say the same to a reader, whichever write they come from.
    #[must_use]
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        Self {
            lock: other.lock,
            ..*self
        } == *other
    }

    /// The bytes of a copy.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; SIZE] {
        let text = self.text();
        let mut bytes = [PADDING; SIZE];
        // The text is always shorter.
        if let Some(lines) = bytes.get_mut(..text.len()) {
            lines.copy_from_slice(text.as_bytes());
        }
        bytes
    }

    /// The lines; their length is always the same, which a test compares with [`SECTOR`].
    fn text(&self) -> String {
        let digit = |slot: Option<SlotNumber>| char::from(b'0' + slot.map_or(0, SlotNumber::get));
        let mut text = String::with_capacity(SECTOR);
        text.push_str(SIGNATURE);
        let mut line = |name: &str, value: char| {
            text.push_str(name);
            text.extend(['=', value, '\n']);
        };
        line("head", self.lock.letter());
        line("protocol", PROTOCOL_VALUE);
        line("first", digit(self.first));
        line("second", digit(self.second));
        for number in SlotNumber::ALL {
            let flags = self.slot(number);
            line(&format!("slot{number}_valid"), flag(flags.valid));
            line(
                &format!("slot{number}_tries"),
                char::from(b'0' + flags.tries.get()),
            );
            line(&format!("slot{number}_good"), flag(flags.good));
        }
        line("tail", self.lock.letter());
        text
    }

    /// Reads a copy.
    ///
    /// # Errors
    /// When it is not complete: see the contract of this file.
    pub fn parse(bytes: &[u8]) -> Result<Self, ControlError> {
        if bytes.len() != SIZE {
            return Err(ControlError::Size { size: bytes.len() });
        }
        let mut lines = Lines {
            rest: bytes
                .strip_prefix(SIGNATURE.as_bytes())
                .ok_or(ControlError::NoBlock)?,
        };
        let head = lines.value("head", Lock::of)?;
        lines.value("protocol", |value| (value == PROTOCOL_VALUE).then_some(()))?;
        let mut control = Self {
            lock: head,
            first: lines.value("first", slot)?,
            second: lines.value("second", slot)?,
            slots: [SlotFlags::default(); SLOTS],
        };
        for (flags, [valid, left, good]) in control.slots.iter_mut().zip(SLOT_VARIABLES) {
            *flags = SlotFlags {
                valid: lines.value(valid, truth)?,
                tries: lines.value(left, tries)?,
                good: lines.value(good, truth)?,
            };
        }
        let tail = lines.value("tail", Lock::of)?;
        if head != tail {
            return Err(ControlError::Unfinished {
                head: head.letter(),
                tail: tail.letter(),
            });
        }
        lines.only_padding()?;
        Ok(control)
    }
}

const fn flag(set: bool) -> char {
    if set { '1' } else { '0' }
}

fn truth(value: char) -> Option<bool> {
    match value {
        '0' => Some(false),
        '1' => Some(true),
        _ => None,
    }
}

fn number(value: char) -> Option<u8> {
    value.to_digit(10).and_then(|digit| u8::try_from(digit).ok())
}

fn tries(value: char) -> Option<Tries> {
    number(value).and_then(Tries::new)
}

/// The outer `Option` says whether the value is legal, the inner one is the value.
fn slot(value: char) -> Option<Option<SlotNumber>> {
    match number(value)? {
        0 => Some(None),
        digit => SlotNumber::try_from(digit).ok().map(Some),
    }
}

/// The part of a block not read yet.
struct Lines<'a> {
    rest: &'a [u8],
}

impl Lines<'_> {
    /// The value of the next line, which must be `name=` and one character that `read` knows.
    fn value<T>(&mut self, name: &str, read: impl Fn(char) -> Option<T>) -> Result<T, ControlError> {
        let wrong = || ControlError::Variable {
            name: name.to_owned(),
        };
        let rest = self.rest.strip_prefix(name.as_bytes()).ok_or_else(wrong)?;
        let [b'=', value, b'\n', rest @ ..] = rest else {
            return Err(wrong());
        };
        let value = read(char::from(*value)).ok_or_else(wrong)?;
        self.rest = rest;
        Ok(value)
    }

    /// GRUB takes what follows `#` as a comment up to the end of the line; there must be none.
    fn only_padding(&self) -> Result<(), ControlError> {
        let is_comment = self.rest.first() == Some(&PADDING);
        if is_comment && !self.rest.contains(&b'\n') {
            Ok(())
        } else {
            Err(ControlError::Trailing)
        }
    }
}

/// Why a copy is not complete.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ControlError {
    /// Its size is not [`SIZE`].
    #[error("it has {size} bytes, not {SIZE}")]
    Size {
        /// Bytes found.
        size: usize,
    },
    /// It does not begin as an environment block does.
    #[error("it is no GRUB environment block")]
    NoBlock,
    /// A variable is missing, out of order or has a value that it cannot have.
    #[error("its variable {name} is missing or damaged")]
    Variable {
        /// The variable.
        name: String,
    },
    /// The write was not finished.
    #[error("it was not written to its end (head is {head}, tail is {tail})")]
    Unfinished {
        /// Lock letter at the beginning.
        head: char,
        /// Lock letter at the end.
        tail: char,
    },
    /// There are more lines than there may be.
    #[error("something follows its last line")]
    Trailing,
}

/// One of the two copies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copy {
    /// Written first, read first.
    A,
    /// Written second.
    B,
}

impl Copy {
    /// Both, in the order of writing.
    pub const BOTH: [Self; 2] = [Self::A, Self::B];
}

impl fmt::Display for Copy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::B => "B",
        })
    }
}

/// The control both readers go by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// What it says.
    pub control: Control,
    /// Where it stands.
    pub copy: Copy,
    /// What is to be known about the other copy.
    pub other: Other,
}

/// The copy that was not chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Other {
    /// It is the same.
    Same,
    /// It is complete and another one. With another lock letter a write was cut short between the copies; with the
    /// same letter one of them was changed by nobody who may.
    Differs(Control),
    /// It is not complete.
    Bad(ControlError),
}

/// Neither copy is complete.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("both copies of the boot control are bad: A: {a}; B: {b}")]
pub struct BothBad {
    /// Why A is not complete.
    pub a: ControlError,
    /// Why B is not complete.
    pub b: ControlError,
}

/// What GRUB goes by when the copies hold these bytes: A if it is complete, else B.
///
/// # Errors
/// When neither is complete.
pub fn choose(a: &[u8], b: &[u8]) -> Result<Chosen, BothBad> {
    let chosen = |control, copy, other| Chosen { control, copy, other };
    match (Control::parse(a), Control::parse(b)) {
        (Ok(a), Ok(b)) if a == b => Ok(chosen(a, Copy::A, Other::Same)),
        (Ok(a), Ok(b)) => Ok(chosen(a, Copy::A, Other::Differs(b))),
        (Ok(a), Err(b)) => Ok(chosen(a, Copy::A, Other::Bad(b))),
        (Err(a), Ok(b)) => Ok(chosen(b, Copy::B, Other::Bad(a))),
        (Err(a), Err(b)) => Err(BothBad { a, b }),
    }
}

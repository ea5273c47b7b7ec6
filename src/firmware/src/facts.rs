//! Gathers what the engine decides from.

use sps_firmware_engine::{Content, Facts, Failed};
use sps_image::boot_control::{BothBad, Chosen, Copy, Other, SlotNumber, choose};

use crate::documents::{Document, FailedList, Unreadable};
use crate::error::FirmwareError;
use crate::firmware::Firmware;
use crate::inventory::{self, Look};

/// The facts, and what was noticed on the way.
pub(crate) struct Gathered {
    pub(crate) facts: Facts,
    pub(crate) copies: Result<Chosen, BothBad>,
    pub(crate) problems: Vec<String>,
}

impl Firmware {
    /// Reads everything; `closely` is a slot whose files are hashed.
    pub(crate) fn gather(&self, closely: Option<SlotNumber>) -> Result<Gathered, FirmwareError> {
        let mut problems = Vec::new();
        let copies = self.copies(&mut problems);
        let mut contents: [Content; 4] = Default::default();
        for (content, number) in contents.iter_mut().zip(SlotNumber::ALL) {
            let look = if closely == Some(number) {
                Look::Digests
            } else {
                Look::Sizes
            };
            *content =
                inventory::content(&self.slots, number, look).map_err(|source| FirmwareError::Read {
                    file: self.slots.path_of(&number.to_string()),
                    source,
                })?;
        }
        let facts = Facts {
            control: copies.as_ref().ok().map(|chosen| chosen.control),
            copies_agree: copies.as_ref().is_ok_and(|chosen| chosen.other == Other::Same),
            contents,
            failed: self.failed(&mut problems),
            running: self.settings.running,
            rescue: self.settings.rescue,
        };
        Ok(Gathered {
            facts,
            copies,
            problems,
        })
    }

    /// A copy that cannot be read counts as bad: GRUB cannot read it either.
    fn copies(&self, problems: &mut Vec<String>) -> Result<Chosen, BothBad> {
        let [a, b] = Copy::BOTH.map(|copy| match self.store.read(copy) {
            Ok(bytes) => bytes.to_vec(),
            Err(source) => {
                let error = FirmwareError::ReadControl { copy, source };
                problems.push(sps_bootlog::causes(&error));
                Vec::new()
            }
        });
        let chosen = choose(&a, &b);
        match &chosen {
            Err(bad) => problems.push(bad.to_string()),
            Ok(Chosen {
                other: Other::Bad(error),
                copy,
                ..
            }) => problems.push(format!("only copy {copy} of the boot control is good: {error}")),
            Ok(_) => {}
        }
        chosen
    }

    fn failed(&self, problems: &mut Vec<String>) -> Vec<Failed> {
        match FailedList::read(&self.slots) {
            Ok(list) => list.map(|list| list.failed).unwrap_or_default(),
            Err(Unreadable(problem)) => {
                problems.push(problem);
                Vec::new()
            }
        }
    }
}

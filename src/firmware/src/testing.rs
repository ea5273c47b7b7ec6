//! What a Test needs of a slot, and what is kept of it.
//!
//! Invariant: the program handed out is the one that the manifest in the slot names by its digest.

use sps_firmware_engine::{Build, Content, Refusal};
use sps_image::archive::{self, Kind};
use sps_image::boot_control::SlotNumber;
use sps_image::compression;
use sps_image::hex::Sha256Digest;
use sps_image::manifest::{self, Manifest};
use sps_image::names;

use crate::documents::{MAX_REPORT, TestList, TestRecord};
use crate::error::FirmwareError;
use crate::firmware::Firmware;
use crate::inventory::{MANIFEST, slot_files};

/// Longest root file system that is unpacked: some times what firmware of today has.
const MAX_ROOT: u64 = 128 * 1024 * 1024;
/// Path of the program in the root file system.
const PROGRAM: &str = "sps";

/// A firmware in a slot that can be tested.
#[derive(Debug)]
pub struct Testable {
    /// SHA-256 of its manifest.
    pub digest: Sha256Digest,
    /// Its manifest.
    pub manifest: Manifest,
    /// Its program, a static executable.
    pub program: Vec<u8>,
}

impl Firmware {
    /// The program of the firmware in a slot, checked against its manifest.
    ///
    /// # Errors
    /// When the slot holds no whole firmware, or it cannot be read.
    pub fn testable(&self, slot: SlotNumber) -> Result<Testable, FirmwareError> {
        let name = slot.to_string();
        let file = format!("{}/{}", self.slots.path_of(&name), names::INITRAMFS);
        let read = |source| FirmwareError::Read {
            file: file.clone(),
            source,
        };
        let folder = self.slots.folder(&name).map_err(|_| Refusal::Empty { slot })?;
        let text = folder
            .read(MANIFEST, manifest::MAX_SIZE)
            .map_err(|_| Refusal::Empty { slot })?;
        let damaged = |reason: String| Refusal::Damaged { slot, reason };
        let manifest = Manifest::from_json(&text).map_err(|error| damaged(error.to_string()))?;
        let payload = slot_files(&manifest).find(|(_, payload)| payload.name == names::INITRAMFS);
        let (name, payload) = payload.ok_or_else(|| damaged("it has no root file system".to_owned()))?;
        let size = usize::try_from(payload.size).unwrap_or(usize::MAX);
        let packed = folder.read(name, size).map_err(read)?;
        if Sha256Digest::of(&packed) != payload.sha256 {
            return Err(damaged(format!("{name} was changed")).into());
        }
        let root = compression::unpack(&packed, MAX_ROOT).map_err(read)?;
        drop(packed);
        let mut tree = archive::read(&root).map_err(|error| damaged(error.to_string()))?;
        drop(root);
        match tree.remove(PROGRAM).map(|entry| entry.kind) {
            Some(Kind::File(program)) => Ok(Testable {
                digest: Sha256Digest::of(&text),
                manifest,
                program,
            }),
            _ => Err(damaged("its root file system holds no program".to_owned()).into()),
        }
    }

    /// The Tests that are kept: the last of each firmware.
    #[must_use]
    pub fn tests(&self) -> Vec<TestRecord> {
        let list: Option<TestList> = self.records.read(&mut Vec::new());
        list.map(|list| list.tests).unwrap_or_default()
    }

    /// The running firmware, when it lies in a slot.
    #[must_use]
    pub const fn running(&self) -> Option<&Build> {
        self.running.as_ref()
    }

    /// What was changed of the running firmware since it was put into its slot. Reads all of it.
    ///
    /// # Errors
    /// When the folder of the slots cannot be read.
    pub fn changes(&self) -> Result<Vec<String>, FirmwareError> {
        let Some(slot) = self.settings.running else {
            return Ok(Vec::new());
        };
        Ok(match self.gather(Some(slot))?.facts.content(slot) {
            Content::Damaged { reason } => vec![reason.clone()],
            Content::Empty | Content::Incomplete => vec![format!("slot {slot} was emptied")],
            Content::Complete(_) => Vec::new(),
        })
    }

    /// Bytes free for firmware.
    ///
    /// # Errors
    /// When the file system cannot be asked.
    pub fn free(&self) -> Result<u64, FirmwareError> {
        self.slots.free().map_err(|source| FirmwareError::Read {
            file: "slots".to_owned(),
            source,
        })
    }

    /// Keeps a Test instead of the last one of the same firmware; those of firmware that is in no slot any more go.
    ///
    /// # Errors
    /// When the report is too long, or it cannot be written.
    pub fn keep_test(&self, test: TestRecord) -> Result<(), FirmwareError> {
        if test.report.len() > MAX_REPORT {
            return Err(FirmwareError::Record {
                name: "tests.json",
                source: std::io::ErrorKind::FileTooLarge.into(),
            });
        }
        let _deciding = self.decide();
        let facts = self.gather(None)?.facts;
        let is_there = |digest: Sha256Digest| {
            SlotNumber::ALL
                .iter()
                .any(|slot| facts.build(*slot).is_some_and(|build| build.digest == digest))
        };
        let mut tests = self.tests();
        tests.retain(|other| other.digest != test.digest && is_there(other.digest));
        tests.push(test);
        self.records.write(&TestList::new(tests))
    }
}

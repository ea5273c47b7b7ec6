//! Files of a store.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sps_datastore_engine::{Arrangement, Form, Kind, Layout, arranged};
use sps_session_record::{SessionRecord, TrailFile};

use crate::random::Random;
use crate::store::{Made, Recipe, folder, path_of};

/// Size of a trail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrailSize {
    /// Most have some KiB, few some hundred.
    Believable,
    /// All have so many bytes.
    Fixed(u64),
}

impl TrailSize {
    fn draw(self, random: &mut Random) -> u64 {
        match self {
            Self::Fixed(bytes) => bytes,
            Self::Believable => match random.below(100) {
                0..=79 => 512 + random.below(8 * 1024),
                80..=97 => 8 * 1024 + random.below(56 * 1024),
                _ => 64 * 1024 + random.below(448 * 1024),
            },
        }
    }
}

/// Trails, written one after the other.
pub(crate) struct Trails {
    folder: PathBuf,
    arrangement: Arrangement,
    content: Vec<u8>,
}

/// The first bytes of a trail.
const MAGIC: &[u8] = b"ZAT\x01";

impl Trails {
    pub(crate) fn new(tree: &Path, layout: &Layout) -> Result<Self> {
        let place = layout.place(Kind::Trails).context("a layout without trails")?;
        let arrangement = match place.form {
            Form::Folder(arrangement) => arrangement,
            Form::File => Arrangement::Free,
        };
        folder(&tree.join(place.path))?;
        let mut content = vec![0; 1 << 20];
        Random::new(0x5a41_5400).fill(&mut content);
        Ok(Self {
            folder: tree.join(place.path),
            arrangement,
            content,
        })
    }

    /// Writes the trail of a session.
    pub(crate) fn write(
        &mut self,
        record: &SessionRecord,
        size: TrailSize,
        random: &mut Random,
    ) -> Result<TrailFile> {
        let flat = format!("{}.zat", record.id).into_bytes();
        let name = String::from_utf8(arranged(&flat, Arrangement::Free, self.arrangement))?;
        let path = self.folder.join(&name);
        if self.arrangement == Arrangement::ByDay {
            folder(path.parent().context("a trail has a folder")?)?;
        }
        let size = size.draw(random);
        let mut file = File::create(&path).with_context(|| format!("make {}", path.display()))?;
        let head = [MAGIC, record.id.as_bytes(), b"\n"].concat();
        let mut left = usize::try_from(size)?;
        let mut put = |bytes: &[u8]| -> Result<()> {
            let now = bytes.len().min(left);
            left -= now;
            Ok(file.write_all(&bytes[..now])?)
        };
        put(&head)?;
        let from = usize::try_from(random.below(4096))?;
        put(&self.content[from..])?;
        while left > 0 {
            let now = self.content.len().min(left);
            left -= now;
            file.write_all(&self.content[..now])?;
        }
        Ok(TrailFile { name, size })
    }
}

/// Everything but sessions.
pub(crate) fn around(
    tree: &Path,
    layout: &Layout,
    recipe: &Recipe,
    configuration: &[u8],
    random: &mut Random,
    made: &mut Made,
) -> Result<()> {
    let mut put = |kind: Kind, name: &str, bytes: &[u8]| -> Result<()> {
        if layout.place(kind).is_none() {
            return Ok(());
        }
        let place = path_of(tree, layout, kind)?;
        let path = if name.is_empty() { place } else { place.join(name) };
        folder(path.parent().context("a file has a folder")?)?;
        fs::write(&path, bytes).with_context(|| format!("make {}", path.display()))?;
        made.files += 1;
        made.bytes += bytes.len() as u64;
        Ok(())
    };
    put(Kind::Configuration, "", configuration)?;
    put(Kind::ConfigurationHistory, "00000001.json", configuration)?;
    put(
        Kind::IndexerKeys,
        "",
        b"# certificates and keys of external indexers\n",
    )?;
    put(
        Kind::Plugins,
        "credential-store/manifest.json",
        br#"{"name":"vault","version":"1.4.0"}"#,
    )?;
    put(
        Kind::Plugins,
        "credential-store/plugin.py",
        b"# asks a vault for a password\n",
    )?;
    put(Kind::CoreFiles, "core.1234", &noise(20_000, random))?;
    put(Kind::Quarantine, "readme", b"what was found damaged\n")?;
    put(Kind::Analytics, "analytics.db", &noise(30_000, random))?;
    // A believable store has an index file for some hundred sessions, a log and a report for each day.
    for number in 0..=recipe.sessions / 200 {
        put(
            Kind::Index,
            &format!("{:02x}/{number:06x}.idx", number % 256),
            &noise(3_000, random),
        )?;
    }
    for day in 0..=(recipe.sessions / 30).min(730) {
        let log = format!("day {day}: nothing happened\n").repeat(20);
        put(
            Kind::ClosedLogs,
            &format!("messages-{day:05}.log"),
            log.as_bytes(),
        )?;
        if day % 7 == 0 {
            put(
                Kind::Reports,
                &format!("weekly-{day:05}.pdf"),
                &noise(5_000, random),
            )?;
        }
    }
    put(
        Kind::OpenLogs,
        "messages",
        &b"one line\nanother line\n".repeat(500),
    )?;
    put(Kind::OpenLogs, "auth", b"a whole line\na torn li")
}

fn noise(most: u64, random: &mut Random) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(1 + random.below(most)).unwrap_or(1)];
    random.fill(&mut bytes);
    bytes
}

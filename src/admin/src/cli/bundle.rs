//! A streamed support bundle becomes a file: written beside, synced, renamed to the name it has at its end.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::support::BundleWritten;

/// Ending of a file that is not complete.
const PART: &str = ".part";
/// Name of a file whose name is not known yet.
const UNNAMED: &str = "support-bundle";

/// Where the pieces go.
#[derive(Debug)]
pub(super) enum Sink {
    /// Standard output.
    Output,
    /// A file; under its own name when none is given.
    File {
        part: PathBuf,
        file: File,
        wanted: Option<PathBuf>,
    },
}

impl Sink {
    /// Opens the place for `wanted`: `-`, a path, or nothing for the bundle's own name in `folder`.
    pub(super) fn open(wanted: Option<&Path>, folder: &Path) -> io::Result<Self> {
        if wanted == Some(Path::new("-")) {
            return Ok(Self::Output);
        }
        let mut part = wanted
            .map_or_else(|| folder.join(UNNAMED), Path::to_owned)
            .into_os_string();
        part.push(PART);
        let part = PathBuf::from(part);
        // Only its owner reads it: it shows much of an appliance, if no secrets.
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&part)?;
        Ok(Self::File {
            part,
            file,
            wanted: wanted.map(Path::to_owned),
        })
    }

    pub(super) fn write(&mut self, piece: &[u8], out: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Output => out.write_all(piece),
            Self::File { file, .. } => file.write_all(piece),
        }
    }

    /// Completes the file and returns where it is.
    pub(super) fn finish(self, written: &BundleWritten, out: &mut dyn Write) -> io::Result<Option<PathBuf>> {
        match self {
            Self::Output => out.flush().map(|()| None),
            Self::File { part, file, wanted } => {
                file.sync_all()?;
                let name = Path::new(&written.name)
                    .file_name()
                    .unwrap_or(UNNAMED.as_ref())
                    .to_owned();
                let place = wanted.unwrap_or_else(|| part.with_file_name(name));
                fs::rename(&part, &place)?;
                let folder = place.parent().filter(|folder| !folder.as_os_str().is_empty());
                File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
                Ok(Some(place))
            }
        }
    }

    /// Removes what is not complete.
    pub(super) fn discard(self) {
        if let Self::File { part, .. } = self {
            let _nothing_left_to_do = fs::remove_file(part);
        }
    }
}

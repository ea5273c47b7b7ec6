//! Files that are written once: another name for each.

use std::io::ErrorKind;

use sps_datastore_engine::{Arrangement, Form, Place, arranged};

use super::Work;
use crate::disk::Folder;
use crate::error::StoreError;
use crate::steps::Step;
use crate::walk::{Entry, Met, walk};

impl Work<'_, '_> {
    /// Links everything in a place.
    pub(super) fn link_place(&mut self, from: &Place, to: &Place) -> Result<(), StoreError> {
        let Some(folder) = self.old_place(from)? else {
            return Ok(());
        };
        let target = self.new.folder_made(to.path.as_bytes())?;
        let (before, after) = (arrangement(from), arrangement(to));
        walk(folder, &mut |met| {
            match met {
                Met::Folder(entry) if before == after => target.make_folder(entry.relative)?,
                Met::Folder(_) | Met::Left(_) => {}
                Met::Other(entry) => {
                    if before == after {
                        self.link_one(&entry, &target, entry.relative)?;
                    } else {
                        self.link_one(&entry, &target, &arranged(entry.relative, before, after))?;
                    }
                }
            }
            Ok(true)
        })
    }

    /// Links one file and looks whether it is the same: by device, inode and size.
    pub(super) fn link_one(
        &mut self,
        entry: &Entry<'_>,
        target: &Folder,
        to: &[u8],
    ) -> Result<(), StoreError> {
        match entry.folder.link(entry.name, target, to) {
            Ok(()) => {}
            // An earlier start made it.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) if error.kind() == ErrorKind::NotFound && to.contains(&b'/') => {
                make_above(target, to)?;
                let linked = entry.folder.link(entry.name, target, to);
                linked.map_err(StoreError::change(Step::Link, target.path_of(to)))?;
            }
            Err(error) => return Err(StoreError::change(Step::Link, target.path_of(to))(error)),
        }
        let of = |folder: &Folder, name: &[u8]| {
            folder
                .identity(name)
                .map_err(StoreError::read(folder.path_of(name)))
        };
        if of(entry.folder, entry.name)? != of(target, to)? {
            return Err(StoreError::Differs {
                path: target.path_of(to),
                what: "another file is in its place",
            });
        }
        self.count(1, 0)
    }
}

fn make_above(target: &Folder, path: &[u8]) -> Result<(), StoreError> {
    let above = path.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
    target.make_folder(&path[..above])
}

const fn arrangement(place: &Place) -> Arrangement {
    match place.form {
        Form::Folder(arrangement) => arrangement,
        Form::File => Arrangement::Free,
    }
}

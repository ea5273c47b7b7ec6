//! What lies in no place of the layout: kept under its path, apart.

use sps_datastore_engine::{Layout, Place};

use super::Work;
use crate::disk::Folder;
use crate::error::StoreError;
use crate::survey::is_reserved;
use crate::walk::{Met, walk};

impl Work<'_, '_> {
    /// Links whatever no place of the old layout holds below the place `to`.
    pub(super) fn link_strays(&mut self, layout: &Layout, to: &Place) -> Result<(), StoreError> {
        let tree = Folder::open(self.old.path(), self.old.steps())?;
        let target = self.new.folder_made(to.path.as_bytes())?;
        let mut found = 0_u64;
        walk(tree, &mut |met| {
            match met {
                Met::Folder(entry) => {
                    let placed = layout.place_of(entry.relative).is_some();
                    if !placed && !layout.leads_to_places(entry.relative) {
                        target.make_folder(entry.relative)?;
                    }
                    return Ok(!placed);
                }
                Met::Other(entry) => {
                    // A file where the layout has a folder is nobody's either; one where it has a file is not.
                    let placed = layout.place_of(entry.relative).is_some();
                    if !placed && !is_reserved(entry.relative) {
                        found += 1;
                        self.link_one(&entry, &target, entry.relative)?;
                    }
                }
                Met::Left(_) => {}
            }
            Ok(true)
        })?;
        if found > 0 {
            let place = to.path;
            self.note(format!("{found} files of unknown origin were kept in {place}"));
        }
        Ok(())
    }
}

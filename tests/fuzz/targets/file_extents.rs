//! FAT volumes: a file that is found lies inside the volume.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sps_image::disk::file_extents;

fuzz_target!(|input: &[u8]| {
    if let Ok(extents) = file_extents::find(input, "sps/control") {
        let size = input.len() as u64;
        assert!(
            extents
                .iter()
                .all(|extent| extent.size > 0 && extent.end() <= size)
        );
    }
});

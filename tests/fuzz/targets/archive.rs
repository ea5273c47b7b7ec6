//! `newc` archives: what is accepted is written back and read again as the same tree.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sps_image::archive;

fuzz_target!(|input: &[u8]| {
    if let Ok(tree) = archive::read(input)
        && let Ok(written) = archive::write(&tree)
    {
        assert_eq!(archive::read(&written).ok(), Some(tree));
    }
});

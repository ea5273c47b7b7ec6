//! Whole images: reading the directories and judging the content. The input is what follows the system area,
//! which the readers do not look at, so that mutations hit what they read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sps_image::iso9660;
use sps_image::keys::{SecretKey, Trust};
use sps_image::verify::verify;

/// Sixteen blocks (ECMA-119 6.2.1).
const SYSTEM_AREA: usize = 32 * 1024;

fuzz_target!(|input: &[u8]| {
    let image = [&[0; SYSTEM_AREA], input].concat();
    if let Ok(files) = iso9660::read(&image) {
        assert_eq!(files.size, image.len() as u64);
        assert!(files.files.values().all(|extent| extent.end() <= files.size));
    }
    // The seeds are signed but incomplete: no input may pass.
    assert!(verify(&image, &Trust::only(SecretKey::development().public())).is_err());
});

//! Boot control: a copy that is taken is written back as the same, and the choice between two is one of them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sps_image::boot_control::{Control, SIZE, choose};

fuzz_target!(|input: &[u8]| {
    if let Ok(control) = Control::parse(input) {
        assert_eq!(Control::parse(&control.to_bytes()), Ok(control));
    }
    // Two copies in one input, so that mutations reach the second as well.
    let (a, b) = input.split_at(input.len().min(SIZE));
    if let Ok(chosen) = choose(a, b) {
        assert!([Control::parse(a), Control::parse(b)].contains(&Ok(chosen.control)));
    }
});

//! Licence files: nothing that was not signed is read, what is read obeys its rules and is written back as the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sps_licence::{Keys, Licence, development, table};

fuzz_target!(|input: &[u8]| {
    let keys = Keys::development();
    let _ = Licence::parse(input, &keys);
    // And as if it had been signed.
    let key = development();
    let signature = key.sign(input).to_text();
    let signed = [input, signature.as_bytes()].concat();
    let Ok(licence) = Licence::parse(&signed, &keys) else {
        return;
    };
    assert!(licence.check().is_ok());
    assert!(table(&licence).lines().count() == 7);
    let Ok(text) = licence.to_text(&key) else {
        panic!("what was read is not written");
    };
    assert_eq!(Licence::parse(text.as_bytes(), &keys).ok(), Some(licence));
});

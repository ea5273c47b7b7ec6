//! Answers of authorities of timestamps (RFC 3161), from whoever answers at a URL, and tokens in trails. A seed is an answer of `openssl ts`
//! whose token counts: from there every byte of CMS and certificates is reached.

#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use sps_timestamp::{Authority, PolicyId, Request, judge};

/// What the seed is about.
const DIGEST: [u8; 32] = [7; 32];

fn authority() -> &'static Authority {
    static AUTHORITY: OnceLock<Authority> = OnceLock::new();
    AUTHORITY.get_or_init(|| {
        let ca: &[u8] = include_bytes!("../seeds/timestamp/ca.pem");
        Authority::from_pem([ca]).expect("a CA")
    })
}

fuzz_target!(|bytes: &[u8]| {
    let request = Request::new(DIGEST, [4; 8], None);
    if let Ok((token, stamp)) = request.judge(bytes, authority()) {
        assert_eq!(judge(token, &DIGEST, authority()), Ok(stamp));
        // It is the answer to no other request.
        let other = Request::new(DIGEST, [5; 8], None);
        assert!(other.judge(bytes, authority()).is_err());
        assert!(judge(token, &[8; 32], authority()).is_err());
    }
    let _none = judge(bytes, &DIGEST, authority());
    let _none = Authority::from_pem([bytes]);
    let _none = std::str::from_utf8(bytes).map(PolicyId::parse);
});

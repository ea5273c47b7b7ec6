//! Licence files: what is read back, what is refused and how it is said.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::error::Error;

use sps_image::keys::{KEY_SIZE, SecretKey, Trust};
use sps_licence::{Keys, Licence, LicenceError, LimitType, MAX_SIZE, development, table};

fn licence() -> Licence {
    Licence {
        customer: "Example Ltd., Pécs".to_owned(),
        serial: "SPS-2026-000142".to_owned(),
        limit_type: LimitType::Host,
        limit: 500,
        valid_from: "2026-01-01".parse().unwrap(),
        valid_until: "2027-05-31".parse().ok(),
        lts: vec![6, 7],
        features: ["analytics", "cluster"]
            .map(|name| name.to_owned().try_into().unwrap())
            .into(),
    }
}

fn seller() -> SecretKey {
    SecretKey::from_seed(&[11; KEY_SIZE])
}

fn release() -> Keys {
    Keys::new(Trust::only(seller().public()), false).unwrap()
}

fn file() -> String {
    licence().to_text(&seller()).unwrap()
}

/// A file with this JSON, correctly signed.
fn signed(json: &str) -> String {
    let text = format!("sps-licence-1\n{json}\n");
    let signature = seller().sign(text.as_bytes()).to_text();
    text + &signature
}

fn json() -> String {
    let file = file();
    let start = file.find('{').unwrap();
    file[start..=file.rfind('}').unwrap()].to_owned()
}

fn said(file: &[u8], keys: &Keys) -> String {
    let error = Licence::parse(file, keys).unwrap_err();
    let source = error
        .source()
        .map_or_else(String::new, |source| format!(": {source}"));
    format!("{error}{source}\n")
}

#[test]
fn a_licence_is_read_back_and_shown() {
    let file = file();
    assert_eq!(Licence::parse(file.as_bytes(), &release()).unwrap(), licence());
    insta::assert_snapshot!(format!("{file}\n{}", table(&licence())));
}

#[test]
fn every_bit_counts() {
    let (file, keys) = (file().into_bytes(), release());
    for at in 0..file.len() {
        for bit in 0..8 {
            let mut changed = file.clone();
            changed[at] ^= 1 << bit;
            assert!(
                Licence::parse(&changed, &keys).is_err(),
                "bit {bit} of byte {at} was not missed"
            );
        }
    }
}

#[test]
fn every_cut_and_every_addition_is_refused() {
    let (file, keys) = (file().into_bytes(), release());
    for end in 0..file.len() {
        assert!(Licence::parse(&file[..end], &keys).is_err(), "cut at {end}");
        assert!(Licence::parse(&file[end + 1..], &keys).is_err(), "begun at {end}");
    }
    for more in ["\n", " ", "x"] {
        let longer = [file.as_slice(), more.as_bytes()].concat();
        assert!(Licence::parse(&longer, &keys).is_err());
    }
}

#[test]
fn only_development_firmware_accepts_development_licences() {
    let file = licence().to_text(&development()).unwrap();
    assert!(Licence::parse(file.as_bytes(), &Keys::development()).is_ok());
    let also = Keys::new(Trust::only(seller().public()), true).unwrap();
    assert!(Licence::parse(file.as_bytes(), &also).is_ok());
    assert!(matches!(
        Licence::parse(file.as_bytes(), &release()),
        Err(LicenceError::Development)
    ));
}

#[test]
fn refusals_name_the_field_and_the_mend() {
    let other = licence().to_text(&SecretKey::from_seed(&[12; KEY_SIZE])).unwrap();
    let published = licence().to_text(&development()).unwrap();
    let newer = file().replace("licence-1", "licence-2");
    let changed = file().replace("500", "900");
    let long = "x".repeat(MAX_SIZE + 1);
    let files = [other, published, newer, changed, long, "hello".to_owned()];
    let fields = [
        ("\"host\"", "\"moon\""),
        ("500", "\"many\""),
        ("500", "0"),
        ("\"limit\"", "\"limits\""),
        ("\"serial\"", "\"surprise\": 1, \"serial\""),
        ("\"serial\"", "\"customer\": \"x\", \"serial\""),
        ("SPS-2026-000142", "a b"),
        ("Example Ltd., Pécs", " Example"),
        ("Example Ltd., Pécs", "a\\u001b[2J"),
        ("2026-01-01", "2027-06-01"),
        ("2027-05-31", "31 May"),
        ("\"analytics\"", "\"Analytics\""),
        ("\"analytics\"", "\"zebra\""),
        ("6,", "7,"),
        ("}", "} {}"),
    ];
    let fields = fields.map(|(from, to)| json().replace(from, to));
    assert!(
        fields.iter().all(|json| *json != self::json()),
        "every change is one"
    );
    let texts = files
        .into_iter()
        .chain(fields.map(|json| signed(&json)))
        .map(|file| said(file.as_bytes(), &release()));
    insta::assert_snapshot!(texts.collect::<String>());
}

#[test]
fn nothing_is_signed_that_would_be_refused() {
    let wrong: [fn(&mut Licence); 7] = [
        |licence| licence.customer.clear(),
        |licence| licence.serial = "ä".to_owned(),
        |licence| licence.limit = 0,
        |licence| licence.valid_until = "2025-12-31".parse().ok(),
        |licence| licence.lts.clear(),
        |licence| licence.lts = vec![7, 7],
        |licence| licence.features.reverse(),
    ];
    for (number, change) in wrong.into_iter().enumerate() {
        let mut broken = licence();
        change(&mut broken);
        assert!(broken.to_text(&seller()).is_err(), "change {number} was taken");
    }
}

#[test]
fn the_seed_of_the_fuzz_target_becomes_a_licence_when_it_is_signed() {
    let seed = include_str!("../../../tests/fuzz/seeds/licence/signed-part");
    let file = format!("{seed}{}", development().sign(seed.as_bytes()).to_text());
    let licence = Licence::parse(file.as_bytes(), &Keys::development()).unwrap();
    assert_eq!(licence.lts, [6, 7]);
}

//! Images that are not what was signed: each is refused, and the message names the thing.

use crate::forge::{development, files, image, lay_out, release_key, trust, verify, with_manifest};
use crate::noise::Noise;
use serde_json::{Value, json};
use sps_image::keys::Trust;
use sps_image::verify::{Fault, Refusal, VerifyError};
use sps_image::{iso9660, names, show};

fn message(image: &[u8]) -> String {
    let error = verify(image).expect_err("the image was taken");
    assert!(
        matches!(error, VerifyError::Refused(_)),
        "not refused but {error:?}"
    );
    show::rejected("bad.iso", &error)
}

fn payload(manifest: &mut Value, name: &str) -> usize {
    let list = manifest["payloads"].as_array().unwrap();
    list.iter().position(|payload| payload["name"] == name).unwrap()
}

fn renamed(name: &str) -> Vec<u8> {
    with_manifest(&development(), |manifest| {
        let at = payload(manifest, names::MICROCODE);
        manifest["payloads"][at]["name"] = json!(name);
    })
}

#[test]
fn the_good_image_is_good() {
    let verified = verify(image()).unwrap();
    insta::assert_snapshot!(show::accepted("good.iso", &verified));
}

#[test]
fn every_byte_of_manifest_and_signature_counts() {
    let read = iso9660::read(image()).unwrap();
    let mut broken = image().to_vec();
    for name in [names::MANIFEST, names::SIGNATURE] {
        let extent = read.files[name];
        for at in extent.offset..extent.end() {
            let at = at as usize;
            for bit in [0x01, 0x20] {
                broken[at] ^= bit;
                assert!(
                    matches!(verify(&broken), Err(VerifyError::Refused(_))),
                    "{name}, byte {at}, bit {bit}"
                );
                broken[at] ^= bit;
            }
        }
    }
    assert_eq!(broken, image());
}

#[test]
fn a_thousand_payload_bytes_count_and_the_payload_is_named() {
    let read = iso9660::read(image()).unwrap();
    let payloads: Vec<_> = verify(image()).unwrap().manifest.payloads;
    let mut noise = Noise::new(2);
    let mut broken = image().to_vec();
    for _ in 0..1_000 {
        let name = &payloads[noise.below(payloads.len())].name;
        let extent = read.files[name];
        let at = extent.offset as usize + noise.below(extent.size as usize);
        let change = 1 << noise.below(8);
        broken[at] ^= change;
        match verify(&broken) {
            Err(VerifyError::Refused(Refusal::Content(faults))) => {
                assert!(
                    matches!(&faults[..], [Fault::Digest { name: named, .. }] if named == name),
                    "{faults:?}"
                );
            }
            other => panic!("byte {at} of {name}: {other:?}"),
        }
        broken[at] ^= change;
    }
}

#[test]
fn a_thousand_bytes_anywhere_count() {
    let mut noise = Noise::new(3);
    let mut broken = image().to_vec();
    for _ in 0..1_000 {
        let at = noise.below(broken.len());
        let change = 1 << noise.below(8);
        broken[at] ^= change;
        assert!(verify(&broken).is_err(), "byte {at} does not count");
        broken[at] ^= change;
    }
}

/// Boot sector, partition tables, descriptors, boot catalogue, directories: everything outside the files.
#[test]
fn every_byte_outside_the_files_counts() {
    let read = iso9660::read(image()).unwrap();
    let inside = |at: u64| {
        read.files
            .values()
            .any(|extent| (extent.offset..extent.end()).contains(&at))
    };
    let mut broken = image().to_vec();
    let outside: Vec<usize> = (0..image().len())
        .filter(|at| !inside(*at as u64) && image()[*at] != 0)
        .collect();
    assert!(outside.len() > 1_000);
    for at in outside {
        broken[at] ^= 0x10;
        assert!(verify(&broken).is_err(), "byte {at} does not count");
        broken[at] ^= 0x10;
    }
}

#[test]
fn truncated_or_longer_images_are_refused() {
    let whole = image();
    for length in [
        0,
        1,
        2_048,
        32_768,
        34_816,
        40_960,
        whole.len() / 2,
        whole.len() - 2_048,
        whole.len() - 1,
    ] {
        assert!(verify(&whole[..length]).is_err(), "{length} bytes were taken");
    }
    let longer = [whole, b"x"].concat();
    insta::assert_snapshot!(
        [
            message(&whole[..whole.len() - 1]),
            message(&whole[..2_048]),
            message(&longer)
        ]
        .concat()
    );
}

#[test]
fn signatures_that_are_missing_foreign_or_wrong() {
    let mut unsigned = files(image());
    unsigned.remove(names::SIGNATURE);
    let mut no_manifest = unsigned.clone();
    no_manifest.remove(names::MANIFEST);
    let mut swapped = files(image());
    let other = development().sign(b"another manifest").to_text();
    swapped.insert(names::SIGNATURE.to_owned(), other.into_bytes());
    let mut garbage = files(image());
    garbage.insert(
        names::SIGNATURE.to_owned(),
        b"-----BEGIN PGP SIGNATURE-----\n".to_vec(),
    );
    let images = [
        lay_out(&unsigned),
        lay_out(&no_manifest),
        lay_out(&swapped),
        lay_out(&garbage),
        with_manifest(&release_key(), |_| ()),
        with_manifest(&development(), |manifest| manifest["development"] = json!(false)),
        b"#!/bin/sh\n".repeat(5_000),
    ];
    insta::assert_snapshot!(images.map(|image| message(&image)).concat());
}

#[test]
fn a_release_key_does_not_make_a_development_build() {
    let image = with_manifest(&release_key(), |_| ());
    let error = sps_image::verify::verify(&image, &Trust::only(release_key().public())).unwrap_err();
    assert!(
        matches!(
            error,
            VerifyError::Refused(Refusal::Development { flag: true, .. })
        ),
        "{error:?}"
    );
}

#[test]
fn release_builds_do_not_trust_the_development_key() {
    let error = sps_image::verify::verify(image(), &Trust::only(release_key().public())).unwrap_err();
    assert!(
        matches!(error, VerifyError::Refused(Refusal::UnknownKey { .. })),
        "{error:?}"
    );
    let next = Trust {
        current: release_key().public(),
        next: Some(development().public()),
    };
    assert!(
        sps_image::verify::verify(image(), &next).is_ok(),
        "the next key counts too"
    );
}

#[test]
fn manifests_that_break_a_rule() {
    let changes: Vec<fn(&mut Value)> = vec![
        |manifest| manifest["product"] = json!("toaster"),
        |manifest| manifest["format"] = json!(2),
        |manifest| manifest["surprise"] = json!(1),
        |manifest| manifest["payloads"][0]["surprise"] = json!(1),
        |manifest| manifest["version"] = json!("1.2"),
        |manifest| manifest["channel"] = json!("lts"),
        |manifest| manifest["build_id"] = json!("a b"),
        |manifest| manifest["build_time"] = json!(u64::MAX),
        |manifest| manifest["hardware"] = json!([]),
        |manifest| manifest["upgrade_from"] = json!(["7 LTS", ">=6"]),
        |manifest| manifest["upgrade_from"] = json!(vec!["any"; 65]),
        |manifest| manifest["supported_until"] = json!("2029-02-30"),
        |manifest| manifest["upgrade_notes"] = json!("x".repeat(40_000)),
        |manifest| manifest["upgrade_news"] = json!("x".repeat(300_000)),
        |manifest| drop(manifest["payloads"].as_array_mut().unwrap().remove(0)),
        |manifest| manifest["payloads"].as_array_mut().unwrap().reverse(),
        |manifest| {
            let first = manifest["payloads"][0].clone();
            manifest["payloads"].as_array_mut().unwrap().insert(0, first);
        },
        |manifest| manifest["payloads"][0]["size"] = json!(0),
        |manifest| manifest["payloads"][0]["size"] = json!(u64::MAX),
        |manifest| manifest["payloads"][0]["size"] = json!(-1),
        |manifest| manifest["image"]["size"] = json!(1),
        |manifest| manifest["payloads"][0]["sha256"] = json!("AB"),
        |manifest| drop(manifest.as_object_mut().unwrap().remove("image")),
    ];
    let names = [
        "../firmware/a",
        "/firmware/a",
        "firmware/../../etc/passwd",
        "firmware//a",
        "etc/passwd",
        "firmware/A",
    ];
    let messages = changes
        .into_iter()
        .map(|change| message(&with_manifest(&development(), change)));
    let named = names.into_iter().map(|name| message(&renamed(name)));
    insta::assert_snapshot!(messages.chain(named).collect::<String>());
}

#[test]
fn contents_that_are_not_the_ones_signed() {
    let mut missing = files(image());
    missing.remove(names::MICROCODE);
    let mut extra = files(image());
    extra.insert("firmware/extra.bin".to_owned(), b"hello".to_vec());
    extra.insert("autorun.inf".to_owned(), b"hello".to_vec());
    let mut shorter = files(image());
    shorter.get_mut(names::KERNEL).unwrap().pop();
    let lying = with_manifest(&development(), |manifest| {
        let at = payload(manifest, names::KERNEL);
        manifest["payloads"][at]["size"] = json!(1);
    });
    let swapped = with_manifest(&development(), |manifest| manifest["version"] = json!("0.9.0"));
    let images = [
        lay_out(&missing),
        lay_out(&extra),
        lay_out(&shorter),
        lying,
        swapped,
    ];
    insta::assert_snapshot!(images.map(|image| message(&image)).concat());
}

/// An image whose parts are each signed, but not as one firmware.
#[test]
fn a_release_file_of_another_build_is_refused() {
    use sps_image::build::seal::{self, Seal};
    let verified = verify(image()).unwrap();
    let mut manifest = verified.manifest;
    manifest.build_id = "feedfeedfeedfeed".to_owned();
    let mut payloads = files(image());
    payloads.remove(names::MANIFEST);
    payloads.remove(names::SIGNATURE);
    let key = development();
    let sealed = seal::seal(
        &Seal {
            manifest,
            boot_code: &crate::forge::parts().grub.boot_code,
            key: &key,
        },
        &payloads,
    );
    let text = sealed.unwrap_err().to_string();
    assert_eq!(text, "the finished image does not verify");
    assert!(trust().find(key.public().id()).is_some());
}

//! What goes in decides what comes out, and a repack changes what it was asked to and nothing else.

use crate::forge::{BUILD_TIME, description, development, files, image, parts, release_key, trust, verify};
use sps_image::build::bundle::{self, BundleError, Description};
use sps_image::build::repack::{Changes, RepackError, repack};
use sps_image::build::seal::SealError;
use sps_image::disk::file_systems::SLOT_LIMIT;
use sps_image::keys::Trust;
use sps_image::manifest::Manifest;
use sps_image::names;
use sps_image::version::{Channel, Version};

#[test]
fn two_builds_are_identical() {
    let again = bundle::assemble(parts(), &description(), &development()).unwrap();
    assert!(again == image(), "the second build differs");
}

#[test]
fn every_input_counts() {
    let mut kernel = parts();
    kernel.kernel[100] ^= 1;
    let mut grub = parts();
    grub.grub.efi[100] ^= 1;
    let later = Description {
        build_time: BUILD_TIME + 1,
        ..description()
    };
    let builds = [(kernel, description()), (grub, description()), (parts(), later)];
    let good = verify(image()).unwrap().manifest.build_id;
    for (parts, description) in builds {
        let other = bundle::assemble(parts, &description, &development()).unwrap();
        assert_ne!(verify(&other).unwrap().manifest.build_id, good);
    }
}

#[test]
fn a_slot_that_would_be_too_full_is_not_built() {
    let mut large = parts();
    large.kernel = vec![0; SLOT_LIMIT as usize];
    let error = bundle::assemble(large, &description(), &development()).unwrap_err();
    assert!(matches!(error, BundleError::SlotTooLarge { .. }), "{error:?}");
}

#[test]
fn the_manifest() {
    let text = &files(image())[names::MANIFEST];
    insta::assert_snapshot!(String::from_utf8(text.clone()).unwrap());
    let manifest = Manifest::from_json(text).unwrap();
    assert_eq!(&manifest.to_json().unwrap(), text);
}

#[test]
fn a_repack_changes_what_it_is_asked_to() {
    let changes = Changes {
        version: Some(Version::new(1, 0, 0)),
        faults: Some(vec!["panic-pid1".to_owned()]),
        data_layout: Some(2),
        ..Changes::default()
    };
    let new = repack(image(), &trust(), &changes, &development()).unwrap();
    let verified = verify(&new).unwrap();
    assert_eq!(verified.manifest.version, Version::new(1, 0, 0));
    assert_eq!(verified.manifest.channel, Channel::Lts);
    assert_eq!(verified.manifest.data_layout, 2);
    assert_eq!(verified.release.honoured_faults(), ["panic-pid1"]);
    assert_ne!(
        verified.manifest.build_id,
        verify(image()).unwrap().manifest.build_id
    );
    let (old, new) = (files(image()), files(&new));
    let changed: Vec<&String> = old.keys().filter(|name| old[*name] != new[*name]).collect();
    // The image for BIOS holds its own place in the ISO, which moves with the sizes before it.
    let expected = [names::MANIFEST, names::SIGNATURE, names::RELEASE];
    assert_eq!(changed, expected);
}

#[test]
fn a_repack_without_changes_differs_in_its_id_only() {
    let new = repack(image(), &trust(), &Changes::default(), &development()).unwrap();
    let id = verify(image()).unwrap().manifest.build_id;
    let same = Changes {
        build_id: Some(id),
        ..Changes::default()
    };
    assert_ne!(new, image());
    assert!(repack(image(), &trust(), &same, &development()).unwrap() == image());
}

#[test]
fn a_release_carries_no_faults() {
    let changes = Changes {
        faults: Some(vec!["panic-pid1".to_owned()]),
        ..Changes::default()
    };
    let error = repack(image(), &trust(), &changes, &release_key()).unwrap_err();
    assert!(
        matches!(error, RepackError::Seal(SealError::Release(_))),
        "{error:?}"
    );
    let faulty = Description {
        faults: vec!["panic-pid1".to_owned()],
        ..description()
    };
    assert!(bundle::assemble(parts(), &faulty, &release_key()).is_err());
}

#[test]
fn a_release_is_no_development_build() {
    let image = bundle::assemble(parts(), &description(), &release_key()).unwrap();
    let verified = sps_image::verify::verify(image.as_slice(), &Trust::only(release_key().public())).unwrap();
    assert!(!verified.manifest.development && !verified.release.development);
}

#[test]
fn what_is_not_good_is_not_repacked() {
    let mut broken = image().to_vec();
    let middle = broken.len() / 2;
    broken[middle] ^= 1;
    assert!(matches!(
        repack(&broken, &trust(), &Changes::default(), &development()),
        Err(RepackError::Verify(_))
    ));
}

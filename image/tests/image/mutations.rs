//! Thousands of damaged images and archives: no panic, no endless loop, and nothing damaged is taken.

use std::time::{Duration, Instant};

use crate::forge::{files, image, trust};
use crate::noise::Noise;
use sps_image::archive;
use sps_image::iso9660;
use sps_image::names;
use sps_image::verify::verify;

/// Enough to find what a reader forgets, little enough for every test run.
const TIME: Duration = Duration::from_secs(2);
const LEAST: usize = 200;

/// Runs `trial` with numbered noise for [`TIME`]; a failure names the seed that shows it again.
fn many(trial: impl Fn(&mut Noise) + std::panic::RefUnwindSafe) {
    let end = Instant::now() + TIME;
    let mut seed = 0;
    while seed < LEAST || Instant::now() < end {
        let result = std::panic::catch_unwind(|| trial(&mut Noise::new(seed as u64 * 2 + 1)));
        assert!(result.is_ok(), "seed {seed} fails");
        seed += 1;
    }
}

/// Overwrites a few places with values readers trip over.
fn damage(bytes: &mut [u8], noise: &mut Noise, from: usize, to: usize) {
    for _ in 0..=noise.below(4) {
        let at = from + noise.below(to - from);
        let value: &[u8] = match noise.below(6) {
            0 => &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            1 => &[0, 0, 0, 0],
            2 => &[0x7f],
            3 => &[0x00, 0x00, 0x00, 0x80, 0x80, 0x00, 0x00, 0x00],
            4 => &[0x10, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10],
            _ => &[1],
        };
        let end = (at + value.len()).min(bytes.len());
        bytes[at..end].copy_from_slice(&value[..end - at]);
    }
}

#[test]
fn damaged_directories_are_refused() {
    // Descriptors and directories lie in front of the first file.
    let first = iso9660::read(image())
        .unwrap()
        .files
        .values()
        .map(|extent| extent.offset)
        .min()
        .unwrap();
    many(|noise| {
        let mut broken = image().to_vec();
        damage(&mut broken, noise, 32_768, first as usize);
        assert!(broken == image() || verify(&broken, &trust()).is_err());
    });
}

#[test]
fn damaged_manifests_that_are_signed_are_refused() {
    let manifest = files(image())[names::MANIFEST].clone();
    many(|noise| {
        let mut text = manifest.clone();
        let end = text.len();
        damage(&mut text, noise, 0, end);
        // Parsing comes after the signature; here it has to stand alone.
        if let Ok(read) = sps_image::manifest::Manifest::from_json(&text) {
            assert!(read.to_json().is_ok());
        }
    });
}

#[test]
fn truncated_and_shifted_images_are_refused() {
    many(|noise| {
        let cut = noise.below(image().len());
        assert!(verify(&image()[..cut], &trust()).is_err());
        assert!(verify(&image()[cut..], &trust()).is_err() || cut == 0);
    });
}

#[test]
fn damaged_archives_never_panic() {
    let release = files(image())[names::RELEASE].clone();
    let whole = archive::read(&release).unwrap();
    many(|noise| {
        let mut broken = release.clone();
        let end = broken.len();
        damage(&mut broken, noise, 0, end);
        if let Ok(tree) = archive::read(&broken) {
            assert!(tree.len() <= whole.len());
        }
    });
}

#[test]
fn noise_is_nothing() {
    many(|noise| {
        let count = noise.below(100_000);
        let bytes = noise.bytes(count);
        assert!(verify(&bytes, &trust()).is_err());
        assert!(archive::read(&bytes).is_err());
    });
}

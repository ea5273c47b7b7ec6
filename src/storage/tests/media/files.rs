//! Large files in folders, in pieces, and what is no file.

use std::fs;

use sps_image::source::Source;
use sps_storage::medium::{self, MediumFile};

use crate::{path, run};

/// Bytes that differ from place to place.
fn noise(size: usize, seed: u32) -> Vec<u8> {
    let mut state = seed | 1;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(size).collect()
}

fn is_whole(volume: &Vec<u8>, name: &str, content: &[u8], pieces: std::ops::RangeInclusive<usize>) {
    let places = medium::find(volume, name).unwrap().expect("it is there");
    assert!(pieces.contains(&places.len()), "{} pieces", places.len());
    let file = MediumFile::new(volume, places);
    assert_eq!(file.size(), content.len() as u64);
    for (from, length) in [
        (0, content.len()),
        (1, 5000),
        (content.len() - 3, 3),
        (70_001, 60_000),
    ] {
        let mut bytes = vec![0; length];
        file.read_at(from as u64, &mut bytes).unwrap();
        assert!(
            bytes == content[from..from + length],
            "{length} bytes from {from}"
        );
    }
}

/// A file between holes that smaller ones left, and one in a folder.
#[test]
fn a_large_file_is_read_wherever_its_pieces_lie() {
    for (sectors, kind) in [(65_536, &[][..]), (70_000, &["-F", "-c", "1"])] {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("image");
        let image = path(&image);
        run(
            "mformat",
            &[&["-C", "-i", image, "-T", &sectors.to_string()], kind, &["::"]].concat(),
        );
        let small = folder.path().join("small");
        fs::write(&small, noise(sectors * 23, 7)).unwrap();
        for number in 0..20 {
            run("mcopy", &["-i", image, path(&small), &format!("::small{number}")]);
        }
        for number in (0..20).step_by(2) {
            run("mdel", &["-i", image, &format!("::small{number}")]);
        }
        let content = noise(sectors * 60 + 1, 3);
        let large = folder.path().join("large");
        fs::write(&large, &content).unwrap();
        run("mmd", &["-i", image, "::Some Folder"]);
        run("mcopy", &["-i", image, path(&large), "::The Firmware-1.2.3.ISO"]);
        run("mcopy", &["-i", image, path(&large), "::Some Folder/inner.iso"]);
        let volume = fs::read(image).unwrap();
        is_whole(&volume, "the firmware-1.2.3.iso", &content, 2..=40);
        is_whole(&volume, "/some folder/inner.iso", &content, 1..=40);
        for absent in ["", "/", "Some Folder", "small0", "small1/x", "Some Folder/none"] {
            assert!(medium::find(&volume, absent).unwrap().is_none(), "{absent:?}");
        }
        let listed = medium::list(&volume).unwrap();
        assert!(
            listed
                .iter()
                .any(|entry| entry.name == "The Firmware-1.2.3.ISO" && entry.size == content.len() as u64)
        );
        assert!(listed.iter().all(|entry| entry.name != "Some Folder"));
    }
}

#[test]
fn a_large_file_on_a_disc_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let content = folder.path().join("content");
    fs::create_dir_all(content.join("Folder")).unwrap();
    let bytes = noise(1_000_003, 5);
    fs::write(content.join("firmware-1.2.3.iso"), &bytes).unwrap();
    fs::write(content.join("Folder/other.iso"), &bytes).unwrap();
    for options in [["-r", "-J"], ["-r", "-r"], ["-J", "-J"]] {
        let image = folder.path().join("image");
        run(
            "genisoimage",
            &[
                "-quiet",
                options[0],
                options[1],
                "-o",
                path(&image),
                path(&content),
            ],
        );
        let volume = fs::read(&image).unwrap();
        is_whole(&volume, "firmware-1.2.3.iso", &bytes, 1..=1);
        is_whole(&volume, "/Folder/other.iso", &bytes, 1..=1);
        let listed = medium::list(&volume).unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!(
            (listed[0].name.as_str(), listed[0].size),
            ("firmware-1.2.3.iso", 1_000_003)
        );
    }
}

/// A chain that ends early, goes on for ever or leads nowhere is an error, not another file's bytes.
#[test]
fn a_broken_chain_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let (image, file) = (folder.path().join("image"), folder.path().join("file"));
    fs::write(&file, noise(100_000, 9)).unwrap();
    run("mformat", &["-C", "-i", path(&image), "-T", "200000", "-F", "::"]);
    run("mcopy", &["-i", path(&image), path(&file), "::file"]);
    let volume = fs::read(&image).unwrap();
    let reserved = usize::from(u16::from_le_bytes([volume[14], volume[15]])) * 512;
    let mut refused = 0;
    for cluster in 3..40 {
        for value in [0_u32, 2, 5, 0x0fff_fff7, 0x0fff_ffff, 0x0100_0000] {
            let mut volume = volume.clone();
            let at = reserved + 4 * cluster;
            volume[at..at + 4].copy_from_slice(&value.to_le_bytes());
            match medium::find(&volume, "file") {
                Ok(Some(places)) => {
                    let sum: u64 = places.iter().map(|place| place.size).sum();
                    assert_eq!(sum, 100_000);
                    assert!(places.iter().all(|place| place.end() <= volume.len() as u64));
                }
                Ok(None) => panic!("it is there"),
                Err(_) => refused += 1,
            }
        }
    }
    assert!(refused > 0);
}

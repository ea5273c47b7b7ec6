//! Adding firmware: what is taken, what is refused and why, and that a refusal leaves nothing behind.

use std::io;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sps_firmware::{FirmwareError, Medium, Stage, Step, Steps};
use sps_firmware_engine::CommitDue;
use sps_firmware_engine::SlotState::{self, Committed, Empty, Staged};
use sps_firmware_engine::grub::Menu;
use sps_image::boot_control::{Control, SlotNumber};
use sps_image::build::repack::Changes;
use sps_image::source::Source;
use sps_image::version::Version;

use crate::appliance::{Appliance, PERIOD, add, boot, boot_watched, installed, names_in, slot};
use crate::disk::{Disk, run};
use crate::forge;

const ONE: [SlotState; 4] = [Committed, Empty, Empty, Empty];

fn refused(appliance: &Appliance, image: &[u8]) -> String {
    let error = add(&appliance.firmware, image).expect_err("it was added");
    assert_eq!(appliance.states(), ONE, "something was left behind");
    let mut text = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}

#[test]
fn what_is_refused_is_refused_with_its_reason_and_leaves_nothing() {
    let disk = installed();
    let appliance = boot(&disk).up();
    let mut tampered = forge::version(2);
    let middle = tampered.len() / 2;
    tampered[middle] ^= 1;
    let newer_protocol = Changes {
        version: Some(Version::new(1, 2, 0)),
        boot_protocol: Some(2),
        ..Changes::default()
    };
    let images = [
        tampered,
        forge::version(2)[..200_000].to_vec(),
        b"hello".to_vec(),
        forge::foreign(),
        forge::version(0),
        forge::changed(&newer_protocol),
        forge::image().to_vec(),
    ];
    let text: Vec<String> = images.iter().map(|image| refused(&appliance, image)).collect();
    insta::assert_snapshot!(text.join("\n"));
}

#[test]
fn a_firmware_larger_than_a_slot_is_refused() {
    let disk = installed();
    let appliance = boot(&disk).up();
    let text = refused(&appliance, &forge::huge());
    assert!(text.contains("a slot holds"), "{text}");
}

#[test]
fn a_medium_is_as_long_as_the_firmware_on_it() {
    let disk = installed();
    let appliance = boot(&disk).up();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stick.img");
    // A stick is larger than what was written to it.
    std::fs::write(&path, [forge::version(2), vec![0xaa; 3 << 20]].concat()).unwrap();
    let device = run("losetup", &["--find", "--show", path.to_str().unwrap()]);
    let device = device.trim();
    let medium = Medium::open(device.as_ref()).unwrap();
    let added = appliance
        .firmware
        .add(&medium, &mut |_| ControlFlow::Continue(()));
    drop(medium);
    run("losetup", &["--detach", device]);
    assert_eq!(added.unwrap().slot, slot(2));
    // The same bytes as a file are one with something behind its end.
    let file = Medium::open(&path).unwrap();
    let error = appliance
        .firmware
        .add(&file, &mut |_| ControlFlow::Continue(()))
        .unwrap_err();
    assert!(matches!(error, FirmwareError::Verify(_)), "{error:?}");
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert!(Medium::open(&link).is_err(), "a link was followed");
    assert!(Medium::open(folder.path()).is_err(), "a folder was opened");
}

#[test]
fn it_tells_how_far_it_is_and_can_be_called_off_anywhere() {
    let disk = installed();
    let appliance = boot(&disk).up();
    let image = forge::version(2);
    let mut seen = Vec::new();
    let mut states = Vec::new();
    let added = appliance.firmware.add(&image, &mut |progress| {
        assert!(progress.done <= progress.total);
        seen.push((progress.stage, progress.done == progress.total));
        if progress.stage == Stage::Writing {
            states = appliance.states();
            let busy = appliance.firmware.commit();
            assert!(matches!(busy, Err(FirmwareError::Busy)), "{busy:?}");
            // What comes by itself does not wait for a slow medium.
            appliance.firmware.healthy(Duration::from_secs(9)).unwrap();
            let due = appliance.firmware.tick(Duration::from_secs(10), PERIOD);
            assert_eq!(due.unwrap(), CommitDue::Never);
        }
        ControlFlow::Continue(())
    });
    assert!(added.is_ok());
    assert_eq!(states, [Committed, SlotState::Writing, Empty, Empty]);
    for stage in [Stage::Writing, Stage::Checking] {
        assert!(seen.iter().any(|(at, _)| *at == stage), "{stage:?} was not told");
    }
    appliance.firmware.delete(slot(2)).unwrap();
    let reports = seen.len();
    for stop in 0..reports {
        let mut count = 0;
        let error = appliance.firmware.add(&image, &mut |_| {
            count += 1;
            if count > stop {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        });
        assert!(
            matches!(error, Err(FirmwareError::CalledOff)),
            "stopped at {stop}: {error:?}"
        );
        assert_eq!(appliance.states(), ONE, "stopped at {stop}");
        assert_eq!(names_in(&appliance.mounted, 2), Vec::<String>::new());
    }
}

/// A medium that says something else once everything was verified.
struct Fickle<'a> {
    image: &'a [u8],
    read: AtomicU64,
}

impl Source for Fickle<'_> {
    fn size(&self) -> u64 {
        self.image.len() as u64
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.image.read_at(offset, buffer)?;
        let read = self.read.fetch_add(buffer.len() as u64, Ordering::Relaxed);
        if read > 2 * self.size() && buffer.len() > 4096 {
            buffer[100] ^= 1;
        }
        Ok(())
    }
}

#[test]
fn a_medium_that_changes_after_verifying_is_noticed() {
    let disk = installed();
    let appliance = boot(&disk).up();
    let image = forge::version(2);
    let fickle = Fickle {
        image: &image,
        read: AtomicU64::new(0),
    };
    let error = appliance
        .firmware
        .add(&fickle, &mut |_| ControlFlow::Continue(()));
    assert!(matches!(error, Err(FirmwareError::SourceChanged)), "{error:?}");
    assert_eq!(appliance.states(), ONE);
}

#[test]
fn a_disk_that_keeps_something_else_is_noticed_before_the_slot_counts() {
    let disk = installed();
    let place = std::sync::Arc::new(std::sync::Mutex::new(None::<std::path::PathBuf>));
    let inside = std::sync::Arc::clone(&place);
    let steps = Steps::watched(move |step| {
        if *step == Step::Create("slots/2/manifest.json".to_owned()) {
            let boot = inside.lock().unwrap().clone().unwrap();
            std::fs::write(boot.join("slots/2/vmlinuz"), forge::noise(77, 40_000)).unwrap();
        }
        Ok(())
    });
    let appliance = boot_watched(&disk, Menu::Normal, &steps);
    *place.lock().unwrap() = Some(appliance.mounted.path().to_owned());
    let text = refused(&appliance.up(), &forge::version(2));
    // The path in the message is the one below `boot`.
    assert!(
        text.starts_with("slots/2/vmlinuz is not on the disk as it was written"),
        "{text}"
    );
}

#[test]
fn a_full_disk_is_said_before_and_while_writing() {
    let disk = installed();
    let appliance = boot(&disk).up();
    let filler = appliance.mounted.path().join("filler");
    let free = rustix::fs::statvfs(appliance.mounted.path()).unwrap();
    let bytes = (free.f_bavail * free.f_frsize) as usize - (1 << 20);
    std::fs::write(&filler, vec![1; bytes]).unwrap();
    let text = refused(&appliance, &forge::version(2));
    assert!(text.contains("delete a slot"), "{text}");
    std::fs::remove_file(&filler).unwrap();
    drop(appliance);

    // Few inodes: there are bytes, but no room for another file.
    let disk = Disk::new(24, 24, &Control::installed(SlotNumber::FIRST));
    let mounted = disk.mount();
    std::fs::create_dir(mounted.path().join("slots/1")).unwrap();
    let firmware = crate::appliance::open(&disk, &mounted, slot(1), None, &Steps::default()).unwrap();
    let error = add(&firmware, &forge::version(2))
        .map(|_| ())
        .and_then(|()| add(&firmware, &forge::version(3)));
    assert!(matches!(error, Err(FirmwareError::NoRoom { .. })), "{error:?}");
    let states: Vec<SlotState> = firmware
        .list()
        .unwrap()
        .into_iter()
        .map(|slot| slot.state)
        .collect();
    assert_eq!(states.iter().filter(|state| **state == Staged).count(), 1);
    assert!(!states.contains(&SlotState::Failed), "{states:?}");
}

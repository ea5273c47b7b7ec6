//! How long an installed disk takes to build when everything that goes into it is there.
//!
//! The comparison makes the same disk with the usual tools: sgdisk, mformat, mcopy, `mke2fs -d`, dd and `qemu-img convert`, from
//! files that are already unpacked. Ours starts with a warm build of the firmware and verifies it.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use sps_image::iso9660;
use sps_image::names;
use sps_image::source::{FileSource, Source as _};

use super::Figure;
use crate::build_disk::{BuildDisk, Format};
use crate::cache::Lock;
use crate::progress;
use crate::project::Project;
use crate::reproduce;

/// Runs of each; the median counts.
const ROUNDS: usize = 3;
/// Seconds of a build in which nothing changed.
const WARM_LIMIT: f64 = 3.0;

/// The comparison; run in a folder with the firmware's files in `iso` and the slot's in `tree`. `$1` is the format.
const USUAL: &str = r#"
rm -f disk.*
truncate -s 4G disk.raw
sgdisk -n 1:1M:+2M -t 1:ef02 -n 2:0:+128M -t 2:ef00 -n 3:0:+512M -n 4:0:+512M -n 5:0:+512M -n 6:0:0 disk.raw
dd if=iso/disk_boot.img of=disk.raw bs=440 count=1 conv=notrunc
dd if=iso/disk_core.img of=disk.raw bs=1M seek=1 conv=notrunc
mformat -i disk.raw@@3M -F -c 2 -T 262144 ::
mmd -i disk.raw@@3M ::/EFI ::/EFI/BOOT ::/sps
zstd -q -d -f iso/disk_efi.zst -o iso/disk_efi.img
mcopy -i disk.raw@@3M iso/disk_efi.img ::/EFI/BOOT/BOOTX64.EFI
mcopy -i disk.raw@@3M iso/disk_grub.cfg ::/sps/grub.cfg
mke2fs -q -F -t ext4 -d tree -E offset=137363456 disk.raw 512M
case "$1" in
  raw) ;;
  qcow2) qemu-img convert -f raw -O qcow2 disk.raw disk.qcow2 ;;
  *) qemu-img convert -f raw -O vmdk -o subformat=streamOptimized disk.raw disk.vmdk ;;
esac
test "$1" != ova || tar -cf disk.ova disk.vmdk
test "$1" = raw || sha256sum "disk.$1"
"#;

/// Every format, each against the comparison.
pub(super) fn measure(project: &Project) -> Result<Vec<Figure>> {
    let iso = reproduce::build(project)?;
    let lock = Lock::take(&project.cache().join("bench"))?;
    let scratch = lock.scratch("disk")?;
    unpack(&iso, scratch.path())?;
    [Format::Raw, Format::Qcow2, Format::Vmdk, Format::Ova]
        .into_iter()
        .map(|format| one(project, format, scratch.path()))
        .collect()
}

fn one(project: &Project, format: Format, scratch: &Path) -> Result<Figure> {
    let command = BuildDisk::of_this_checkout(format, &scratch.join("out"));
    // The first one fills the cache of digests.
    command.build(project)?;
    let (mut ours, mut usual) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        ours.push(timed(|| command.build(project).map(drop))?);
        usual.push(timed(|| comparison(format, scratch))?);
    }
    let name = format!("build-disk {format}, nothing changed");
    Ok(Figure::new(name, median(ours), "s")
        .against(median(usual))
        .at_most(WARM_LIMIT))
}

fn comparison(format: Format, scratch: &Path) -> Result<()> {
    let mut command = Command::new("sh");
    command
        .args(["-e", "-c", USUAL, "sh", &format.to_string()])
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("MTOOLS_SKIP_CHECK", "1")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .current_dir(scratch);
    progress::feed(&mut command, b"")
}

/// Puts the files of the firmware where the comparison wants them.
fn unpack(iso: &Path, scratch: &Path) -> Result<()> {
    let (files, slot) = (scratch.join("iso"), scratch.join("tree/slots/1"));
    for folder in [&files, &slot] {
        fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    }
    let source = File::open(iso)
        .and_then(FileSource::new)
        .with_context(|| format!("open {}", iso.display()))?;
    for (name, extent) in iso9660::read(&source)?.files {
        let mut content = vec![0; usize::try_from(extent.size).context("read a file of the firmware")?];
        source
            .read_at(extent.offset, &mut content)
            .with_context(|| format!("read {name} of the firmware"))?;
        let path = match names::slot_name(&name) {
            Some(short) => slot.join(short),
            None => files.join(name.rsplit('/').next().unwrap_or(&name)),
        };
        fs::write(&path, content).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}

fn timed(work: impl FnOnce() -> Result<()>) -> Result<Duration> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed())
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times.get(times.len() / 2).map_or(0.0, Duration::as_secs_f64)
}

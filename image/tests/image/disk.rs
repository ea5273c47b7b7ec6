//! Disk images, and what programs that did not make them see in them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use sps_image::boot_control::{Control, SLOTS, SlotNumber};
use sps_image::build::disk::assemble::{self, Disk, DiskError};
use sps_image::build::disk::boot::Workshop;
use sps_image::build::disk::{ova, qcow2, raw, vmdk};
use sps_image::disk::file_systems::SLOT_SHARE;
use sps_image::disk::layout::{IMAGE_DISK, Identity, LEAST_DISK, Layout, Part};
use sps_image::disk::{file_extents, read};
use sps_image::esp;
use sps_image::names;
use sps_image::source::Source;

use crate::forge::{files, image, trust};

fn build(size: u64) -> Disk {
    let scratch = tempfile::tempdir().unwrap();
    let configuration = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rootfs/etc/mke2fs.conf");
    let workshop = Workshop {
        scratch: scratch.path(),
        configuration: &configuration,
    };
    assemble::assemble(image(), &trust(), size, &workshop).unwrap()
}

fn disk() -> &'static Disk {
    static DISK: OnceLock<Disk> = OnceLock::new();
    DISK.get_or_init(|| build(IMAGE_DISK))
}

/// The disk as a raw image, and partitions cut out of it, for programs that want files.
struct OnDisk {
    folder: tempfile::TempDir,
    raw: PathBuf,
}

impl OnDisk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let raw = folder.path().join("disk.raw");
        raw::write(&disk().content, &fs::File::create(&raw).unwrap()).unwrap();
        Self { folder, raw }
    }

    fn path(&self) -> &str {
        self.raw.to_str().unwrap()
    }

    fn partition(&self, part: Part) -> String {
        let path = self.folder.path().join(part.name());
        let extent = Layout::for_size(IMAGE_DISK).unwrap().extent(part);
        let mut bytes = vec![0; extent.size as usize];
        disk().content.read_at(extent.offset, &mut bytes).unwrap();
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("LC_ALL", "C")
        .output()
        .unwrap_or_else(|error| panic!("cannot run {program}: {error}; run `cargo xtask setup`"));
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let text = text.concat();
    assert!(output.status.success(), "{program} {arguments:?}: {text}");
    text
}

#[test]
fn sgdisk_and_sfdisk_find_no_fault_in_the_partition_table() {
    let disk = OnDisk::new();
    let said = run("sgdisk", &["--verify", disk.path()]);
    assert!(said.contains("No problems found"), "{said}");
    run("sfdisk", &["--verify", disk.path()]);
    insta::assert_snapshot!(run("sfdisk", &["--dump", disk.path()]).replace(disk.path(), "disk"));
}

#[test]
fn the_gpt_crate_sees_the_same_table() {
    let found = read::read(&disk().content).unwrap();
    let file = fs::File::open(OnDisk::new().path()).unwrap();
    let theirs = gpt::GptConfig::new()
        .writable(false)
        .open_from_device(file)
        .unwrap();
    assert_eq!(theirs.guid().to_string(), Identity::TEMPLATE.disk.to_string());
    assert_eq!(
        theirs.primary_header().unwrap().disk_guid,
        theirs.backup_header().unwrap().disk_guid
    );
    let ours: Vec<_> = found
        .table
        .entries()
        .map(|(number, e)| {
            (
                number,
                e.kind.to_string(),
                e.guid.to_string(),
                e.first,
                e.last,
                e.name(),
            )
        })
        .collect();
    let theirs: Vec<_> = theirs
        .partitions()
        .iter()
        .map(|(number, p)| {
            let kind = p.part_type_guid.guid.to_string().to_lowercase();
            (
                *number,
                kind,
                p.part_guid.to_string(),
                p.first_lba,
                p.last_lba,
                p.name.clone(),
            )
        })
        .collect();
    assert_eq!(ours, theirs);
}

#[test]
fn the_file_systems_are_clean() {
    let disk = OnDisk::new();
    let boot = disk.partition(Part::Boot);
    run("e2fsck", &["-f", "-n", &boot]);
    let esp = disk.partition(Part::Esp);
    let said = run("fsck.fat", &["-n", "-v", &esp]);
    assert!(said.contains("2 FATs, 32 bit entries"), "{said}");
    assert!(said.contains(": 8 files, "), "{said}");
}

/// Bytes that are left for slots, by the superblock (kernel: Documentation/filesystems/ext4/super.rst).
#[test]
fn the_slots_have_the_room_that_builds_count_on() {
    let boot = fs::read(OnDisk::new().partition(Part::Boot)).unwrap();
    let field = |at: usize| u32::from_le_bytes(boot[1024 + at..1028 + at].try_into().unwrap());
    let (free, block) = (u64::from(field(0x0c)), 1024_u64 << field(0x18));
    let slot: u64 = disk().content.chunks().map(|(_, chunk)| chunk.len() as u64).sum();
    assert!(
        free * block + slot >= SLOT_SHARE * SLOTS as u64,
        "{} bytes free",
        free * block
    );
    assert_eq!(field(0x08), 0, "blocks are reserved");
}

/// What GRUB's own drivers read: the slot, complete, and both copies of the boot control.
#[test]
fn grub_reads_the_slot_and_the_control() {
    let disk = OnDisk::new();
    let copy = disk.folder.path().join("copy");
    let grub = |path: String| {
        run("grub-fstest", &[disk.path(), "cp", &path, copy.to_str().unwrap()]);
        fs::read(&copy).unwrap()
    };
    let mut slot: Vec<&str> = Vec::new();
    let all = files(image());
    for (name, content) in &all {
        if let Some(short) = names::slot_name(name) {
            assert!(
                grub(format!("(loop0,gpt3)/slots/1/{short}")) == *content,
                "{name}"
            );
            slot.push(short);
        }
    }
    assert!(
        slot.contains(&"kernel.env") && slot.contains(&"manifest.sig"),
        "{slot:?}"
    );
    let listed = run("grub-fstest", &[disk.path(), "ls", "(loop0,gpt3)/slots/1/"]);
    assert_eq!(listed.split_whitespace().count(), slot.len(), "{listed}");
    for letter in ["a", "b"] {
        let control = grub(format!("(loop0,gpt2)/sps/control-{letter}.env"));
        assert_eq!(
            Control::parse(&control),
            Ok(Control::installed(SlotNumber::FIRST))
        );
    }
    assert_eq!(
        grub("(loop0,gpt2)/sps/grub.cfg".to_owned()),
        all[names::DISK_GRUB_CONFIG]
    );
    assert!(grub(format!("(loop0,gpt2)/{}", esp::LOADER)) == esp::loader(&all[names::DISK_EFI]).unwrap());
}

#[test]
fn grub_editenv_reads_the_kernels_arguments() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kernel.env");
    fs::write(&path, &files(image())[names::KERNEL_ENVIRONMENT]).unwrap();
    let listed = run("grub-editenv", &[path.to_str().unwrap(), "list"]);
    assert_eq!(
        listed.trim_end(),
        format!("arguments={}", sps_image::build::menus::KERNEL_ARGUMENTS)
    );
}

#[test]
fn the_control_is_found_on_the_raw_partition() {
    let disk = OnDisk::new();
    let esp = fs::read(disk.partition(Part::Esp)).unwrap();
    let extents = file_extents::find(&esp, esp::control_path(sps_image::boot_control::Copy::B)).unwrap();
    let [extent] = extents[..] else {
        panic!("{extents:?}")
    };
    let bytes = &esp[extent.offset as usize..extent.end() as usize];
    assert_eq!(Control::parse(bytes), Ok(Control::installed(SlotNumber::FIRST)));
}

#[test]
fn qemu_img_finds_the_same_disk_in_every_format() {
    let raw = OnDisk::new();
    let path = |name: &str| raw.folder.path().join(name).to_str().unwrap().to_owned();
    let mut output = fs::File::create(path("disk.qcow2")).unwrap();
    qcow2::write(&disk().content, &mut output).unwrap();
    let mut output = fs::File::create(path("disk.vmdk")).unwrap();
    vmdk::write(&disk().content, &mut output).unwrap();
    for format in ["qcow2", "vmdk"] {
        let image = path(&format!("disk.{format}"));
        run("qemu-img", &["check", "-f", format, &image]);
        let arguments = ["compare", "-f", "raw", "-F", format, raw.path(), &image];
        let said = run("qemu-img", &arguments);
        assert!(said.contains("Images are identical"), "{said}");
        let size = fs::metadata(&image).unwrap().len();
        assert!(size < 4 << 20, "{format}: {size} bytes");
    }
    let info = run("qemu-img", &["info", "--output=json", &path("disk.vmdk")]);
    assert!(info.contains("streamOptimized"), "{info}");
}

#[test]
fn a_raw_image_is_mostly_holes() {
    use std::os::unix::fs::MetadataExt as _;
    let disk = OnDisk::new();
    let meta = fs::metadata(&disk.raw).unwrap();
    assert_eq!(meta.len(), IMAGE_DISK);
    assert!(meta.blocks() * 512 < 4 << 20, "{} blocks", meta.blocks());
}

#[test]
fn the_machine_is_described_and_its_digests_agree() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let write = |name: &str| {
        let mut output = fs::File::create(path(name)).unwrap();
        ova::write(&disk().content, &disk().release, "sps", &mut output).unwrap();
    };
    write("one.ova");
    write("two.ova");
    assert!(fs::read(path("one.ova")).unwrap() == fs::read(path("two.ova")).unwrap());
    let listed = run(
        "tar",
        &[
            "--list",
            "--verbose",
            "--numeric-owner",
            "--full-time",
            "--utc",
            "--file",
            &path("one.ova"),
        ],
    );
    let names: Vec<&str> = listed
        .lines()
        .filter_map(|line| line.split_whitespace().last())
        .collect();
    assert_eq!(names, ["sps.ovf", "sps.mf", "sps-disk1.vmdk"]);
    assert!(
        listed
            .lines()
            .all(|line| line.contains(" 0/0 ") && line.contains("2023-11-14 22:13:20")),
        "{listed}"
    );
    run(
        "tar",
        &["--extract", "--directory", &path(""), "--file", &path("one.ova")],
    );
    run("xmllint", &["--noout", &path("sps.ovf")]);
    let file_size = fs::metadata(path("sps-disk1.vmdk")).unwrap().len().to_string();
    assert_eq!(
        run(
            "xmllint",
            &[
                "--xpath",
                "string(//*[local-name()='File']/@*[local-name()='size'])",
                &path("sps.ovf")
            ]
        )
        .trim(),
        file_size
    );
    let digests = fs::read_to_string(path("sps.mf")).unwrap();
    assert_eq!(digests.lines().count(), 2);
    for line in digests.lines() {
        let (name, digest) = line.strip_prefix("SHA256(").unwrap().split_once(")= ").unwrap();
        assert!(run("sha256sum", &[&path(name)]).starts_with(digest), "{line}");
    }
    run("qemu-img", &["check", "-f", "vmdk", &path("sps-disk1.vmdk")]);
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn two_builds_at_different_times_are_identical() {
    let first = build(LEAST_DISK);
    let then = now();
    while now() == then {
        std::thread::yield_now();
    }
    let second = build(LEAST_DISK);
    assert!(first.content == second.content, "the second build differs");
    assert!(first.content.fingerprint() != disk().content.fingerprint());
}

#[test]
fn a_bad_firmware_or_a_small_disk_is_refused() {
    let scratch = tempfile::tempdir().unwrap();
    let workshop = Workshop {
        scratch: scratch.path(),
        configuration: scratch.path(),
    };
    let mut broken = image().to_vec();
    let middle = broken.len() / 2;
    broken[middle] ^= 1;
    let error = assemble::assemble(&broken, &trust(), IMAGE_DISK, &workshop).unwrap_err();
    assert!(matches!(error, DiskError::Verify(_)), "{error:?}");
    let error = assemble::assemble(image(), &trust(), LEAST_DISK - 1, &workshop).unwrap_err();
    assert!(matches!(error, DiskError::Size(_)), "{error:?}");
}

#[test]
fn the_state_of_a_new_disk_is_blank() {
    let layout = Layout::for_size(IMAGE_DISK).unwrap();
    let from = layout.extent(Part::State).offset;
    let to = layout.extent(Part::Data).end();
    let chunks = disk()
        .content
        .chunks()
        .filter(|(offset, _)| (from..to).contains(offset));
    assert_eq!(chunks.count(), 0);
}

#[test]
fn without_the_configuration_of_its_file_systems_no_disk_is_made() {
    let scratch = tempfile::tempdir().unwrap();
    let workshop = Workshop {
        scratch: scratch.path(),
        configuration: &scratch.path().join("mke2fs.conf"),
    };
    let error = assemble::assemble(image(), &trust(), IMAGE_DISK, &workshop).unwrap_err();
    assert!(error.to_string().contains("mke2fs.conf"), "{error}");
}

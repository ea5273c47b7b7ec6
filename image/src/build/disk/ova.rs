//! OVA: a virtual machine in one file for VMware, VirtualBox and others (DMTF DSP0243, Open Virtualization Format 1.1).
//!
//! A tar archive of the description, the digests of its parts, and the disk as VMDK, in this order. Invariant: the same disk gives the same
//! bytes; times come from the firmware, owners are 0.

use std::io::{self, Write};

use super::vmdk;
use crate::disk::sparse::Sparse;
use crate::hex::Sha256Digest;
use crate::release::Release;
use crate::source::Source;

const OVF: &str = include_str!("machine.ovf");
const FILE_MODE: u32 = 0o644;

/// Writes the machine; its files are named after `name`, which must be a plain file name.
///
/// # Errors
/// When the output cannot be written.
pub fn write(disk: &Sparse, release: &Release, name: &str, output: &mut dyn Write) -> io::Result<()> {
    let mut image = Vec::new();
    vmdk::write(disk, &mut image)?;
    let disk_name = format!("{name}-disk1.vmdk");
    let description = description(disk, release, &disk_name, image.len());
    let ovf_name = format!("{name}.ovf");
    let digests: String = [(&ovf_name, description.as_bytes()), (&disk_name, &image)]
        .map(|(name, content)| format!("SHA256({name})= {}\n", Sha256Digest::of(content)))
        .concat();
    let mut archive = tar::Builder::new(output);
    let files = [
        (ovf_name, description.into_bytes()),
        (format!("{name}.mf"), digests.into_bytes()),
        (disk_name, image),
    ];
    for (name, content) in files {
        let mut header = tar::Header::new_ustar();
        header.set_size(content.len() as u64);
        header.set_mode(FILE_MODE);
        header.set_mtime(release.build_time);
        header.set_uid(0);
        header.set_gid(0);
        archive.append_data(&mut header, name, content.as_slice())?;
    }
    archive.finish()
}

fn description(disk: &Sparse, release: &Release, disk_name: &str, file_size: usize) -> String {
    OVF.replace("@DISK@", disk_name)
        .replace("@FILE_SIZE@", &file_size.to_string())
        .replace("@CAPACITY@", &disk.size().to_string())
        .replace("@VERSION@", &release.version.to_string())
}

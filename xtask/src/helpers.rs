//! Debian's programs that the appliance runs, with the libraries they need: the one list of them.
//!
//! They are taken as they are installed on this machine. A program whose libraries are not all on the list fails the build.

use std::collections::BTreeSet;
use std::fs;

use anyhow::{Context, Result, ensure};
use object::read::elf::{Dyn as _, ElfFile64, FileHeader as _};
use object::{Endianness, elf};

/// Name in `rootfs/tree.toml` and path on this machine; the appliance has each under the same path.
const FILES: &[(&str, &str)] = &[
    ("e2fsck", "/sbin/e2fsck"),
    ("mke2fs", "/sbin/mke2fs"),
    ("drbdmeta", "/usr/sbin/drbdmeta"),
    ("drbdsetup-84", "/usr/lib/drbd/drbdsetup-84"),
    ("ld-linux-x86-64.so.2", "/lib64/ld-linux-x86-64.so.2"),
    ("libblkid.so.1", "/lib/x86_64-linux-gnu/libblkid.so.1"),
    ("libc.so.6", "/lib/x86_64-linux-gnu/libc.so.6"),
    ("libcom_err.so.2", "/lib/x86_64-linux-gnu/libcom_err.so.2"),
    ("libe2p.so.2", "/lib/x86_64-linux-gnu/libe2p.so.2"),
    ("libext2fs.so.2", "/lib/x86_64-linux-gnu/libext2fs.so.2"),
    ("libuuid.so.1", "/lib/x86_64-linux-gnu/libuuid.so.1"),
];

/// The files, by the names that `rootfs/tree.toml` uses.
pub(crate) fn read() -> Result<Vec<(&'static str, Vec<u8>)>> {
    let mut files = Vec::new();
    for &(name, path) in FILES {
        let content =
            fs::read(path).with_context(|| format!("read {path}: run `cargo xtask setup --for iso`"))?;
        files.push((name, content));
    }
    let there: BTreeSet<&str> = FILES.iter().map(|(name, _)| *name).collect();
    for (name, content) in &files {
        for library in needed(content).with_context(|| format!("read the libraries {name} needs"))? {
            ensure!(
                there.contains(library.as_str()),
                "{name} needs {library}, which the root file system does not have: add it to {} and rootfs/tree.toml",
                file!()
            );
        }
    }
    Ok(files)
}

/// Names of the shared libraries an ELF file asks for (`DT_NEEDED`).
fn needed(bytes: &[u8]) -> Result<Vec<String>> {
    let file = ElfFile64::<Endianness>::parse(bytes)?;
    let endian = file.endian();
    let sections = file.elf_header().sections(endian, bytes)?;
    let mut names = Vec::new();
    if let Some((entries, link)) = sections.dynamic(endian, bytes)? {
        let strings = sections.strings(endian, bytes, link)?;
        for entry in entries {
            if entry.tag(endian) == elf::DT_NEEDED {
                names.push(String::from_utf8_lossy(entry.string(endian, strings)?).into_owned());
            }
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::path::Path;
    use std::process::Command;

    use sps_image::archive::{Kind, Tree};
    use sps_image::build::rootfs::{self, Inputs};

    use super::*;
    use crate::project::Project;

    /// Lays the root file system out in `folder`, but for devices, which only root can make.
    fn lay_out(tree: &Tree, folder: &Path) {
        for (path, entry) in tree {
            let path = folder.join(path);
            match &entry.kind {
                Kind::Directory => fs::create_dir_all(&path).unwrap(),
                Kind::File(content) => {
                    fs::write(&path, content).unwrap();
                    fs::set_permissions(&path, fs::Permissions::from_mode(entry.mode)).unwrap();
                }
                Kind::Symlink(target) => symlink(target, &path).unwrap(),
                Kind::CharacterDevice { .. } => {}
            }
        }
    }

    /// Runs a program with the root file system as its root; returns its status and what it said.
    fn run(root: &Path, line: &str) -> (bool, String) {
        let output = Command::new("unshare")
            .args(["--user", "--map-root-user", "--root"])
            .arg(root)
            .args(line.split(' '))
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        (
            output.status.success(),
            String::from_utf8_lossy(&text).into_owned(),
        )
    }

    #[test]
    fn the_programs_run_in_the_root_file_system() {
        let project = Project::find().unwrap();
        let given = ["sps", "trust", "licence-trust"];
        let mut inputs = Inputs::from(given.map(|name| (name, Vec::new())));
        inputs.extend(read().unwrap());
        let tree = rootfs::load(&project.root().join("rootfs"), &inputs).unwrap();
        let root = std::env::temp_dir().join(format!("sps-root-{}", std::process::id()));
        lay_out(&tree, &root);
        // The list of mounts is a link into /proc, which is not mounted here.
        fs::remove_file(root.join("etc/mtab")).unwrap();
        fs::write(root.join("etc/mtab"), "").unwrap();
        fs::File::create(root.join("disk"))
            .unwrap()
            .set_len(64 << 20)
            .unwrap();
        for line in ["/sbin/mke2fs -q -F -t ext4 /disk 32M", "/sbin/e2fsck -f -n /disk"] {
            let (good, said) = run(&root, line);
            assert!(good, "{line}: {said}");
            assert!(
                !said.contains("not defined"),
                "mke2fs.conf lacks something: {said}"
            );
        }
        for (line, word) in [
            ("/usr/lib/drbd/drbdsetup-84", "USAGE"),
            ("/usr/sbin/drbdmeta", "drbdmeta"),
        ] {
            let (_, said) = run(&root, line);
            assert!(said.contains(word), "{line}: {said}");
        }
        fs::remove_dir_all(&root).unwrap();
    }

    #[test]
    fn every_library_a_program_needs_is_on_the_list() {
        let files = read().unwrap();
        let (_, program) = files.iter().find(|(name, _)| *name == "e2fsck").unwrap();
        assert!(needed(program).unwrap().contains(&"libext2fs.so.2".to_owned()));
        assert!(needed(b"no ELF").is_err());
    }
}

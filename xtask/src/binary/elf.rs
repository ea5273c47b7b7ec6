//! Is a file a static position-independent executable? Facts from the ELF gABI and `elf.h`.

use std::fmt;

use object::elf;
use object::read::elf::{Dyn as _, ElfFile64, FileHeader as _, ProgramHeader as _};

/// Why a file is not one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NotStaticPie {
    /// Not a 64-bit ELF file.
    NotElf(String),
    /// Another machine, or a type other than `ET_DYN`.
    WrongKind {
        kind: elf::FileType,
        machine: elf::Machine,
    },
    /// It asks for a program interpreter (`PT_INTERP`).
    Interpreter,
    /// It asks for shared libraries (`DT_NEEDED`).
    Libraries(usize),
    /// A shared object: `DF_1_PIE` is not set.
    NotExecutable,
}

impl fmt::Display for NotStaticPie {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotElf(reason) => write!(formatter, "not a 64-bit ELF file: {reason}"),
            Self::WrongKind { kind, machine } => {
                write!(
                    formatter,
                    "ELF type {} for machine {}, expected type 3 (ET_DYN), machine 62 (x86-64)",
                    kind.0, machine.0
                )
            }
            Self::Interpreter => write!(formatter, "it needs a dynamic loader (PT_INTERP)"),
            Self::Libraries(count) => write!(formatter, "it needs {count} shared libraries (DT_NEEDED)"),
            Self::NotExecutable => write!(
                formatter,
                "it is a shared object, not an executable (no DF_1_PIE)"
            ),
        }
    }
}

/// Accepts static position-independent executables for x86-64 only.
pub(super) fn require_static_pie(bytes: &[u8]) -> Result<(), NotStaticPie> {
    let broken = |error: object::read::Error| NotStaticPie::NotElf(error.to_string());
    let file = ElfFile64::<object::Endianness>::parse(bytes).map_err(broken)?;
    let (header, endian) = (file.elf_header(), file.endian());
    let (kind, machine) = (header.e_type(endian), header.e_machine(endian));
    if kind != elf::ET_DYN || machine != elf::EM_X86_64 {
        return Err(NotStaticPie::WrongKind { kind, machine });
    }
    let segments = file.elf_program_headers();
    if segments
        .iter()
        .any(|segment| segment.p_type(endian) == elf::PT_INTERP)
    {
        return Err(NotStaticPie::Interpreter);
    }
    let (mut libraries, mut executable) = (0, false);
    for segment in segments {
        for entry in segment
            .dynamic(endian, bytes)
            .map_err(broken)?
            .unwrap_or_default()
        {
            let (tag, value) = (entry.d_tag(endian), entry.d_val(endian));
            libraries += usize::from(tag == elf::DT_NEEDED);
            executable |= tag == elf::DT_FLAGS_1 && value & elf::DF_1_PIE.0 != 0;
        }
    }
    match (libraries, executable) {
        (0, true) => Ok(()),
        (0, false) => Err(NotStaticPie::NotExecutable),
        (count, _) => Err(NotStaticPie::Libraries(count)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::process::Command;

    use super::*;

    /// Links a one-line C program with `flags` and judges the result.
    fn judge(name: &str, flags: &[&str]) -> Result<(), NotStaticPie> {
        let folder = std::env::temp_dir().join(format!("sps-elf-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).expect("create a folder");
        let (source, output) = (folder.join("a.c"), folder.join("a"));
        fs::write(&source, "int main(void) { return 0; }\n").expect("write the program");
        let status = Command::new("gcc")
            .args(flags)
            .arg("-o")
            .arg(&output)
            .arg(&source)
            .status();
        assert!(status.expect("gcc runs").success());
        let result = require_static_pie(&fs::read(&output).expect("read the result"));
        fs::remove_dir_all(&folder).expect("remove the folder");
        result
    }

    #[test]
    fn only_a_static_pie_is_accepted() {
        assert_eq!(judge("static-pie", &["-static-pie", "-fPIE"]), Ok(()));
        assert_eq!(
            judge("dynamic", &["-pie", "-fPIE"]),
            Err(NotStaticPie::Interpreter)
        );
        let fixed = judge("static", &["-static", "-no-pie"]);
        assert!(
            matches!(
                fixed,
                Err(NotStaticPie::WrongKind {
                    kind: elf::ET_EXEC,
                    ..
                })
            ),
            "{fixed:?}"
        );
        let library = ["-shared", "-fPIC", "-Wl,--no-as-needed"];
        assert!(matches!(
            judge("library", &library),
            Err(NotStaticPie::Libraries(1 | 2))
        ));
        assert_eq!(
            judge("alone", &["-shared", "-fPIC", "-nostdlib"]),
            Err(NotStaticPie::NotExecutable)
        );
        assert!(matches!(
            require_static_pie(b"#!/bin/sh\n"),
            Err(NotStaticPie::NotElf(_))
        ));
    }
}

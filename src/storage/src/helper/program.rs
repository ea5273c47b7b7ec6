//! The programs and where they lie.

/// A program of Debian that the root file system carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Program {
    /// Makes ext4 (e2fsprogs).
    Mke2fs,
    /// Checks and repairs ext4 (e2fsprogs).
    E2fsck,
    /// Drives the kernel's DRBD 8.4 (drbd-utils).
    Drbdsetup,
    /// Makes DRBD's metadata (drbd-utils).
    Drbdmeta,
}

impl Program {
    /// Every program the root file system must carry.
    pub const ALL: [Self; 4] = [Self::Mke2fs, Self::E2fsck, Self::Drbdsetup, Self::Drbdmeta];

    /// Where it lies, on the appliance as on Debian.
    #[must_use]
    pub const fn path(self) -> &'static str {
        match self {
            Self::Mke2fs => "/sbin/mke2fs",
            Self::E2fsck => "/sbin/e2fsck",
            Self::Drbdsetup => "/usr/lib/drbd/drbdsetup-84",
            Self::Drbdmeta => "/usr/sbin/drbdmeta",
        }
    }

    /// Its name, for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mke2fs => "mke2fs",
            Self::E2fsck => "e2fsck",
            Self::Drbdsetup => "drbdsetup",
            Self::Drbdmeta => "drbdmeta",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn every_program_lies_where_the_table_says() {
        for program in Program::ALL {
            assert!(Path::new(program.path()).is_absolute());
            assert!(Path::new(program.path()).exists(), "{}", program.path());
        }
    }
}

//! `/proc/drbd` of DRBD 8.4 (kernel: `drivers/block/drbd/drbd_proc.c`), read.

/// The part a node plays for a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// May write.
    Primary,
    /// May not.
    Secondary,
    /// Something this code does not know.
    Unknown,
}

/// What DRBD thinks of its own disk (`drbd_disk_str`); only the states that matter here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskState {
    /// No disk is attached.
    Diskless,
    /// The content means nothing yet.
    Inconsistent,
    /// Another node is known to have newer content.
    Outdated,
    /// Good, but whether it is the newest is not known without the other node.
    Consistent,
    /// Good and the newest.
    UpToDate,
    /// On the way between two states.
    Other,
}

/// What `/proc/drbd` says of one minor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// Of this node.
    pub role: Role,
    /// Of this node.
    pub disk: DiskState,
}

impl Status {
    /// The status of `minor`, or nothing when it is not configured. Lines look like
    /// ` 0: cs:StandAlone ro:Primary/Unknown ds:UpToDate/DUnknown   r-----`.
    #[must_use]
    pub fn parse(proc_drbd: &str, minor: u32) -> Option<Self> {
        let prefix = format!("{minor}: ");
        let line = proc_drbd
            .lines()
            .find_map(|line| line.trim_start().strip_prefix(&prefix))?;
        let field = |name: &str| line.split(' ').find_map(|word| word.strip_prefix(name));
        let own = |name| field(name).and_then(|value| value.split('/').next());
        if field("cs:") == Some("Unconfigured") {
            return None;
        }
        Some(Self {
            role: match own("ro:") {
                Some("Primary") => Role::Primary,
                Some("Secondary") => Role::Secondary,
                _ => Role::Unknown,
            },
            disk: match own("ds:") {
                Some("Diskless") => DiskState::Diskless,
                Some("Inconsistent") => DiskState::Inconsistent,
                Some("Outdated") => DiskState::Outdated,
                Some("Consistent") => DiskState::Consistent,
                Some("UpToDate") => DiskState::UpToDate,
                _ => DiskState::Other,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUNNING: &str = "version: 8.4.11 (api:1/proto:86-101)\nsrcversion: 1\n\n \
        0: cs:StandAlone ro:Primary/Unknown ds:UpToDate/DUnknown   r-----\n    ns:0 nr:0 dw:8 dr:9\n \
        1: cs:Unconfigured\n10: cs:StandAlone ro:Secondary/Unknown ds:Inconsistent/DUnknown   r-----\n";

    #[test]
    fn minors_are_told_apart() {
        let of = |minor| Status::parse(RUNNING, minor);
        assert_eq!(of(0).unwrap().role, Role::Primary);
        assert_eq!(of(0).unwrap().disk, DiskState::UpToDate);
        assert_eq!(of(1), None);
        assert_eq!(of(10).unwrap().disk, DiskState::Inconsistent);
        assert_eq!(of(2), None);
        assert_eq!(Status::parse("", 0), None);
    }

    #[test]
    fn what_is_unknown_is_neither_primary_nor_up_to_date() {
        let status = Status::parse("0: cs:X ro:? ds:Attaching/?", 0).unwrap();
        assert_eq!((status.role, status.disk), (Role::Unknown, DiskState::Other));
    }
}

//! What a check found, and what a migration did.

/// How much it weighs; the order is that of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The firmware cannot be activated.
    Blocks,
    /// It can; something will be lost or is at risk.
    Warning,
    /// Something only a person can know or do.
    Reminder,
}

/// Something found by a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How much it weighs.
    pub severity: Severity,
    /// Name of the check.
    pub check: &'static str,
    /// Where it is set: the page in the words of the menus, and the object's name.
    pub setting: String,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub mend: String,
}

/// Something that a migration dropped or changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Name of the migration.
    pub migration: &'static str,
    /// [`Severity::Warning`] for what is lost or behaves differently, [`Severity::Reminder`] for the rest.
    pub severity: Severity,
    /// Where it is set: the page in the words of the menus, and the object's name.
    pub setting: String,
    /// What happens to it.
    pub what: String,
    /// What to do about it.
    pub mend: String,
}

//! Which disk is the own one. Pure.

use sps_image::disk::guid::{GUID_SIZE, Guid};

use super::mark::Mark;

/// What one look at one disk found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The disk's name.
    pub name: String,
    /// GUID of its EFI system partition; `None` when it has no table of an appliance that can be believed.
    pub esp: Option<Guid>,
    /// UUID of the file system of its firmware slots, when it has one.
    pub boot: Option<[u8; GUID_SIZE]>,
    /// Why its table cannot be believed, when there is one.
    pub damage: Option<String>,
}

/// What the looks together mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    /// This one, by index.
    Found(usize),
    /// Several have the same identity.
    Twice(Vec<String>),
    /// None yet; these have damaged tables.
    Absent(Vec<String>),
}

impl Seen {
    fn has(&self, mark: Mark) -> bool {
        match mark {
            Mark::Esp(guid) => self.esp == Some(guid),
            Mark::Boot(uuid) => self.boot == Some(uuid),
        }
    }
}

/// Chooses the disk that has the mark the boot loader told.
#[must_use]
pub fn choose(mark: Mark, seen: &[Seen]) -> Choice {
    let matching: Vec<usize> = (0..seen.len()).filter(|at| seen[*at].has(mark)).collect();
    match matching.as_slice() {
        [one] => Choice::Found(*one),
        [] => Choice::Absent(seen.iter().filter_map(damaged).collect()),
        several => Choice::Twice(several.iter().map(|at| seen[*at].name.clone()).collect()),
    }
}

fn damaged(seen: &Seen) -> Option<String> {
    let damage = seen.damage.as_ref()?;
    Some(format!("{}: {damage}", seen.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disk(name: &str, esp: Option<u128>) -> Seen {
        Seen {
            name: name.to_owned(),
            esp: esp.map(Guid::from_u128),
            boot: esp.map(u128::to_be_bytes),
            damage: esp.is_none().then(|| "torn".to_owned()),
        }
    }

    fn esp(number: u128) -> Mark {
        Mark::Esp(Guid::from_u128(number))
    }

    #[test]
    fn the_one_with_the_guid_is_chosen_wherever_it_stands() {
        let seen = [disk("sda", Some(2)), disk("sdb", None), disk("sdc", Some(1))];
        assert_eq!(choose(esp(1), &seen), Choice::Found(2));
        assert_eq!(choose(esp(3), &seen), Choice::Absent(vec!["sdb: torn".into()]));
        assert_eq!(choose(esp(3), &[]), Choice::Absent(Vec::new()));
        assert_eq!(choose(Mark::Boot(2_u128.to_be_bytes()), &seen), Choice::Found(0));
    }

    #[test]
    fn a_clone_beside_the_original_is_no_choice() {
        let seen = [disk("sda", Some(1)), disk("sdb", Some(1))];
        assert_eq!(
            choose(esp(1), &seen),
            Choice::Twice(vec!["sda".into(), "sdb".into()])
        );
    }
}

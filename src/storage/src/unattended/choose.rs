//! Which disk an order means. Pure.

use thiserror::Error;

use super::order::{DiskRule, Order};
use crate::disks::Disk;
use crate::install::{Consent, Plan, Refusal, Survey, agree, plan};

/// Why an order cannot be carried out.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ChoiceError {
    /// No disk fits.
    #[error("no disk fits the order; there are: {0}")]
    None(String),
    /// Several fit.
    #[error("the order fits {}: say more of the disk that is meant", .0.join(" and "))]
    Ambiguous(Vec<String>),
    /// The one that fits may not be installed on.
    #[error("the disk that fits the order cannot be installed on")]
    Refused(#[source] Refusal),
}

/// Chooses the one disk that fits and plans the installation. `media` are the disks the appliance runs from and that carry the
/// order: they are never meant.
///
/// A rule that names no disk in particular (`only`, sizes) means built-in disks that could be installed on; a stick in the
/// machine is not one of them.
///
/// # Errors
/// When no disk or more than one fits, or that one is refused.
pub fn choose(order: &Order, surveys: &[Survey], media: &[String]) -> Result<Plan, ChoiceError> {
    let fitting: Vec<&Survey> = surveys
        .iter()
        .filter(|survey| fits(&order.disk, survey, media))
        .collect();
    match fitting.as_slice() {
        [] => Err(ChoiceError::None(names(surveys))),
        [survey] => {
            let plan = plan(survey, media, order.keep).map_err(ChoiceError::Refused)?;
            let consent = Consent::Order { erase: order.erase };
            agree(&plan, survey, &consent).map_err(ChoiceError::Refused)?;
            Ok(plan)
        }
        several => Err(ChoiceError::Ambiguous(
            several.iter().map(|survey| survey.disk.name.clone()).collect(),
        )),
    }
}

fn fits(rule: &DiskRule, survey: &Survey, media: &[String]) -> bool {
    let disk = &survey.disk;
    let named = rule.id.is_some() || rule.model.is_some();
    let meant = named || (!disk.removable && plan(survey, media, false).is_ok());
    meant
        && !media.contains(&disk.name)
        && !disk.optical
        && rule.id.as_ref().is_none_or(|id| disk.has_id(id))
        && rule.model.as_ref().is_none_or(|model| has_model(disk, model))
        && rule.at_least.is_none_or(|least| disk.bytes >= least)
        && rule.at_most.is_none_or(|most| disk.bytes <= most)
}

fn has_model(disk: &Disk, part: &str) -> bool {
    let plain = |text: &str| text.to_ascii_lowercase().replace('_', " ");
    !part.is_empty() && plain(&disk.model).contains(&plain(part))
}

/// The disks there are, in the words of an order.
fn names(surveys: &[Survey]) -> String {
    let mut names = Vec::new();
    for Survey { disk, .. } in surveys {
        let id = disk.serial.as_deref().or(disk.wwid.as_deref()).unwrap_or("none");
        names.push(format!(
            "{} ({}, id {id}, {} bytes)",
            disk.name, disk.model, disk.bytes
        ));
    }
    if names.is_empty() {
        "no disks at all".to_owned()
    } else {
        names.join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disks::{Bus, Content};
    use std::path::PathBuf;

    fn disk(name: &str, gigabytes: u64) -> Survey {
        Survey {
            disk: Disk {
                name: name.into(),
                path: PathBuf::from("/dev").join(name),
                sys: PathBuf::from("/sys/block").join(name),
                model: format!("Acme SSD_{gigabytes}"),
                serial: Some(format!("SN-{name}")),
                wwid: None,
                bytes: gigabytes * 1_000_000_000,
                logical_block: 512,
                bus: Bus::Ata,
                removable: false,
                read_only: false,
                optical: false,
                in_use: None,
            },
            content: Content::Blank,
            table: None,
            has_state: false,
        }
    }

    fn stick(name: &str) -> Survey {
        let mut stick = disk(name, 16);
        stick.disk.removable = true;
        stick
    }

    fn chosen(rule: DiskRule, surveys: &[Survey]) -> Result<String, ChoiceError> {
        let order = Order {
            disk: rule,
            keep: false,
            erase: false,
            after: super::super::After::Reboot,
        };
        choose(&order, surveys, &["sdm".into()]).map(|plan| plan.disk.name)
    }

    fn only() -> DiskRule {
        DiskRule {
            only: true,
            ..DiskRule::default()
        }
    }

    #[test]
    fn the_only_disk_is_the_one_besides_media_and_sticks() {
        let machine = [disk("sda", 8), disk("sdm", 8), stick("sdb"), disk("sdc", 1)];
        assert_eq!(chosen(only(), &machine), Ok("sda".into()));
        let two = [disk("sda", 8), disk("sdb", 8)];
        assert_eq!(
            chosen(only(), &two),
            Err(ChoiceError::Ambiguous(vec!["sda".into(), "sdb".into()]))
        );
    }

    #[test]
    fn names_and_sizes_narrow_the_choice() {
        let machine = [disk("sda", 8), disk("sdb", 100), disk("sdc", 100), stick("sdd")];
        let rule = |change: fn(&mut DiskRule)| {
            let mut rule = DiskRule::default();
            change(&mut rule);
            chosen(rule, &machine)
        };
        assert_eq!(rule(|r| r.id = Some("sn-SDB".into())), Ok("sdb".into()));
        assert_eq!(rule(|r| r.model = Some("ssd 8".into())), Ok("sda".into()));
        assert_eq!(rule(|r| r.at_most = Some(10_000_000_000)), Ok("sda".into()));
        assert!(matches!(
            rule(|r| r.at_least = Some(50_000_000_000)),
            Err(ChoiceError::Ambiguous(_))
        ));
        // A stick is meant when it is named.
        assert_eq!(rule(|r| r.id = Some("SN-sdd".into())), Ok("sdd".into()));
        let none = rule(|r| r.id = Some("SN-sdx".into())).unwrap_err().to_string();
        assert!(
            none.contains("sda (Acme SSD_8, id SN-sda, 8000000000 bytes)"),
            "{none}"
        );
    }

    #[test]
    fn a_named_disk_that_is_refused_says_why() {
        let rule = DiskRule {
            id: Some("SN-sda".into()),
            ..DiskRule::default()
        };
        let refused = chosen(rule, &[disk("sda", 1)]).unwrap_err();
        assert!(
            matches!(refused, ChoiceError::Refused(Refusal::TooSmall { .. })),
            "{refused}"
        );
    }
}

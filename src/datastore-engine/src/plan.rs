//! The plan of a reorganization: steps, in the order in which they are taken.

use thiserror::Error;

use crate::cost::Cost;
use crate::layout::{Class, Form, Kind, Layout, Place};
use crate::layouts::{LATEST, layout};
use crate::survey::{Counted, Facts};

/// What making a tree of another layout takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The layout there is.
    pub from: u32,
    /// The layout that is made.
    pub to: u32,
    /// The steps in order.
    pub steps: Vec<Step>,
    /// What they cost.
    pub cost: Cost,
}

/// A step: one kind of things finds its place in the new tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// What.
    pub kind: Kind,
    /// How.
    pub action: Action,
    /// Where it lies; nothing for what no layout names.
    pub from: Option<Place>,
    /// Where it goes; nothing when it is not taken over.
    pub to: Option<Place>,
    /// How much there is.
    pub counted: Counted,
}

/// How things are taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Hard links, each verified by device, inode and size.
    Link,
    /// Copies, verified by hash, without a torn last line.
    CopyLines,
    /// Copies, verified by hash, then brought to the form of the new layout.
    CopyDatabase,
    /// Read, migrated through every layout between, written.
    Migrate,
    /// Left where it is.
    Leave,
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PlanError {
    /// The tree is of a layout this firmware does not know.
    #[error(
        "the data store has layout {found}, this firmware knows layouts up to {LATEST}: start the firmware that made it"
    )]
    Future {
        /// Its layout.
        found: u32,
    },
    /// The tree is as new as what would be made of it.
    #[error(
        "a tree of layout {from} is not made into one of layout {to}: a reorganization only goes forward"
    )]
    NotForward {
        /// What there is.
        from: u32,
        /// What was asked for.
        to: u32,
    },
}

/// Plans how a tree with these facts becomes one of layout `to`, through however many layouts lie between, in one pass.
///
/// # Errors
/// Either layout is unknown, or `to` is not a later one.
pub fn plan(facts: &Facts, to: u32) -> Result<Plan, PlanError> {
    let known = |number: u32| layout(number).ok_or(PlanError::Future { found: number });
    let (old, new) = (known(facts.layout)?, known(to)?);
    if new.number <= old.number {
        return Err(PlanError::NotForward {
            from: old.number,
            to: new.number,
        });
    }
    let mut steps: Vec<Step> = old.places.iter().map(|place| step(facts, place, new)).collect();
    // What is quick to fail comes first: the configuration, then the databases, then the many files.
    steps.sort_by_key(|step| order(step.action));
    let cost = steps.iter().map(Step::cost).sum();
    Ok(Plan {
        from: old.number,
        to: new.number,
        steps,
        cost,
    })
}

fn step(facts: &Facts, place: &Place, new: &Layout) -> Step {
    let action = match place.class {
        Class::WriteOnce => Action::Link,
        Class::Append => Action::CopyLines,
        Class::Database => Action::CopyDatabase,
        Class::Document => Action::Migrate,
        Class::Dropped => Action::Leave,
    };
    Step {
        kind: place.kind,
        action,
        from: Some(*place),
        to: new.place(place.kind).filter(|_| action != Action::Leave).copied(),
        counted: facts.of(place.kind),
    }
}

const fn order(action: Action) -> u8 {
    match action {
        Action::Migrate => 0,
        Action::CopyDatabase => 1,
        Action::CopyLines => 2,
        Action::Link => 3,
        Action::Leave => 4,
    }
}

impl Step {
    /// What it costs.
    #[must_use]
    pub fn cost(&self) -> Cost {
        let Counted {
            files,
            folders,
            bytes,
            names,
        } = self.counted;
        // A folder by day: at worst every file is of another day.
        let spread = match (self.from.map(|place| place.form), self.to.map(|place| place.form)) {
            (Some(from), Some(to)) if from != to && to != Form::File => files,
            _ => 0,
        };
        match self.action {
            Action::Leave => Cost::default(),
            Action::Link => Cost::of_links(files, folders, spread.min(MOST_DAYS), names),
            Action::CopyLines | Action::CopyDatabase | Action::Migrate => {
                Cost::of_copies(files, folders, bytes, names)
            }
        }
    }
}

/// Days, months and years for which folders are made at most: a hundred years of sessions.
const MOST_DAYS: u64 = 37_840;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layouts::{FIRST, HISTORY};

    fn full(layout: u32) -> Facts {
        let counted = Counted {
            files: 10,
            folders: 2,
            bytes: 5000,
            names: 300,
        };
        let places = super::layout(layout).unwrap().places;
        Facts {
            layout,
            kinds: places.iter().map(|place| (place.kind, counted)).collect(),
        }
    }

    #[test]
    fn everything_is_in_exactly_one_step_whatever_the_way() {
        for from in HISTORY {
            for to in from.number + 1..=LATEST {
                let facts = full(from.number);
                let plan = plan(&facts, to).unwrap();
                let total: u64 = plan.steps.iter().map(|step| step.counted.files).sum();
                assert_eq!(total, facts.files(), "{} to {to}", from.number);
                for step in &plan.steps {
                    let taken = step.to.is_some();
                    assert_eq!(taken, step.action != Action::Leave, "{step:?}");
                }
            }
        }
    }

    #[test]
    fn the_way_from_the_first_to_the_last_is_one_pass() {
        let plan = plan(&full(FIRST), LATEST).unwrap();
        let lines: Vec<String> = plan
            .steps
            .iter()
            .map(|step| {
                let path = |place: Option<Place>| place.map_or("-", |place| place.path);
                format!(
                    "{:?} {:?}: {} -> {}",
                    step.action,
                    step.kind,
                    path(step.from),
                    path(step.to)
                )
            })
            .collect();
        insta::assert_snapshot!(lines.join("\n"));
    }

    #[test]
    fn only_forward_and_only_what_is_known() {
        assert_eq!(plan(&full(3), 3), Err(PlanError::NotForward { from: 3, to: 3 }));
        assert_eq!(plan(&full(3), 2), Err(PlanError::NotForward { from: 3, to: 2 }));
        let later = Facts {
            layout: 9,
            ..Facts::default()
        };
        let error = plan(&later, LATEST).unwrap_err();
        assert!(error.to_string().contains("layout 9"), "{error}");
    }
}

//! A numbered choice.

use sps_admin::{Request, text};

use super::forms::Question;
use super::pager::WIDTH;
use super::replies::After;

/// Where one can be in the menu.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The first list.
    Main,
    /// Firmware.
    Firmware,
}

/// What an item does.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Action {
    /// Goes somewhere.
    Go(Place),
    /// Asks the appliance; then.
    Ask(Request, After),
    /// Asks the person.
    Question(Question),
    /// Another choice.
    Choose(Choice),
    /// A new password.
    NewPassword,
    /// The command line.
    Commands,
    /// Back to the log.
    Leave,
}

/// One item.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Item {
    pub(super) label: String,
    pub(super) action: Action,
}

/// A list to choose from; 0 goes back.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Choice {
    pub(super) title: String,
    pub(super) items: Vec<Item>,
    pub(super) back: Box<Item>,
}

impl Choice {
    pub(super) fn new(title: &str, back: Place) -> Self {
        let label = "Back".to_owned();
        let action = Action::Go(back);
        Self {
            title: title.into(),
            items: Vec::new(),
            back: Box::new(Item { label, action }),
        }
    }

    pub(super) fn item(mut self, label: impl Into<String>, action: Action) -> Self {
        self.items.push(Item {
            label: label.into(),
            action,
        });
        self
    }

    /// Title, items and prompt.
    pub(super) fn text(&self) -> String {
        let mut text = format!("\n{}\n", text::clean(&self.title));
        for (place, item) in self.items.iter().enumerate() {
            text += &line(place + 1, &item.label);
        }
        text + &line(0, &self.back.label) + "Choice: "
    }

    /// What was chosen; nothing when it is not on the list.
    pub(super) fn pick(&self, answer: &str) -> Option<Action> {
        let number: usize = answer.trim().parse().ok()?;
        match number.checked_sub(1) {
            None => Some(self.back.action.clone()),
            Some(place) => self.items.get(place).map(|item| item.action.clone()),
        }
    }
}

fn line(number: usize, label: &str) -> String {
    let mut line = format!("  {number:>2}  {}", text::clean(label));
    line.truncate(WIDTH);
    line + "\n"
}

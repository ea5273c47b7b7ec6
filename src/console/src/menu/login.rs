//! The way in: the console password, and the first one.

use std::time::Duration;

use sps_admin::{ConsoleState, Mode, Request};
use sps_config::Secret;

use super::machine::{Menu, Screen};
use super::replies::After;
use crate::line::Reading;

/// Where the way in is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// The password is asked for.
    Login,
    /// A wrong one was given; the next is heard at this time.
    Locked(Duration),
    /// A new password is asked for.
    New,
    /// And once more.
    Again(Secret),
}

impl Menu {
    /// After the greeting: who must show a password shows it.
    pub(super) fn let_in(&mut self, state: ConsoleState) {
        let way = match (state.mode, state.password_set) {
            _ if self.is_trusted() => None,
            (Mode::Live, _) | (Mode::Rescue, false) => None,
            (Mode::Installed | Mode::Rescue, true) => Some(Way::Login),
            (Mode::Installed, false) => Some(Way::New),
        };
        self.greet(state);
        match way {
            None => self.enter(),
            Some(Way::New) => {
                self.say("\nThis appliance has no console password yet. Choose one.\n");
                self.ask_password(Way::New);
            }
            Some(way) => self.ask_password(way),
        }
    }

    /// Asks for the password of `way`.
    pub(super) fn ask_password(&mut self, way: Way) {
        match &way {
            Way::Login => self.say("\nConsole password: "),
            Way::Locked(_) => {}
            Way::New => self.say("New password, at least 8 characters: "),
            Way::Again(_) => self.say("The same once more: "),
        }
        let reading = if matches!(way, Way::Locked(_)) {
            Reading::Nothing
        } else {
            Reading::Hidden
        };
        self.read(reading);
        self.screen = Screen::Password(way);
    }

    /// A password was typed.
    pub(super) fn password(&mut self, way: Way, typed: &str, now: Duration) {
        let secret = Secret::from(typed.to_owned());
        match way {
            Way::Locked(until) if now < until => self.screen = Screen::Password(Way::Locked(until)),
            Way::Login | Way::Locked(_) if typed.is_empty() => self.leave(),
            Way::Login | Way::Locked(_) => self.ask(Request::Login { password: secret }, After::Login),
            Way::New if typed.is_empty() => self.give_up_password(),
            Way::New => self.ask_password(Way::Again(secret)),
            Way::Again(first) if first == secret => {
                self.ask(Request::PasswordSet { password: secret }, After::PasswordSet);
            }
            Way::Again(_) => {
                self.say("The two differ. Nothing was changed.\n");
                self.ask_password(Way::New);
            }
        }
    }

    /// No new password after all: back to where it was asked for.
    pub(super) fn give_up_password(&mut self) {
        if self.is_in() {
            self.home("Nothing was changed.");
        } else {
            self.leave();
        }
    }

    /// The password was judged.
    pub(super) fn judged(&mut self, accepted: bool, wait: u64, now: Duration) {
        if accepted {
            self.enter();
            return;
        }
        self.say(&format!("Wrong password. Wait {wait} s.\n"));
        self.ask_password(Way::Locked(now.saturating_add(Duration::from_secs(wait))));
    }
}

//! The state machine itself.

use std::time::Duration;

use sps_admin::{ConsoleState, Failure, FailureKind, Mode, Request, Response, text};

use super::choice::{Action, Choice, Place};
use super::forms::{Answered, Question};
use super::items;
use super::login::Way;
use super::pager::{Pager, WIDTH};
use super::port::{Input, Output};
use super::replies::{self, After, Next};
use crate::line::Reading;

/// A person who does nothing for so long has walked away.
const IDLE: Duration = Duration::from_secs(600);
/// The same before the password was given: the log is worth more than a prompt.
const IDLE_OUTSIDE: Duration = Duration::from_secs(60);

/// Lines that stay on a screen of 24 together with the longest list.
const SHORT: usize = 6;
const MORE_PAGES: &str = "-- Enter: more, q: enough -- ";
const LAST_PAGE: &str = "-- Enter: go on -- ";

/// What is on the screen.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Screen {
    /// The log.
    #[default]
    Closed,
    /// A request is being carried out.
    Busy(After),
    /// The way in.
    Password(Way),
    /// A list.
    Choice(Choice),
    /// A question.
    Question(Question),
    /// A text, and what follows it.
    Pages(Pager, Next),
    /// The command line.
    Commands,
    /// A command is running.
    Running,
}

/// The menu of one console.
#[derive(Debug)]
pub struct Menu {
    tty: String,
    state: ConsoleState,
    inside: bool,
    /// Whoever comes here has shown the password already.
    trusted: bool,
    pub(super) screen: Screen,
    job: u64,
    idle_at: Option<Duration>,
    out: Vec<Output>,
}

impl Menu {
    /// The menu of the console `tty`, closed.
    #[must_use]
    pub fn new(tty: &str) -> Self {
        Self {
            tty: text::clean(tty),
            state: ConsoleState::default(),
            inside: false,
            trusted: false,
            screen: Screen::Closed,
            job: 0,
            idle_at: None,
            out: Vec::new(),
        }
    }

    /// The menu for somebody who has logged in on the way here.
    #[must_use]
    pub fn for_known(tty: &str) -> Self {
        Self {
            trusted: true,
            ..Self::new(tty)
        }
    }

    /// Takes an input at `now` (of any monotonic clock) and returns what is to be done, in order.
    pub fn step(&mut self, input: Input, now: Duration) -> Vec<Output> {
        let by_person = matches!(input, Input::Opened | Input::Line(_) | Input::Cancel);
        match input {
            Input::Opened if self.screen == Screen::Closed => self.ask(Request::ConsoleState, After::Greet),
            Input::Opened => {}
            Input::Line(line) => self.line(&line, now),
            Input::Cancel => self.cancel(),
            Input::Progress { job, progress } if self.is_waiting_for(job) => {
                self.out.push(Output::Bar(text::progress_line(&progress, WIDTH)));
            }
            Input::Ended { job, reply } if self.is_waiting_for(job) => self.ended(*reply, now),
            Input::Ran { job } if job == self.job && self.screen == Screen::Running => self.commands(),
            Input::Progress { .. } | Input::Ended { .. } | Input::Ran { .. } => {}
            Input::Tick => self.tick(now),
            Input::HungUp => self.leave(),
        }
        self.mind_idleness(by_person, now);
        std::mem::take(&mut self.out)
    }

    /// When [`Input::Tick`] is due, on the clock of `now`.
    #[must_use]
    pub fn wake_at(&self) -> Option<Duration> {
        match self.screen {
            Screen::Password(Way::Locked(until)) => Some(self.idle_at.map_or(until, |idle| idle.min(until))),
            _ => self.idle_at,
        }
    }

    /// The log is on the screen.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.screen == Screen::Closed
    }

    fn is_waiting_for(&self, job: u64) -> bool {
        job == self.job && matches!(self.screen, Screen::Busy(_))
    }

    pub(super) fn is_trusted(&self) -> bool {
        self.trusted
    }

    pub(super) fn is_in(&self) -> bool {
        self.inside
    }

    fn line(&mut self, line: &str, now: Duration) {
        match std::mem::take(&mut self.screen) {
            Screen::Password(way) => self.password(way, line, now),
            Screen::Choice(choice) => match choice.pick(line) {
                Some(action) => self.act(action),
                None if line.trim().is_empty() => self.show_choice(choice),
                None => {
                    self.say("That number is not on the list.\n");
                    self.show_choice(choice);
                }
            },
            Screen::Question(question) => self.answered(question, line),
            Screen::Pages(pager, next) => {
                let quit = line.trim().eq_ignore_ascii_case("q");
                self.pages(if quit { Pager::default() } else { pager }, next);
            }
            Screen::Commands if line.trim().is_empty() => self.go(Place::Main),
            Screen::Commands => {
                self.job += 1;
                self.read(Reading::Nothing);
                self.out.push(Output::Run {
                    job: self.job,
                    line: line.into(),
                });
                self.screen = Screen::Running;
            }
            waiting @ (Screen::Closed | Screen::Busy(_) | Screen::Running) => self.screen = waiting,
        }
    }

    fn cancel(&mut self) {
        match &self.screen {
            Screen::Closed => {}
            Screen::Busy(_) | Screen::Running if self.inside => {
                self.out.push(Output::Bar(String::new()));
                self.home("It goes on; how it ends is written to the log.");
            }
            Screen::Password(Way::New | Way::Again(_)) => self.give_up_password(),
            Screen::Busy(_) | Screen::Running | Screen::Password(_) => self.leave(),
            Screen::Choice(choice) if choice.back.action == Action::Leave => self.leave(),
            Screen::Choice(_) | Screen::Question(_) | Screen::Pages(..) | Screen::Commands => {
                self.go(Place::Main);
            }
        }
    }

    fn tick(&mut self, now: Duration) {
        if self.idle_at.is_some_and(|idle| now >= idle) {
            self.say("\nNobody is there: logged out.\n");
            self.leave();
        }
        if let Screen::Password(Way::Locked(until)) = self.screen
            && now >= until
        {
            self.ask_password(Way::Login);
        }
    }

    /// Idle time runs while a person is asked, and begins anew with each line.
    fn mind_idleness(&mut self, by_person: bool, now: Duration) {
        let limit = if self.inside { IDLE } else { IDLE_OUTSIDE };
        let nobody_needed = match self.screen {
            Screen::Closed | Screen::Busy(_) | Screen::Running => true,
            // There is nothing to protect on the medium, and its menu is what it is for.
            _ => self.inside && self.state.mode == Mode::Live,
        };
        if nobody_needed {
            self.idle_at = None;
        } else if by_person || self.idle_at.is_none() {
            self.idle_at = Some(now.saturating_add(limit));
        }
    }

    pub(super) fn say(&mut self, text: &str) {
        self.out.push(Output::Text(text.into()));
    }

    pub(super) fn read(&mut self, reading: Reading) {
        self.out.push(Output::Read(reading));
    }

    pub(super) fn ask(&mut self, request: Request, after: After) {
        self.job += 1;
        self.read(Reading::Nothing);
        self.out.push(Output::Ask {
            job: self.job,
            request,
        });
        self.screen = Screen::Busy(after);
    }

    pub(super) fn leave(&mut self) {
        self.inside = false;
        self.screen = Screen::Closed;
        self.read(Reading::Nothing);
        self.out.push(Output::Leave);
    }

    pub(super) fn greet(&mut self, state: ConsoleState) {
        self.say(&items::header(&state, &self.tty));
        self.state = state;
    }

    pub(super) fn enter(&mut self) {
        self.inside = true;
        self.go(Place::Main);
    }

    /// Back to the first list with a word about why.
    pub(super) fn home(&mut self, why: &str) {
        self.say(&format!("{}\n", text::clean(why)));
        self.go(Place::Main);
    }

    fn go(&mut self, place: Place) {
        self.show_choice(items::list(place, &self.state));
    }

    fn show_choice(&mut self, choice: Choice) {
        self.say(&choice.text());
        self.read(Reading::Shown);
        self.screen = Screen::Choice(choice);
    }

    fn show_question(&mut self, question: Question) {
        self.say(&question.text());
        self.read(Reading::Shown);
        self.screen = Screen::Question(question);
    }

    fn commands(&mut self) {
        self.say("sps> ");
        self.read(Reading::Shown);
        self.screen = Screen::Commands;
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Go(place) => self.go(place),
            Action::Ask(request, after) => self.ask(request, after),
            Action::Question(question) => self.show_question(question),
            Action::Choose(choice) => self.show_choice(choice),
            Action::NewPassword => self.ask_password(Way::New),
            Action::Commands => {
                self.say("\nType a command, \"help\" for a list, Enter to go back.\n");
                self.commands();
            }
            Action::Leave => self.leave(),
        }
    }

    fn answered(&mut self, question: Question, line: &str) {
        match question.answer(line) {
            Answered::Ask(request, after) => self.ask(request, after),
            Answered::Next(question) => self.show_question(question),
            Answered::Again(why) => {
                self.say(&format!("{why}\n"));
                self.show_question(question);
            }
            Answered::Back(why) => self.home(why),
        }
    }

    fn ended(&mut self, reply: Result<Response, Failure>, now: Duration) {
        let Screen::Busy(after) = std::mem::take(&mut self.screen) else {
            return;
        };
        self.out.push(Output::Bar(String::new()));
        match (after, reply) {
            (After::Greet, Ok(Response::ConsoleState(state))) => self.let_in(*state),
            (After::Login, Ok(Response::Login { accepted, wait })) => self.judged(accepted, wait, now),
            (After::PasswordSet, Ok(_)) => {
                self.state.password_set = true;
                self.say("The password is set.\n");
                self.enter();
            }
            (after, Ok(response)) => match replies::follow(&after, &response) {
                Some((text, next)) => {
                    if let After::Sealed(sealed) = after {
                        self.state.sealed = sealed;
                    }
                    self.pages(Pager::new(&text), next);
                }
                None => self.failed(
                    &after,
                    &Failure::new(FailureKind::Failed, "the answer is not understood"),
                ),
            },
            (after, Err(failure)) => self.failed(&after, &failure),
        }
    }

    fn failed(&mut self, after: &After, failure: &Failure) {
        self.say(&format!(
            "\n{}\n",
            text::wrap(&format!("Not done: {failure}."), WIDTH).join("\n")
        ));
        match after {
            After::Greet => self.leave(),
            After::Login => self.ask_password(Way::Login),
            After::PasswordSet => self.ask_password(Way::New),
            After::Show(Place::Firmware)
            | After::Slots(_)
            | After::Media
            | After::Tested(_)
            | After::Activated => {
                self.go(Place::Firmware);
            }
            After::Show(Place::Main)
            | After::Sealed(_)
            | After::Network
            | After::Sticks
            | After::Disks(_)
            | After::Plan
            | After::Installed
            | After::Leaving => self.go(Place::Main),
        }
    }

    /// Shows a page, or what follows the last one. A long page before a list waits: the list would push it away.
    fn pages(&mut self, mut pager: Pager, next: Next) {
        let page = pager.page();
        if !page.is_empty() {
            self.say(&format!("\n{page}"));
        }
        let pushed_away = matches!(next, Next::Place(_)) && page.lines().count() > SHORT;
        if !pager.is_empty() || pushed_away {
            self.say(if pager.is_empty() { LAST_PAGE } else { MORE_PAGES });
            self.read(Reading::Shown);
            self.screen = Screen::Pages(pager, next);
            return;
        }
        match next {
            Next::Choice(choice) => self.show_choice(choice),
            Next::Question(question) => self.show_question(question),
            Next::Place(place) => self.go(place),
            Next::Leave => self.leave(),
        }
    }
}

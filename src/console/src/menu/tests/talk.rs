//! A conversation: lines in, a transcript out.

use std::time::Duration;

use sps_admin::{Progress, Request};
use zeroize::Zeroizing;

use super::appliance::Appliance;
use crate::line::Reading;
use crate::menu::{Input, Menu, Output};

/// A person, a menu and an appliance.
#[derive(Debug)]
pub(super) struct Talk {
    pub(super) menu: Menu,
    pub(super) appliance: Appliance,
    /// What stood on the terminal; what a person typed stands in «».
    pub(super) shown: String,
    pub(super) asked: Vec<Request>,
    pub(super) now: Duration,
    /// The last request and its job, when it is held back.
    pub(super) held: Option<u64>,
    pub(super) hold: bool,
    reading: Reading,
}

impl Talk {
    pub(super) fn with(appliance: Appliance) -> Self {
        Self {
            menu: Menu::new("ttyS0"),
            appliance,
            shown: String::new(),
            asked: Vec::new(),
            now: Duration::ZERO,
            held: None,
            hold: false,
            reading: Reading::Nothing,
        }
    }

    /// Opens the menu and gives the password when one is set.
    pub(super) fn inside(appliance: Appliance) -> Self {
        let mut talk = Self::with(appliance);
        talk.input(Input::Opened);
        if talk.reading == Reading::Hidden {
            talk.types("open sesame");
        }
        talk.shown.clear();
        talk
    }

    pub(super) fn types(&mut self, line: &str) -> &mut Self {
        let shown = if self.reading == Reading::Hidden {
            "hidden"
        } else {
            line
        };
        self.shown += &format!("\u{ab}{shown}\u{bb}\n");
        self.input(Input::Line(Zeroizing::new(line.into())))
    }

    pub(super) fn input(&mut self, input: Input) -> &mut Self {
        let mut inputs = vec![input];
        while let Some(input) = inputs.pop() {
            for output in self.menu.step(input, self.now) {
                inputs.extend(self.carry_out(output));
            }
        }
        self
    }

    fn carry_out(&mut self, output: Output) -> Option<Input> {
        match output {
            Output::Text(text) => self.shown += &text,
            Output::Bar(bar) if bar.is_empty() => {}
            Output::Bar(bar) => self.shown += &format!("{bar}\n"),
            Output::Read(reading) => self.reading = reading,
            Output::Leave => self.shown += "(the log)\n",
            Output::Run { job, line } => {
                self.shown += &format!("(output of {line})\n");
                return Some(Input::Ran { job });
            }
            Output::Ask { job, request } => {
                let reply = Box::new(self.appliance.answer(&request));
                self.asked.push(request);
                if self.hold {
                    self.held = Some(job);
                    return None;
                }
                return Some(Input::Ended { job, reply });
            }
        }
        None
    }

    /// Progress of the request that is held back.
    pub(super) fn progress(&mut self, done: u64) -> &mut Self {
        let progress = Progress {
            what: "copying the firmware".into(),
            done,
            total: 100,
            unit: "bytes".into(),
            rate: Some(10.0),
            seconds_left: Some((100 - done) / 10),
        };
        let job = self.held.unwrap();
        self.input(Input::Progress { job, progress })
    }

    /// The request that was held back ends.
    pub(super) fn let_go(&mut self) -> &mut Self {
        self.hold = false;
        let request = self.asked.last().unwrap().clone();
        let (job, reply) = (
            self.held.take().unwrap(),
            Box::new(self.appliance.answer(&request)),
        );
        self.input(Input::Ended { job, reply })
    }

    /// Time passes; ticks come when the menu asked for them.
    pub(super) fn waits(&mut self, duration: Duration) -> &mut Self {
        let until = self.now + duration;
        while let Some(at) = self.menu.wake_at().filter(|at| *at <= until) {
            self.now = at.max(self.now);
            self.input(Input::Tick);
        }
        self.now = until;
        self
    }
}

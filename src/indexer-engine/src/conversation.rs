//! Who may say what when, on the appliance's side of a connection.
//!
//! ```text
//! Greeting ──Hello──► Idle ──Rest──► Resting ──Alive──► Idle
//!                      └──Session──► Reading ──Done, Failed──► Idle      Leave ends it, and gives a session back
//! ```

use thiserror::Error;

use crate::frame::{FrameError, FromHost, Hello};

/// Most bytes that a host may tell of one session: moments and their heads, counted again where they are decoded.
pub const MOST_TOLD: u64 = 512 * 1024 * 1024;

/// Where a conversation is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Conversation {
    /// The host has not said who it is.
    #[default]
    Greeting,
    /// It waits for work.
    Idle,
    /// It was asked whether it is there.
    Resting,
    /// It reads a session.
    Reading {
        /// Bytes it told.
        told: u64,
        /// The trail was given to its end.
        all: bool,
    },
    /// It took its leave.
    Over,
}

/// What a frame means where it was said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Who it is.
    Hello(Hello),
    /// It is there.
    Alive,
    /// It wants the next piece of the trail.
    Wants,
    /// It told this of the session.
    Told(Vec<u8>),
    /// It has told all.
    Done,
    /// It could not read the session.
    Failed {
        /// The trail has nothing to do with it.
        elsewhere: bool,
        /// Why.
        reason: String,
    },
    /// It goes; what it was reading is to be read by another.
    Leaves,
}

/// What no indexer says there.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Offence {
    /// No frame at all.
    #[error("it sent {0}")]
    Frame(#[from] FrameError),
    /// A frame that is not in its turn.
    #[error("it said {said} while it was {state}")]
    OutOfTurn {
        /// The frame.
        said: &'static str,
        /// Where the conversation was.
        state: &'static str,
    },
    /// More than a session may have.
    #[error("it told more of a session than one may have")]
    TooMuch,
}

impl Conversation {
    /// A host without work was asked whether it is there.
    pub fn rest(&mut self) {
        if *self == Self::Idle {
            *self = Self::Resting;
        }
    }

    /// A session was given to a host without work.
    pub fn begin(&mut self) {
        if *self == Self::Idle {
            *self = Self::Reading { told: 0, all: false };
        }
    }

    /// The trail was given to its end.
    pub const fn gave_all(&mut self) {
        if let Self::Reading { all, .. } = self {
            *all = true;
        }
    }

    /// Takes what a host said.
    ///
    /// # Errors
    /// It was not in its turn; the connection is to be cut.
    pub fn heard(&mut self, frame: FromHost) -> Result<Said, Offence> {
        let word = word(&frame);
        let said = match (&mut *self, frame) {
            (Self::Greeting, FromHost::Hello(hello)) => {
                *self = Self::Idle;
                Said::Hello(hello)
            }
            (Self::Resting, FromHost::Alive) => {
                *self = Self::Idle;
                Said::Alive
            }
            (Self::Resting | Self::Idle | Self::Reading { .. }, FromHost::Leave) => {
                *self = Self::Over;
                Said::Leaves
            }
            (Self::Reading { all: false, .. }, FromHost::More) => Said::Wants,
            (Self::Reading { told, .. }, FromHost::Told(bytes)) => {
                *told += bytes.len() as u64;
                if *told > MOST_TOLD {
                    return Err(Offence::TooMuch);
                }
                Said::Told(bytes)
            }
            (Self::Reading { .. }, FromHost::Done) => {
                *self = Self::Idle;
                Said::Done
            }
            (Self::Reading { .. }, FromHost::Failed { elsewhere, reason }) => {
                *self = Self::Idle;
                Said::Failed { elsewhere, reason }
            }
            (state, _) => {
                let state = state.word();
                return Err(Offence::OutOfTurn { said: word, state });
            }
        };
        Ok(said)
    }

    const fn word(self) -> &'static str {
        match self {
            Self::Greeting => "to say who it is",
            Self::Idle => "without work",
            Self::Resting => "asked whether it is there",
            Self::Reading { all: false, .. } => "reading a session",
            Self::Reading { all: true, .. } => "reading a session it had all of",
            Self::Over => "gone",
        }
    }
}

const fn word(frame: &FromHost) -> &'static str {
    match frame {
        FromHost::Hello(_) => "hello",
        FromHost::Alive => "that it is alive",
        FromHost::More => "that it wants more",
        FromHost::Told(_) => "what a session shows",
        FromHost::Done => "that it is done",
        FromHost::Failed { .. } => "that it failed",
        FromHost::Leave => "that it leaves",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello() -> FromHost {
        FromHost::Hello(Hello {
            format: 1,
            product: String::new(),
            version: String::new(),
            extract: 0,
            host_name: String::new(),
            worker: 0,
            workers: 1,
            keys: Vec::new(),
        })
    }

    fn failed() -> FromHost {
        FromHost::Failed {
            elsewhere: true,
            reason: String::new(),
        }
    }

    #[test]
    fn a_session_is_read_and_another_one_fails() {
        let mut now = Conversation::default();
        assert!(matches!(now.heard(hello()), Ok(Said::Hello(_))));
        now.rest();
        assert_eq!(now.heard(FromHost::Alive), Ok(Said::Alive));
        now.begin();
        for said in [FromHost::More, FromHost::Told(vec![1]), FromHost::More] {
            assert!(now.heard(said).is_ok());
        }
        now.gave_all();
        assert_eq!(now.heard(FromHost::Told(vec![1])), Ok(Said::Told(vec![1])));
        assert_eq!(now.heard(FromHost::Done), Ok(Said::Done));
        now.begin();
        assert!(matches!(now.heard(failed()), Ok(Said::Failed { .. })));
        assert_eq!(now.heard(FromHost::Leave), Ok(Said::Leaves));
        assert!(now.heard(hello()).is_err());
    }

    #[test]
    fn nothing_is_said_out_of_its_turn() {
        let all = || {
            [
                hello(),
                FromHost::Alive,
                FromHost::More,
                FromHost::Told(vec![1]),
                FromHost::Done,
                failed(),
                FromHost::Leave,
            ]
        };
        let reading = |all| Conversation::Reading { told: 0, all };
        for (state, may) in [
            (Conversation::Greeting, "hello"),
            (Conversation::Idle, "that it leaves"),
            (Conversation::Resting, "that it is alive, that it leaves"),
            (
                reading(false),
                "that it wants more, what a session shows, that it is done, that it failed, that it leaves",
            ),
            (
                reading(true),
                "what a session shows, that it is done, that it failed, that it leaves",
            ),
            (Conversation::Over, ""),
        ] {
            let taken = all().into_iter().filter_map(|frame| {
                let word = word(&frame);
                let mut state = state;
                state.heard(frame).is_ok().then_some(word)
            });
            assert_eq!(taken.collect::<Vec<_>>().join(", "), may, "{state:?}");
        }
        let error = Conversation::Idle.heard(FromHost::Done).unwrap_err();
        assert_eq!(
            error.to_string(),
            "it said that it is done while it was without work"
        );
    }

    #[test]
    fn nobody_tells_more_than_a_session_may_have() {
        let mut now = Conversation::Reading {
            told: MOST_TOLD - 1,
            all: true,
        };
        assert!(now.heard(FromHost::Told(vec![1])).is_ok());
        assert_eq!(now.heard(FromHost::Told(vec![1])), Err(Offence::TooMuch));
    }
}

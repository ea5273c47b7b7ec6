//! What the caller asks of the shim, as words of its command line.
//!
//! ```text
//! sps-sandbox outer|init|inner PROGRAM MEMORY PROCESSOR ARGUMENT…
//! ```
//! `PROGRAM` is a path below `/proc/PID/fd`, `MEMORY` in bytes, `PROCESSOR` in seconds.

use std::ffi::OsString;
use std::process::Command;
use std::time::Duration;

/// Name under which the shim is started.
pub(crate) const NAME: &str = "sps-sandbox";

/// How much a program may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// From start to end.
    pub time: Duration,
    /// Of the processor, in whole seconds.
    pub processor: Duration,
    /// Bytes of its address space.
    pub memory: u64,
    /// Bytes of its answer.
    pub answer: usize,
}

impl Default for Limits {
    /// For a program that judges some megabytes on a slow and busy machine.
    fn default() -> Self {
        Self {
            time: Duration::from_secs(120),
            processor: Duration::from_secs(60),
            memory: 256 * 1024 * 1024,
            answer: 4 * 1024 * 1024,
        }
    }
}

/// The steps on the way to the program, each a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Makes the namespaces.
    Outer,
    /// Process 1 in them: waits, so that the program is an ordinary process.
    Init,
    /// Closes every door and becomes the program.
    Inner,
}

impl Stage {
    const ALL: [Self; 3] = [Self::Outer, Self::Init, Self::Inner];

    const fn word(self) -> &'static str {
        match self {
            Self::Outer => "outer",
            Self::Init => "init",
            Self::Inner => "inner",
        }
    }
}

/// An order to the shim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) stage: Stage,
    pub(crate) program: OsString,
    pub(crate) memory: u64,
    pub(crate) processor: u64,
    pub(crate) arguments: Vec<OsString>,
}

impl Order {
    /// Reads the words after the name.
    pub(crate) fn parse(mut words: impl Iterator<Item = OsString>) -> Option<Self> {
        let stage = words.next()?;
        let stage = Stage::ALL.into_iter().find(|known| stage == known.word())?;
        let program = words.next()?;
        let mut number = || words.next()?.to_str()?.parse().ok();
        Some(Self {
            stage,
            program,
            memory: number()?,
            processor: number()?,
            arguments: words.collect(),
        })
    }

    /// Adds the words to a command that starts the shim.
    pub(crate) fn write(&self, command: &mut Command) {
        command
            .arg(self.stage.word())
            .arg(&self.program)
            .arg(self.memory.to_string())
            .arg(self.processor.to_string())
            .args(&self.arguments);
    }

    /// The same for the next process.
    pub(crate) fn at(&self, stage: Stage) -> Self {
        Self {
            stage,
            ..self.clone()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_else_refused() {
        let order = Order {
            stage: Stage::Inner,
            program: "/proc/1/fd/9".into(),
            memory: 1 << 28,
            processor: 60,
            arguments: vec!["preflight".into(), "".into()],
        };
        let mut command = Command::new("x");
        order.write(&mut command);
        let words = || command.get_args().map(OsString::from);
        assert_eq!(Order::parse(words()), Some(order));
        for cut in 0..4 {
            assert_eq!(Order::parse(words().take(cut)), None, "{cut}");
        }
        assert_eq!(Order::parse(words().map(|_| "inner".into())), None);
    }
}

//! The boot as data: named phases run one after the other.

use std::error::Error;
use std::time::Duration;

use sps_bootlog::{BootLog, causes, uptime};
use tracing::{debug, error};

/// Any phase's error; its text and its sources' are shown to people.
pub type PhaseError = Box<dyn Error + Send + Sync>;

/// What the failure of a phase means.
pub enum Failure<B> {
    /// The boot goes on without; people are told.
    Tolerated,
    /// Going on would be worse than starting again.
    Reboots,
    /// It depends: given the phase's name and what went wrong.
    Judged(fn(&mut B, &'static str, &str) -> Verdict),
}

/// How a boot goes on after a failure that was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Without.
    GoOn,
    /// Not at all.
    Reboot,
}

/// One phase: what it is called, what its failure means, and what it does to the boot's state `B`.
pub struct Phase<B> {
    /// Short name, shown in each log line.
    pub name: &'static str,
    /// What it does, for people.
    pub title: &'static str,
    /// What its failure means.
    pub on_failure: Failure<B>,
    /// The work.
    pub run: fn(&mut B) -> Result<(), PhaseError>,
}

/// Where a phase is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhaseState {
    /// Not begun.
    Waiting,
    /// Under way.
    Running,
    /// Ended well.
    Done,
    /// Ended with an error.
    Failed,
}

/// One phase for display; times are since the kernel started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Short name.
    pub name: &'static str,
    /// What it does.
    pub title: &'static str,
    /// Where it is.
    pub state: PhaseState,
    /// When it began.
    pub began: Option<Duration>,
    /// When it ended.
    pub ended: Option<Duration>,
}

/// Runs the phases in order; `show` is called whenever one begins or ends.
///
/// # Errors
/// The error of the first phase whose failure reboots; later phases are not run then.
pub fn run_phases<B>(
    boot: &mut B,
    log: &BootLog,
    phases: &[Phase<B>],
    mut show: impl FnMut(&[Progress]),
) -> Result<(), PhaseError> {
    let mut progress: Vec<_> = phases
        .iter()
        .map(|p| Progress {
            name: p.name,
            title: p.title,
            state: PhaseState::Waiting,
            began: None,
            ended: None,
        })
        .collect();
    for (index, phase) in phases.iter().enumerate() {
        log.enter_phase(phase.name);
        progress[index].state = PhaseState::Running;
        progress[index].began = Some(uptime());
        show(&progress);
        let result = (phase.run)(boot);
        progress[index].state = if result.is_ok() {
            PhaseState::Done
        } else {
            PhaseState::Failed
        };
        progress[index].ended = Some(uptime());
        show(&progress);
        debug!("{}: {:?}", phase.title, progress[index].state);
        if let Err(problem) = result {
            let told = causes(problem.as_ref());
            error!("{}: {told}", phase.title);
            let verdict = match phase.on_failure {
                Failure::Tolerated => Verdict::GoOn,
                Failure::Reboots => Verdict::Reboot,
                Failure::Judged(judge) => judge(boot, phase.name, &told),
            };
            if verdict == Verdict::Reboot {
                return Err(problem);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Phase<Vec<u8>> = Phase {
        name: "good",
        title: "works",
        on_failure: Failure::Reboots,
        run: |ran| {
            ran.push(1);
            Ok(())
        },
    };
    const WEAK: Phase<Vec<u8>> = Phase {
        name: "weak",
        title: "may fail",
        on_failure: Failure::Tolerated,
        run: |_| Err("weak".into()),
    };
    const VITAL: Phase<Vec<u8>> = Phase {
        name: "vital",
        title: "may not fail",
        on_failure: Failure::Reboots,
        run: |_| Err("vital".into()),
    };

    #[test]
    fn a_tolerated_failure_is_shown_and_the_boot_goes_on() {
        let mut ran = Vec::new();
        let mut last = Vec::new();
        let log = BootLog::new();
        run_phases(&mut ran, &log, &[WEAK, GOOD], |progress| last = progress.to_vec()).unwrap();
        assert_eq!(ran, [1]);
        assert_eq!(
            (last[0].state, last[1].state),
            (PhaseState::Failed, PhaseState::Done)
        );
        assert_eq!(log.phase(), "good");
    }

    #[test]
    fn a_vital_failure_ends_the_boot() {
        let mut ran = Vec::new();
        let mut last = Vec::new();
        let error = run_phases(&mut ran, &BootLog::new(), &[VITAL, GOOD], |p| last = p.to_vec()).unwrap_err();
        assert_eq!(error.to_string(), "vital");
        assert!(ran.is_empty());
        assert_eq!(last[1].state, PhaseState::Waiting);
    }
}

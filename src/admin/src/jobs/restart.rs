//! Jobs over a restart of the appliance: which go on, which have ended, and how.

use super::{Job, JobState, Jobs, now};
use crate::operations::Call;
use crate::progress::Progress;

/// Why a job that was under way has not ended well.
const INTERRUPTED: &str = "the appliance restarted while it was under way: start it again";

/// What a restart is to come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// What is done, such as `upgrade to 7.1.0`.
    pub title: String,
    /// SHA-256 of the manifest of the firmware that is to run, hexadecimal.
    pub digest: String,
    /// It is another one than runs now.
    pub other_firmware: bool,
}

/// What a restart came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrival {
    /// SHA-256 of the manifest of the firmware that runs, hexadecimal.
    pub digest: String,
    /// Its version.
    pub version: String,
    /// Why it is not the one that was to run, if that is known.
    pub reason: Option<String>,
}

impl Jobs {
    /// Enters a job that ends when the firmware it expects runs after a restart and is healthy.
    #[must_use]
    pub fn expect(&self, call: &Call, expected: &Expected) -> u64 {
        let id = self.enter(call);
        self.change(id, |job| {
            job.title.clone_from(&expected.title);
            job.expects = Some(expected.digest.clone());
            job.go_on(step("rebooting"));
        });
        id
    }

    /// Takes up what was kept before a restart. A job goes on if the firmware it expects is the one that runs.
    pub fn restore(&self, kept: Vec<Job>, arrival: &Arrival) {
        let mut table = self.lock();
        for mut job in kept {
            if job.state == JobState::Running {
                go_on(&mut job, arrival);
            }
            table.last = table.last.max(job.id);
            table.jobs.push_back(job);
        }
        drop(table);
        self.told();
    }

    /// The running firmware is healthy: jobs that expected it end well.
    pub fn healthy(&self, arrival: &Arrival) {
        let waiting = self.list().into_iter().filter(|job| {
            job.state == JobState::Running && job.expects.as_deref() == Some(arrival.digest.as_str())
        });
        let words = format!("version {} runs and is healthy", arrival.version);
        for job in waiting {
            self.end(job.id, Ok(words.clone()));
        }
    }
}

fn go_on(job: &mut Job, arrival: &Arrival) {
    let failed = match &job.expects {
        Some(expected) if *expected == arrival.digest => {
            job.go_on(step("starting"));
            return;
        }
        Some(_) => {
            let reason = arrival.reason.as_ref();
            let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
            format!("version {} runs instead{reason}", arrival.version)
        }
        None => INTERRUPTED.to_owned(),
    };
    job.state = JobState::Failed(failed);
    job.ended = Some(now());
    job.progress = None;
}

fn step(what: &str) -> Progress {
    Progress {
        what: what.to_owned(),
        ..Progress::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::origin::Origin;
    use crate::request::Request;

    fn call(request: Request) -> Call {
        Call {
            origin: Origin::Socket { uid: 0, pid: None },
            message: "tonight".into(),
            request,
        }
    }

    fn upgrading() -> Jobs {
        let jobs = Jobs::default();
        let _ended = jobs.enter(&call(Request::FirmwareCommit));
        jobs.end(1, Ok("kept".into()));
        let _under_way = jobs.enter(&call(Request::FirmwareCommit));
        let reboot = Request::Reboot {
            reason: String::new(),
        };
        let expected = Expected {
            title: "upgrade to 0.2.0".into(),
            digest: "22".into(),
            other_firmware: true,
        };
        assert_eq!(jobs.expect(&call(reboot), &expected), 3);
        jobs
    }

    fn after(arrival: &Arrival) -> Jobs {
        let jobs = Jobs::default();
        jobs.restore(upgrading().list().into_iter().rev().collect(), arrival);
        jobs
    }

    fn arrival(digest: &str, reason: Option<&str>) -> Arrival {
        Arrival {
            digest: digest.into(),
            version: "0.2.0".into(),
            reason: reason.map(ToOwned::to_owned),
        }
    }

    #[test]
    fn an_upgrade_succeeds_when_its_firmware_is_healthy_and_not_before() {
        let arrived = arrival("22", None);
        let jobs = after(&arrived);
        let states = |jobs: &Jobs| [1, 2, 3].map(|id| jobs.get(id).unwrap().state);
        let [ended, interrupted, upgrade] = states(&jobs);
        assert_eq!(ended, JobState::Done("kept".into()));
        assert_eq!(interrupted, JobState::Failed(INTERRUPTED.into()));
        assert_eq!(upgrade, JobState::Running);
        jobs.healthy(&arrival("11", None));
        assert_eq!(states(&jobs)[2], JobState::Running, "of another firmware");
        jobs.healthy(&arrived);
        let log: Vec<String> = jobs
            .get(3)
            .unwrap()
            .log
            .into_iter()
            .map(|step| step.what)
            .collect();
        assert_eq!(log, ["rebooting", "starting"]);
        assert_eq!(
            states(&jobs)[2],
            JobState::Done("version 0.2.0 runs and is healthy".into())
        );
        assert_eq!(jobs.enter(&call(Request::FirmwareCommit)), 4, "numbers go on");
    }

    #[test]
    fn an_upgrade_has_failed_when_another_firmware_runs() {
        let jobs = after(&arrival("11", Some("it hung")));
        let upgrade = jobs.get(3).unwrap();
        assert_eq!(
            upgrade.state,
            JobState::Failed("version 0.2.0 runs instead: it hung".into())
        );
        assert!(upgrade.ended.is_some() && upgrade.progress.is_none());
    }
}

//! Rules, the place of the one change, the log of actions and limits, around a backend made of channels.

use tokio::sync::{Notify, mpsc};

use super::*;
use crate::backend::{Update, Work};
use crate::jobs::{JobState, Jobs};
use crate::progress::Progress;
use sps_config::Secret;

/// Holds every firmware request until it is let go; knows one password.
#[derive(Default)]
struct Held {
    begun: Notify,
    go: Notify,
}

impl Backend for Held {
    fn standing(&self) -> Standing {
        Standing {
            password_set: true,
            ..Standing::default()
        }
    }

    fn perform<'a>(&'a self, request: Request, context: Context) -> Work<'a> {
        Box::pin(async move {
            match request {
                Request::Login { password } => Ok(Response::Login {
                    accepted: password.expose() == "right",
                    wait: 0,
                }),
                Request::FirmwareCommit => {
                    context.updates.progress(Progress {
                        what: "held".into(),
                        ..Progress::default()
                    });
                    self.begun.notify_one();
                    self.go.notified().await;
                    Ok(Response::Done { note: String::new() })
                }
                Request::FirmwareFetch { .. } => {
                    self.begun.notify_one();
                    tokio::select! {
                        () = self.go.notified() => Ok(Response::Done { note: String::new() }),
                        who = context.updates.until_called_off() => Err(Failure::called_off(&who)),
                    }
                }
                Request::FirmwareRollback => panic!("a fault of the backend"),
                Request::Seal => std::future::pending().await,
                _ => Ok(Response::Done { note: String::new() }),
            }
        })
    }
}

struct Lab {
    backend: Arc<Held>,
    operations: Operations,
    folder: tempfile::TempDir,
}

impl Lab {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let backend = Arc::new(Held::default());
        let log = ActionLog::open(&folder.path().join("actions.log")).unwrap();
        let operations = Operations::new(backend.clone(), log);
        Self {
            backend,
            operations,
            folder,
        }
    }

    async fn ask(&self, request: Request) -> Reply {
        self.operations.perform(call(request), Updates::channel().0).await
    }

    fn outcomes(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder.path().join("actions.log")).unwrap_or_default();
        let actions = text
            .lines()
            .map(|line| serde_json::from_str::<Action>(line).unwrap());
        actions
            .map(|action| format!("{}: {}: {}", action.origin, action.what, action.outcome))
            .collect()
    }
}

fn call(request: Request) -> Call {
    Call {
        origin: Origin::Console { tty: "tty1".into() },
        message: "because".into(),
        request,
    }
}

async fn update(updates: &mut mpsc::Receiver<Update>) -> Option<Update> {
    tokio::time::timeout(Duration::from_secs(10), updates.recv())
        .await
        .unwrap()
}

#[tokio::test]
async fn one_change_at_a_time_reads_and_reboot_at_any_time() {
    let lab = Lab::new();
    let (updates, mut told) = Updates::channel();
    let (operations, request) = (lab.operations.clone(), Request::FirmwareCommit);
    let first = tokio::spawn(async move { operations.perform(call(request), updates).await });
    assert!(matches!(update(&mut told).await, Some(Update::Progress(progress)) if progress.what == "held"));
    let busy = lab.ask(Request::NormalBoot).await;
    assert_eq!(
        busy.unwrap_err().kind,
        FailureKind::NotAllowed,
        "the mode is judged first"
    );
    let busy = lab.ask(Request::FirmwareDelete { slot: 3 }).await.unwrap_err();
    insta::assert_snapshot!(busy, @r#""firmware commit" (console tty1) is being carried out; try again when it has ended"#);
    assert!(lab.ask(Request::Status).await.is_ok());
    assert!(
        lab.ask(Request::Reboot {
            reason: String::new()
        })
        .await
        .is_ok()
    );
    lab.backend.go.notify_one();
    assert!(first.await.unwrap().is_ok());
    assert!(lab.ask(Request::FirmwareDelete { slot: 3 }).await.is_ok());
}

#[tokio::test]
async fn an_asker_who_goes_away_does_not_stop_the_change() {
    let lab = Lab::new();
    {
        let asked = lab.ask(Request::FirmwareCommit);
        tokio::select! {
            _ = asked => panic!("it was not let go yet"),
            () = lab.backend.begun.notified() => {}
        }
    }
    assert_eq!(
        lab.ask(Request::FirmwareDelete { slot: 3 })
            .await
            .unwrap_err()
            .kind,
        FailureKind::Busy
    );
    lab.backend.go.notify_one();
    let free = async {
        while lab.ask(Request::FirmwareDelete { slot: 3 }).await.is_err() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), free).await.unwrap();
    let done = "console tty1: firmware commit: done".to_owned();
    assert!(lab.outcomes().contains(&done), "{:?}", lab.outcomes());
}

#[tokio::test]
async fn every_change_is_logged_and_reading_is_not() {
    let lab = Lab::new();
    lab.ask(Request::Status).await.unwrap();
    lab.ask(Request::FirmwareDelete { slot: 3 }).await.unwrap();
    lab.ask(Request::Unseal).await.unwrap_err();
    lab.ask(Request::Login {
        password: Secret::from("wrong".to_owned()),
    })
    .await
    .unwrap();
    insta::assert_snapshot!(lab.outcomes().join("\n"));
}

#[tokio::test]
async fn a_wrong_password_costs_time() {
    let lab = Lab::new();
    let login = |text: &str| {
        lab.ask(Request::Login {
            password: Secret::from(text.to_owned()),
        })
    };
    assert_eq!(
        login("wrong").await.unwrap(),
        Response::Login {
            accepted: false,
            wait: 1
        }
    );
    let refused = login("right").await.unwrap_err();
    assert!(
        refused
            .message
            .starts_with("too many wrong passwords: try again in "),
        "{refused}"
    );
}

#[tokio::test]
async fn a_noisy_serial_line_does_not_lock_the_screen() {
    let lab = Lab::new();
    let at = |tty: &str, text: &str| Call {
        origin: Origin::Console { tty: tty.into() },
        message: String::new(),
        request: Request::Login {
            password: Secret::from(text.to_owned()),
        },
    };
    let wrong = lab
        .operations
        .perform(at("ttyS0", "noise"), Updates::channel().0)
        .await;
    assert!(
        matches!(wrong, Ok(Response::Login { accepted: false, .. })),
        "{wrong:?}"
    );
    let right = lab
        .operations
        .perform(at("tty1", "right"), Updates::channel().0)
        .await;
    assert_eq!(
        right.unwrap(),
        Response::Login {
            accepted: true,
            wait: 0
        }
    );
}

#[tokio::test]
async fn a_panic_ends_the_operation_and_frees_its_place() {
    let lab = Lab::new();
    let failure = lab.ask(Request::FirmwareRollback).await.unwrap_err();
    assert_eq!(failure.message, "it ended unexpectedly; the log says more");
    assert!(lab.ask(Request::FirmwareDelete { slot: 3 }).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn nothing_takes_for_ever() {
    let lab = Lab::new();
    let failure = lab.ask(Request::Seal).await.unwrap_err();
    assert_eq!(
        (failure.kind, failure.message.as_str()),
        (FailureKind::TimedOut, "not done within 120 s; the log says more")
    );
    assert!(lab.ask(Request::FirmwareDelete { slot: 3 }).await.is_ok());
}

fn fetch() -> Call {
    call(Request::FirmwareFetch {
        url: "https://server.example/sps.iso?token=hunter2".into(),
        sha256: "00".repeat(32),
    })
}

async fn ended(jobs: &Jobs, id: u64) -> crate::jobs::Job {
    tokio::time::timeout(Duration::from_secs(10), jobs.ended(id))
        .await
        .unwrap()
        .unwrap()
}

#[tokio::test]
async fn while_a_firmware_is_fetched_others_may_change_things_and_then_it_is_added() {
    let (lab, jobs) = (Lab::new(), Jobs::default());
    let id = jobs.start(&lab.operations, fetch(), |_| "added".into());
    lab.backend.begun.notified().await;
    assert!(lab.ask(Request::FirmwareDelete { slot: 3 }).await.is_ok());
    lab.backend.go.notify_one();
    let job = ended(&jobs, id).await;
    assert_eq!(job.state, JobState::Done("added".into()));
    assert_eq!(job.fetched.unwrap().url, "https://server.example/sps.iso?...");
    insta::assert_snapshot!(lab.outcomes().join("\n"), @"
    console tty1: firmware delete 3: begun
    console tty1: firmware delete 3: done
    console tty1: firmware fetch https://server.example/sps.iso?...: done
    console tty1: firmware add (fetched): begun
    console tty1: firmware add (fetched): done
    ");
}

#[tokio::test]
async fn a_job_that_is_called_off_says_by_whom_and_nothing_follows() {
    let (lab, jobs) = (Lab::new(), Jobs::default());
    let id = jobs.start(&lab.operations, fetch(), |_| "added".into());
    lab.backend.begun.notified().await;
    let admin = Origin::Web {
        user: "admin".into(),
        address: "192.0.2.9".into(),
    };
    assert!(jobs.get(id).unwrap().can_be_called_off);
    jobs.call_off(id, &admin).unwrap();
    let job = ended(&jobs, id).await;
    let words = "called off by admin by web from 192.0.2.9; nothing of it is kept";
    assert_eq!(
        (job.state, job.can_be_called_off),
        (JobState::CalledOff(words.into()), false)
    );
    assert!(
        jobs.call_off(id, &admin)
            .unwrap_err()
            .message
            .contains("ended already")
    );
    assert!(jobs.call_off(9, &admin).unwrap_err().message.contains("no job 9"));
    let commit = jobs.start(&lab.operations, call(Request::FirmwareCommit), |_| String::new());
    lab.backend.begun.notified().await;
    let refused = jobs.call_off(commit, &admin).unwrap_err();
    assert_eq!(refused.message, "this job cannot be called off: wait for its end");
    lab.backend.go.notify_one();
    ended(&jobs, commit).await;
    let outcomes = lab.outcomes();
    assert!(
        outcomes[0].contains("failed: called off by admin"),
        "{outcomes:?}"
    );
    assert!(
        !outcomes.iter().any(|outcome| outcome.contains("firmware add")),
        "{outcomes:?}"
    );
}

#[tokio::test]
async fn a_mistake_is_refused_before_anything_is_begun() {
    let lab = Lab::new();
    let call = call(Request::FirmwareFetch {
        url: "ftp://server.example/".into(),
        sha256: "00".repeat(32),
    });
    assert_eq!(
        lab.operations.judge(&call).unwrap_err().kind,
        FailureKind::Invalid
    );
    let failure = lab.ask(call.request).await.unwrap_err();
    assert!(failure.message.contains("http:// or https://"), "{failure}");
    assert!(lab.outcomes()[0].contains("refused"), "{:?}", lab.outcomes());
}

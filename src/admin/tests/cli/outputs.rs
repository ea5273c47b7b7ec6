//! What is printed, in words and as JSON, and the exit statuses.

use std::io;
use std::path::Path;

use sps_admin::{
    Failure, FailureKind, Licence, LicensedFeature, Licensing, Progress, Response, SessionError, Slot,
    SlotState, Slots, Update,
};

use crate::lab::{run, run_with};

fn slots() -> Response {
    let slot = Slot {
        number: 1,
        state: SlotState::Trying { tries_left: 2 },
        version: Some("7.1.0".into()),
        channel: Some("feature".into()),
        digest: Some("d18da63cb5c8421d".into()),
        bytes: 13_000_000,
        current: true,
        after_reboot: true,
        test: None,
    };
    Response::Slots(Slots {
        slots: vec![slot],
        ..Slots::default()
    })
}

fn failure() -> SessionError {
    Failure::new(FailureKind::Refused, "slot 1 is running: activate another first").into()
}

fn copying(done: u64) -> Update {
    Update::Progress(Progress {
        what: "copying".into(),
        done,
        total: 1000,
        unit: "bytes".into(),
        rate: Some(100.0),
        seconds_left: Some((1000 - done) / 100),
    })
}

#[test]
fn words_json_refusals_and_silence() {
    let silent = || SessionError::Silent(io::Error::from(io::ErrorKind::TimedOut));
    let outcomes = [
        run("firmware list", Ok(slots())),
        run("firmware list --json", Ok(slots())),
        run("firmware delete 1", Err(failure())),
        run("firmware delete 1 --json", Err(failure())),
        run("status", Err(silent())),
        run("status --json", Err(silent())),
    ];
    insta::assert_snapshot!(outcomes.map(|outcome| outcome.to_string()).join("\n=====\n"));
}

fn licensed() -> Response {
    let feature = |name: &str, title: &str| LicensedFeature {
        name: name.into(),
        title: title.into(),
    };
    let licence = Licence {
        customer: "Example Ltd.".into(),
        serial: "SPS-2026-000142".into(),
        valid_from: "2026-01-01".into(),
        valid_until: Some("2027-05-31".into()),
        lts: vec![6],
        lts_covered: false,
        features: vec![
            feature("analytics", "user behaviour analytics"),
            feature("cluster", "central management of several appliances"),
        ],
    };
    Response::Licence(Licensing {
        licence: Some(licence),
        limit_type: "Host".into(),
        limit: 500,
        problems: vec!["the licence is not for 7 LTS, which runs".into()],
    })
}

#[test]
fn the_licence_or_that_it_is_a_demo() {
    let demo = Response::Licence(Licensing {
        limit_type: "Host".into(),
        limit: 5,
        ..Licensing::default()
    });
    let outcomes = [
        run("licence show", Ok(licensed())),
        run("licence show --json", Ok(licensed())),
        run("licence show", Ok(demo)),
    ];
    insta::assert_snapshot!(outcomes.map(|outcome| outcome.to_string()).join("\n=====\n"));
}

#[test]
fn on_a_terminal_progress_is_one_line_written_over() {
    let done = || {
        Ok(Response::Done {
            note: "in slot 2".into(),
        })
    };
    let updates = || (0..=20).map(|n| copying(n * 50)).collect::<Vec<_>>();
    let run = |line, terminal| run_with(line, updates(), done(), Path::new("/here"), terminal);
    let bar = run("firmware add x.iso", true);
    assert_eq!(bar.err.lines().count(), 1);
    assert!(bar.err.ends_with("\r"), "the bar stays: {bar}");
    insta::assert_snapshot!(run("firmware add x.iso", false));
    assert_eq!(run("firmware add x.iso --json", true).err, "");
}

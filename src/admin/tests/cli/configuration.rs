//! Settings of the cluster: what is asked, what is printed, files that are read and written.

use std::fs;
use std::path::Path;

use serde_json::json;
use sps_admin::{
    ConfigurationChanges, ConfigurationExport, ConfigurationFile, ConfigurationImport, ConfigurationPart,
    ConfigurationRevision, Failure, FailureKind, Request, Response, SettingDifference, cli,
};

use crate::lab::{Outcome, run, run_with};

fn done() -> Response {
    Response::Done { note: String::new() }
}

fn asked(line: &str) -> String {
    let outcome = run(line, Ok(done()));
    let (request, message) = outcome.asked.first().expect("it asks something");
    format!(
        "{line}\n    {} {message:?}\n",
        serde_json::to_string(request).unwrap()
    )
}

fn in_folder(line: &str, answer: Response, folder: &Path) -> Outcome {
    run_with(line, Vec::new(), Ok(answer), folder, false)
}

#[test]
fn commands_become_requests() {
    let lines = [
        "configuration show",
        "configuration show management/mail --revision 3",
        "configuration set management/change_log/require_message true -m tuesday",
        "configuration set management/mail/server mail.example.net --expect 7",
        r#"configuration set users/console_password {"plain":"correct-horse"}"#,
        "configuration delete policies/time/office-hours",
        "configuration history -n 5",
        "configuration difference 3",
        "configuration difference 3 4",
        "configuration restore 3 -m back",
    ];
    insta::assert_snapshot!(lines.map(asked).concat());
}

fn changes() -> ConfigurationChanges {
    let difference = |path: &str, before, after| SettingDifference {
        path: path.into(),
        before,
        after,
    };
    let mark = || Some(json!("[redacted]"));
    ConfigurationChanges {
        from: 6,
        to: Some(7),
        differences: vec![
            difference(
                "management/change_log/require_message",
                Some(json!(false)),
                Some(json!(true)),
            ),
            difference("policies/time/office-hours", Some(json!({"days": {}})), None),
            difference(
                "trust_stores/long",
                None,
                Some(json!({"certificates": ["x".repeat(300)]})),
            ),
            difference("users/console_password", mark(), mark()),
        ],
        notes: vec!["the time zone of this node is Europe/Vienna now".into()],
    }
}

#[test]
fn answers_read_well() {
    let part = ConfigurationPart {
        revision: 7,
        path: "users".into(),
        value: json!({"admin_password": "[redacted]", "console_password": null}),
        lost: vec![
            "/users/admin_password: the secret cannot be used, the cluster key is missing; enter it again"
                .into(),
        ],
        message_required: false,
    };
    let revision = ConfigurationRevision {
        revision: 7,
        time: 1_800_000_000,
        who: "admin by web from 192.0.2.9".into(),
        message: "on \u{1b}[2J tuesday".into(),
        paths: vec![
            "management.change_log.require_message".into(),
            "users.console_password".into(),
        ],
    };
    let import = ConfigurationImport {
        product: "6.0.11".into(),
        layout: 1,
        revision: 17,
        left_out: vec!["/users/console_password".into()],
        changes: ConfigurationChanges {
            to: None,
            ..changes()
        },
    };
    let conflict = "the configuration was changed meanwhile by console tty1 (revision 8, not 7); look at it and make the change again";
    let outcomes = [
        run(
            "configuration show users",
            Ok(Response::Configuration(part.clone())),
        ),
        run(
            "configuration show users --json",
            Ok(Response::Configuration(part)),
        ),
        run("configuration history", Ok(Response::Revisions(vec![revision]))),
        run("configuration history", Ok(Response::Revisions(Vec::new()))),
        run(
            "configuration difference 6",
            Ok(Response::ConfigurationChanges(changes())),
        ),
        run(
            "configuration difference 6",
            Ok(Response::ConfigurationChanges(ConfigurationChanges::default())),
        ),
        run(
            "configuration delete a",
            Err(Failure::new(FailureKind::Conflict, conflict).into()),
        ),
        run(
            "configuration delete a --json",
            Err(Failure::new(FailureKind::Conflict, conflict).into()),
        ),
    ];
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x.json"), "{}").unwrap();
    let preview = in_folder(
        "configuration import x.json",
        Response::Imported(import),
        folder.path(),
    );
    let all = outcomes.map(|outcome| outcome.to_string()).join("\n=====\n");
    insta::assert_snapshot!(format!("{all}\n=====\n{preview}"));
}

#[test]
fn an_export_is_written_where_the_command_is_typed() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("word"), "correct horse\n").unwrap();
    let export = || {
        Response::Exported(ConfigurationExport {
            name: "../sps-configuration-gate-7.json".into(),
            file: ConfigurationFile::new(b"{}\n".to_vec()).unwrap(),
            left_out: Vec::new(),
        })
    };
    let outcome = in_folder(
        "configuration export --password-file word",
        export(),
        folder.path(),
    );
    assert_eq!(outcome.status, cli::DONE, "{outcome}");
    let Request::ConfigurationExport {
        password: Some(password),
    } = &outcome.asked[0].0
    else {
        panic!("{:?}", outcome.asked)
    };
    assert_eq!(password.expose(), "correct horse");
    assert_eq!(
        fs::read(folder.path().join("sps-configuration-gate-7.json")).unwrap(),
        b"{}\n"
    );
    let outcome = in_folder(
        "configuration export mine.json --without-secrets",
        export(),
        folder.path(),
    );
    assert!(outcome.to_string().contains("mine.json"), "{outcome}");
    assert!(folder.path().join("mine.json").exists());
    let outcome = in_folder(
        "configuration export - --without-secrets",
        export(),
        folder.path(),
    );
    assert_eq!(
        (outcome.status, outcome.out.as_slice()),
        (cli::DONE, &b"{}\n"[..])
    );
}

#[test]
fn an_import_is_a_preview_until_it_is_confirmed() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("x.json"), "{}").unwrap();
    fs::write(folder.path().join("word"), "correct horse").unwrap();
    for (more, wanted) in [("", true), (" --confirm", false)] {
        let line = format!("configuration import x.json --password-file word{more}");
        let outcome = in_folder(&line, done(), folder.path());
        let Request::ConfigurationImport {
            preview, password, ..
        } = &outcome.asked[0].0
        else {
            panic!("{:?}", outcome.asked)
        };
        assert_eq!((*preview, password.is_some()), (wanted, true));
    }
}

#[test]
fn mistakes_ask_nothing() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("empty"), "\n").unwrap();
    fs::write(folder.path().join("text"), "no json").unwrap();
    for (line, words) in [
        ("configuration import none.json", "could not read"),
        ("configuration export --password-file empty", "holds no password"),
        ("configuration set a --file text", "is no JSON"),
    ] {
        let outcome = in_folder(line, done(), folder.path());
        assert_eq!(
            (outcome.status, outcome.asked.len()),
            (cli::USAGE, 0),
            "{outcome}"
        );
        assert!(outcome.err.contains(words), "{outcome}");
    }
    for line in [
        "configuration",
        "configuration set a",
        "configuration export",
        "configuration restore one",
    ] {
        assert!(crate::lab::parse(line).is_err(), "{line}");
    }
}

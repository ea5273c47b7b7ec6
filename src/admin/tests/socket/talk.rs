//! Questions and answers.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::mpsc;

use sps_admin::cli::{self, ApplianceCommand, Files, Streams};
use sps_admin::{
    BundleTarget, Client, FailureKind, Request, Response, Server, Session, SessionError, Update,
};

use crate::lab::{LIMIT, Lab, bundle, done};

fn host_name(response: Response) -> String {
    match response {
        Response::Status(status) => status.host_name,
        other => panic!("no status: {other:?}"),
    }
}

#[test]
fn the_kernel_says_who_asks_and_one_connection_asks_twice() {
    let lab = Lab::new();
    let mut client = Client::connect(&lab.socket).unwrap();
    let uid = rustix::process::getuid().as_raw();
    let expected = format!(
        "command line, user id {uid}, process {}|because",
        std::process::id()
    );
    for _ in 0..2 {
        let answer = client.ask(Request::Status, "because", &mut |_| Ok(())).unwrap();
        assert_eq!(host_name(answer), expected);
    }
    let answer = lab.local().ask(Request::Status, "", &mut |_| Ok(())).unwrap();
    assert_eq!(host_name(answer), "console tty1|");
}

#[test]
fn data_arrives_whole_and_in_order() {
    let lab = Lab::new();
    let request = Request::SupportBundle {
        to: BundleTarget::Stream,
    };
    let mut client = Client::connect(&lab.socket).unwrap();
    let sessions: [&mut dyn Session; 2] = [&mut client, &mut lab.local()];
    for session in sessions {
        let mut data = Vec::new();
        let answer = session.ask(request.clone(), "", &mut |update| {
            if let Update::Data(piece) = update {
                data.extend(piece);
            }
            Ok(())
        });
        assert_eq!((answer.unwrap(), data == bundle()), (done("bundle"), true));
    }
}

#[test]
fn progress_comes_before_the_end_and_a_second_change_is_told_who_is_first() {
    let lab = Lab::new();
    let (told, progress) = mpsc::channel();
    let socket = lab.socket.clone();
    let first = std::thread::spawn(move || {
        Client::connect(&socket)
            .unwrap()
            .ask(Request::FirmwareCommit, "", &mut |update| {
                told.send(update).map_err(std::io::Error::other)
            })
    });
    assert!(
        matches!(progress.recv_timeout(LIMIT).unwrap(), Update::Progress(progress) if progress.done == 1)
    );
    let second = Client::connect(&lab.socket)
        .unwrap()
        .ask(Request::FirmwareRollback, "", &mut |_| Ok(()));
    let Err(SessionError::Failure(failure)) = second else {
        panic!("{second:?}")
    };
    assert_eq!(failure.kind, FailureKind::Busy);
    lab.backend.go.notify_one();
    assert_eq!(first.join().unwrap().unwrap(), done("committed"));
}

#[test]
fn only_the_right_user_is_heard() {
    let lab = Lab::hearing(rustix::process::getuid().as_raw() + 1);
    let answer = Client::connect(&lab.socket)
        .unwrap()
        .ask(Request::Status, "", &mut |_| Ok(()));
    assert!(answer.is_err(), "{answer:?}");
}

#[test]
fn the_socket_is_closed_to_others_and_outlives_a_crash() {
    let lab = Lab::new();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(
        (mode(&lab.socket), mode(lab.socket.parent().unwrap())),
        (0o600, 0o700)
    );
    let _inside = lab.runtime.enter();
    Server::bind(&lab.socket, 0, lab.operations.clone()).expect("a socket file that nobody listens at");
}

#[test]
fn off_the_appliance_the_message_says_so() {
    let error = Client::connect(std::path::Path::new("/nonexistent/admin.sock")).unwrap_err();
    assert!(
        error.to_string().contains("works on a running appliance"),
        "{error}"
    );
}

#[test]
fn a_command_over_the_socket() {
    #[derive(clap::Parser)]
    struct Line {
        #[command(subcommand)]
        command: ApplianceCommand,
    }
    let lab = Lab::new();
    let command = <Line as clap::Parser>::parse_from(["sps", "seal", "--json"]).command;
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut streams = Streams {
        out: &mut out,
        err: &mut err,
        terminal: false,
        files: Files::Anywhere,
        player: None,
    };
    let mut client = Client::connect(&lab.socket).unwrap();
    let status = cli::run(&command, &mut client, Path::new("/"), &mut streams).unwrap();
    let answer: Response = serde_json::from_slice(&out).unwrap();
    assert_eq!((status, answer, err.len()), (cli::DONE, done(""), 0));
}

//! Clients that do not keep to the rules.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;

use sps_admin::{Client, Request, Session};

use crate::lab::{LIMIT, Lab};

fn raw(lab: &Lab) -> UnixStream {
    let stream = UnixStream::connect(&lab.socket).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    stream.set_write_timeout(Some(LIMIT)).unwrap();
    stream
}

/// What the server says to `bytes` before it closes.
fn said(lab: &Lab, bytes: &[u8]) -> String {
    let mut stream = raw(lab);
    // The server may close while this is written.
    let _broken_pipe = stream.write_all(bytes);
    let _half_closed = stream.shutdown(std::net::Shutdown::Write);
    let mut text = Vec::new();
    let _reset = stream.read_to_end(&mut text);
    String::from_utf8(text).unwrap()
}

#[test]
fn nonsense_is_answered_and_ends_the_connection() {
    let lab = Lab::new();
    let lines: [&[u8]; 8] = [
        b"\n",
        b"{}\n",
        b"\xff\xfe\x00\n",
        b"{\"request\":\"status\",\"also\":1}\n",
        b"{\"request\":\"unheard-of\"}\n",
        b"{\"request\":{\"firmware-activate\":{\"slot\":999}}}\n",
        b"{\"request\":{\"firmware-activate\":{\"slot\":1,\"also\":1}}}\n",
        b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n",
    ];
    for line in lines {
        let answer = said(&lab, line);
        assert!(
            answer.starts_with("{\"failed\":{\"kind\":\"invalid\""),
            "{line:?}: {answer}"
        );
        assert_eq!(answer.lines().count(), 1);
    }
    assert!(
        Client::connect(&lab.socket)
            .unwrap()
            .ask(Request::Status, "", &mut |_| Ok(()))
            .is_ok()
    );
}

#[test]
fn an_endless_line_and_a_cut_one_get_no_answer() {
    let lab = Lab::new();
    assert_eq!(said(&lab, &vec![b'x'; 1024 * 1024]), "");
    assert_eq!(said(&lab, b"{\"request\":\"status\"}"), "");
    assert_eq!(said(&lab, b""), "");
}

#[test]
fn too_many_clients_are_told_so_and_room_comes_back() {
    let lab = Lab::new();
    // Each is answered once, so that it has its place before the next one comes.
    let mut held: Vec<_> = (0..16)
        .map(|_| {
            let mut client = Client::connect(&lab.socket).unwrap();
            client.ask(Request::Status, "", &mut |_| Ok(())).unwrap();
            client
        })
        .collect();
    let mut line = String::new();
    BufReader::new(raw(&lab)).read_line(&mut line).unwrap();
    assert!(line.contains("too many connections"), "{line}");
    held.clear();
    let deadline = std::time::Instant::now() + LIMIT;
    let again = || {
        Client::connect(&lab.socket).and_then(|mut client| client.ask(Request::Status, "", &mut |_| Ok(())))
    };
    while again().is_err() {
        assert!(std::time::Instant::now() < deadline, "no room came back");
        std::thread::yield_now();
    }
}

#[test]
fn a_client_that_goes_away_in_the_middle_harms_nobody() {
    let lab = Lab::new();
    let mut stream = raw(&lab);
    stream.write_all(b"{\"request\":\"firmware-commit\"}\n").unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    assert!(line.contains("progress"), "{line}");
    lab.backend.go.notify_one();
    let answer = Client::connect(&lab.socket)
        .unwrap()
        .ask(Request::Status, "", &mut |_| Ok(()));
    assert!(answer.is_ok());
}

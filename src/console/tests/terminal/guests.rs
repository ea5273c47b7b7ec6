//! A visit over a stream instead of a terminal of the machine.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::Duration;

use sps_admin::Mode;
use sps_console::serve_guest;

use crate::lab::sessions;

/// Serves a visit; returns the person's side and the thread that ends with the visit.
fn visit() -> (UnixStream, thread::JoinHandle<()>) {
    let (person, served) = UnixStream::pair().unwrap();
    person.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let output = served.try_clone().unwrap();
    let visit = thread::spawn(move || serve_guest("ssh", served, output, &sessions(Mode::Rescue).0).unwrap());
    (person, visit)
}

fn sees(person: &mut UnixStream, wanted: &str) -> String {
    let mut text = String::new();
    let mut buffer = [0; 1024];
    while !text.contains(wanted) {
        let count = person.read(&mut buffer).expect(wanted);
        assert_ne!(count, 0, "{wanted:?} was not seen in {text:?}");
        text += std::str::from_utf8(&buffer[..count]).unwrap();
    }
    text
}

#[test]
fn who_is_known_is_not_asked_again_and_may_leave() {
    let (mut person, visit) = visit();
    let text = sees(&mut person, "Choice: ");
    assert!(
        text.contains("on console ssh") && !text.contains("password"),
        "{text}"
    );
    person.write_all(b"2\r").unwrap();
    sees(&mut person, "Enter: go on");
    person.write_all(b"\r0\r").unwrap();
    visit.join().unwrap();
}

#[test]
fn a_connection_that_breaks_ends_the_visit() {
    let (mut person, visit) = visit();
    sees(&mut person, "Choice: ");
    drop(person);
    visit.join().unwrap();
}

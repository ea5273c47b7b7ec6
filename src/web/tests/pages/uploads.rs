//! Firmware files on their way in: whole, cut, too large, two at once.

use hyper::StatusCode;
use sps_admin::Request;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::common::{Appliance, TestServer, soon};
use crate::lab::{FIRMWARES, Person, UPLOAD, start};

const ISO: &str = "application/x-iso9660-image";

fn head(person: &Person, length: usize) -> String {
    format!(
        "POST {UPLOAD} HTTP/1.1\r\nhost: box.example\r\ncookie: {}\r\nx-form: {}\r\nx-upload: 1\r\n\
         content-type: {ISO}\r\ncontent-length: {length}\r\n\r\n",
        person.cookie, person.secret
    )
}

async fn send(server: &TestServer, person: &Person, body: &str) -> crate::lab::Page {
    let headers = [
        ("content-type", ISO),
        ("x-form", person.secret.as_str()),
        ("x-upload", "1"),
    ];
    person.send(server, "POST", UPLOAD, &headers, body).await
}

/// Waits until the page shows how the last job ended.
async fn job(server: &TestServer, person: &Person) -> String {
    soon(async {
        loop {
            let page = person.get(server, FIRMWARES).await;
            let job = page.text.split_once("class=\"job\" data-state=\"");
            let rest = job.map(|(_, rest)| rest.to_owned()).unwrap_or_default();
            if rest.starts_with("done") || rest.starts_with("failed") {
                return rest;
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

#[tokio::test]
async fn a_file_arrives_byte_for_byte_and_is_added() {
    let appliance = Appliance::ready();
    let server = start(&appliance).await;
    let person = Person::inside(&server).await;
    let file = "0123456789abcdef".repeat(100_000);
    let page = send(&server, &person, &file).await;
    assert_eq!(
        (page.status, page.text.as_str()),
        (StatusCode::ACCEPTED, "{\"job\":1}")
    );
    let job = job(&server, &person).await;
    assert!(job.contains("Version 0.3.0 is in slot 3."), "{job}");
    assert_eq!(
        appliance.state.lock().unwrap().received.as_deref(),
        Some(file.as_bytes())
    );
    server.stop().await;
}

#[tokio::test]
async fn a_refused_firmware_says_why_where_the_upload_was() {
    let appliance = Appliance::ready();
    appliance.state.lock().unwrap().refuse =
        Some("the firmware was not added: its signature does not fit".into());
    let server = start(&appliance).await;
    let person = Person::inside(&server).await;
    send(&server, &person, "no firmware").await;
    let job = job(&server, &person).await;
    assert!(
        job.contains("The firmware was not added: its signature does not fit."),
        "{job}"
    );
    server.stop().await;
}

#[tokio::test]
async fn without_a_script_a_form_brings_the_file() {
    let appliance = Appliance::ready();
    let server = start(&appliance).await;
    let person = Person::inside(&server).await;
    let form = |secret: &str| {
        format!(
            "--x\r\ncontent-disposition: form-data; name=\"form\"\r\n\r\n{secret}\r\n--x\r\n\
             content-disposition: form-data; name=\"firmware\"; filename=\"a.iso\"\r\n\r\nthe file\r\n--x--\r\n"
        )
    };
    let headers = [("content-type", "multipart/form-data; boundary=x")];
    let page = person
        .send(&server, "POST", UPLOAD, &headers, &form("forged"))
        .await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert_eq!(appliance.state.lock().unwrap().received, None);
    let page = person
        .send(&server, "POST", UPLOAD, &headers, &form(&person.secret))
        .await;
    assert_eq!(
        (page.status, page.header("location")),
        (StatusCode::SEE_OTHER, FIRMWARES)
    );
    job(&server, &person).await;
    assert_eq!(
        appliance.state.lock().unwrap().received.as_deref(),
        Some(&b"the file"[..])
    );
    let none = "--x\r\ncontent-disposition: form-data; name=\"other\"\r\n\r\na\r\n--x--\r\n";
    let page = person.send(&server, "POST", UPLOAD, &headers, none).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    server.stop().await;
}

#[tokio::test]
async fn an_upload_cut_at_every_tenth_leaves_nothing_and_the_next_one_arrives() {
    let appliance = Appliance::ready();
    let server = start(&appliance).await;
    let person = Person::inside(&server).await;
    let file = vec![b'x'; 1_000_000];
    for tenth in 0..10 {
        let mut stream = server.tls().await;
        soon(stream.write_all(head(&person, file.len()).as_bytes()))
            .await
            .unwrap();
        soon(stream.write_all(&file[..file.len() * tenth / 10]))
            .await
            .unwrap();
        soon(stream.flush()).await.unwrap();
        drop(stream);
        // The next one is let in as soon as the one before is given up.
        soon(async {
            while send(&server, &person, "whole").await.status == StatusCode::CONFLICT {
                tokio::task::yield_now().await;
            }
        })
        .await;
        let state = appliance.state.lock().unwrap();
        assert_eq!(
            state.received.as_deref(),
            Some(&b"whole"[..]),
            "cut at {tenth}/10"
        );
    }
    let added = appliance.asked();
    let added = added
        .iter()
        .filter(|request| matches!(request, Request::FirmwareAdd { .. }));
    assert!(added.count() <= 10);
    server.stop().await;
}

#[tokio::test]
async fn ten_gigabytes_are_refused_before_they_are_sent() {
    let server = start(&Appliance::ready()).await;
    let person = Person::inside(&server).await;
    let mut stream = server.tls().await;
    soon(stream.write_all(head(&person, 10_000_000_000).as_bytes()))
        .await
        .unwrap();
    let mut answer = vec![0; 4096];
    let count = soon(stream.read(&mut answer)).await.unwrap();
    let answer = String::from_utf8_lossy(&answer[..count]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 409"), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn the_second_of_two_uploads_is_told_of_the_first() {
    let server = start(&Appliance::ready()).await;
    let person = Person::inside(&server).await;
    let mut first = server.tls().await;
    soon(first.write_all(head(&person, 100).as_bytes()))
        .await
        .unwrap();
    soon(first.write_all(b"half of it")).await.unwrap();
    soon(async {
        loop {
            let page = send(&server, &person, "second").await;
            if page.status == StatusCode::CONFLICT {
                assert!(
                    page.text.contains("admin by web from 127.0.0.1 is arriving"),
                    "{}",
                    page.text
                );
                return;
            }
        }
    })
    .await;
    soon(first.write_all(&[b'x'; 90])).await.unwrap();
    let mut answer = vec![0; 4096];
    let count = soon(first.read(&mut answer)).await.unwrap();
    assert!(answer[..count].starts_with(b"HTTP/1.1 202"));
    server.stop().await;
}

#[tokio::test]
async fn sending_firmware_by_ssh_is_switched_on_and_off() {
    let appliance = Appliance::ready();
    let server = start(&appliance).await;
    let person = Person::inside(&server).await;
    let path = format!("{FIRMWARES}/0/action");
    for (action, words, gone) in [
        ("ssh-on", "Switch off", "Switch on"),
        ("ssh-off", "Switch on", "Switch off"),
    ] {
        let page = person.submit(&server, &path, &[("action", action)]).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text);
        let page = person.get(&server, FIRMWARES).await;
        assert!(
            page.text.contains(words) && !page.text.contains(gone),
            "{}",
            page.text
        );
    }
    assert!(appliance.asked().contains(&Request::FirmwareSsh { on: true }));
    server.stop().await;
}

#[tokio::test]
async fn strangers_and_other_pages_upload_nothing() {
    let appliance = Appliance::ready();
    let server = start(&appliance).await;
    let person = Person::inside(&server).await;
    let headers = [("content-type", ISO), ("x-upload", "1")];
    let stranger = Person::default();
    let page = stranger.send(&server, "POST", UPLOAD, &headers, "file").await;
    assert_eq!(page.status, StatusCode::UNAUTHORIZED);
    let page = person.send(&server, "POST", UPLOAD, &headers, "file").await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    assert_eq!(appliance.state.lock().unwrap().received, None);
    server.stop().await;
}

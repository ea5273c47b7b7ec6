//! Requests that trickle, and more logins than can be judged: they end by a bound, and others are served meanwhile.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use sps_web::Limits;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::client::TlsStream;

use crate::common::{Appliance, PASSWORD, TestServer, soon};
use crate::lab::{FIRMWARES, Person, UPLOAD, start, start_with};

const SHORT: Duration = Duration::from_millis(300);
/// Passwords that the server judges at a time, and logins that it takes on.
const JUDGED: usize = 2;
const TAKEN: usize = 16;

/// Sends a head, then a byte every now and then, until the server has said what it thinks of that and closed.
async fn trickle(mut stream: TlsStream<TcpStream>, head: &str) -> String {
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut beat = tokio::time::interval(SHORT / 20);
    let (mut said, mut ended) = (Vec::new(), false);
    soon(async {
        while !ended {
            tokio::select! {
                // A reset instead of an orderly end is an end, too.
                read = stream.read_buf(&mut said) => ended = !matches!(read, Ok(1..)),
                _ = beat.tick() => {
                    let _closed = stream.write_all(b"x").await;
                    let _closed = stream.flush().await;
                }
            }
        }
    })
    .await;
    String::from_utf8_lossy(&said).into_owned()
}

fn post(path: &str, person: &Person, fields: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nhost: box.example\r\ncookie: {}\r\nx-form: {}\r\n{fields}content-length: 9000\r\n\r\n",
        person.cookie, person.secret
    )
}

async fn is_served(server: &TestServer, person: &Person) {
    assert_eq!(person.get(server, FIRMWARES).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_upload_of_a_byte_at_a_time_is_refused_and_frees_its_place() {
    let appliance = Appliance::ready();
    let limits = Limits {
        file_pace: SHORT,
        ..Limits::default()
    };
    let server = start_with(&appliance, limits).await;
    let person = Person::inside(&server).await;
    let raw = "content-type: application/x-iso9660-image\r\nx-upload: 1\r\n";
    let form = "content-type: multipart/form-data; boundary=x\r\n";
    let before_the_file =
        post(UPLOAD, &person, form) + "--x\r\ncontent-disposition: form-data; name=\"form\"\r\n\r\n";
    for (path, head) in [
        (UPLOAD, post(UPLOAD, &person, raw)),
        (UPLOAD, before_the_file),
        ("/api/upload/firmware", post("/api/upload/firmware", &person, raw)),
    ] {
        let (said, ()) = tokio::join!(trickle(server.tls().await, &head), is_served(&server, &person));
        assert!(said.starts_with("HTTP/1.1 408"), "{path}: {said}");
        assert!(said.contains("too slowly"), "{path}: {said}");
        assert!(!appliance.state.lock().unwrap().arriving, "{path}");
    }
    let headers = [("content-type", "application/x-iso9660-image")];
    let page = person
        .send(&server, "POST", "/api/upload/firmware", &headers, "the file")
        .await;
    assert_eq!(page.status, StatusCode::CREATED, "{}", page.text);
    server.stop().await;
}

#[tokio::test]
async fn trickled_heads_and_bodies_end_by_a_bound_before_and_behind_the_login() {
    let limits = Limits {
        head: SHORT,
        ..Limits::default()
    };
    let server = start_with(&Appliance::ready(), limits).await;
    let person = Person::inside(&server).await;
    let form = "content-type: application/x-www-form-urlencoded\r\n";
    let json = "content-type: application/json\r\n";
    let half_a_head = |path: &str| format!("GET {path} HTTP/1.1\r\ncookie: {}\r\nx-", person.cookie);
    for (head, status) in [
        (half_a_head("/login"), ""),
        (half_a_head(FIRMWARES), ""),
        (post("/login", &Person::default(), form), "HTTP/1.1 400"),
        (
            post(&format!("{FIRMWARES}/2/action"), &person, form),
            "HTTP/1.1 400",
        ),
        (post("/api/setup", &Person::default(), json), "HTTP/1.1 408"),
        (post("/api/firmware/upgrade", &person, json), "HTTP/1.1 408"),
        (post("/api/transaction", &person, json), "HTTP/1.1 408"),
    ] {
        let (said, ()) = tokio::join!(trickle(server.tls().await, &head), is_served(&server, &person));
        assert!(said.starts_with(status), "{head}: {said}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_crowd_of_trickling_clients_keeps_nobody_out() {
    let server = start(&Appliance::ready()).await;
    let person = Person::inside(&server).await;
    // As many as one address may have, but for the two of the person.
    let mut crowd = Vec::new();
    for _ in 0..46 {
        let mut stream = server.tls().await;
        let head = post(
            "/login",
            &Person::default(),
            "content-type: application/x-www-form-urlencoded\r\n",
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        crowd.push(stream);
    }
    soon(async {
        // The connection before may not be closed yet.
        while person.get(&server, FIRMWARES).await.status != StatusCode::OK {}
    })
    .await;
    let mut other = server.client_from(Ipv4Addr::new(127, 0, 0, 2)).await;
    let fields = format!("user=admin&password={}", PASSWORD.replace(' ', "+"));
    assert_eq!(other.post("/login", &fields).await.0, StatusCode::SEE_OTHER);
    drop(crowd);
    server.stop().await;
}

#[tokio::test]
async fn a_flood_of_logins_is_judged_two_at_a_time_and_pages_are_served() {
    let appliance = Appliance::ready();
    let server = start(&appliance).await;
    let person = Person::inside(&server).await;
    let hold = Arc::new(Semaphore::new(0));
    appliance.state.lock().unwrap().hold = Some(hold.clone());
    let guess = |n: usize| {
        let server = &server;
        async move {
            let user = format!("user{n}");
            let fields = [("user", user.as_str()), ("password", "guess")];
            Person::default().post(server, "/login", &fields).await.status
        }
    };
    let flood = futures_util::future::join_all((0..40).map(guess));
    let meanwhile = async {
        soon(async {
            while appliance.state.lock().unwrap().judging.0 < JUDGED {
                is_served(&server, &person).await;
            }
        })
        .await;
        is_served(&server, &person).await;
        hold.add_permits(TAKEN);
    };
    let (answers, ()) = tokio::join!(flood, meanwhile);
    let told_to_wait = answers
        .iter()
        .filter(|status| **status == StatusCode::TOO_MANY_REQUESTS);
    assert!(told_to_wait.count() >= 40 - TAKEN, "{answers:?}");
    assert_eq!(appliance.state.lock().unwrap().judging, (0, JUDGED));
    server.stop().await;
}

#[tokio::test]
async fn guesses_from_elsewhere_do_not_keep_an_administrator_out() {
    const HOME: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
    let server = start(&Appliance::ready()).await;
    let right = format!("user=admin&password={}", PASSWORD.replace(' ', "+"));
    let log_in = || async { server.client_from(HOME).await.post("/login", &right).await.0 };
    assert_eq!(log_in().await, StatusCode::SEE_OTHER);
    let mut refused = 0;
    let mut client = server.client().await;
    for _ in 0..1000 {
        let (status, ..) = client.post("/login", "user=admin&password=guess").await;
        refused += usize::from(status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert!(refused > 900, "{refused}");
    assert_eq!(log_in().await, StatusCode::SEE_OTHER);
    server.stop().await;
}

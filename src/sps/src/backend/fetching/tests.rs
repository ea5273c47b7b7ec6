//! Files from a real server into a parcel that remembers.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use sps_admin::{FailureKind, Update};
use sps_image::hex::Sha256Digest;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use super::*;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// What became of a parcel.
#[derive(Default)]
struct Shelf {
    announced: Option<u64>,
    bytes: Vec<u8>,
    finished: bool,
    gone: bool,
    /// Bytes it has room for.
    room: Option<usize>,
}

struct Remembers(Arc<Mutex<Shelf>>);

impl Parcel for Remembers {
    fn write(&mut self, piece: &[u8]) -> Result<(), Failure> {
        let mut shelf = self.0.lock().unwrap();
        if shelf
            .room
            .is_some_and(|room| shelf.bytes.len() + piece.len() > room)
        {
            return Err(Failure::refused("there is not enough room"));
        }
        shelf.bytes.extend_from_slice(piece);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Arrived, Failure> {
        let mut shelf = self.0.lock().unwrap();
        shelf.finished = true;
        Ok(Arrived {
            bytes: shelf.bytes.len() as u64,
            sha256: Sha256Digest::of(&shelf.bytes).to_string(),
        })
    }
}

impl Drop for Remembers {
    fn drop(&mut self) {
        self.0.lock().unwrap().gone = true;
    }
}

/// Answers one request with a head and a body, then waits until the client goes.
async fn server(head: String, body: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind((HERE, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        let _asked = stream.read(&mut request).await;
        let _gone_early = stream.write_all(head.as_bytes()).await;
        let _gone_early = stream.write_all(&body).await;
        let _gone = stream.read(&mut request).await;
    });
    address
}

struct Lab {
    shelf: Arc<Mutex<Shelf>>,
    updates: Updates,
    heard: mpsc::Receiver<Update>,
    canceller: sps_admin::Canceller,
}

impl Lab {
    fn new() -> Self {
        let (updates, heard, canceller) = Updates::cancellable();
        Self {
            shelf: Arc::default(),
            updates,
            heard,
            canceller,
        }
    }

    async fn fetch(&self, url: &str) -> Result<Arrived, Failure> {
        let fetcher = Fetcher::new(Guard::new(Vec::new).except(HERE), Limits::up_to(MAX_IMAGE)).unwrap();
        let place = |announced| {
            self.shelf.lock().unwrap().announced = announced;
            let parcel: Box<dyn Parcel> = Box::new(Remembers(self.shelf.clone()));
            async move { Ok(parcel) }
        };
        let arriving = arrive(&fetcher, url, place, &self.updates);
        tokio::time::timeout(Duration::from_secs(30), arriving)
            .await
            .expect("it takes too long")
    }
}

fn head(length: usize) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n")
}

#[tokio::test]
async fn a_file_is_brought_to_its_place_with_progress() {
    let file: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
    let address = server(head(file.len()), file.clone()).await;
    let mut lab = Lab::new();
    let arrived = lab.fetch(&format!("http://{address}/sps.iso")).await.unwrap();
    assert_eq!(arrived.bytes, 1_000_000);
    assert_eq!(arrived.sha256, Sha256Digest::of(&file).to_string());
    assert!(judge(&arrived, &arrived.sha256.to_uppercase()).is_ok());
    let other = judge(&arrived, &"00".repeat(32)).unwrap_err();
    assert!(
        other.message.contains(&arrived.sha256) && other.message.contains("nothing of it is kept"),
        "{other}"
    );
    let shelf = lab.shelf.lock().unwrap();
    assert!(shelf.bytes == file && shelf.finished && shelf.gone);
    assert_eq!(shelf.announced, Some(1_000_000));
    let Ok(Update::Progress(asking)) = lab.heard.try_recv() else {
        panic!("no progress");
    };
    assert_eq!(asking.what, format!("asking {address}"));
    let Ok(Update::Progress(progress)) = lab.heard.try_recv() else {
        panic!("no progress");
    };
    assert_eq!((progress.total, progress.unit.as_str()), (1_000_000, "bytes"));
    assert!(progress.done > 0 && progress.rate.is_some() && progress.seconds_left.is_some());
}

#[tokio::test]
async fn what_is_cut_or_has_no_room_leaves_nothing() {
    let listener = TcpListener::bind((HERE, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _asked = stream.read(&mut [0; 4096]).await;
        let _sent = stream.write_all((head(100) + "hello").as_bytes()).await;
    });
    let lab = Lab::new();
    let failure = lab.fetch(&format!("http://{address}/")).await.unwrap_err();
    assert!(
        failure.message.contains("before the file did: try again"),
        "{failure}"
    );
    let left = |lab: &Lab| {
        let shelf = lab.shelf.lock().unwrap();
        (shelf.finished, shelf.gone)
    };
    assert_eq!(left(&lab), (false, true));

    let lab = Lab::new();
    lab.shelf.lock().unwrap().room = Some(1000);
    let address = server(head(5_000_000), vec![b'x'; 5_000_000]).await;
    let failure = lab.fetch(&format!("http://{address}/")).await.unwrap_err();
    assert_eq!(failure.message, "there is not enough room");
    assert_eq!(left(&lab), (false, true));
}

#[tokio::test]
async fn what_is_called_off_leaves_nothing_and_says_who() {
    // Before the server answers, and in the middle of the file.
    for head in [String::new(), head(100) + "hello"] {
        let begins = !head.is_empty();
        let address = server(head, Vec::new()).await;
        let mut lab = Lab::new();
        let canceller = lab.canceller.clone();
        let mut heard = std::mem::replace(&mut lab.heard, mpsc::channel(1).1);
        let call_off = tokio::spawn(async move {
            while let Some(Update::Progress(progress)) = heard.recv().await {
                if progress.done > 0 || !begins {
                    canceller.call_off("admin by web from 192.0.2.9");
                    canceller.call_off("somebody who came later");
                }
            }
        });
        let failure = lab.fetch(&format!("http://{address}/")).await.unwrap_err();
        assert_eq!(failure.kind, FailureKind::CalledOff);
        assert_eq!(
            failure.message,
            "called off by admin by web from 192.0.2.9; nothing of it is kept"
        );
        let shelf = lab.shelf.lock().unwrap();
        assert_eq!((shelf.finished, shelf.gone), (false, begins));
        call_off.abort();
    }
}

#[tokio::test]
async fn where_another_file_is_arriving_the_refusal_is_told_and_nothing_is_read() {
    let address = server(head(100), Vec::new()).await;
    let lab = Lab::new();
    let fetcher = Fetcher::new(Guard::new(Vec::new).except(HERE), Limits::up_to(MAX_IMAGE)).unwrap();
    let busy = |_| async {
        Err(Failure::new(
            FailureKind::Busy,
            "a firmware file of admin is arriving",
        ))
    };
    let url = format!("http://{address}/");
    let failure = arrive(&fetcher, &url, busy, &lab.updates).await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Busy);
}

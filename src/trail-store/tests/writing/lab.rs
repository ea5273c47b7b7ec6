//! A store in a folder, sessions and what is read of them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sps_trail::{
    Ending, Event, Head, Kind, Options, Playback, Recipients, Report, Seed, SigningKey, Word, Writer,
};
use sps_trail_store::{Pace, RecordError, Trail, TrailStore};
use tokio::runtime::Runtime;

/// 2024-05-17 08:15:30.
pub(crate) const START: i64 = 1_715_933_730_000;

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

pub(crate) fn store(folder: &Path) -> TrailStore {
    let pace = Pace {
        round: Duration::from_millis(20),
    };
    TrailStore::start(folder, pace, Box::new(|| Ok(()))).unwrap()
}

pub(crate) fn writer(session: &str, number: u8) -> (Writer, Vec<u8>) {
    let head = Head {
        session: session.into(),
        start: START,
        protocol: Word::SSH,
        connection: "linux".into(),
        facts: vec![],
    };
    let signer = Arc::new(SigningKey::from_secret(&[7; 32]).unwrap());
    let seed = Seed::new([number; 32]);
    Writer::new(&head, &Recipients::default(), &signer, &seed, Options::default()).unwrap()
}

pub(crate) async fn begin(store: &TrailStore, name: &str) -> Result<Trail, RecordError> {
    let (writer, head) = writer("s", 1);
    store.begin(name, writer, head).await
}

pub(crate) fn ending() -> Ending {
    Ending {
        verdict: Word::ACCEPT,
        reason: String::new(),
    }
}

/// Bytes that no compression makes smaller: a generator of numbers (Knuth's MMIX).
pub(crate) fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    let next = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    (0..length).map(next).collect()
}

/// All output of a trail, and what is said of it.
pub(crate) fn read(file: &Path) -> (Vec<u8>, Report) {
    let mut playback = Playback::new(None, vec![]);
    let mut output = Vec::new();
    for part in std::fs::read(file).unwrap().chunks(10_000) {
        playback.push(part);
        while let Some(Event { kind, .. }) = playback.next().unwrap() {
            if let Kind::Output { data, .. } = kind {
                output.extend_from_slice(&data);
            }
        }
    }
    (output, playback.report())
}

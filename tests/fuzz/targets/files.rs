//! SFTP and scp, as strangers on both sides say it: however the bytes are cut the same passes and the same is told, and where nothing is allowed
//! nothing that opens or changes anything reaches the server.

#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use sps_proxy_engine::{FileEvent, Operation, Out, Scp, ScpMode, Sftp};

struct Told {
    passed: Vec<u8>,
    events: Vec<FileEvent>,
    refused: Vec<u8>,
    fine: bool,
}

fn follow(allowed: &BTreeSet<Operation>, requests: &[u8], answers: &[u8], piece: usize) -> Told {
    let mut sftp = Sftp::new(allowed.clone());
    let mut told = Told {
        passed: Vec::new(),
        events: Vec::new(),
        refused: Vec::new(),
        fine: true,
    };
    for part in requests.chunks(piece) {
        let Ok(out) = sftp.requests(part) else {
            told.fine = false;
            return told;
        };
        for out in out {
            match out {
                Out::Pass(range) => told.passed.extend_from_slice(&part[range]),
                Out::Held(held) => told.passed.extend_from_slice(&held),
            }
        }
    }
    for part in answers.chunks(piece) {
        match sftp.answers(part) {
            Ok(boundary) => assert!(boundary.is_none_or(|boundary| boundary <= part.len())),
            Err(_) => {
                told.fine = false;
                return told;
            }
        }
    }
    told.refused = sftp.refusals();
    told.events = sftp.events();
    told.events.extend(sftp.end());
    told.events
        .sort_by(|a, b| (&a.path, &a.result, a.bytes).cmp(&(&b.path, &b.result, b.bytes)));
    told
}

fuzz_target!(|input: (u8, usize, Vec<u8>, Vec<u8>)| {
    let (allowed, piece, requests, answers) = input;
    let allowed: BTreeSet<Operation> = Operation::ALL
        .iter()
        .enumerate()
        .filter(|(place, _)| allowed & (1 << place) != 0)
        .map(|(_, (_, operation))| *operation)
        .collect();
    let whole = follow(&allowed, &requests, &answers, usize::MAX);
    let cut = follow(&allowed, &requests, &answers, piece % 64 + 1);
    assert_eq!(whole.fine, cut.fine);
    if whole.fine {
        assert_eq!(whole.passed, cut.passed);
        assert_eq!(whole.refused, cut.refused);
        assert_eq!(whole.events, cut.events);
        assert!(whole.passed.len() <= requests.len());
    }
    for mode in [ScpMode::ToServer, ScpMode::FromServer] {
        let told = |piece: usize| {
            let mut scp = Scp::new(mode);
            let mut events: Vec<FileEvent> = requests.chunks(piece).flat_map(|part| scp.sent(part)).collect();
            events.extend(scp.end());
            events
        };
        assert_eq!(told(usize::MAX), told(piece % 64 + 1));
    }
});

//! What is said about trails that were cut, changed, put together otherwise, or signed by somebody else.

use std::collections::BTreeMap;

use crate::lab::{START, begin, events, judge, records, story, trail};
use sps_trail::{MAX_EVENT, Options, PublicKey, Recipients, SigningKey, State};

const NOBODY: Recipients = Recipients {
    downstream: Vec::new(),
    upstream: Vec::new(),
    screen: Vec::new(),
};

fn state(bytes: &[u8]) -> State {
    judge(bytes, Some(crate::lab::signer().public()), 1 << 20).state
}

#[test]
fn a_whole_trail_is_complete_however_its_bytes_come() {
    let bytes = trail(&NOBODY);
    for step in [1, 7, 1000, 1 << 20] {
        let report = judge(&bytes, Some(crate::lab::signer().public()), step);
        assert_eq!(report.state, State::Complete, "step {step}");
        assert_eq!(report.head, Some(crate::lab::head()));
        assert_eq!(report.ending, Some(crate::lab::ending()));
        assert_eq!((report.chunks, report.sealed_chunks), (4, 4));
        assert_eq!(report.sealed_until, Some(START + 60_000));
        assert_eq!(report.last_at, Some(2_100_000));
    }
}

#[test]
fn a_trail_cut_at_any_byte_is_good_up_to_its_last_whole_record() {
    let bytes = trail(&NOBODY);
    let places = records(&bytes);
    let all = events(&bytes, vec![]);
    for end in 0..bytes.len() {
        let report = judge(&bytes[..end], Some(crate::lab::signer().public()), 1 << 20);
        let whole = places.iter().copied().filter(|place| *place <= end).max();
        let whole = whole.unwrap_or(0) as u64;
        assert_eq!(report.state, State::Cut { whole }, "cut at {end}");
        assert!(report.sealed_chunks <= report.chunks);
        let read = events(&bytes[..end], vec![]);
        assert_eq!(read, all[..read.len()], "cut at {end}");
    }
    assert_eq!(events(&bytes[..places[3]], vec![]).len(), 5);
}

#[test]
fn room_that_was_never_written_is_a_cut_and_anything_behind_it_damage() {
    let bytes = trail(&NOBODY);
    let places = records(&bytes);
    let whole = places[2];
    for zeros in [1, 27, 28, 4096] {
        let mut torn = bytes[..whole].to_vec();
        torn.resize(whole + zeros, 0);
        assert_eq!(state(&torn), State::Cut { whole: whole as u64 }, "{zeros} zeros");
        assert_eq!(judge(&torn, None, 5).state, State::Cut { whole: whole as u64 });
        // Whatever comes after them, and in whatever pieces.
        torn.resize(whole + 5000, 0);
        torn.push(1);
        assert!(matches!(state(&torn), State::Damaged { at, .. } if at == whole as u64));
        assert!(matches!(judge(&torn, None, 5).state, State::Damaged { at, .. } if at == whole as u64));
        // A whole record behind a few zeros is none.
        let moved = [&torn[..whole + zeros.min(9)], &bytes[whole..]].concat();
        for step in [1, 1 << 20] {
            assert!(
                matches!(judge(&moved, None, step).state, State::Damaged { at, .. } if at == whole as u64)
            );
        }
    }
}

#[test]
fn every_bit_that_was_turned_is_found_and_named() {
    let bytes = trail(&NOBODY);
    let places = records(&bytes);
    let mut verdicts: BTreeMap<String, usize> = BTreeMap::new();
    for place in 0..bytes.len() {
        let record = places.iter().copied().filter(|start| *start <= place).max();
        for bit in 0..8 {
            let mut turned = bytes.clone();
            turned[place] ^= 1 << bit;
            let verdict = state(&turned);
            match verdict {
                State::Damaged { at, .. } | State::SignatureBad { at } => {
                    assert_eq!(
                        at,
                        record.unwrap_or(0) as u64,
                        "byte {place} bit {bit}: {verdict}"
                    );
                }
                State::NotATrail => assert!(place < 8, "byte {place}"),
                State::Newer { .. } => assert_eq!(place, 8),
                other => panic!("byte {place} bit {bit}: {other}"),
            }
            let name = verdict.to_string();
            let name = name.split(" at byte").next().unwrap().to_owned();
            *verdicts.entry(name).or_default() += 1;
        }
    }
    assert!(
        verdicts["damaged"] > 1000 && verdicts["signature bad"] > 500,
        "{verdicts:?}"
    );
}

#[test]
fn records_that_were_swapped_taken_out_or_repeated_are_named() {
    let bytes = trail(&NOBODY);
    let places = records(&bytes);
    let part = |number: usize| &bytes[places[number]..places[number + 1]];
    let last = places.len() - 2;
    for number in 0..last {
        let before = &bytes[..places[number]];
        let taken = [before, &bytes[places[number + 1]..]].concat();
        let swapped = [
            before,
            part(number + 1),
            part(number),
            &bytes[places[number + 2]..],
        ]
        .concat();
        let repeated = [&bytes[..places[number + 1]], &bytes[places[number]..]].concat();
        for (what, forged) in [("taken", &taken), ("swapped", &swapped), ("repeated", &repeated)] {
            let State::ChainBroken { at, expected, found } = state(forged) else {
                panic!("{what} {number}: {}", state(forged));
            };
            let place = if what == "repeated" { number + 1 } else { number };
            assert_eq!((at, expected), (places[place] as u64, place as u64), "{what}");
            assert_ne!(expected, found);
        }
    }
    let longer = [&bytes[..], part(0)].concat();
    assert!(matches!(state(&longer), State::Damaged { at, .. } if at == bytes.len() as u64));
}

#[test]
fn a_record_of_another_trail_is_no_record_of_this_one() {
    let bytes = trail(&NOBODY);
    let mut other = crate::lab::head();
    other.session = "ssh-20240517-081530-0000".into();
    let (mut writer, mut forged) = sps_trail::Writer::new(
        &other,
        &NOBODY,
        &crate::lab::signer(),
        &sps_trail::Seed::new([9; 32]),
        Options::default(),
    )
    .unwrap();
    for event in &story()[..3] {
        writer.event(event).unwrap();
    }
    forged.extend(writer.take(START).unwrap().unwrap());
    let (own, others) = (records(&bytes), records(&forged));
    let mixed = [&bytes[..own[0]], &forged[others[0]..others[1]], &bytes[own[1]..]].concat();
    assert!(matches!(state(&mixed), State::Damaged { at, .. } if at == own[0] as u64));
}

#[test]
fn another_signer_is_found_out() {
    let bytes = trail(&NOBODY);
    let other = SigningKey::from_secret(&[8; 32]).unwrap().public();
    assert_eq!(judge(&bytes, Some(other), 100).state, State::OtherSigner);
    // The key in the head is another one, and the signature is still that of the first.
    let own = crate::lab::signer().public();
    let place = bytes.windows(32).position(|window| window == own.0).unwrap();
    let mut forged = bytes.clone();
    forged[place..place + 32].copy_from_slice(&other.0);
    assert_eq!(judge(&forged, None, 100).state, State::SignatureBad { at: 0 });
    assert_eq!(judge(&bytes, None, 100).signer, Some(own));
}

#[test]
fn seals_come_in_time_and_only_when_something_was_written() {
    let (mut writer, head) = begin(&NOBODY, Options::default());
    assert!(writer.is_settled());
    assert_eq!(writer.take(START + 99_000).unwrap(), None);
    writer.event(&story()[0]).unwrap();
    assert!(!writer.is_settled());
    let first = writer.take(START + 100_000).unwrap().unwrap();
    assert_eq!(writer.take(START + 109_999).unwrap(), None);
    assert!(!writer.is_settled());
    let seal = writer.take(START + 110_000).unwrap().unwrap();
    assert!(writer.is_settled());
    assert_eq!(writer.take(START + 999_000).unwrap(), None);
    let bytes = [head, first, seal].concat();
    let report = judge(&bytes, None, 100);
    assert_eq!((report.chunks, report.sealed_chunks), (1, 1));
    assert_eq!(report.sealed_until, Some(START + 110_000));
    assert_eq!(
        report.state,
        State::Cut {
            whole: bytes.len() as u64
        }
    );
}

#[test]
fn a_timestamp_is_chained_like_everything_else() {
    let (mut writer, mut bytes) = begin(
        &NOBODY,
        Options {
            seal_every: 0,
            ..Options::default()
        },
    );
    writer.event(&story()[0]).unwrap();
    bytes.extend(writer.take(START).unwrap().unwrap());
    let about = writer.last_seal().unwrap();
    writer.timestamp(&about, b"token").unwrap();
    assert!(writer.timestamp(&about, &vec![0; 2 << 20]).is_err());
    bytes.extend(writer.finish(&crate::lab::ending(), START + 1).unwrap());
    let report = judge(&bytes, None, 100);
    assert_eq!((report.state, report.timestamps), (State::Complete, 1));
}

#[test]
fn what_is_new_is_sealed_for_a_timestamp_and_an_idle_trail_wants_none() {
    let (mut writer, mut bytes) = begin(&NOBODY, Options::default());
    assert_eq!(writer.seal_to_stamp(START).unwrap(), None);
    writer.event(&story()[0]).unwrap();
    let first = writer.seal_to_stamp(START + 1).unwrap().unwrap();
    // Asked again before an answer: the same seal, and no other in the trail.
    assert_eq!(writer.seal_to_stamp(START + 2).unwrap(), Some(first));
    // Something more comes while the authority thinks: what it answers is not about that.
    writer.event(&story()[1]).unwrap();
    bytes.extend(writer.take(START + 20_000).unwrap().unwrap());
    bytes.extend(writer.take(START + 31_000).unwrap().unwrap());
    writer.timestamp(&first, b"token").unwrap();
    let second = writer.seal_to_stamp(START + 32_000).unwrap().unwrap();
    assert_ne!(first, second);
    writer.timestamp(&second, b"token").unwrap();
    assert_eq!(writer.seal_to_stamp(START + 33_000).unwrap(), None);
    // The token is sealed in its time, and that seal wants no other.
    bytes.extend(writer.take(START + 34_000).unwrap().unwrap());
    bytes.extend(writer.take(START + 45_000).unwrap().unwrap());
    assert_eq!(writer.seal_to_stamp(START + 46_000).unwrap(), None);
    bytes.extend(writer.finish(&crate::lab::ending(), START + 47_000).unwrap());
    let report = judge(&bytes, None, 100);
    assert_eq!((report.state, report.timestamps), (State::Complete, 2));
}

#[test]
fn what_is_too_long_is_refused_and_recorded_is_what_was_before() {
    let (mut writer, mut bytes) = begin(&NOBODY, Options::default());
    let long = |size| sps_trail::Event {
        at: 0,
        channel: 0,
        kind: sps_trail::Kind::Exec {
            command: vec![b'x'; size].into(),
        },
    };
    let error = writer.event(&long(MAX_EVENT)).unwrap_err().to_string();
    assert!(
        error.contains("an event of 524291 bytes is not recorded"),
        "{error}"
    );
    writer.event(&long(MAX_EVENT - 3)).unwrap();
    bytes.extend(writer.finish(&crate::lab::ending(), START).unwrap());
    assert_eq!(judge(&bytes, None, 1000).state, State::Complete);
    assert_eq!(events(&bytes, vec![]), [long(MAX_EVENT - 3)]);
}

#[test]
fn what_was_never_a_trail_is_said_so() {
    assert_eq!(state(b"hello, this is a text"), State::NotATrail);
    assert_eq!(state(b""), State::Cut { whole: 0 });
    assert_eq!(state(b"\x89SP"), State::Cut { whole: 0 });
    let key = PublicKey::from_pem(b"no key").unwrap_err().to_string();
    assert!(key.contains("no public key and no certificate"), "{key}");
}

//! Frames there and back, however they are cut, and what is none.

use proptest::prelude::*;

use super::*;

fn hello() -> Hello {
    Hello {
        format: FORMAT,
        product: "sps".into(),
        version: "7.1.0".into(),
        extract: 3,
        host_name: "indexer-1".into(),
        worker: 1,
        workers: 4,
        keys: vec![[7; 32], [9; 32]],
    }
}

fn of_hosts() -> Vec<FromHost> {
    vec![
        FromHost::Hello(hello()),
        FromHost::Alive,
        FromHost::More,
        FromHost::Told(vec![1; MAX_TOLD]),
        FromHost::Done,
        FromHost::Failed {
            elsewhere: true,
            reason: "no memory".into(),
        },
        FromHost::Leave,
    ]
}

fn of_appliances() -> Vec<FromAppliance> {
    vec![
        FromAppliance::Welcome {
            version: "7.1.0".into(),
        },
        FromAppliance::Refused {
            reason: "too old".into(),
        },
        FromAppliance::Session {
            id: "ssh-1".into(),
            size: u64::MAX,
        },
        FromAppliance::Piece(vec![2; MAX_PIECE]),
        FromAppliance::Piece(Vec::new()),
        FromAppliance::Rest,
    ]
}

fn read<F: Frame>(bytes: &[u8], size: usize) -> Result<Vec<F>, FrameError> {
    let (mut frames, mut found) = (Frames::default(), Vec::new());
    for piece in bytes.chunks(size) {
        frames.push(piece);
        while let Some(frame) = frames.next()? {
            found.push(frame);
        }
    }
    Ok(found)
}

#[test]
fn frames_arrive_however_they_are_cut() {
    let (hosts, appliances) = (of_hosts(), of_appliances());
    let from_hosts: Vec<u8> = hosts.iter().flat_map(Frame::bytes).collect();
    let from_appliances: Vec<u8> = appliances.iter().flat_map(Frame::bytes).collect();
    for size in [7, 4096, 1_000_000] {
        assert_eq!(read::<FromHost>(&from_hosts, size).unwrap(), hosts);
        assert_eq!(read::<FromAppliance>(&from_appliances, size).unwrap(), appliances);
    }
}

#[test]
fn what_is_no_frame_is_told_before_its_body_comes() {
    let told = |bytes: &[u8]| read::<FromHost>(bytes, 1).unwrap_err();
    assert_eq!(told(b"GET / HTTP/1.1\r\n"), FrameError::Kind(b'G'));
    // What the other side says.
    assert_eq!(told(&FromAppliance::Rest.bytes()), FrameError::Kind(REST));
    let length = MAX_HELLO as u32 + 1;
    let long = [&[HELLO][..], &length.to_le_bytes()].concat();
    assert_eq!(told(&long), FrameError::TooLong { kind: HELLO, length });
    for bytes in [
        vec![ALIVE, 1, 0, 0, 0],
        vec![TOLD, 0, 0, 0, 0, ALIVE],
        vec![FAILED, 3, 0, 0, 0, 2, 0, 0],
        // A control character, which a log would show.
        vec![FAILED, 4, 0, 0, 0, 0, 1, 0, 0x1b],
        vec![HELLO, 2, 0, 0, 0, 1, 0],
    ] {
        let error = read::<FromHost>(&bytes, 100).unwrap_err();
        assert!(
            matches!(error, FrameError::Malformed | FrameError::TooLong { .. }),
            "{bytes:?}: {error}"
        );
    }
}

#[test]
fn texts_are_cut_and_cleaned_on_their_way_out() {
    let failed = FromHost::Failed {
        elsewhere: false,
        reason: format!("\n{}", "ä".repeat(MAX_REASON)),
    };
    let bytes = failed.bytes();
    let found: Vec<FromHost> = read(&bytes, 100).unwrap();
    let [FromHost::Failed { reason, .. }] = &found[..] else {
        panic!("{found:?}");
    };
    assert!(reason.starts_with(" ä") && reason.len() <= MAX_REASON);
}

proptest! {
    #[test]
    fn no_bytes_are_a_panic_or_more_than_a_frame(bytes in prop::collection::vec(any::<u8>(), 0..400), size in 1_usize..50) {
        let mut frames = Frames::default();
        for piece in bytes.chunks(size) {
            frames.push(piece);
            while let Ok(Some(frame)) = frames.next::<FromHost>() {
                // What was understood is said in the same bytes.
                let again = read::<FromHost>(&frame.bytes(), 1000).unwrap();
                prop_assert_eq!(again, vec![frame]);
            }
        }
    }
}

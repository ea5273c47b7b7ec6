//! Timestamps of a real authority in a trail: judged, and given to `openssl ts -verify`.

use std::fs;
use std::path::Path;

use sps_harness::{TimestampAuthority, TsaCertificate};
use sps_timestamp::{Authority, Request};
use sps_trail::{Ending, Event, Head, Options, Recipients, Seed, Word, Writer};

use super::{START, lab, run, signer};

/// A trail with two timestamps: `tamper` may change a token before it is recorded, or what it is said to be about.
fn stamped(tsa: &TimestampAuthority, tamper: impl Fn(u8, &mut Vec<u8>, &mut [u8; 32])) -> Vec<u8> {
    let head = Head {
        session: "ssh-1".into(),
        start: START,
        protocol: Word::SSH,
        connection: "linux".into(),
        facts: vec![],
    };
    let (signer, seed) = (signer(), Seed::new([1; 32]));
    let begun = Writer::new(&head, &Recipients::default(), &signer, &seed, Options::default());
    let (mut writer, mut bytes) = begun.unwrap();
    for number in 1..=2 {
        let at = START + i64::from(number) * 1000;
        writer
            .event(&Event::output(u64::from(number) * 1_000_000, 1, b"$ "))
            .unwrap();
        let mut about = writer.seal_to_stamp(at).unwrap().unwrap();
        let request = Request::new(about, [number; 8], None);
        let answer = tsa.reply(&request.encode()).unwrap();
        let own = Authority::from_pem([tsa.ca().unwrap().as_bytes()]).unwrap();
        let mut token = request.judge(&answer, &own).unwrap().0.to_vec();
        tamper(number, &mut token, &mut about);
        writer.timestamp(&about, &token).unwrap();
        bytes.extend(writer.take(at).unwrap().unwrap());
    }
    let ending = Ending {
        verdict: Word::ACCEPT,
        reason: String::new(),
    };
    bytes.extend(writer.finish(&ending, START + 3000).unwrap());
    bytes
}

fn tsa(path: &Path) -> TimestampAuthority {
    let tsa = TimestampAuthority::new(TsaCertificate::Good).unwrap();
    fs::write(path.join("ca.pem"), tsa.ca().unwrap()).unwrap();
    tsa
}

#[test]
fn timestamps_are_judged_where_a_ca_is_given_and_counted_where_none_is() {
    let (_folder, path) = lab();
    let tsa = tsa(&path);
    fs::write(path.join("good.trail"), stamped(&tsa, |_, _, _| {})).unwrap();
    let (status, out, err) = run(&path, "verify @good.trail");
    assert_eq!((status, err.as_str()), (0, ""));
    assert!(
        out.contains("good.trail: 2 timestamps, not judged (--timestamp-ca)"),
        "{out}"
    );

    let (status, out, err) = run(&path, "verify @good.trail --timestamp-ca @ca.pem");
    assert_eq!((status, err.as_str()), (0, ""), "{out}");
    assert!(out.contains("good.trail: 2 timestamps of CN=stamps, 20"), "{out}");
    let end = "; what was sealed until 2024-05-17T08:15:32Z was there at 20";
    assert!(out.contains(end) && out.contains("give or take 1.500 s"), "{out}");

    let plain = super::trail("ssh-1", &Recipients::default());
    fs::write(path.join("plain.trail"), plain).unwrap();
    let (status, out, _) = run(&path, "verify @plain.trail --timestamp-ca @ca.pem");
    assert_eq!(status, 0);
    assert!(out.contains("plain.trail: no timestamps"), "{out}");

    let (status, _, err) = run(&path, "verify @good.trail --timestamp-ca @good.trail");
    assert_eq!(status, 2);
    assert!(err.contains("certificate 1 is no certificate in PEM"), "{err}");
}

#[test]
fn wrong_and_foreign_timestamps_make_a_trail_not_whole() {
    let (_folder, path) = lab();
    let good = tsa(&path);
    let foreign = TimestampAuthority::new(TsaCertificate::Good).unwrap();
    let second = |number: u8| number == 2;
    for (name, trail, words) in [
        (
            "foreign",
            stamped(&foreign, |_, _, _| {}),
            "timestamp 1 does not count: the certificate that signed it does not lead to the CA that is given",
        ),
        (
            "stranger",
            stamped(&good, |number, _, about| about[0] ^= u8::from(second(number))),
            "timestamp 2 does not count: it is about no seal before it",
        ),
        (
            "changed",
            stamped(&good, |number, token, _| {
                let last = token.len() - 1;
                token[last] ^= u8::from(second(number));
            }),
            "timestamp 2 does not count: its signature is not that of its certificate",
        ),
    ] {
        fs::write(path.join(format!("{name}.trail")), trail).unwrap();
        let (status, out, _) = run(&path, &format!("verify @{name}.trail --timestamp-ca @ca.pem"));
        assert_eq!(status, 1, "{name}: {out}");
        assert!(out.contains(words), "{name}: {out}");
        // Without the CA nobody says anything about them.
        assert_eq!(run(&path, &format!("verify @{name}.trail")).0, 0);
    }
}

#[test]
fn exported_tokens_are_believed_by_openssl() {
    let (_folder, path) = lab();
    let tsa = tsa(&path);
    fs::write(path.join("good.trail"), stamped(&tsa, |_, _, _| {})).unwrap();
    let (status, _, err) = run(&path, "export @good.trail --format timestamps");
    assert_eq!(status, 2);
    assert!(err.contains("name one by --output"), "{err}");
    let line = "export @good.trail --format timestamps --output @tokens";
    let (status, out, err) = run(&path, line);
    assert_eq!((status, out.as_str(), err.as_str()), (0, "", ""));
    for number in 1..=2 {
        let file = |kind: &str| path.join(format!("tokens/{number}.{kind}"));
        tsa.verify(&file("tst"), &file("seal")).unwrap();
    }
    assert_eq!(fs::read_dir(path.join("tokens")).unwrap().count(), 4);
    // Nothing is replaced.
    assert_eq!(run(&path, line).0, 2);
}

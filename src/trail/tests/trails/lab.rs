//! What tests of trails share: a session, keys, certificates of openssl, and a trail of it.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use sps_session_record::Word;
use sps_trail::{
    Ending, Event, Exit, Fact, Head, Item, Kind, Options, Playback, PrivateKey, PublicKey, Reader, Recipient,
    Recipients, Report, Seed, SigningKey, Writer,
};

/// 2024-05-17 08:15:30.
pub(crate) const START: i64 = 1_715_933_730_000;

pub(crate) fn head() -> Head {
    let fact = |name: &str, text: &str| Fact {
        name: name.try_into().unwrap(),
        text: text.into(),
    };
    Head {
        session: "ssh-20240517-081530-7f3a".into(),
        start: START,
        protocol: Word::SSH,
        connection: "linux-servers".into(),
        facts: vec![fact("client", "192.0.2.7:50123"), fact("server-user", "root")],
    }
}

pub(crate) fn signer() -> Arc<SigningKey> {
    Arc::new(SigningKey::from_secret(&[7; 32]).unwrap())
}

pub(crate) fn begin(recipients: &Recipients, options: Options) -> (Writer, Vec<u8>) {
    Writer::new(&head(), recipients, &signer(), &Seed::new([9; 32]), options).unwrap()
}

pub(crate) fn ending() -> Ending {
    Ending {
        verdict: Word::ACCEPT,
        reason: "the client left".into(),
    }
}

/// A short terminal session.
pub(crate) fn story() -> Vec<Event<'static>> {
    let event = |at, kind| Event { at, channel: 3, kind };
    let opened = Kind::ChannelOpened {
        kind: "session-shell".into(),
        detail: "".into(),
    };
    let terminal = Kind::Terminal {
        term: "xterm-256color".into(),
        columns: 100,
        rows: 30,
    };
    vec![
        event(1_000, opened),
        event(2_000, terminal),
        Event::output(500_000, 3, b"root@db1:~# "),
        Event::input(1_000_000, 3, b"id\r"),
        Event::output(1_050_000, 3, b"id\r\n"),
        Event::output(1_060_000, 3, b"uid=0(root)\r\n"),
        event(2_000_000, Kind::Exit(Exit::Status(0))),
        event(2_100_000, Kind::ChannelClosed),
    ]
}

/// The whole file: the story, taken every now and then.
pub(crate) fn trail(recipients: &Recipients) -> Vec<u8> {
    let (mut writer, mut bytes) = begin(recipients, Options::default());
    for (place, event) in (0_i64..).zip(story()) {
        writer.event(&event).unwrap();
        if place % 3 == 2 {
            bytes.extend(writer.take(START + place * 6_000).unwrap().unwrap());
        }
    }
    bytes.extend(writer.finish(&ending(), START + 60_000).unwrap());
    bytes
}

/// Reads it in steps of `step` bytes, and judges it.
pub(crate) fn judge(bytes: &[u8], expected: Option<PublicKey>, step: usize) -> Report {
    let mut reader = Reader::new(expected);
    for part in bytes.chunks(step) {
        reader.push(part);
        while reader.next().is_some() {}
    }
    reader.report()
}

/// Where each record begins, and where the last ends.
pub(crate) fn records(bytes: &[u8]) -> Vec<usize> {
    let mut reader = Reader::new(None);
    let mut places = Vec::new();
    for (place, byte) in bytes.iter().enumerate() {
        reader.push(&[*byte]);
        while let Some(item) = reader.next() {
            assert!(item == Item::Head || !places.is_empty());
            places.push(place + 1);
        }
    }
    places
}

/// All events, in order.
pub(crate) fn events(bytes: &[u8], keys: Vec<PrivateKey>) -> Vec<Event<'static>> {
    let mut playback = Playback::new(None, keys);
    let mut events = Vec::new();
    for part in bytes.chunks(100) {
        playback.push(part);
        while let Some(event) = playback.next().unwrap() {
            events.push(event);
        }
    }
    events.extend(playback.drain());
    events
}

/// Runs openssl in a folder.
pub(crate) fn openssl(folder: &Path, arguments: &str) {
    let output = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(folder)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {arguments}: {said}");
}

/// Somebody with a key `NAME.key` and a certificate `NAME.pem` in `folder`.
pub(crate) fn somebody(folder: &Path, name: &str, kind: &str) -> (Recipient, PrivateKey) {
    if kind == "x25519" {
        openssl(folder, &format!("genpkey -algorithm x25519 -out {name}.key"));
        openssl(folder, &format!("pkey -in {name}.key -pubout -out {name}.pub"));
        openssl(
            folder,
            "req -x509 -newkey ed25519 -nodes -keyout ca.key -out ca.pem -subj /CN=CA -days 2",
        );
        openssl(
            folder,
            &format!(
                "x509 -new -force_pubkey {name}.pub -CA ca.pem -CAkey ca.key -subj /CN={name} -days 2 -out {name}.pem"
            ),
        );
    } else {
        openssl(
            folder,
            &format!(
                "req -x509 -newkey {kind} -nodes -keyout {name}.key -out {name}.pem -subj /CN={name} -days 2"
            ),
        );
    }
    let read = |ending: &str| std::fs::read(folder.join(format!("{name}.{ending}"))).unwrap();
    let recipient = Recipient::from_pem(&read("pem")).unwrap();
    assert_eq!(recipient.name(), format!("CN={name}"));
    (recipient, PrivateKey::from_pem(&read("key")).unwrap())
}

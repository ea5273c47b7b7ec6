//! Who can read a trail and who cannot: certificates of openssl and rcgen, of X25519 and RSA, and a reader in another language.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::lab::{events, openssl, somebody, story, trail};
use sha2::{Digest as _, Sha256};
use sps_trail::{
    Event, KeyError, KeyPair, Kind, Playback, PrivateKey, Reader, Recipient, Recipients, SigningKey, State,
    Stream, TrailError,
};

fn without_input(events: Vec<Event<'static>>) -> Vec<Event<'static>> {
    let shown = |event: &Event<'_>| !matches!(event.kind, Kind::Input { .. });
    events.into_iter().filter(shown).collect()
}

fn plain() -> Vec<Event<'static>> {
    events(&trail(&Recipients::default()), vec![])
}

#[test]
fn each_recipient_reads_what_is_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let (alice, alice_key) = somebody(folder.path(), "alice", "x25519");
    let (bob, bob_key) = somebody(folder.path(), "bob", "rsa:2048");
    let (carol, carol_key) = somebody(folder.path(), "carol", "x25519");
    let (_, stranger) = somebody(folder.path(), "stranger", "x25519");
    let both = trail(&Recipients {
        downstream: vec![alice.clone(), bob.clone()],
        ..Recipients::default()
    });
    let names = crate::lab::judge(&both, None, 100).recipients;
    assert_eq!(names, ["CN=alice", "CN=bob"]);
    assert_eq!(events(&both, vec![alice_key]), plain());
    assert_eq!(events(&both, vec![bob_key]), plain());
    let refused = opener(&both, &[stranger]).unwrap_err().to_string();
    assert_eq!(
        refused,
        "the trail is not encrypted for this key; it is for: CN=alice; CN=bob"
    );

    let split = trail(&Recipients {
        downstream: vec![alice],
        upstream: vec![carol, bob],
        ..Recipients::default()
    });
    let key = |name: &str| private(folder.path(), name);
    let prints = |names: &[&str]| Some(names.iter().map(|name| key(name).fingerprint()).collect());
    assert_eq!(readers(&split, Stream::Downstream), prints(&["alice"]));
    assert_eq!(readers(&split, Stream::Upstream), prints(&["carol", "bob"]));
    assert_eq!(readers(&split[..100], Stream::Upstream), None);
    assert_eq!(events(&split, vec![key("alice")]), without_input(plain()));
    assert_eq!(events(&split, vec![key("alice"), carol_key]), plain());
    assert_eq!(events(&split, vec![key("bob"), key("alice")]), plain());
    let mut playback = Playback::new(None, vec![key("carol")]);
    playback.push(&split);
    let locked = playback.next().unwrap_err().to_string();
    assert_eq!(
        locked,
        "what was shown is encrypted: give the private key of one of: CN=alice"
    );
}

/// Fingerprints of who reads a stream.
fn readers(trail: &[u8], stream: Stream) -> Option<Vec<[u8; 32]>> {
    let mut reader = Reader::new(None);
    reader.push(trail);
    reader.next();
    reader.readers(stream)
}

fn private(folder: &Path, name: &str) -> PrivateKey {
    PrivateKey::from_pem(&std::fs::read(folder.join(format!("{name}.key"))).unwrap()).unwrap()
}

fn opener(bytes: &[u8], keys: &[PrivateKey]) -> Result<bool, KeyError> {
    let mut reader = Reader::new(None);
    reader.push(bytes);
    reader.next();
    let opener = reader.opener(keys).unwrap()?;
    Ok(opener.opens(Stream::Upstream))
}

#[test]
fn nothing_that_was_shown_or_typed_stands_in_an_encrypted_trail() {
    let folder = tempfile::tempdir().unwrap();
    let (alice, key) = somebody(folder.path(), "alice", "x25519");
    let bytes = trail(&Recipients {
        downstream: vec![alice],
        ..Recipients::default()
    });
    let holds = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    assert!(holds(b"linux-servers") && !holds(b"root@db1") && !holds(b"uid=0") && !holds(b"xterm"));
    assert!(opener(&bytes, &[key]).unwrap());
    assert_eq!(crate::lab::judge(&bytes, None, 3).state, State::Complete);
}

#[test]
fn certificates_of_another_library_are_read_too() {
    let pair = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_3072).unwrap();
    let mut parameters = rcgen::CertificateParams::new(vec![]).unwrap();
    parameters
        .distinguished_name
        .push(rcgen::DnType::CommonName, "auditor");
    let certificate = parameters.self_signed(&pair).unwrap();
    let recipient = Recipient::from_pem(certificate.pem().as_bytes()).unwrap();
    assert_eq!(
        Recipient::from_der(certificate.der()).unwrap().fingerprint(),
        recipient.fingerprint()
    );
    let bytes = trail(&Recipients {
        downstream: vec![recipient],
        ..Recipients::default()
    });
    let key = PrivateKey::from_pem(pair.serialize_pem().as_bytes()).unwrap();
    assert_eq!(events(&bytes, vec![key]), plain());
}

#[test]
fn what_cannot_be_used_is_refused_with_the_mend() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let refused = |name: &str| {
        let pem = std::fs::read(path.join(name)).unwrap();
        Recipient::from_pem(&pem).unwrap_err().to_string()
    };
    openssl(
        path,
        "req -x509 -newkey rsa:1024 -nodes -keyout short.key -out short.pem -subj /CN=short",
    );
    openssl(
        path,
        "req -x509 -newkey ed25519 -nodes -keyout sign.key -out sign.pem -subj /CN=sign",
    );
    openssl(path, "pkey -in sign.key -aes256 -passout pass:x -out locked.key");
    assert!(
        refused("short.pem").contains("2048 to 8192 bits"),
        "{}",
        refused("short.pem")
    );
    assert!(
        refused("sign.pem").contains("X25519 or RSA"),
        "{}",
        refused("sign.pem")
    );
    assert!(
        refused("sign.key").contains("no certificate in PEM"),
        "{}",
        refused("sign.key")
    );
    let key = |name: &str| {
        PrivateKey::from_pem(&std::fs::read(path.join(name)).unwrap())
            .unwrap_err()
            .to_string()
    };
    assert!(
        key("locked.key").contains("openssl pkey -in KEY -out PLAIN"),
        "{}",
        key("locked.key")
    );
    assert!(
        key("sign.key").contains("X25519, or of RSA"),
        "{}",
        key("sign.key")
    );
    assert!(key("sign.pem").contains("no PKCS#8"), "{}", key("sign.pem"));

    let pem = |name: &str| std::fs::read(path.join(name)).unwrap();
    let signer = SigningKey::from_pem(&pem("sign.key")).unwrap();
    let public = sps_trail::PublicKey::from_pem(&pem("sign.pem")).unwrap();
    assert_eq!(signer.public(), public);
    let error = SigningKey::from_pem(&pem("short.key")).unwrap_err().to_string();
    assert!(error.contains("signed with ed25519"), "{error}");

    let (alice, _) = somebody(path, "alice", "x25519");
    let backwards = Recipients {
        upstream: vec![alice],
        ..Recipients::default()
    };
    let seed = sps_trail::Seed::new([1; 32]);
    let begun = sps_trail::Writer::new(
        &crate::lab::head(),
        &backwards,
        &crate::lab::signer(),
        &seed,
        sps_trail::Options::default(),
    );
    assert_eq!(begun.err(), Some(TrailError::NobodyReadsOutput));
}

/// Where the Python with `cryptography` is: that of the S3 server, where `cargo xtask test` says, else where `cargo xtask setup` puts it.
fn python() -> PathBuf {
    if let Some(named) = std::env::var_os("SPS_S3_SERVER") {
        return PathBuf::from(named).join("bin/python");
    }
    let digest = Sha256::digest(include_bytes!("../../../../tests/s3/requirements.txt"));
    let short: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let home = PathBuf::from(std::env::var_os("HOME").unwrap());
    home.join(".cache/sps/tools")
        .join(format!("s3-{short}/bin/python"))
}

fn read_by_python(folder: &Path, bytes: &[u8], keys: &[&str]) -> Result<String, String> {
    let file = folder.join("trail");
    std::fs::write(&file, bytes).unwrap();
    let python = python();
    let output = Command::new(&python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/trails/reader.py"))
        .arg(&file)
        .args(keys)
        .current_dir(folder)
        .output()
        .unwrap_or_else(|error| panic!("{} (run `cargo xtask setup`): {error}", python.display()));
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    if output.status.success() {
        Ok(text(output.stdout))
    } else {
        Err(text(output.stderr))
    }
}

#[test]
fn another_language_reads_the_same_by_the_description_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (alice, _) = somebody(folder.path(), "alice", "x25519");
    let (bob, _) = somebody(folder.path(), "bob", "rsa:2048");
    let bytes = trail(&Recipients {
        downstream: vec![alice, bob.clone()],
        upstream: vec![bob],
        ..Recipients::default()
    });
    let mut shown = String::new();
    for event in plain() {
        if let Kind::Output { data, .. } = &event.kind {
            write!(shown, "{} 3 7 00", event.at).unwrap();
            data.iter().for_each(|byte| write!(shown, "{byte:02x}").unwrap());
            shown.push('\n');
        }
    }
    let all = read_by_python(folder.path(), &bytes, &["bob.key"]).unwrap();
    assert_eq!(all.lines().count(), plain().len());
    assert!(all.contains("1000000 3 8 69640d\n"), "{all}");
    let outputs = |text: &str| -> String {
        let wanted = text.lines().filter(|line| line.contains(" 3 7 "));
        wanted.flat_map(|line| [line, "\n"]).collect()
    };
    assert_eq!(outputs(&all), shown);
    let some = read_by_python(folder.path(), &bytes, &["alice.key"]).unwrap();
    assert_eq!((outputs(&some), some.lines().count()), (shown, story().len() - 2));
    let mut changed = bytes.clone();
    changed[bytes.len() / 2] ^= 1;
    assert!(read_by_python(folder.path(), &changed, &["bob.key"]).is_err());
    assert!(read_by_python(folder.path(), &bytes[..bytes.len() - 1], &[]).is_err());
}

#[test]
fn who_reads_the_screen_for_an_index_never_reads_what_was_typed() {
    let folder = tempfile::tempdir().unwrap();
    let (alice, _) = somebody(folder.path(), "alice", "x25519");
    let pair = KeyPair::new(zeroize::Zeroizing::new([7; 32]));
    let bytes = trail(&Recipients {
        downstream: vec![alice],
        screen: vec![pair.recipient("the index").unwrap()],
        ..Recipients::default()
    });
    let key = PrivateKey::from_pem(pair.to_pem().as_bytes()).unwrap();
    let mut playback = Playback::new(None, vec![key]);
    playback.push(&bytes);
    let mut shown = 0;
    while let Some(event) = playback.next().unwrap() {
        assert!(!matches!(event.kind, Kind::Input { .. }), "{event:?}");
        shown += u32::from(matches!(event.kind, Kind::Output { .. }));
    }
    assert!(shown > 0 && playback.closed() > 0);
    // Without others the trail is open to everybody: there is nobody it is kept from.
    let open = trail(&Recipients {
        screen: vec![pair.recipient("the index").unwrap()],
        ..Recipients::default()
    });
    let mut playback = Playback::new(None, vec![]);
    playback.push(&open);
    assert!(playback.next().unwrap().is_some());
}

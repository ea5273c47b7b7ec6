//! The same with a bucket: moto's server, which judges every request as S3 does, but for the signature.

use std::io::{BufRead as _, BufReader};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use sha2::{Digest as _, Sha256};
use sps_archive::{Bucket, Keep, Run, Shelf, archive, backups, fetch, prune};
use sps_cluster_config::sections::policies::S3;
use sps_config::Secret;
use tokio::runtime::Runtime;

use crate::backups::{bring_back, make, same, tree};
use crate::lab::{Keeping, Power, runtime, scratch, trails};

/// A server on a port of its own; killed when dropped.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start(arguments: &[&str]) -> Self {
        let folder = program();
        let mut child = Command::new(folder.join("bin/python"))
            .args(["-u", "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"])
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{} (run `cargo xtask setup`): {error}", folder.display()));
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let url = lines
            .map_while(Result::ok)
            .find_map(|line| {
                line.split_once("Running on ")
                    .map(|(_, url)| url.trim().to_owned())
            })
            .expect("moto says where it listens");
        Self { child, url }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// Where it is: where `cargo xtask test` says, else where `cargo xtask setup` puts it, by what is named today.
fn program() -> PathBuf {
    if let Some(named) = std::env::var_os("SPS_S3_SERVER") {
        return named.into();
    }
    let digest = Sha256::digest(include_bytes!("../../../../tests/s3/requirements.txt"));
    let short: String = digest[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let home = PathBuf::from(std::env::var_os("HOME").unwrap());
    home.join(".cache/sps/tools").join(format!("s3-{short}"))
}

fn settings(url: &str) -> S3 {
    S3 {
        endpoint: url.to_owned(),
        region: "us-east-1".into(),
        bucket: "evidence".into(),
        prefix: "some/where".into(),
        access_key_id: "AKIA".into(),
        secret_key: Secret::from("secret".to_owned()).into(),
        path_style: true,
        trust_store: None,
    }
}

fn shelf(settings: &S3, runtime: &Runtime) -> Shelf {
    trusting(settings, None, runtime)
}

fn trusting(settings: &S3, authorities: Option<&[String]>, runtime: &Runtime) -> Shelf {
    let secret = Secret::from("secret".to_owned());
    let bucket = Bucket {
        settings,
        secret: &secret,
        authorities,
    };
    Shelf::s3(&bucket, runtime.handle()).unwrap()
}

/// Makes the bucket as any client does.
fn make_bucket(url: &str) {
    use std::io::{Read as _, Write as _};
    let host = url.strip_prefix("http://").unwrap();
    let mut stream = std::net::TcpStream::connect(host).unwrap();
    write!(
        stream,
        "PUT /evidence HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn a_bucket_takes_archives_and_backups_and_gives_them_back() {
    let server = Server::start(&[]);
    make_bucket(&server.url);
    let (runtime, root, work, here) = (runtime(), scratch(), scratch(), scratch());
    let shelf = shelf(&settings(&server.url), &runtime);

    let (mut kept, contents) = trails(here.path(), true);
    let mut keeper = Keeping {
        kept: &mut kept,
        folder: here.path().into(),
        power: Power::cut_before(usize::MAX),
    };
    let run = Run {
        policy: "old",
        shelf: Some(&shelf),
        appliance: "sps-1",
        now: 1_800_000_000,
    };
    assert_eq!(archive(&run, &mut keeper, &mut |_| true).unwrap().trails, 3);
    for (id, note) in &kept.notes {
        let mut bytes = Vec::new();
        fetch(&shelf, &note.object, &note.sha256, &mut bytes).unwrap();
        assert_eq!(&bytes, &contents[id], "one of them in parts");
    }

    tree(root.path());
    let made = make(&shelf, root.path(), work.path(), 1_800_000_000).unwrap();
    assert_eq!((made.files, made.stored), (7, 6));
    let again = make(&shelf, root.path(), work.path(), 1_800_000_060).unwrap();
    assert_eq!(again.stored, 0);
    assert_eq!(backups(&shelf, None).unwrap().len(), 2);
    let back = scratch();
    bring_back(&shelf, &again.name, back.path(), work.path()).unwrap();
    same(root.path(), back.path());
}

#[test]
fn a_bucket_that_is_named_by_the_host_takes_and_gives_back_too() {
    let server = Server::start(&[]);
    make_bucket(&server.url);
    let by_name = server.url.replace("127.0.0.1", "localhost");
    let (runtime, root, work, back) = (runtime(), scratch(), scratch(), scratch());
    let hosted = S3 {
        path_style: false,
        ..settings(&by_name)
    };
    let hosted = shelf(&hosted, &runtime);
    tree(root.path());
    let made = make(&hosted, root.path(), work.path(), 1_800_000_000).unwrap();
    bring_back(&hosted, &made.name, back.path(), work.path()).unwrap();
    same(root.path(), back.path());
    let found = backups(&hosted, None).unwrap();
    assert_eq!(found.len(), 1);
    // It is the same bucket: nothing of its name went into the names of objects.
    let in_path = shelf(&settings(&server.url), &runtime);
    assert_eq!(backups(&in_path, None).unwrap(), found);
    let password = crate::backups::password();
    make(&hosted, root.path(), work.path(), 1_800_000_060).unwrap();
    let keep = Keep {
        shelf: &hosted,
        appliance: "sps-1",
        most: NonZeroU32::MIN,
        password: &password,
        ours: &|_| true,
        scratch: work.path(),
    };
    let went = prune(&keep, &mut || true).unwrap();
    assert_eq!(went.backups, [made.name]);
    assert_eq!(backups(&in_path, None).unwrap().len(), 1);
}

#[test]
fn a_bucket_that_is_not_there_is_named_with_what_it_said() {
    let server = Server::start(&[]);
    let runtime = runtime();
    let shelf = shelf(&settings(&server.url), &runtime);
    let error = shelf.put_bytes("a", b"x".to_vec()).unwrap_err();
    assert!(
        error.to_string().contains("bucket evidence: could not store a"),
        "{error}"
    );
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("NoSuchBucket"), "{source}");
}

#[test]
fn a_service_is_trusted_by_the_authorities_that_are_given_and_by_no_other() {
    let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let folder = scratch();
    let (certificate, key) = (folder.path().join("certificate"), folder.path().join("key"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let server = Server::start(&["-c", certificate.to_str().unwrap(), "-k", key.to_str().unwrap()]);
    assert!(server.url.starts_with("https://"), "{}", server.url);
    let (runtime, settings) = (runtime(), settings(&server.url));
    let own = [made.cert.pem()];
    let reached = trusting(&settings, Some(&own), &runtime).put_bytes("a", b"x".to_vec());
    let source = std::error::Error::source(&reached.unwrap_err())
        .unwrap()
        .to_string();
    assert!(source.contains("NoSuchBucket"), "it answers: {source}");
    let strange = shelf(&settings, &runtime)
        .put_bytes("a", b"x".to_vec())
        .unwrap_err();
    let mut told = strange.to_string();
    let mut cause = std::error::Error::source(&strange);
    while let Some(inner) = cause {
        told = format!("{told}: {inner}");
        cause = inner.source();
    }
    assert!(told.contains("certificate"), "{told}");
}

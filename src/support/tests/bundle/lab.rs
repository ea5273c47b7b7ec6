//! A machine in a folder, and a bundle taken apart.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

use sps_config::{
    Administrators, Change, Firmware, Interface, Ipv4, KeyPair, Keys, Network, Node, Rescue, Secret, Store,
    Time, hash_password,
};
use sps_support::{Bundle, Index, Roots};

/// Begin of every secret that is planted.
pub(crate) const PLANTED: &str = "planted-secret";

pub(crate) struct Lab {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) secrets: Vec<String>,
}

/// A document with a secret in every field that may hold one. Every field is named: a new one must be looked at here.
fn full_of_secrets(round: u32, secrets: &mut Vec<String>) -> Node {
    let mut plant = |place: &str| {
        let text = format!("{PLANTED}-{round}-{place}");
        secrets.push(text.clone());
        Some(Secret::from(text))
    };
    let password = hash_password(&Secret::from(format!("{PLANTED}-{round}-password"))).unwrap();
    let key = format!("-----BEGIN PRIVATE KEY-----\n{PLANTED}-{round}-web\n-----END PRIVATE KEY-----\n");
    let keys = Keys {
        web: Some(KeyPair {
            certificate: "-----BEGIN CERTIFICATE-----\nMIIBpublic\n-----END CERTIFICATE-----\n".into(),
            private_key: Secret::from(key),
        }),
        ssh_host: plant("ssh"),
        node: plant("node"),
    };
    secrets.push(format!("{PLANTED}-{round}-web"));
    secrets.push(password.expose().to_owned());
    Node {
        network: Network {
            host_name: format!("sps{round}"),
            interfaces: BTreeMap::from([("eth0".into(), Interface { ipv4: Ipv4::Dhcp })]),
            dns: Vec::new(),
            domain: None,
        },
        administrators: Administrators {
            console_password: Some(password.clone()),
            admin_password: Some(password),
            ssh_keys: Vec::new(),
        },
        time: Time::default(),
        sealed: false,
        keys,
        firmware: Firmware {
            commit_after_hours: 24,
            ssh_upload: false,
        },
        rescue: Rescue::default(),
    }
}

impl Lab {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut secrets = Vec::new();
        let state = folder.path().join("state");
        for name in ["logs", "boot"] {
            fs::create_dir_all(state.join(name)).unwrap();
        }
        let (mut store, _) = Store::open(&state.join("config")).unwrap();
        for round in 0..2 {
            let node = full_of_secrets(round, &mut secrets);
            store.commit(store.revision(), node, Change::default()).unwrap();
        }
        fs::write(state.join("boot/control.env"), "first=1\n").unwrap();
        for n in 1..=3 {
            fs::write(
                state.join(format!("logs/boot-{n}.log")),
                format!("[ 1.000] boot {n}\n"),
            )
            .unwrap();
        }
        fs::create_dir_all(folder.path().join("sys/block/sda/sda1")).unwrap();
        fs::write(folder.path().join("sys/block/sda/size"), "16777216\n").unwrap();
        fs::write(folder.path().join("sys/block/sda/sda1/size"), "4096\n").unwrap();
        fs::create_dir_all(folder.path().join("sys/fs/pstore")).unwrap();
        fs::write(
            folder.path().join("sys/fs/pstore/dmesg-efi-1"),
            "Kernel panic - not syncing\n",
        )
        .unwrap();
        Self { folder, secrets }
    }

    pub(crate) fn state(&self) -> std::path::PathBuf {
        self.folder.path().join("state")
    }

    pub(crate) fn bundle(&self) -> Bundle {
        let roots = Roots {
            state: Some(self.state()),
            sys: self.folder.path().join("sys"),
            ..Roots::default()
        };
        Bundle::new("sps1", 1_700_000_000, "0a1b2c3", &roots)
    }
}

/// Files of a bundle by their names, without the folder they all lie in.
pub(crate) fn unpack(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut archive = tar::Archive::new(zstd::Decoder::new(bytes).unwrap());
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().into_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        let name = path
            .strip_prefix(Path::new("debug_info-sps1202311142213-0a1b2c3"))
            .unwrap();
        files.insert(name.to_str().unwrap().to_owned(), content);
    }
    files
}

/// Makes a bundle.
pub(crate) fn made(bundle: Bundle) -> (Index, BTreeMap<String, Vec<u8>>) {
    let mut bytes = Vec::new();
    let index = bundle.write(&mut bytes).unwrap();
    (index, unpack(&bytes))
}

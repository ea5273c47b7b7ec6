//! Requests against a real store in a folder.

mod changing;
mod exports;

use std::collections::BTreeMap;
use std::sync::Mutex;

use serde_json::{Value, json};
use sps_admin::{ConfigurationEdit, ConfigurationPart, Failure, Given, Reply, Request, Response};
use sps_cluster_config::{Cluster, ClusterKey, LAYOUT, Store};
use sps_config::Change;

use crate::{Asker, answer};

/// Nothing listens in the tests.
static NO_PORTS: BTreeMap<u16, String> = BTreeMap::new();

/// A store with the document of a customer, and the folder it is in.
struct Lab {
    _folder: tempfile::TempDir,
    store: Mutex<Store>,
    sealed: bool,
    message: &'static str,
}

impl Lab {
    fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (mut store, _) = Store::open(folder.path(), Some(ClusterKey::generate().unwrap())).unwrap();
        store.commit(0, &rich(seed), Change::default()).unwrap();
        Self {
            _folder: folder,
            store: Mutex::new(store),
            sealed: false,
            message: "",
        }
    }

    fn asker(&self) -> Asker<'_> {
        Asker {
            who: "admin by web from 192.0.2.9",
            message: self.message,
            now: 1_800_000_000,
            sealed: self.sealed,
            product: "7.0.3",
            host_name: "gate",
            own_ports: &NO_PORTS,
            migrate,
        }
    }

    /// Asks; whatever comes back holds no secret.
    fn ask(&self, request: &Request) -> Reply {
        let reply = answer(&self.store, self.asker(), request);
        let text = match &reply {
            Ok(response) => serde_json::to_string(response).unwrap(),
            Err(failure) => failure.to_string(),
        };
        assert!(!text.contains("hunter"), "a secret in {text}");
        reply
    }

    fn document(&self) -> Cluster {
        self.store.lock().unwrap().document().clone()
    }

    fn revision(&self) -> u64 {
        self.store.lock().unwrap().revision()
    }

    fn part(&self, path: &str) -> ConfigurationPart {
        let request = Request::ConfigurationShow {
            path: path.into(),
            revision: None,
            edits: Vec::new(),
            expected: None,
        };
        match self.ask(&request).unwrap() {
            Response::Configuration(part) => part,
            other => panic!("{other:?}"),
        }
    }

    fn change(&self, edits: Vec<ConfigurationEdit>, expected: Option<u64>) -> Reply {
        self.ask(&Request::ConfigurationChange { edits, expected })
    }

    fn set(&self, path: &str, value: Value) -> Reply {
        self.change(vec![set(path, value)], None)
    }

    fn refused(&self, path: &str, value: Value) -> Failure {
        let before = (self.revision(), self.document());
        let failure = self.set(path, value).unwrap_err();
        assert_eq!((self.revision(), self.document()), before);
        failure
    }
}

fn set(path: &str, value: Value) -> ConfigurationEdit {
    ConfigurationEdit::Set {
        path: path.into(),
        value: Given::new(value),
    }
}

fn migrate(document: &Value, layout: u32) -> Result<(Value, Vec<String>), String> {
    let migrated =
        sps_config_migration::migrate(document, layout, LAYOUT).map_err(|error| error.to_string())?;
    Ok((
        migrated.document,
        migrated.notes.into_iter().map(|note| note.what).collect(),
    ))
}

/// The document of a customer; its secrets are `hunter` and a number.
fn rich(seed: u64) -> Cluster {
    fn known(value: &mut Value, number: &mut u32) {
        if value.get("encrypted").is_some_and(Value::is_string) {
            *number += 1;
            *value = json!({"plain": format!("hunter{number}")});
        }
        match value {
            Value::Object(object) => object.values_mut().for_each(|inner| known(inner, number)),
            Value::Array(list) => list.iter_mut().for_each(|inner| known(inner, number)),
            _ => {}
        }
    }
    let mut written = sps_config_migration::sample(LAYOUT, seed).unwrap();
    known(&mut written, &mut 0);
    written["management"]["change_log"]["require_message"] = json!(false);
    serde_json::from_value(written).unwrap()
}

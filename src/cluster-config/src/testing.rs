//! Documents for tests.

use serde_json::Value;
use sps_config::{Change, Secret};

use crate::cluster::{Cluster, LAYOUT};
use crate::protected::Protected;
use crate::record::typed;

/// A document of a customer; its secrets are known.
pub(crate) fn rich(seed: u64) -> Cluster {
    known(sps_config_migration::sample(LAYOUT, seed).unwrap())
}

/// A document at random; its secrets are known.
pub(crate) fn random(seed: u64) -> Cluster {
    known(sps_config_migration::random(LAYOUT, seed).unwrap())
}

/// Gives every secret of a document a text: `hunter` and its number.
pub(crate) fn known(mut written: Value) -> Cluster {
    fn visit(value: &mut Value, number: &mut u32) {
        if value.get("encrypted").is_some_and(Value::is_string) {
            *number += 1;
            *value = serde_json::json!({"plain": format!("hunter{number}")});
        }
        match value {
            Value::Object(object) => object.values_mut().for_each(|inner| visit(inner, number)),
            Value::Array(list) => list.iter_mut().for_each(|inner| visit(inner, number)),
            _ => {}
        }
    }
    visit(&mut written, &mut 0);
    let document = typed(&written).unwrap();
    document.check().unwrap();
    document
}

pub(crate) fn named(name: &str) -> Cluster {
    let mut document = Cluster::default();
    document.network.host_name = name.into();
    document.users.console_password = Some(secret(&format!("hunter of {name}")));
    document
}

pub(crate) fn secret(text: &str) -> Protected {
    Secret::from(text.to_owned()).into()
}

pub(crate) fn by(who: &str) -> Change {
    Change {
        time: 1_700_000_000,
        who: who.into(),
        message: "because".into(),
        what: Vec::new(),
    }
}

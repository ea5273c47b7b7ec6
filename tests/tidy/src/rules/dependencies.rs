//! Which crate may use which: dependencies point one way.
//!
//! Web, console and tools stand on shells, shells on engines, engines on types. Shells do not know each other;
//! `sps` wires them. Engines have no clock, no randomness, no I/O.

use toml::{Table, Value};

use crate::tree::{SourceFile, Tree};

/// What a crate is, and with that what it may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Decides; pure.
    Engine,
    /// Everybody may use it; it uses none of ours but what stands below ([`BELOW_BASE`], [`BASES_TOGETHER`]).
    Base,
    /// What administrators can do, as types and rules; every surface (console, web) may stand on it. Uses base crates.
    Operations,
    /// Acts; uses base crates, its own engine and, as a surface, the operations.
    Shell,
    /// Wires: uses everything under `src` and the image crate.
    Wiring,
    /// Builds or tests: uses base crates, the image and the harness.
    Tool,
}

/// Every crate of the workspace. A new crate is entered here first: its place is a decision.
const CRATES: &[(&str, Kind)] = &[
    ("sps", Kind::Wiring),
    ("sps-access", Kind::Base),
    ("sps-admin", Kind::Operations),
    ("sps-archive", Kind::Shell),
    ("sps-archive-engine", Kind::Engine),
    ("sps-boot-history", Kind::Shell),
    ("sps-boot-tests", Kind::Tool),
    ("sps-bootlog", Kind::Base),
    ("sps-clock", Kind::Shell),
    ("sps-cluster-config", Kind::Base),
    ("sps-config", Kind::Base),
    ("sps-config-migration", Kind::Engine),
    ("sps-configuration", Kind::Shell),
    ("sps-console", Kind::Shell),
    ("sps-data-store-tests", Kind::Tool),
    ("sps-datastore", Kind::Shell),
    ("sps-datastore-engine", Kind::Engine),
    ("sps-durable", Kind::Base),
    ("sps-fetch", Kind::Shell),
    ("sps-firmware", Kind::Shell),
    ("sps-firmware-engine", Kind::Engine),
    ("sps-gateway", Kind::Shell),
    ("sps-gateway-tests", Kind::Tool),
    ("sps-harness", Kind::Tool),
    ("sps-image", Kind::Base),
    ("sps-index", Kind::Shell),
    ("sps-index-engine", Kind::Engine),
    ("sps-indexer", Kind::Shell),
    ("sps-indexer-engine", Kind::Engine),
    ("sps-init", Kind::Shell),
    ("sps-licence", Kind::Engine),
    ("sps-metadb", Kind::Base),
    ("sps-net", Kind::Shell),
    ("sps-net-engine", Kind::Engine),
    ("sps-preflight", Kind::Engine),
    ("sps-proxy-engine", Kind::Engine),
    ("sps-proxy-ssh", Kind::Shell),
    ("sps-sandbox", Kind::Shell),
    ("sps-sample-store", Kind::Tool),
    ("sps-session-record", Kind::Base),
    ("sps-sessions", Kind::Shell),
    ("sps-ssh-server", Kind::Shell),
    ("sps-storage", Kind::Shell),
    ("sps-store-forms", Kind::Shell),
    ("sps-supervisor", Kind::Shell),
    ("sps-supervisor-engine", Kind::Engine),
    ("sps-support", Kind::Shell),
    ("sps-sys", Kind::Base),
    ("sps-tidy", Kind::Tool),
    ("sps-timestamp", Kind::Base),
    ("sps-trail", Kind::Base),
    ("sps-trail-store", Kind::Shell),
    ("sps-web", Kind::Shell),
    ("xtask", Kind::Tool),
];

/// Shells whose work is the formats of the firmware file and of the disk, and engines that decide by their types: a
/// `clippy.toml` beside each forbids what reads files.
const READ_IMAGES: [&str; 5] = [
    "sps-firmware",
    "sps-firmware-engine",
    "sps-licence",
    "sps-preflight",
    "sps-storage",
];
/// Engines that judge by another's rules: what a licence covers, what a reorganization takes, and what a migration drops, is said
/// in one place.
const ENGINES_TOGETHER: [(&str, &str); 4] = [
    ("sps-preflight", "sps-config-migration"),
    ("sps-preflight", "sps-datastore-engine"),
    ("sps-preflight", "sps-index-engine"),
    ("sps-preflight", "sps-licence"),
];
/// Engines that decide by the types of a base crate that also keeps them (a `clippy.toml` beside each forbids what reads files), or
/// that is as pure as they are: trails are bytes there.
const ENGINES_OVER_TYPES: [(&str, &str); 2] = [
    ("sps-index-engine", "sps-trail"),
    ("sps-proxy-engine", "sps-cluster-config"),
];
/// Base crates that share types: secrets and changes are the same in both documents of the configuration.
const BASES_TOGETHER: [(&str, &str); 1] = [("sps-cluster-config", "sps-config")];

/// Shells that are made of others: the forms of documents and databases are those of the rooms that own them, a recording is a row
/// and a trail, and what is indexed is a row too.
const SHELLS_TOGETHER: [(&str, &str); 7] = [
    ("sps-gateway", "sps-proxy-ssh"),
    ("sps-gateway", "sps-sessions"),
    ("sps-gateway", "sps-trail-store"),
    ("sps-indexer", "sps-index"),
    ("sps-indexer", "sps-sessions"),
    ("sps-store-forms", "sps-datastore"),
    ("sps-store-forms", "sps-sessions"),
];
/// Tests of several rooms together, and what their own library uses.
const TOOLS_OVER_SHELLS: [(&str, &str); 8] = [
    ("sps-gateway-tests", "sps-fetch"),
    ("sps-gateway-tests", "sps-gateway"),
    ("sps-gateway-tests", "sps-proxy-ssh"),
    ("sps-gateway-tests", "sps-sessions"),
    ("sps-gateway-tests", "sps-trail-store"),
    ("sps-data-store-tests", "sps-datastore"),
    ("sps-data-store-tests", "sps-sessions"),
    ("sps-data-store-tests", "sps-store-forms"),
];
/// Base crates that others of them may use: what is kept, and types that stand alone.
const BELOW_BASE: [&str; 2] = ["sps-durable", "sps-session-record"];
/// What every tool may use of the others.
const TOOLS_TOGETHER: [&str; 2] = ["sps-harness", "sps-sample-store"];

/// Libraries an engine may not have: they bring I/O, a clock, randomness or a runtime.
const NOT_IN_ENGINES: [&str; 17] = [
    "async-std",
    "chrono",
    "fastrand",
    "futures",
    "getrandom",
    "libc",
    "mio",
    "nix",
    "rand",
    "reqwest",
    "rustix",
    "smol",
    "socket2",
    "tempfile",
    "time",
    "tokio",
    "tokio-util",
];
/// What a client of HTTP needs: the rooms that fetch files and speak with S3 may have it too.
const HTTP_CLIENTS: [&str; 2] = ["sps-archive", "sps-fetch"];
const HTTP_CLIENT: [&str; 3] = ["http-body-util", "hyper", "hyper-util"];
/// Libraries of HTTP and HTML: the web crate's alone.
const ONLY_IN_WEB: [&str; 12] = [
    "actix-web",
    "askama",
    "axum",
    "axum-server",
    "http",
    "http-body-util",
    "hyper",
    "hyper-util",
    "maud",
    "tower",
    "tower-http",
    "warp",
];

/// Every dependency points the way the map says.
#[must_use]
pub fn dependency_direction(tree: &Tree) -> Vec<String> {
    let manifests = tree
        .files
        .iter()
        .filter(|file| file.path.ends_with("/Cargo.toml"));
    manifests
        .filter(|file| !file.path.starts_with("tests/fuzz/"))
        .flat_map(check_manifest)
        .collect()
}

fn check_manifest(file: &SourceFile) -> Vec<String> {
    let manifest: Table = match file.text.parse() {
        Ok(manifest) => manifest,
        Err(e) => return vec![format!("{}: {e}", file.path)],
    };
    let name = manifest
        .get("package")
        .and_then(|p| p.get("name"))
        .and_then(Value::as_str)
        .unwrap_or_default();
    let Some(kind) = kind_of(name) else {
        return vec![format!(
            "{}: crate `{name}` has no place in the map; enter it in CRATES",
            file.path
        )];
    };
    let used = ["dependencies", "build-dependencies"]
        .into_iter()
        .filter_map(|part| manifest.get(part)?.as_table());
    let names = used.flat_map(Table::keys).map(String::as_str);
    names
        .filter_map(|used| objection(name, kind, used))
        .map(|why| format!("{}: {why}", file.path))
        .collect()
}

fn kind_of(name: &str) -> Option<Kind> {
    CRATES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, kind)| *kind)
}

/// Why crate `name` may not use `used`, or nothing.
fn objection(name: &str, kind: Kind, used: &str) -> Option<String> {
    if kind == Kind::Engine && NOT_IN_ENGINES.contains(&used) {
        return Some(format!(
            "the engine `{name}` may not use `{used}`: engines are pure"
        ));
    }
    let fetches = HTTP_CLIENTS.contains(&name) && HTTP_CLIENT.contains(&used);
    if name != "sps-web" && !fetches && kind != Kind::Tool && ONLY_IN_WEB.contains(&used) {
        return Some(format!("`{used}` belongs to sps-web alone"));
    }
    let allowed = match (kind, kind_of(used)?) {
        (Kind::Wiring, Kind::Base | Kind::Engine | Kind::Operations | Kind::Shell) => true,
        (Kind::Engine, Kind::Base) => {
            used == "sps-image" && READ_IMAGES.contains(&name) || ENGINES_OVER_TYPES.contains(&(name, used))
        }
        (Kind::Engine, Kind::Engine) => ENGINES_TOGETHER.contains(&(name, used)),
        (Kind::Shell | Kind::Operations, Kind::Base) => used != "sps-image" || READ_IMAGES.contains(&name),
        (Kind::Shell, Kind::Operations) => true,
        (Kind::Shell, Kind::Engine) => {
            let of_proxies =
                used == "sps-proxy-engine" && (name.starts_with("sps-proxy-") || name == "sps-gateway");
            let of_the_index = (name, used) == ("sps-indexer", "sps-index-engine");
            used == format!("{name}-engine") || name == "sps-store-forms" || of_proxies || of_the_index
        }
        (Kind::Shell, Kind::Shell) => SHELLS_TOGETHER.contains(&(name, used)),
        (Kind::Tool, Kind::Shell) => TOOLS_OVER_SHELLS.contains(&(name, used)),
        (Kind::Tool, Kind::Base | Kind::Engine) => true,
        (Kind::Tool, Kind::Tool) => TOOLS_TOGETHER.contains(&used),
        (Kind::Base, Kind::Base) => BELOW_BASE.contains(&used) || BASES_TOGETHER.contains(&(name, used)),
        (Kind::Engine | Kind::Base, _)
        | (Kind::Operations, Kind::Operations | Kind::Engine)
        | (Kind::Tool, Kind::Operations)
        | (Kind::Operations, Kind::Shell)
        | (_, Kind::Wiring | Kind::Tool) => false,
    };
    (!allowed).then(|| format!("`{name}` may not use `{used}`; `sps` wires them"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(name: &str, dependencies: &str) -> Vec<String> {
        let text = format!(
            "[package]\nname = \"{name}\"\n[dependencies]\n{dependencies}\n[dev-dependencies]\ntokio = \"1\""
        );
        let file = SourceFile {
            path: "src/a/Cargo.toml".into(),
            text,
        };
        dependency_direction(&Tree {
            top: Vec::new(),
            files: vec![file],
        })
    }

    #[test]
    fn engines_are_pure_and_shells_strangers() {
        assert_eq!(
            problems("sps-supervisor-engine", "tokio.workspace = true").len(),
            1
        );
        assert_eq!(
            problems("sps-supervisor-engine", "sps-sys.workspace = true").len(),
            1
        );
        assert_eq!(
            problems("sps-net", "sps-web.workspace = true\nsps-sys.workspace = true").len(),
            1
        );
        assert_eq!(
            problems("sps-supervisor", "sps-supervisor-engine.workspace = true").len(),
            0
        );
        assert_eq!(
            problems("sps-net", "sps-supervisor-engine.workspace = true").len(),
            1
        );
        assert_eq!(problems("sps-preflight", "sps-licence.workspace = true").len(), 0);
        assert_eq!(
            problems(
                "sps-cluster-config",
                "sps-config.workspace = true\nsps-durable.workspace = true"
            )
            .len(),
            0
        );
        assert_eq!(
            problems("sps-config", "sps-cluster-config.workspace = true").len(),
            1
        );
        assert_eq!(problems("sps-licence", "sps-preflight.workspace = true").len(), 1);
    }

    #[test]
    fn surfaces_stand_on_the_operations_and_operations_on_types() {
        assert_eq!(problems("sps-console", "sps-admin.workspace = true").len(), 0);
        assert_eq!(problems("sps-admin", "sps-config.workspace = true").len(), 0);
        assert_eq!(problems("sps-admin", "sps-net.workspace = true").len(), 1);
        assert_eq!(problems("sps-config", "sps-admin.workspace = true").len(), 1);
    }

    #[test]
    fn only_the_web_knows_http_and_only_the_binary_everything() {
        assert_eq!(problems("sps-net", "hyper = \"1\"").len(), 1);
        assert_eq!(problems("sps-web", "hyper = \"1\"").len(), 0);
        assert_eq!(problems("sps-fetch", "hyper = \"1\"").len(), 0);
        assert_eq!(problems("sps-fetch", "axum = \"1\"").len(), 1);
        assert_eq!(
            problems("sps", "sps-web.workspace = true\nsps-image.workspace = true").len(),
            0
        );
        assert_eq!(problems("sps-image", "sps.workspace = true").len(), 1);
        assert_eq!(problems("sps-net", "sps-image.workspace = true").len(), 1);
        assert_eq!(problems("sps-net-engine", "sps-image.workspace = true").len(), 1);
        assert_eq!(
            problems("sps-firmware-engine", "sps-image.workspace = true").len(),
            0
        );
    }

    #[test]
    fn a_crate_without_a_place_is_named() {
        assert!(problems("sps-novel", "")[0].contains("`sps-novel` has no place"));
    }
}

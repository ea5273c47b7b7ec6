//! Layout 5, of firmware 7.0: one session database, filled from the metadata in the background; keys of indexers renamed.

use crate::layout::Arrangement::{ByDay, Free};
use crate::layout::{Class, Form, Kind, Layout, Place};

#[rustfmt::skip]
pub(super) const LAYOUT: Layout = Layout {
    number: 5,
    version: "7.0",
    news: "one session database, filled from the metadata in the background; keys of indexers renamed",
    places: &[
        Place { kind: Kind::Configuration,         path: "configuration/configuration.json",  form: Form::File,            class: Class::Document,   owner: "cluster-config" },
        Place { kind: Kind::ConfigurationHistory,  path: "configuration/history",             form: Form::Folder(Free),    class: Class::WriteOnce,  owner: "cluster-config" },
        Place { kind: Kind::Trails,                path: "audit",                             form: Form::Folder(ByDay),   class: Class::WriteOnce,  owner: "audit" },
        Place { kind: Kind::SessionDatabase,       path: "sessions",                          form: Form::Folder(Free),    class: Class::Database,   owner: "sessions" },
        Place { kind: Kind::Analytics,             path: "analytics",                         form: Form::Folder(Free),    class: Class::Database,   owner: "analytics" },
        Place { kind: Kind::Index,                 path: "var/index",                         form: Form::Folder(Free),    class: Class::WriteOnce,  owner: "indexer" },
        Place { kind: Kind::ClosedLogs,            path: "var/log/closed",                    form: Form::Folder(Free),    class: Class::WriteOnce,  owner: "logs" },
        Place { kind: Kind::OpenLogs,              path: "var/log/current",                   form: Form::Folder(Free),    class: Class::Append,     owner: "logs" },
        Place { kind: Kind::Reports,               path: "var/reports",                       form: Form::Folder(Free),    class: Class::WriteOnce,  owner: "reports" },
        Place { kind: Kind::Plugins,               path: "plugins",                           form: Form::Folder(Free),    class: Class::WriteOnce,  owner: "plugins" },
        Place { kind: Kind::IndexerKeys,           path: "indexer/indexer-keys.cfg",          form: Form::File,            class: Class::Database,   owner: "indexer" },
        Place { kind: Kind::HostKeys,              path: "ssh",                               form: Form::Folder(Free),    class: Class::Database,   owner: "proxy-ssh" },
        Place { kind: Kind::CoreFiles,             path: "var/core",                          form: Form::Folder(Free),    class: Class::Dropped,    owner: "support" },
        Place { kind: Kind::Quarantine,            path: "quarantine",                        form: Form::Folder(Free),    class: Class::WriteOnce,  owner: "datastore" },
        Place { kind: Kind::Unrecognized,          path: "unrecognized",                      form: Form::Folder(Free),    class: Class::WriteOnce,  owner: "datastore" },
    ],
};

//! Layout 2, of firmware 5.9: the database of metadata is split into sessions, channels and events; trails are encrypted with AES-128-GCM; an index by the new indexer.

use crate::layout::Arrangement::Free;
use crate::layout::{Class, Form, Kind, Layout, Place};

#[rustfmt::skip]
pub(super) const LAYOUT: Layout = Layout {
    number: 2,
    version: "5.9",
    news: "the database of metadata is split into sessions, channels and events; trails are encrypted with AES-128-GCM; an index by the new indexer",
    places: &[
        Place { kind: Kind::Configuration,         path: "configuration/configuration.json",  form: Form::File,            class: Class::Document,   owner: "cluster-config" },
        Place { kind: Kind::ConfigurationHistory,  path: "configuration/history",             form: Form::Folder(Free),    class: Class::WriteOnce,  owner: "cluster-config" },
        Place { kind: Kind::Trails,                path: "trails",                            form: Form::Folder(Free),    class: Class::WriteOnce,  owner: "audit" },
        Place { kind: Kind::SessionDatabase,       path: "metadb",                            form: Form::Folder(Free),    class: Class::Database,   owner: "sessions" },
        Place { kind: Kind::Index,                 path: "index",                             form: Form::Folder(Free),    class: Class::WriteOnce,  owner: "indexer" },
        Place { kind: Kind::ClosedLogs,            path: "logs/closed",                       form: Form::Folder(Free),    class: Class::WriteOnce,  owner: "logs" },
        Place { kind: Kind::OpenLogs,              path: "logs/current",                      form: Form::Folder(Free),    class: Class::Append,     owner: "logs" },
        Place { kind: Kind::Reports,               path: "reports",                           form: Form::Folder(Free),    class: Class::WriteOnce,  owner: "reports" },
        Place { kind: Kind::Plugins,               path: "plugins",                           form: Form::Folder(Free),    class: Class::WriteOnce,  owner: "plugins" },
        Place { kind: Kind::IndexerKeys,           path: "indexer/indexer-certs.cfg",         form: Form::File,            class: Class::Database,   owner: "indexer" },
        Place { kind: Kind::CoreFiles,             path: "core",                              form: Form::Folder(Free),    class: Class::Dropped,    owner: "support" },
        Place { kind: Kind::Quarantine,            path: "quarantine",                        form: Form::Folder(Free),    class: Class::WriteOnce,  owner: "datastore" },
        Place { kind: Kind::Unrecognized,          path: "unrecognized",                      form: Form::Folder(Free),    class: Class::WriteOnce,  owner: "datastore" },
    ],
};

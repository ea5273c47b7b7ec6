//! Layout 4, of firmware 6.8: trusted CA lists become trust stores, settings of RDP are renamed: the configuration has another form.

use crate::layout::Arrangement::{ByDay, Free};
use crate::layout::{Class, Form, Kind, Layout, Place};

#[rustfmt::skip]
pub(super) const LAYOUT: Layout = Layout {
    number: 4,
    version: "6.8",
    news: "trusted CA lists become trust stores, settings of RDP are renamed: the configuration has another form",
    places: &[
        Place { kind: Kind::Configuration,         path: "configuration/configuration.json",  form: Form::File,            class: Class::Document,   owner: "cluster-config" },
        Place { kind: Kind::ConfigurationHistory,  path: "configuration/history",             form: Form::Folder(Free),    class: Class::WriteOnce,  owner: "cluster-config" },
        Place { kind: Kind::Trails,                path: "audit",                             form: Form::Folder(ByDay),   class: Class::WriteOnce,  owner: "audit" },
        Place { kind: Kind::SessionDatabase,       path: "metadb",                            form: Form::Folder(Free),    class: Class::Database,   owner: "sessions" },
        Place { kind: Kind::Analytics,             path: "analytics",                         form: Form::Folder(Free),    class: Class::Database,   owner: "analytics" },
        Place { kind: Kind::Index,                 path: "var/index",                         form: Form::Folder(Free),    class: Class::WriteOnce,  owner: "indexer" },
        Place { kind: Kind::ClosedLogs,            path: "var/log/closed",                    form: Form::Folder(Free),    class: Class::WriteOnce,  owner: "logs" },
        Place { kind: Kind::OpenLogs,              path: "var/log/current",                   form: Form::Folder(Free),    class: Class::Append,     owner: "logs" },
        Place { kind: Kind::Reports,               path: "var/reports",                       form: Form::Folder(Free),    class: Class::WriteOnce,  owner: "reports" },
        Place { kind: Kind::Plugins,               path: "plugins",                           form: Form::Folder(Free),    class: Class::WriteOnce,  owner: "plugins" },
        Place { kind: Kind::IndexerKeys,           path: "indexer/indexer-certs.cfg",         form: Form::File,            class: Class::Database,   owner: "indexer" },
        Place { kind: Kind::CoreFiles,             path: "var/core",                          form: Form::Folder(Free),    class: Class::Dropped,    owner: "support" },
        Place { kind: Kind::Quarantine,            path: "quarantine",                        form: Form::Folder(Free),    class: Class::WriteOnce,  owner: "datastore" },
        Place { kind: Kind::Unrecognized,          path: "unrecognized",                      form: Form::Folder(Free),    class: Class::WriteOnce,  owner: "datastore" },
    ],
};

//! What a layout is.

/// A layout: where everything lies in a tree.
#[derive(Debug, PartialEq, Eq)]
pub struct Layout {
    /// Its number; later ones are higher.
    pub number: u32,
    /// The version of the firmware that brought it, for people.
    pub version: &'static str,
    /// What changed, for people.
    pub news: &'static str,
    /// Every place. What lies in none of them is [`Kind::Unrecognized`].
    pub places: &'static [Place],
}

/// A folder or a file of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// What is there.
    pub kind: Kind,
    /// Path in the tree.
    pub path: &'static str,
    /// File or folder.
    pub form: Form,
    /// How its files may be taken over.
    pub class: Class,
    /// The room that writes there.
    pub owner: &'static str,
}

/// What something is, whatever the layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The configuration of the cluster.
    Configuration,
    /// Earlier revisions of it.
    ConfigurationHistory,
    /// Audit trails.
    Trails,
    /// The session database, or what it was before there was one.
    SessionDatabase,
    /// The database of analytics.
    Analytics,
    /// Index files.
    Index,
    /// Logs that are closed.
    ClosedLogs,
    /// Logs that are written.
    OpenLogs,
    /// Reports.
    Reports,
    /// Plugins.
    Plugins,
    /// Certificates and keys of indexers.
    IndexerKeys,
    /// Host keys of servers.
    HostKeys,
    /// Memory of crashed programs.
    CoreFiles,
    /// Records that were found damaged, with what was found.
    Quarantine,
    /// What no layout names.
    Unrecognized,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 15] = [
        Self::Configuration,
        Self::ConfigurationHistory,
        Self::Trails,
        Self::SessionDatabase,
        Self::Analytics,
        Self::Index,
        Self::ClosedLogs,
        Self::OpenLogs,
        Self::Reports,
        Self::Plugins,
        Self::IndexerKeys,
        Self::HostKeys,
        Self::CoreFiles,
        Self::Quarantine,
        Self::Unrecognized,
    ];

    /// The kind with this title; what a later version calls something is not known here.
    #[must_use]
    pub fn titled(title: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.title() == title)
    }

    /// What it is called in a message, and in a document between versions.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::ConfigurationHistory => "history of the configuration",
            Self::Trails => "audit trails",
            Self::SessionDatabase => "session database",
            Self::Analytics => "analytics database",
            Self::Index => "index files",
            Self::ClosedLogs => "closed logs",
            Self::OpenLogs => "current logs",
            Self::Reports => "reports",
            Self::Plugins => "plugins",
            Self::IndexerKeys => "keys of indexers",
            Self::HostKeys => "host keys of servers",
            Self::CoreFiles => "core files",
            Self::Quarantine => "damaged records",
            Self::Unrecognized => "files of unknown origin",
        }
    }
}

/// File or folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// One file.
    File,
    /// A folder with everything below it.
    Folder(Arrangement),
}

/// How a folder is arranged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrangement {
    /// As whoever writes there likes.
    Free,
    /// Year, month and day of a session, then its file.
    ByDay,
}

/// How the files of a place may be taken over into another tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Written once, never changed: a hard link is enough.
    WriteOnce,
    /// Lines are added to its end: copied, a torn last line cut off.
    Append,
    /// Changed in place: copied.
    Database,
    /// A document of this layout's own form: read, migrated, written.
    Document,
    /// Not taken over.
    Dropped,
}

impl Layout {
    /// The place of a kind; none when this layout has none.
    #[must_use]
    pub fn place(&self, kind: Kind) -> Option<&Place> {
        self.places.iter().find(|place| place.kind == kind)
    }

    /// The place in which a path of the tree lies.
    #[must_use]
    pub fn place_of(&self, path: &[u8]) -> Option<&Place> {
        self.places.iter().find(|place| {
            let below = path.strip_prefix(place.path.as_bytes());
            match place.form {
                Form::File => below == Some(b""),
                Form::Folder(_) => below.is_some_and(|rest| rest.is_empty() || rest[0] == b'/'),
            }
        })
    }

    /// Whether a folder of the tree holds places without being one: it is gone into, not taken over.
    #[must_use]
    pub fn leads_to_places(&self, folder: &[u8]) -> bool {
        self.places.iter().any(|place| {
            let below = place.path.as_bytes().strip_prefix(folder);
            below.is_some_and(|rest| rest.first() == Some(&b'/'))
        })
    }
}

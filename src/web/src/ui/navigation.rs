//! Where every page stands, in the words administrators of SPS know. A page that is added gets its place here.

/// A page in the navigation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) title: &'static str,
    pub(crate) path: &'static str,
}

/// A heading and the pages below it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) entries: &'static [Entry],
}

/// The whole navigation, in the order it is shown.
pub(crate) const SECTIONS: &[Section] = &[
    Section {
        title: "Basic Settings",
        entries: &[
            Entry {
                title: "System monitor",
                path: super::monitor::PAGE,
            },
            Entry {
                title: "Upgrade",
                path: super::upgrade::PAGE,
            },
            Entry {
                title: "Firmwares",
                path: super::firmware::PAGE,
            },
            Entry {
                title: "Version details",
                path: super::version::PAGE,
            },
            Entry {
                title: "Management",
                path: "/settings/management",
            },
            Entry {
                title: "Local Services",
                path: "/settings/local_services",
            },
            Entry {
                title: "Date & Time",
                path: "/settings/datetime",
            },
            Entry {
                title: "Trust Stores",
                path: "/settings/trust_stores",
            },
            Entry {
                title: "High Availability",
                path: "/settings/high_availability",
            },
            Entry {
                title: "Cluster management",
                path: "/settings/cluster",
            },
            Entry {
                title: "Export and import",
                path: super::exchange::PAGE,
            },
            Entry {
                title: "License",
                path: super::licence::PAGE,
            },
            Entry {
                title: "System control",
                path: super::control::PAGE,
            },
            Entry {
                title: "Troubleshooting",
                path: super::troubleshooting::PAGE,
            },
        ],
    },
    Section {
        title: "Search",
        entries: &[
            Entry {
                title: "Sessions",
                path: super::search::PAGE,
            },
            Entry {
                title: "Active sessions",
                path: super::active::PAGE,
            },
        ],
    },
    Section {
        title: "Indexer",
        entries: &[Entry {
            title: "Worker status",
            path: super::indexers::PAGE,
        }],
    },
    Section {
        title: "Users & Access Control",
        entries: &[
            Entry {
                title: "Users and groups",
                path: "/settings/aaa",
            },
            Entry {
                title: "Changes",
                path: super::changes::PAGE,
            },
            Entry {
                title: "Configuration history",
                path: super::history::PAGE,
            },
        ],
    },
    Section {
        title: "Policies",
        entries: &[
            Entry {
                title: "Policies",
                path: "/settings/policies",
            },
            Entry {
                title: "Backup & archive",
                path: super::space::PAGE,
            },
        ],
    },
    Section {
        title: "Traffic Controls",
        entries: &[
            Entry {
                title: "SSH Control",
                path: "/settings/ssh",
            },
            Entry {
                title: "RDP Control",
                path: "/settings/rdp",
            },
            Entry {
                title: "HTTP Control",
                path: "/settings/http",
            },
        ],
    },
];

/// Section and title of a page, for its heading and the browser's tab.
pub(crate) fn place(path: &str) -> Option<(&'static str, &'static str)> {
    SECTIONS.iter().find_map(|section| {
        let entry = section.entries.iter().find(|entry| is_below(path, entry.path))?;
        Some((section.title, entry.title))
    })
}

/// Whether `path` is `page` or a page below it.
pub(crate) fn is_below(path: &str, page: &str) -> bool {
    path.strip_prefix(page)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_of_settings_has_its_place() {
        for group in crate::settings::GROUPS {
            let path = format!("{}{}", crate::ui::SETTINGS, group.name);
            assert_eq!(place(&path).unwrap().1, group.title);
        }
    }

    #[test]
    fn every_page_has_one_place() {
        let all: Vec<_> = SECTIONS.iter().flat_map(|section| section.entries).collect();
        for entry in &all {
            assert_eq!(place(entry.path).unwrap().1, entry.title);
            assert_eq!(place(&format!("{}/2", entry.path)).unwrap().1, entry.title);
            let same = all.iter().filter(|other| is_below(other.path, entry.path));
            assert_eq!(same.count(), 1, "{}", entry.path);
        }
        assert!(place("/elsewhere").is_none());
    }
}

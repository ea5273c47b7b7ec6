//! *Policies*.

use super::basic::ENCRYPTION;
use crate::settings::kind::{
    CREDENTIAL, Field, Kind, MAYBE_CREDENTIAL, MAYBE_TEXT, MAYBE_TRUST_STORE, PORT, Variant, field, plain,
};

pub(in crate::settings) const AUDIT: Kind = Kind::Object(&[
    field(
        "encryption",
        "Encrypt for",
        "Certificates, PEM, one after the other; empty: trails are not encrypted",
        Kind::Blocks,
    ),
    field(
        "upstream_encryption",
        "Encrypt what is typed for",
        "Certificates, PEM, of those who may read what people typed, passwords among it; empty: the same as above",
        Kind::Blocks,
    ),
    field(
        "signing",
        "Sign with",
        "Empty: trails are not signed",
        MAYBE_CREDENTIAL,
    ),
    field(
        "timestamp_seconds",
        "Timestamp every",
        "Seconds, 10 to 100000; empty: no timestamps",
        Kind::Optional(&Kind::Number(10, 100_000)),
    ),
    field(
        "timestamp_authority",
        "Timestamps of",
        "An authority of RFC 3161; it sees digests only",
        Kind::Optional(&Kind::Object(&[
            field(
                "url",
                "URL",
                "Such as https://tsa.example.net/tsr; http is as safe, since the answer is signed",
                Kind::Text,
            ),
            field(
                "policy",
                "Policy",
                "Object identifier such as 1.3.6.1.4.1.13762.3; empty: the authority's own",
                MAYBE_TEXT,
            ),
            field(
                "certificates",
                "Trusted CAs",
                "Certificates, PEM, one after the other; the authority's own must lead to one of them",
                Kind::Blocks,
            ),
        ])),
    ),
]);
pub(in crate::settings) const CONTENT: Kind = Kind::Object(&[field(
    "events",
    "Events",
    "Tried one after the other",
    Kind::List(&Kind::Object(EVENT)),
)]);
const EVENT: &[Field] = &[
    plain(
        "kind",
        "Look at",
        Kind::Choice(&[
            ("commands", "Commands"),
            ("screen-content", "Screen content"),
            ("credit-card", "Credit card numbers"),
            ("window-title", "Window titles"),
        ]),
    ),
    field(
        "matches",
        "Matches",
        "Regular expressions, one a line, whatever the case",
        Kind::Lines,
    ),
    field(
        "ignores",
        "Ignores",
        "Regular expressions, one a line",
        Kind::Lines,
    ),
    plain(
        "actions",
        "Actions",
        Kind::Choices(&[
            ("log", "Log"),
            ("store", "Store"),
            ("notify", "Notify"),
            ("terminate", "Terminate"),
        ]),
    ),
];
pub(in crate::settings) const TIME: Kind = Kind::Object(&[field(
    "days",
    "Days",
    "monday to sunday; intervals such as 08:00-18:00, one a line; nothing is allowed on a day that is not named",
    Kind::Names(&Kind::Lines),
)]);
pub(in crate::settings) const USER_LIST: Kind = Kind::Object(&[
    field(
        "allow",
        "Allow those who are not named",
        "Off: only those who are named are allowed.",
        Kind::Switch,
    ),
    field("except", "Named", "User names, one a line", Kind::Lines),
]);
pub(in crate::settings) const USER_DATABASE: Kind = Kind::Names(&Kind::Object(&[
    field(
        "public_keys",
        "Public keys",
        "One authorized_keys line each",
        Kind::Lines,
    ),
    plain("password", "Password", Kind::Optional(&Kind::Secret)),
]));
pub(in crate::settings) const USER_MAPPING: Kind = Kind::Object(&[
    field(
        "users",
        "Users of servers",
        "Each with those who may be this user",
        Kind::List(&Kind::Object(&[
            field("server_user", "User", "Its name on servers", Kind::Text),
            field("who", "Who", "Gateway users and groups, one a line", Kind::Lines),
        ])),
    ),
    field(
        "others",
        "Allow other users of servers",
        "People may be users of servers whom no line names.",
        Kind::Switch,
    ),
]);
pub(in crate::settings) const CREDENTIAL_STORE: Kind = Kind::Object(&[field(
    "accounts",
    "Accounts",
    "Accounts on servers",
    Kind::Names(&Kind::Object(&[
        field("user", "User", "Its name on the server", Kind::Text),
        plain("password", "Password", Kind::Optional(&Kind::Secret)),
        field(
            "private_key",
            "Private key",
            "OpenSSH format, without a passphrase",
            Kind::Optional(&Kind::SecretBlock),
        ),
        field(
            "servers",
            "Servers",
            "Addresses, networks or names such as *.example.net, one a line; none: every one",
            Kind::Lines,
        ),
        field(
            "who",
            "Who",
            "Gateway users and groups, one a line; none: everybody",
            Kind::Lines,
        ),
    ])),
)]);
pub(in crate::settings) const LDAP: Kind = Kind::Object(&[
    field(
        "servers",
        "Servers",
        "Names or addresses, one a line; the first is asked first",
        Kind::Lines,
    ),
    plain("port", "Port", PORT),
    plain("encryption", "Encryption", ENCRYPTION),
    field("base_dn", "Base DN", "Where users are looked for", Kind::Text),
    field("bind_dn", "Bind DN", "As whom", Kind::Text),
    field(
        "bind_password",
        "Bind password",
        "Empty: anonymously",
        Kind::Optional(&Kind::Secret),
    ),
    field(
        "timeout_seconds",
        "Timeout",
        "Seconds; at least 120 where users log in by it",
        Kind::Number(1, u32::MAX),
    ),
    field(
        "client",
        "Client certificate",
        "What the appliance presents",
        MAYBE_CREDENTIAL,
    ),
    plain("trust_store", "Trust store", MAYBE_TRUST_STORE),
]);
pub(in crate::settings) const SIGNING_CA: Kind = CREDENTIAL;
pub(in crate::settings) const INDEXER: Kind = Kind::Object(&[
    field(
        "languages",
        "Languages",
        "On screens, ISO 639-1, one a line",
        Kind::Lines,
    ),
    field(
        "near_real_time",
        "Near real time",
        "While the session goes on.",
        Kind::Switch,
    ),
    field(
        "encrypted_sessions",
        "Encrypted sessions too",
        "The appliance can open what they showed, not what was typed, until all sessions of the day are indexed; then that key is destroyed. Without it only those are indexed that an indexer key opens.",
        Kind::Switch,
    ),
]);
pub(in crate::settings) const BACKUP: Kind = Kind::Object(&[
    field("start", "Start", "Each day, such as 03:00", Kind::Text),
    plain("target", "Target", Kind::Union(TARGETS)),
    plain("analytics", "Copy the analytics database too", Kind::Switch),
    field(
        "password",
        "Password",
        "Encloses the keys and the node's settings in the backup; without one it does not run",
        Kind::Optional(&Kind::Secret),
    ),
    field(
        "keep",
        "Keep",
        "So many complete backups, the newest; empty: all",
        Kind::Optional(&Kind::Number(1, 10_000)),
    ),
]);
pub(in crate::settings) const ARCHIVE: Kind = Kind::Object(&[
    field("start", "Start", "Each day, such as 03:00", Kind::Text),
    field(
        "target",
        "Target",
        "Without one it is a clean-up policy: audit trails are deleted",
        Kind::Optional(&Kind::Union(TARGETS)),
    ),
    field("after_days", "After", "Days", Kind::Number(0, u32::MAX)),
]);
/// Places outside the appliance. One that is not here is shown as it is kept.
const TARGETS: &[Variant] = &[
    Variant {
        name: "smb",
        label: "SMB/CIFS",
        fields: &[
            field("server", "Server", "Name or address", Kind::Text),
            plain("share", "Share", Kind::Text),
            plain("user", "User", Kind::Text),
            plain("password", "Password", Kind::Secret),
        ],
    },
    Variant {
        name: "nfs",
        label: "NFS",
        fields: &[
            field("server", "Server", "Name or address", Kind::Text),
            plain("path", "Folder", Kind::Text),
        ],
    },
    Variant {
        name: "rsync",
        label: "Rsync over SSH",
        fields: &[
            field("server", "Server", "Name or address", Kind::Text),
            plain("path", "Folder", Kind::Text),
            plain("user", "User", Kind::Text),
            field("private_key", "Private key", "OpenSSH format", Kind::SecretBlock),
        ],
    },
    Variant {
        name: "directory",
        label: "Folder on an attached disk",
        fields: &[
            field("label", "Disk", "Label of its file system, ext4", Kind::Text),
            field("path", "Folder", "Empty for the file system's own", Kind::Text),
        ],
    },
    Variant {
        name: "s3",
        label: "S3",
        fields: &[
            field("endpoint", "Endpoint", "URL of the service", Kind::Text),
            field("region", "Region", "Such as eu-central-1", Kind::Text),
            plain("bucket", "Bucket", Kind::Text),
            field(
                "prefix",
                "Prefix",
                "Before the name of every object; may be empty",
                Kind::Text,
            ),
            plain("access_key_id", "Access key", Kind::Text),
            plain("secret_key", "Secret key", Kind::Secret),
            plain("path_style", "The bucket stands in the path", Kind::Switch),
            field(
                "trust_store",
                "Trust store",
                "That knows the service's CA; none for public authorities",
                MAYBE_TRUST_STORE,
            ),
        ],
    },
];

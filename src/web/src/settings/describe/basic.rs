//! *Basic Settings* and *Users & Access Control*.

use crate::settings::kind::{
    CREDENTIAL, Field, Kind, MAYBE_BLOCK, MAYBE_CREDENTIAL, MAYBE_TRUST_STORE, PORT, field, plain,
};

/// How a connection is protected.
pub(super) const ENCRYPTION: Kind =
    Kind::Choice(&[("none", "None"), ("starttls", "STARTTLS"), ("tls", "TLS")]);
const MAYBE_PASSWORD: Kind = Kind::Optional(&Kind::Secret);
const ANY_NUMBER: Kind = Kind::Number(0, u32::MAX);
const DAYS: Kind = Kind::Optional(&Kind::Number(1, 36_500));

pub(in crate::settings) const DISK_FILL_UP: Kind = Kind::Object(&[
    field(
        "enabled",
        "Disconnect clients when disks are full",
        "New sessions are refused until there is room again.",
        Kind::Switch,
    ),
    field(
        "used_space_ratio_limit",
        "Limit",
        "Percent of the disk used, 50 to 98",
        Kind::Number(50, 98),
    ),
    field(
        "archiving_enabled",
        "Archive then",
        "What the archive policies name is moved away as soon as the limit is reached.",
        Kind::Switch,
    ),
]);
pub(in crate::settings) const CHANGE_LOG: Kind = Kind::Object(&[field(
    "require_message",
    "Require a reason",
    "A change of the configuration must say why it is made.",
    Kind::Switch,
)]);
pub(in crate::settings) const MAIL: Kind = Kind::Optional(&Kind::Object(&[
    field("server", "SMTP server", "Name or address", Kind::Text),
    plain("port", "Port", PORT),
    plain("encryption", "Encryption", ENCRYPTION),
    field("sender", "Sender", "Address that mails come from", Kind::Text),
    field(
        "recipients",
        "Administrators",
        "Mail addresses, one a line",
        Kind::Lines,
    ),
    field(
        "client",
        "Client certificate",
        "What the appliance presents",
        MAYBE_CREDENTIAL,
    ),
    field(
        "server_certificate",
        "Server certificate",
        "PEM; empty: any that the trust store knows",
        MAYBE_BLOCK,
    ),
    plain("trust_store", "Trust store", MAYBE_TRUST_STORE),
]));
pub(in crate::settings) const SNMP_TRAPS: Kind = Kind::Optional(&Kind::Object(&[
    field(
        "servers",
        "Servers",
        "Names or addresses, one a line",
        Kind::Lines,
    ),
    field("community", "Community", "SNMP 2c", Kind::Secret),
]));
pub(in crate::settings) const SPLUNK: Kind = Kind::Optional(&Kind::Object(&[
    field("server", "Server", "Name or address", Kind::Text),
    field("port", "Port", "Of its HTTP event collector", PORT),
    field("token", "Token", "Of its HTTP event collector", Kind::Secret),
    field(
        "server_certificate",
        "Server certificate",
        "PEM; empty: any that is trusted",
        MAYBE_BLOCK,
    ),
]));
pub(in crate::settings) const SYSLOG: Kind = Kind::List(&Kind::Object(&[
    field("server", "Server", "Name or address", Kind::Text),
    plain("port", "Port", PORT),
    plain(
        "transport",
        "Transport",
        Kind::Choice(&[("udp", "UDP"), ("tcp", "TCP"), ("tls", "TLS")]),
    ),
    field(
        "client",
        "Client certificate",
        "What the appliance presents",
        MAYBE_CREDENTIAL,
    ),
    plain("trust_store", "Trust store", MAYBE_TRUST_STORE),
]));
pub(in crate::settings) const SESSION_DATABASE: Kind = Kind::Object(&[
    field(
        "keep_metadata_days",
        "Delete search metadata after",
        "Days; empty: not before it is archived",
        DAYS,
    ),
    field(
        "keep_content_days",
        "Delete searchable content after",
        "Days; empty: not before it is archived",
        DAYS,
    ),
]);
pub(in crate::settings) const CERTIFICATES: Kind = Kind::Object(&[
    field(
        "web",
        "Web interface",
        "Empty until one is made",
        MAYBE_CREDENTIAL,
    ),
    field(
        "internal_ca",
        "Internal CA",
        "Signs certificates of the appliance itself",
        MAYBE_CREDENTIAL,
    ),
    field(
        "timestamping",
        "Timestamping authority",
        "The local one",
        MAYBE_CREDENTIAL,
    ),
]);
pub(in crate::settings) const DATE_TIME: Kind = Kind::Object(&[
    field("time_zone", "Time zone", "Such as Europe/Vienna", Kind::Text),
    field(
        "servers",
        "Time servers",
        "Names or addresses, one a line; empty: those that DHCP names",
        Kind::Lines,
    ),
]);
pub(in crate::settings) const TRUST_STORE: Kind = Kind::Object(&[
    field(
        "certificates",
        "Certificates of the CAs",
        "PEM, one after the other",
        Kind::Blocks,
    ),
    plain(
        "revocation_check",
        "Revocation check",
        Kind::Choice(&[
            ("none", "None"),
            ("leaf", "The certificate presented"),
            ("full", "The whole chain"),
        ]),
    ),
    field("crl_urls", "Revocation lists", "URLs, one a line", Kind::Lines),
]);
pub(in crate::settings) const WEB_LOGIN: Kind = Kind::Object(&[
    field(
        "addresses",
        "Addresses",
        "One a line; empty: every one",
        Kind::Lines,
    ),
    plain("port", "Port", PORT),
    field(
        "timeout_minutes",
        "Timeout",
        "Minutes without a click after which a login ends",
        Kind::Number(1, 1440),
    ),
]);
pub(in crate::settings) const SSH_SERVER: Kind = Kind::Object(&[
    plain("enabled", "Enabled", Kind::Switch),
    field(
        "addresses",
        "Addresses",
        "One a line; empty: every one",
        Kind::Lines,
    ),
    field(
        "authorized_keys",
        "Public keys",
        "One authorized_keys line each",
        Kind::Lines,
    ),
]);
pub(in crate::settings) const SNMP_AGENT: Kind = Kind::Object(&[
    plain("enabled", "Enabled", Kind::Switch),
    field("community", "Community", "SNMP 2c", MAYBE_PASSWORD),
]);
pub(in crate::settings) const METRICS: Kind = Kind::Object(&[field(
    "token",
    "Token",
    "Programs that show it as a bearer token may read /api/metrics, and nothing else; 24 characters or more, as openssl rand -hex 24 gives them; none: only who logs in",
    MAYBE_PASSWORD,
)]);
pub(in crate::settings) const INDEXER: Kind = Kind::Object(&[
    field(
        "enabled",
        "Enabled",
        "External indexers may connect. Which, and their configuration: Indexer > Worker status.",
        Kind::Switch,
    ),
    field(
        "port",
        "Port",
        "TCP port to which they connect; 12345 unless another one is needed",
        PORT,
    ),
    field(
        "indexer_keys",
        "Indexer keys",
        "Keys that decrypt audit trails",
        Kind::List(&CREDENTIAL),
    ),
    field(
        "credentials",
        "Credentials",
        "What external indexers know the appliance by; made when the first is added. Another pair: every host needs its configuration anew",
        MAYBE_CREDENTIAL,
    ),
    field(
        "hosts",
        "External indexers",
        "Made and removed on the page Indexer > Worker status; one that is removed is cut off",
        Kind::Names(&Kind::Object(&[field(
            "certificate",
            "Certificate",
            "PEM; what the appliance knows it by",
            Kind::Block,
        )])),
    ),
]);
pub(in crate::settings) const LOCAL_USER: Kind = Kind::Object(&[field(
    "password",
    "Password",
    "Eight characters at least; without one the user cannot log in",
    MAYBE_PASSWORD,
)]);
pub(in crate::settings) const PASSWORD: Kind = MAYBE_PASSWORD;
pub(in crate::settings) const GROUP: Kind = Kind::Object(&[
    field("members", "Members", "Names of users, one a line", Kind::Lines),
    field(
        "rights",
        "Rights",
        "By page",
        Kind::Names(&Kind::Choice(&[
            ("read", "Read"),
            ("read-write", "Read and write/perform"),
        ])),
    ),
]);
pub(in crate::settings) const AUTHENTICATION: Kind = Kind::Object(&[
    plain(
        "method",
        "Method",
        Kind::Choice(&[
            ("local", "Local users"),
            ("ldap", "LDAP"),
            ("radius", "RADIUS"),
            ("x509", "X.509 certificate"),
        ]),
    ),
    plain(
        "ldap_server",
        "LDAP server",
        Kind::Optional(&Kind::Reference("policies/ldap_servers")),
    ),
    plain(
        "radius",
        "RADIUS",
        Kind::Optional(&Kind::Object(&[
            field(
                "servers",
                "Servers",
                "Names or addresses, one a line",
                Kind::Lines,
            ),
            plain("secret", "Shared secret", Kind::Secret),
        ])),
    ),
    plain(
        "x509",
        "X.509",
        Kind::Optional(&Kind::Object(&[
            plain("trust_store", "Trust store", Kind::Reference("trust_stores")),
            field(
                "user_name_field",
                "Field of the user name",
                "Such as commonName",
                Kind::Text,
            ),
        ])),
    ),
]);
pub(in crate::settings) const CLUSTER_NODE: Kind = Kind::Object(&[
    field("address", "Address", "Where the others reach it", Kind::Text),
    plain(
        "roles",
        "Roles",
        Kind::Choices(&[
            ("central-management", "Central Management"),
            ("managed-host", "Managed Host"),
            ("search-master", "Search Master"),
            ("search-minion", "Search Minion"),
            ("search-local", "Search Local"),
        ]),
    ),
]);
pub(in crate::settings) const HIGH_AVAILABILITY: Kind = Kind::Object(&[
    plain("enabled", "Enabled", Kind::Switch),
    field(
        "next_hops",
        "Next hops",
        "Routers whose loss is a reason to hand over",
        Kind::List(&Kind::Object(NEXT_HOP)),
    ),
    field(
        "sync_rate_mbit",
        "Synchronization limit",
        "Megabits a second",
        ANY_NUMBER,
    ),
]);
const NEXT_HOP: &[Field] = &[
    plain("interface", "Interface", Kind::Text),
    plain("address", "Address", Kind::Text),
];

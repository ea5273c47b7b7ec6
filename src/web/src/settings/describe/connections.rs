//! *SSH Control*, *RDP Control* and *HTTP Control*.

use crate::settings::kind::{Field, Kind, MAYBE_TEXT, MAYBE_TRUST_STORE, PORT, Variant, field, plain};

const ENABLED: Field = field("enabled", "Enabled", "Clients are let in.", Kind::Switch);
const FROM: Field = field("from", "From", "Networks of clients, one a line", Kind::Lines);
const TO: Field = field(
    "to",
    "To",
    "Addresses that clients connect to, one a line",
    Kind::Lines,
);
const LISTENS: Field = plain("port", "Port", PORT);
const DESTINATION: Field = plain("destination", "Target", Kind::Union(DESTINATIONS));
const AUDIT: Field = field(
    "audit_policy",
    "Audit policy",
    "Empty: trails are neither encrypted nor signed",
    Kind::Optional(&Kind::Reference("policies/audit")),
);

pub(in crate::settings) const SSH: Kind = Kind::Object(&[
    ENABLED,
    FROM,
    TO,
    LISTENS,
    DESTINATION,
    plain(
        "channel_policy",
        "Channel policy",
        Kind::Reference("connections/ssh/channel_policies"),
    ),
    plain(
        "authentication_policy",
        "Authentication policy",
        Kind::Reference("connections/ssh/authentication_policies"),
    ),
    plain(
        "settings",
        "Settings",
        Kind::Reference("connections/ssh/settings"),
    ),
    AUDIT,
    plain(
        "host_keys",
        "Host keys",
        Kind::Object(&[
            plain("rsa", "RSA", Kind::Optional(&SSH_KEY)),
            plain("ed25519", "Ed25519", Kind::Optional(&SSH_KEY)),
        ]),
    ),
    field(
        "host_key_check",
        "Host keys of servers",
        "What is asked of the key by which a server is known again",
        Kind::Choice(&[
            ("accept-first", "Accept the first, then only that"),
            ("only-known", "Accept only those that were added"),
            ("unchecked", "No check"),
        ]),
    ),
    field(
        "source",
        "Source address",
        "The address servers see",
        Kind::Union(SOURCES),
    ),
    field(
        "user_mapping",
        "User mapping policy",
        "Who may be whom on servers; empty: whoever may log in may be anybody there",
        Kind::Optional(&Kind::Reference("policies/user_mappings")),
    ),
    field(
        "credential_store",
        "Credential store",
        "Its accounts open servers; empty: people log in there themselves",
        Kind::Optional(&Kind::Reference("policies/credential_stores")),
    ),
    field(
        "indexer_policy",
        "Indexer policy",
        "How the content of its sessions is made searchable; empty: it is not",
        Kind::Optional(&Kind::Reference("policies/indexer_policies")),
    ),
]);
const SOURCES: &[Variant] = &[
    Variant {
        name: "own",
        label: "The appliance's",
        fields: &[],
    },
    Variant {
        name: "client",
        label: "The client's",
        fields: &[],
    },
    Variant {
        name: "fixed",
        label: "Fixed address",
        fields: &[field("address", "Address", "One of the appliance's", Kind::Text)],
    },
];
const SSH_KEY: Kind = Kind::Object(&[
    field("public", "Public key", "The line of the .pub file", Kind::Text),
    field("private", "Private key", "OpenSSH format", Kind::SecretBlock),
]);
pub(in crate::settings) const RDP: Kind = Kind::Object(&[
    ENABLED,
    FROM,
    TO,
    LISTENS,
    DESTINATION,
    plain(
        "channel_policy",
        "Channel policy",
        Kind::Reference("connections/rdp/channel_policies"),
    ),
    plain(
        "settings",
        "Settings",
        Kind::Reference("connections/rdp/settings"),
    ),
    field(
        "tls",
        "TLS",
        "The certificate that clients see",
        Kind::Optional(&TLS),
    ),
    AUDIT,
    plain(
        "credential_store",
        "Credential store",
        Kind::Optional(&Kind::Reference("policies/credential_stores")),
    ),
]);
pub(in crate::settings) const HTTP: Kind = Kind::Object(&[
    ENABLED,
    FROM,
    TO,
    LISTENS,
    DESTINATION,
    field(
        "tls",
        "TLS",
        "The certificate that clients see; empty: no TLS",
        Kind::Optional(&TLS),
    ),
    field(
        "server_trust_store",
        "Trust store",
        "Knows the CAs of servers",
        MAYBE_TRUST_STORE,
    ),
    AUDIT,
    field("resolver", "Name server", "For this connection alone", MAYBE_TEXT),
]);
const DESTINATIONS: &[Variant] = &[
    Variant {
        name: "original",
        label: "Where the client wanted to go",
        fields: &[],
    },
    Variant {
        name: "fixed",
        label: "Fixed address",
        fields: &[
            field("server", "Server", "Name or address", Kind::Text),
            plain("port", "Port", PORT),
        ],
    },
    Variant {
        name: "nat",
        label: "NAT",
        fields: &[field(
            "network",
            "Network",
            "The host part stays: 192.0.2.0/24",
            Kind::Text,
        )],
    },
    Variant {
        name: "inband",
        label: "Inband",
        fields: &[field("targets", "Targets", "What a client may name", TARGETS)],
    },
];
const TARGETS: Kind = Kind::List(&Kind::Object(&[
    field(
        "host",
        "Host",
        "Address, network, or name; *. stands for everything in a domain",
        Kind::Text,
    ),
    field("port", "Port", "Empty: every one", Kind::Optional(&PORT)),
]));
const TLS: Kind = Kind::Union(&[
    Variant {
        name: "fixed",
        label: "One certificate",
        fields: &[
            field(
                "certificate",
                "Certificate",
                "PEM, the chain from the leaf up",
                Kind::Block,
            ),
            field("private_key", "Private key", "PEM", Kind::SecretBlock),
        ],
    },
    Variant {
        name: "signing-ca",
        label: "One for each session, by a signing CA",
        fields: &[plain(
            "name",
            "Signing CA",
            Kind::Reference("policies/signing_cas"),
        )],
    },
]);
pub(in crate::settings) const CHANNELS: Kind = Kind::List(&Kind::Object(&[
    field(
        "kind",
        "Channel",
        "Its name in the protocol: shell, sftp, clipboard, …",
        Kind::Text,
    ),
    field("audit", "Record", "Its audit trail is kept.", Kind::Switch),
    field(
        "from",
        "From",
        "Networks of clients, one a line; empty: every one",
        Kind::Lines,
    ),
    plain(
        "content_policy",
        "Content policy",
        Kind::Optional(&Kind::Reference("policies/content")),
    ),
    plain(
        "time_policy",
        "Time policy",
        Kind::Optional(&Kind::Reference("policies/time")),
    ),
    plain(
        "user_list",
        "User list",
        Kind::Optional(&Kind::Reference("policies/user_lists")),
    ),
    field(
        "commands",
        "Commands",
        "Regular expressions for the whole command of exec and scp, or the name of a subsystem, one a line; empty: every one",
        Kind::Lines,
    ),
    field(
        "operations",
        "File operations",
        "Of sftp and scp; none: everything",
        Kind::Choices(&[
            ("read", "Read"),
            ("write", "Write"),
            ("list", "List"),
            ("delete", "Delete"),
        ]),
    ),
    field(
        "servers",
        "Servers",
        "Where local-forward may go, and addresses remote-forward may wait on; none: everywhere",
        TARGETS,
    ),
    field(
        "four_eyes",
        "4-eyes authorization",
        "Somebody with the right to must agree before it is opened.",
        Kind::Switch,
    ),
    field(
        "refuse_nested_ssh",
        "Refuse SSH inside",
        "A forward or command in which another SSH connection begins is closed: what is done in it would not be seen. It is an event of the session in any case.",
        Kind::Switch,
    ),
]));
pub(in crate::settings) const SSH_AUTHENTICATION: Kind = Kind::Object(&[
    field(
        "gateway",
        "Gateway authentication",
        "Methods by which the appliance asks, one a line: password, keyboard-interactive, public-key",
        Kind::Lines,
    ),
    field(
        "relayed",
        "Relayed authentication",
        "Methods by which people log in at the server, one a line: password, keyboard-interactive, agent",
        Kind::Lines,
    ),
    field("gssapi", "GSSAPI", "Kerberos tickets count.", Kind::Switch),
    plain(
        "user_database",
        "User database",
        Kind::Optional(&Kind::Reference("policies/user_databases")),
    ),
]);
pub(in crate::settings) const SSH_SETTINGS: Kind = Kind::Object(&[
    field(
        "idle_timeout_seconds",
        "Idle timeout",
        "Seconds",
        Kind::Number(0, u32::MAX),
    ),
    field("ciphers", "Ciphers", "One a line", Kind::Lines),
]);
pub(in crate::settings) const SSH_OPTIONS: Kind = Kind::Object(&[
    field(
        "verbosity",
        "Verbosity level",
        "1 to 10: 1 and 2 errors and warnings, 3 to 5 sessions, 6 to 8 what each connection does, 9 and 10 every message by its kind and size. From 6 on the appliance works harder and remembers less far back; 9 and 10 are for finding one fault. Passwords, keys and what is typed are logged at no level.",
        Kind::Number(1, 10),
    ),
    field(
        "most_sessions",
        "Most sessions",
        "Connections at a time; more are refused with the reason.",
        Kind::Number(1, 100_000),
    ),
    field(
        "most_of_one_client",
        "Most sessions of one client",
        "An IPv4 address, or an IPv6 network of 64 bits",
        Kind::Number(1, 100_000),
    ),
    field(
        "most_logging_in",
        "Most connections without a login",
        "Connections on which nobody is logged in yet; one client may have a quarter of them",
        Kind::Number(1, 10_000),
    ),
    field(
        "refuse_below_percent",
        "Refuse sessions below",
        "Percent of the memory that must be free for another session",
        Kind::Number(2, 90),
    ),
    field(
        "end_below_percent",
        "End sessions below",
        "Percent of free memory below which sessions are ended, the youngest first; less than the other",
        Kind::Number(1, 89),
    ),
    field(
        "restart_grace_seconds",
        "Time before a restart",
        "Seconds that sessions have to come to their end when the appliance is restarted or switched off; 0: they end at once",
        Kind::Number(0, 300),
    ),
    field(
        "restart_message",
        "Tell people in their terminals",
        "When the appliance is about to be restarted or switched off",
        Kind::Switch,
    ),
]);
pub(in crate::settings) const RDP_SETTINGS: Kind = Kind::Object(&[
    plain(
        "network_level_authentication",
        "Network level authentication",
        Kind::Switch,
    ),
    plain(
        "rdp4_style_authentication",
        "RDP 4-style authentication",
        Kind::Switch,
    ),
    field(
        "idle_timeout_seconds",
        "Idle timeout",
        "Seconds",
        Kind::Number(0, u32::MAX),
    ),
    field(
        "maximum_width",
        "Largest width",
        "Pixels",
        Kind::Number(0, u32::MAX),
    ),
    field(
        "maximum_height",
        "Largest height",
        "Pixels",
        Kind::Number(0, u32::MAX),
    ),
]);
pub(in crate::settings) const DOMAIN: Kind = MAYBE_TEXT;

//! Every bound of the server, in one place. The appliance must serve the page in 256 MB of memory while it
//! boots, whatever clients do.

use std::time::Duration;

/// Connections served at once on each port. A browser opens at most 6; this is room for a team looking on, and
/// at about 50 KiB each (TLS buffers, see [`SOCKET_BUFFER`]) about 13 MiB at worst.
const CONNECTIONS: usize = 128;

/// Connections from one IPv4 address or one IPv6 /64: one machine cannot lock the others out, and several
/// administrators behind one router still fit.
const CONNECTIONS_PER_SOURCE: usize = 48;

/// Connections over the bound that still get an answer (503) at the same time; what comes beyond is closed at once.
const REFUSALS: usize = 16;

/// Event streams at once: half of the connections, so that pages and JSON can always be fetched.
const STREAMS: usize = 64;

/// Time for a TLS handshake. Slow links need one or two seconds; a silent client is dropped after this.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Time for a request head to arrive, and for an idle connection to wait for the next one.
const HEAD: Duration = Duration::from_secs(15);

/// Time the kernel's send buffer may stay full before a client that does not read is dropped.
const WRITE_STALL: Duration = Duration::from_secs(30);

/// Silence on an event stream after which a sign of life is sent: below the 30 s of common middleboxes.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Time connections get to finish when the server stops: the exit funnel has little to spare.
const GRACE: Duration = Duration::from_secs(2);

/// Shortest time between two status events of one stream: progress counters may change thousands of times a second.
const STATUS_INTERVAL: Duration = Duration::from_millis(200);

/// Time in which an upload must bring [`FILE_BYTES`], and in which it may be silent.
const FILE_PACE: Duration = Duration::from_secs(30);

/// Bytes that an upload brings at least in each such time: 17 kbit/s, half of what the slowest modem brought.
pub(crate) const FILE_BYTES: u64 = 64 * 1024;

/// Kernel send and receive buffer of a connection, bytes. Left to itself Linux grows it to 4 MiB and more, which
/// times [`CONNECTIONS`] would be all memory there is. (The kernel doubles the value for its bookkeeping.)
pub(crate) const SOCKET_BUFFER: usize = 64 * 1024;

/// Time until the kernel gives a connection up whose data nobody acknowledges (RFC 5482): a machine that was
/// switched off does not keep a stream for the quarter of an hour that retransmission takes.
pub(crate) const UNACKNOWLEDGED: Duration = Duration::from_secs(60);

/// Connections the kernel holds until they are accepted.
pub(crate) const BACKLOG: u32 = 128;

/// Longest request line plus header fields answered, bytes. Browsers send about 1 KiB.
pub(crate) const HEAD_BYTES: usize = 16 * 1024;

/// hyper's buffer for a head: above [`HEAD_BYTES`], so that ours answers first, with our text.
pub(crate) const HEAD_BUFFER: usize = 2 * HEAD_BYTES;

/// Header fields accepted. Browsers send about 15.
pub(crate) const HEADER_FIELDS: usize = 64;

/// Largest request body announced without refusal, bytes. Only a form is read ([`FORM_BYTES`]); small ones do no harm.
pub(crate) const BODY_BYTES: u64 = 16 * 1024;

/// Longest form, bytes: one password, each byte of which may be written as three.
pub(crate) const FORM_BYTES: usize = 4 * 1024;

/// Longest form of a page behind the login, bytes: the wizard's, each field of which may have 1 KiB and be written as three.
pub(crate) const PAGE_FORM_BYTES: usize = 16 * 1024;

/// Longest form with a licence file in it, bytes: the file ([`sps_admin::LICENCE_BYTES`]), the wizard's fields and what a form
/// with files puts around them.
pub(crate) const LICENCE_FORM_BYTES: usize = sps_admin::LICENCE_BYTES + PAGE_FORM_BYTES + 8 * 1024;

/// Longest body with settings, bytes: a trust store of a hundred certificates, each byte of which a form may write as three.
pub(crate) const SETTINGS_BYTES: usize = 512 * 1024;

/// Longest form with an exported configuration in it, bytes: the file, and what a form puts around it.
pub(crate) const IMPORT_FORM_BYTES: usize = sps_admin::CONFIGURATION_BYTES + PAGE_FORM_BYTES;

/// Longest body of a program with an exported configuration in it, bytes: the file, each byte of which JSON may write as two, and
/// what stands around it.
pub(crate) const IMPORT_BODY_BYTES: usize = 2 * sps_admin::CONFIGURATION_BYTES + PAGE_FORM_BYTES;

/// Support bundles made at a time: each takes memory, and each attempt is a guess at the password.
pub(crate) const BUNDLES: usize = 1;

/// Longest host name taken over into a redirect, bytes (RFC 1035: 255 octets on the wire, 253 as text).
pub(crate) const HOST_BYTES: usize = 253;

/// Size at which a batch of log entries is handed on, bytes: bounds what a slow reader holds in memory.
pub(crate) const BATCH_BYTES: usize = 32 * 1024;

/// Size of the log part of a page or JSON answer at which it ends, bytes.
pub(crate) const ANSWER_BYTES: usize = 256 * 1024;

/// Lines of the log in the page as the server sends it: more than a boot writes.
pub(crate) const PAGE_LINES: usize = 1000;

/// Entries of a JSON answer when the client names no limit.
pub(crate) const LIST_DEFAULT: usize = 500;

/// Most entries of a JSON answer.
pub(crate) const LIST_MOST: usize = 1000;

/// The bounds a caller may set; tests make them small. [`Limits::default`] is what the appliance uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections served at once on each port.
    pub connections: usize,
    /// Connections from one IPv4 address or one IPv6 /64.
    pub connections_per_source: usize,
    /// Connections over the bound that still get an answer at the same time.
    pub refusals: usize,
    /// Event streams at once.
    pub streams: usize,
    /// Time for a TLS handshake.
    pub handshake: Duration,
    /// Time for a request head to arrive, and for an idle connection to wait for the next one.
    pub head: Duration,
    /// Time in which an upload must bring its least, and in which it may be silent.
    pub file_pace: Duration,
    /// Time a client may leave its side full before it is dropped.
    pub write_stall: Duration,
    /// Silence on an event stream after which a sign of life is sent.
    pub heartbeat: Duration,
    /// Time connections get to finish when the server stops.
    pub grace: Duration,
    /// Shortest time between two status events of one stream.
    pub status_interval: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: CONNECTIONS,
            connections_per_source: CONNECTIONS_PER_SOURCE,
            refusals: REFUSALS,
            streams: STREAMS,
            handshake: HANDSHAKE,
            head: HEAD,
            file_pace: FILE_PACE,
            write_stall: WRITE_STALL,
            heartbeat: HEARTBEAT,
            grace: GRACE,
            status_interval: STATUS_INTERVAL,
        }
    }
}

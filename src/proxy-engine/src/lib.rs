//! Which connection a client gets, where it goes, what may be done inside, and what is done about what is seen there.
//!
//! Everything is decided from arguments: the configuration, addresses, what was typed, the time of day. Invariants:
//! - what no policy allows is refused; a kind of channel nobody knows is refused;
//! - no name is looked up that is not a host name ([`Host`]), and nothing of the appliance's own is a target ([`Own`]);
//! - a refusal has a sentence for the person whose connection it was.

mod admission;
mod channels;
mod commands;
mod connections;
mod content;
mod destination;
mod files;
mod host;
mod host_key;
mod hours;
mod inband;
mod luhn;
mod own;
mod recipe;
mod shown;
mod users;

pub use admission::{Admission, Client, Leaving, Limits, Memory, Refusal};
pub use channels::{Allowed, Asked, Kind, Operation, Refused, Situation, decide};
pub use commands::{CommandLine, Entered, entering};
pub use connections::{Came, choose, diverted, shows_clients};
pub use content::{Content, ContentError, Finding, Matched};
pub use destination::{Destined, Misdirected, Wanted, destined, means_server, permits_address};
pub use files::{Done, FileEvent, Out, Scp, ScpMode, Sftp, SftpError};
pub use host::{Host, HostError};
pub use host_key::{HostKeyPolicy, HostKeyRefusal, Judged, Known, Presented, judge};
pub use hours::{Moment, is_within, stamp};
pub use inband::{InbandError, Login};
pub use luhn::card_numbers;
pub use own::Own;
pub use recipe::{RecipeError, Router, Routing, recipe};
pub use shown::{Shown, ShownText};
pub use users::{is_among, is_listed, may_be};

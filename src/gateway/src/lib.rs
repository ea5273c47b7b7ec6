//! The appliance as proxies see it.
//!
//! [`Gateway`] answers what a proxy asks ([`sps_proxy_ssh::Access`]): the policies in force, who somebody is, the keys of servers, and a
//! recording for each session, which is a row of the session database and an audit trail. It works on any data store that is a
//! [`Ground`]: the appliance's own, or that of a test.
//!
//! Promises: nothing passes a proxy before it is taken for the trail; a session is in the database before its first byte; what cannot
//! be recorded ends, with a reason for the person whose session it is. What policies say is read when it is asked for, so a change counts
//! for the next session.
//!
//! Sessions that go on stand in [`Live`]: there they are listed, followed and ended, and there somebody agrees to what they ask for.
//!
//! Sessions that a power cut interrupted have their end when a gateway opens the data store again, and those whose record was not on the
//! disk yet are known from their audit trails.
//!
//! Trails get timestamps of authorities where the audit policy says so; an authority that does not answer delays and ends nothing. What
//! carries requests to it is handed in ([`Carrier`]).
//!
//! Not here: ports and listeners (the binary's service), the protocol (`proxy-ssh`), the format of trails (`trail`).

mod drawn;
mod entry;
mod gateway;
mod ground;
mod host_keys;
mod index_keys;
mod interrupted;
mod live;
mod local;
mod memory;
mod recording;
mod recovered;
mod stamping;
mod stamps;

pub use gateway::{Gateway, GatewayError};
pub use ground::{Ended, Ground, GroundError, Surroundings};
pub use host_keys::HostKeysError;
pub use index_keys::{IndexKeys, IndexKeysError};
pub use live::{Active, Asking, Following, Live, LiveError};
pub use memory::memory;
pub use recovered::recovered;
pub use stamps::Carrier;

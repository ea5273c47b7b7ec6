//! The web interface: login, wizard, and the pages behind them. Complete without JavaScript; the script keeps them current.
//!
//! A page asks the operations ([`sps_admin`]) and shows the answer; a form asks them to do something and leads back to a page.
//! No page decides anything.

mod active;
mod changes;
mod control;
mod design;
mod events;
mod exchange;
mod fetch;
mod firmware;
mod forms;
mod history;
mod indexers;
mod jobs;
mod layout;
mod licence;
mod live;
mod login;
mod monitor;
mod navigation;
mod parts;
mod receive;
mod routes;
mod search;
mod session;
mod settings;
mod setup;
mod space;
pub(crate) mod testing;
mod time;
mod trail;
mod troubleshooting;
mod upgrade;
mod version;
mod visitor;

pub(crate) use exchange::IMPORT as CONFIGURATION_IMPORT;
pub(crate) use fetch::begin_fetch;
pub(crate) use firmware::UPLOAD;
pub(crate) use forms::Fields;
pub(crate) use licence::{UPLOAD as LICENCE_UPLOAD, file as licence_file, licensing};
pub(crate) use login::words as refusal_words;
pub(crate) use receive::{Proof, receive};
pub(crate) use routes::{front_door, routes};
pub(crate) use search::playing;
pub(crate) use settings::SETTINGS;
pub(crate) use setup::{PAGE as SETUP, ask as ask_at_the_door};
pub(crate) use space::ended as space_ended;
pub(crate) use time::exists as zone_exists;
pub(crate) use visitor::Visitor;

//! The doors, in the order in which they are closed.

mod files;
mod landlock;
mod limits;
mod system_calls;
mod user;

pub(crate) use files::leave_the_appliance;
pub(crate) use landlock::landlock;
pub(crate) use limits::limit;
pub(crate) use system_calls::system_calls;
pub(crate) use user::become_nobody;

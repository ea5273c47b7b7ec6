//! Whole stories told by a booted appliance. Each needs the ISO that `make iso` makes and takes seconds.

mod arriving;
mod browser;
mod damage;
#[cfg(feature = "long")]
mod flood;
mod frozen;
mod images;
mod installing;
mod keeping;
mod limits;
mod media;
mod network;
mod operations;
mod reboots;
mod refusals;
mod reorganizing;
mod rescue;
mod services;
mod sessions;
mod sticks;
mod upgrades;

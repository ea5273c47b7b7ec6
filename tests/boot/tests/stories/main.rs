//! Whole stories told by a booted appliance. Each needs the ISO that `make iso` makes and takes seconds.

mod installing;
mod limits;
mod media;
mod network;
mod reboots;
mod rescue;
mod services;
mod sticks;
mod upgrades;

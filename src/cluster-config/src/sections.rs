//! The sections of the document, a file each, as the pages of the web interface have them.

pub mod certificates;
pub mod connections;
pub mod management;
pub mod network;
pub mod nodes;
pub mod policies;
pub mod services;
pub mod system;
pub mod trust;
pub mod users;

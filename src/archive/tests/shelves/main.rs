//! Archiving, backup and restore on real shelves: a folder, a bucket of a real server, and what happens when either fails.

mod archiving;
mod backups;
mod bucket;
mod lab;

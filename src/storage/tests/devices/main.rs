//! Real disks made of files: installed, booted for the first time, grown, damaged, kept. Needs root and loop devices.

mod first_boot;
mod install;
mod lab;
mod own;

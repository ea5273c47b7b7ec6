//! What the stories share: starting the firmware under test, an installed disk, a person at the serial line, the boot page.

mod appliance;
mod installed;
mod operator;
mod ssh;

pub use appliance::{BOOT, SOON, check_boot_page, machine, order_disc, wait_healthy};
pub use installed::{Installed, power_off};
pub use operator::{Operator, PASSWORD, one_line};
pub use ssh::ssh_client;

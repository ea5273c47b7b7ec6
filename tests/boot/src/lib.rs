//! What the stories share: starting the firmware under test and looking at its boot page.

mod appliance;
mod operator;

pub use appliance::{BOOT, SOON, check_boot_page, machine, order_disc, wait_healthy};
pub use operator::{Operator, PASSWORD};

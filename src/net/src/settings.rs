//! What the network service is told at its start.

use std::path::PathBuf;
use std::time::Duration;

use sps_net_engine::Settings;

/// Settings of the first boot's network.
#[derive(Clone, Debug)]
pub struct NetworkSettings {
    /// Host name sent to DHCP servers, so that administrators find the appliance in their lease table.
    pub hostname: Option<String>,
    /// How long an interface with carrier waits for a DHCP server before the fallback address is tried.
    pub fallback_after: Duration,
    /// File that gets the name servers, in the format of `resolv.conf(5)`; none is written without a path.
    pub resolv_conf: Option<PathBuf>,
    /// Where sysfs shows network interfaces; only for driver, speed and place on the bus.
    pub sys_class_net: PathBuf,
    /// Where procfs has the kernel's network parameters.
    pub proc_sys_net: PathBuf,
}

impl Default for NetworkSettings {
    fn default() -> Self {
        Self {
            hostname: None,
            fallback_after: Settings::FALLBACK_AFTER,
            resolv_conf: None,
            sys_class_net: PathBuf::from("/sys/class/net"),
            proc_sys_net: PathBuf::from("/proc/sys/net"),
        }
    }
}

//! What netlink and sysfs say of an interface.

use std::path::Path;

use netlink_packet_route::AddressFamily;
use netlink_packet_route::link::{
    InfoKind, LinkAttribute, LinkFlags, LinkInfo as Info, LinkLayerType, LinkMessage,
};
use sps_net_engine::{LinkInfo, MacAddress};

/// What sysfs says of a card.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hardware {
    pub(crate) driver: Option<String>,
    pub(crate) bus: Option<String>,
}

impl Hardware {
    /// Reads driver and place on the bus; both are missing for virtual interfaces and without sysfs.
    pub(crate) fn read(sys_class_net: &Path, name: &str) -> Self {
        let device = sys_class_net.join(name).join("device");
        let driver = std::fs::read_link(device.join("driver")).ok();
        let bus = std::fs::canonicalize(&device).ok();
        Self {
            driver: driver.and_then(|path| Some(path.file_name()?.to_str()?.to_owned())),
            // The whole path sorts bridges before what is behind them.
            bus: bus.and_then(|path| Some(path.to_str()?.to_owned())),
        }
    }
}

/// Speed in Mbit/s. Drivers without one say -1 or fail.
pub(crate) fn speed(sys_class_net: &Path, name: &str) -> Option<u32> {
    let text = std::fs::read_to_string(sys_class_net.join(name).join("speed")).ok()?;
    text.trim().parse().ok().filter(|speed| *speed > 0)
}

/// An interface worth managing, without what sysfs adds; `None` for all others.
pub(crate) fn managed(message: &LinkMessage) -> Option<LinkInfo> {
    let header = &message.header;
    let foreign_family = header.interface_family != AddressFamily::Unspec;
    if foreign_family
        || header.link_layer_type != LinkLayerType::Ether
        || header.flags.contains(LinkFlags::Loopback)
    {
        return None;
    }
    let mut name = None;
    let mut mac = None;
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(text) => name = Some(text.clone()),
            LinkAttribute::Address(bytes) => mac = <[u8; 6]>::try_from(bytes.as_slice()).ok(),
            // A member of a bond or bridge has its addresses there.
            LinkAttribute::Controller(controller) if *controller != 0 => return None,
            LinkAttribute::LinkInfo(infos) if infos.iter().any(is_made_by_hand) => return None,
            _ => {}
        }
    }
    let mac = MacAddress(mac?);
    // Not `Running`: the kernel may set that up to a second later, when it last looked at another link just before.
    let carrier = header.flags.contains(LinkFlags::LowerUp);
    Some(LinkInfo {
        index: header.index,
        name: name?,
        mac,
        bus: None,
        carrier,
        speed: None,
    })
}

/// Bonds, VLANs, dummies and the like: someone else makes and addresses them. Cards have no kind; `veth` is the
/// card of a container or test.
fn is_made_by_hand(info: &Info) -> bool {
    matches!(info, Info::Kind(kind) if *kind != InfoKind::Veth)
}

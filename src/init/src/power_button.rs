//! The power button, and a hypervisor's request to shut down: the kernel's ACPI events over generic netlink
//! (`drivers/acpi/event.c`: family `acpi_event`, multicast group `acpi_mc_group`, attribute 1 holds a
//! `struct acpi_genl_event` that begins with the device class, 20 bytes, NUL-padded).

use std::io;
use std::thread;

use netlink_packet_core::{NLM_F_REQUEST, NetlinkDeserializable, NetlinkMessage, NetlinkPayload};
use netlink_packet_generic::GenlMessage;
use netlink_packet_generic::ctrl::nlas::{GenlCtrlAttrs, McastGrpAttrs};
use netlink_packet_generic::ctrl::{GenlCtrl, GenlCtrlCmd};
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_GENERIC};
use thiserror::Error;

/// Device class of the power button's events (`include/acpi/acpi_drivers.h` names the class, `button.c` the type).
const POWER_BUTTON: &[u8] = b"button/power";
/// Bytes before the payload of a generic netlink event: netlink header 16, generic header 4, attribute header 4.
const EVENT_OFFSET: usize = 24;

/// Why the power button cannot be heard.
#[derive(Debug, Error)]
pub enum PowerButtonError {
    /// The netlink socket failed.
    #[error("could not listen for ACPI events")]
    Socket(#[source] io::Error),
    /// The kernel has no ACPI events: no ACPI, or a hypervisor without it.
    #[error("the kernel offers no ACPI events: the power button does nothing here")]
    NoFamily,
    /// The thread could not be started.
    #[error("could not start the power button thread")]
    Thread(#[source] io::Error),
}

/// Calls `pressed` each time the power button is pressed, from a thread of its own.
///
/// # Errors
/// When the kernel offers no ACPI events or the thread cannot be made.
pub fn listen(pressed: impl Fn() + Send + 'static) -> Result<(), PowerButtonError> {
    let group = multicast_group()?;
    let mut socket = Socket::new(NETLINK_GENERIC).map_err(PowerButtonError::Socket)?;
    socket.bind_auto().map_err(PowerButtonError::Socket)?;
    socket.add_membership(group).map_err(PowerButtonError::Socket)?;
    let work = move || {
        while let Ok((message, _)) = socket.recv_from_full() {
            if is_power_button(&message) {
                pressed();
            }
        }
    };
    thread::Builder::new()
        .name("power-button".into())
        .spawn(work)
        .map_err(PowerButtonError::Thread)?;
    Ok(())
}

fn is_power_button(message: &[u8]) -> bool {
    message
        .get(EVENT_OFFSET..)
        .is_some_and(|event| event.starts_with(POWER_BUTTON))
}

/// Asks the generic netlink controller for the number of `acpi_mc_group`.
fn multicast_group() -> Result<u32, PowerButtonError> {
    let socket = Socket::new(NETLINK_GENERIC).map_err(PowerButtonError::Socket)?;
    let request = GenlCtrl {
        cmd: GenlCtrlCmd::GetFamily,
        nlas: vec![GenlCtrlAttrs::FamilyName("acpi_event".into())],
    };
    let mut request = NetlinkMessage::from(GenlMessage::from_payload(request));
    request.header.flags = NLM_F_REQUEST;
    request.finalize();
    let mut bytes = vec![0; request.buffer_len()];
    request.serialize(&mut bytes);
    socket
        .send_to(&bytes, &SocketAddr::new(0, 0), 0)
        .map_err(PowerButtonError::Socket)?;
    let (answer, _) = socket.recv_from_full().map_err(PowerButtonError::Socket)?;
    group_of(&answer).ok_or(PowerButtonError::NoFamily)
}

fn group_of<T>(answer: T) -> Option<u32>
where
    T: AsRef<[u8]>,
    GenlMessage<GenlCtrl>: NetlinkDeserializable,
{
    let message = NetlinkMessage::<GenlMessage<GenlCtrl>>::deserialize(answer.as_ref()).ok()?;
    let NetlinkPayload::InnerMessage(family) = message.payload else {
        return None;
    };
    let groups = family
        .payload
        .nlas
        .into_iter()
        .find_map(|attribute| match attribute {
            GenlCtrlAttrs::McastGroups(groups) => Some(groups),
            _ => None,
        })?;
    groups.iter().find_map(|group| {
        let named = group
            .iter()
            .any(|a| matches!(a, McastGrpAttrs::Name(name) if name == "acpi_mc_group"));
        let id = group.iter().find_map(|a| match a {
            McastGrpAttrs::Id(id) => Some(*id),
            McastGrpAttrs::Name(_) => None,
        });
        id.filter(|_| named)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_power_button_counts() {
        let mut message = vec![0_u8; EVENT_OFFSET];
        message.extend_from_slice(b"button/power\0\0\0\0\0\0\0\0");
        assert!(is_power_button(&message));
        message[EVENT_OFFSET + 7] = b's';
        assert!(!is_power_button(&message));
        assert!(!is_power_button(&[]));
    }
}

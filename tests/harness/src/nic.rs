//! Network cards and what they are plugged into.

use std::net::SocketAddrV4;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::machine::CommandLine;

/// The card's hardware.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// virtio network device.
    Virtio,
    /// Intel 82574L.
    E1000e,
}

#[derive(Clone, Debug)]
enum Backend {
    /// QEMU's own network: DHCP, and ports of the guest forwarded to this machine's loopback address.
    User {
        forwards: Vec<Forward>,
        /// Addresses of servers, and the program that serves one connection to it.
        servers: Vec<(SocketAddrV4, PathBuf)>,
        outside: bool,
    },
    /// Ethernet frames as datagrams between two unix sockets.
    Dgram { local: PathBuf, remote: PathBuf },
}

/// A forwarded TCP port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forward {
    /// Port on 127.0.0.1; 0 lets QEMU choose a free one.
    pub host: u16,
    /// Port of the guest.
    pub guest: u16,
}

/// A network card.
#[derive(Clone, Debug)]
pub struct Nic {
    model: Model,
    backend: Backend,
    dead: bool,
}

impl Nic {
    /// A virtio card on QEMU's own network, cut off from everything outside but the forwarded ports.
    #[must_use]
    pub fn user() -> Self {
        Self::with(Backend::User {
            forwards: Vec::new(),
            servers: Vec::new(),
            outside: false,
        })
    }

    /// A virtio card whose frames go to the unix datagram socket `remote`; QEMU binds `local`.
    #[must_use]
    pub fn datagrams(local: impl Into<PathBuf>, remote: impl Into<PathBuf>) -> Self {
        Self::with(Backend::Dgram {
            local: local.into(),
            remote: remote.into(),
        })
    }

    fn with(backend: Backend) -> Self {
        Self {
            model: Model::Virtio,
            backend,
            dead: false,
        }
    }

    /// Chooses the hardware.
    #[must_use]
    pub fn model(mut self, model: Model) -> Self {
        self.model = model;
        self
    }

    /// Forwards a free port of 127.0.0.1 to the guest's TCP port. No effect on a datagram card.
    #[must_use]
    pub fn forward(self, guest: u16) -> Self {
        self.forward_from(0, guest)
    }

    /// Forwards the port `host` of 127.0.0.1 to the guest's TCP port. No effect on a datagram card.
    #[must_use]
    pub fn forward_from(mut self, host: u16, guest: u16) -> Self {
        if let Backend::User { forwards, .. } = &mut self.backend {
            forwards.push(Forward { host, guest });
        }
        self
    }

    /// A server the guest reaches at this address of QEMU's own network: a program for each connection, which is its standard input and
    /// output. No effect on a datagram card.
    #[must_use]
    pub fn server(mut self, address: SocketAddrV4, program: &Path) -> Self {
        if let Backend::User { servers, .. } = &mut self.backend {
            servers.push((address, program.to_owned()));
        }
        self
    }

    /// Lets the guest reach what this machine reaches. For people trying the firmware, never for tests.
    #[must_use]
    pub fn outside(mut self) -> Self {
        if let Backend::User { outside, .. } = &mut self.backend {
            *outside = true;
        }
        self
    }

    /// A card whose cable is pulled before the machine starts.
    #[must_use]
    pub fn dead(mut self) -> Self {
        self.dead = true;
        self
    }

    /// Whether the cable is to be pulled before the machine starts.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.dead
    }

    /// The back end `net<index>` and the device `nic<index>`.
    pub(crate) fn arguments(&self, index: usize, machine: u8, line: &mut CommandLine) {
        let backend = match &self.backend {
            Backend::User {
                forwards,
                servers,
                outside,
            } => {
                let restrict = if *outside { "off" } else { "on" };
                let mut value = format!("user,id=net{index},restrict={restrict}");
                for forward in forwards {
                    value += &format!(",hostfwd=tcp:127.0.0.1:{}-:{}", forward.host, forward.guest);
                }
                for (address, program) in servers {
                    value += &format!(",guestfwd=tcp:{address}-cmd:{}", program.display());
                }
                value
            }
            Backend::Dgram { local, remote } => json!({"type": "dgram", "id": format!("net{index}"),
                "local": {"type": "unix", "path": local}, "remote": {"type": "unix", "path": remote}})
            .to_string(),
        };
        line.pair("-netdev", &backend);
        let model = match self.model {
            Model::Virtio => "virtio-net-pci",
            Model::E1000e => "e1000e",
        };
        // No option ROM: nothing boots from the network, and a network boot attempt costs seconds.
        line.pair(
            "-device",
            &format!(
                "{model},id=nic{index},netdev=net{index},romfile=,mac=52:54:00:53:{machine:02x}:{index:02x}"
            ),
        );
    }
}

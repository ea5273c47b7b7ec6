//! Packets of one interface: what comes in is parsed and handed on, what goes out is wrapped.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::sync::Arc;

use socket2::{Domain, Protocol, Socket, Type};
use sps_net_engine::wire::{ArpPacket, CLIENT_PORT, Reply, SERVER_PORT, encode, unwrap_udp, wrap_broadcast};
use sps_net_engine::{ClientMessage, Destination, Event, LinkIndex, LinkInfo, MacAddress, MessageKind};
use sps_sys::packet::{PacketKind, PacketSocket};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;
use tracing::debug;

/// Longest packet that is looked at: an Ethernet frame's payload. Longer ones are cut, and their lengths then
/// betray them.
const MAX_PACKET: usize = 1500;

/// The sockets of an interface. Dropping it closes them and stops their readers.
#[derive(Debug)]
pub(crate) struct Ports {
    name: String,
    mac: MacAddress,
    arp: Arc<PacketSocket>,
    dhcp: Arc<PacketSocket>,
    /// Source of unicast renewals. While it is open the kernel does not call port 68 unreachable to the server;
    /// answers are read from the packet socket, this one's small buffer just fills.
    renewal: Option<(Ipv4Addr, UdpSocket)>,
    _readers: [AbortOnDropHandle<()>; 2],
}

impl Ports {
    /// Opens the sockets and starts their readers, which feed `events`.
    ///
    /// # Errors
    /// No permission for packet sockets, or the interface is gone.
    pub(crate) fn open(link: &LinkInfo, events: &mpsc::Sender<Event>) -> io::Result<Self> {
        let index = link.index;
        let arp = Arc::new(PacketSocket::open(index, PacketKind::Arp)?);
        let dhcp = Arc::new(PacketSocket::open(index, PacketKind::DhcpClient)?);
        let read_arp = read(arp.clone(), events.clone(), move |packet| {
            parse_arp(index, packet)
        });
        let read_dhcp = read(dhcp.clone(), events.clone(), move |packet| {
            parse_dhcp(index, packet)
        });
        let readers = [
            AbortOnDropHandle::new(tokio::spawn(read_arp)),
            AbortOnDropHandle::new(tokio::spawn(read_dhcp)),
        ];
        Ok(Self {
            name: link.name.clone(),
            mac: link.mac,
            arp,
            dhcp,
            renewal: None,
            _readers: readers,
        })
    }

    /// Broadcasts an ARP packet.
    ///
    /// # Errors
    /// The kernel's; the caller says so and goes on, the engine repeats what matters.
    pub(crate) fn send_arp(&self, packet: &ArpPacket) -> io::Result<()> {
        self.arp.send_broadcast(&packet.to_bytes())
    }

    /// Sends a DHCP message.
    ///
    /// # Errors
    /// As [`Ports::send_arp`].
    pub(crate) fn send_dhcp(
        &mut self,
        message: &ClientMessage,
        to: Destination,
        hostname: Option<&str>,
    ) -> io::Result<()> {
        let payload = encode(message, self.mac, hostname).ok_or_else(too_long)?;
        match to {
            Destination::Broadcast => {
                let from = match message.kind {
                    MessageKind::Extend { address } => address,
                    _ => Ipv4Addr::UNSPECIFIED,
                };
                let packet = wrap_broadcast(from, &payload).ok_or_else(too_long)?;
                self.dhcp.send_broadcast(&packet)
            }
            Destination::Server { from, to } => self
                .renewal_from(from)?
                .send_to(&payload, SocketAddrV4::new(to, SERVER_PORT))
                .map(drop),
        }
    }

    /// The address is off the interface: its port is closed.
    pub(crate) fn forget(&mut self, address: Ipv4Addr) {
        self.renewal = self.renewal.take().filter(|(bound, _)| *bound != address);
    }

    fn renewal_from(&mut self, from: Ipv4Addr) -> io::Result<&UdpSocket> {
        if self.renewal.as_ref().is_none_or(|(bound, _)| *bound != from) {
            self.renewal = Some((from, renewal_socket(&self.name, from)?));
        }
        self.renewal
            .as_ref()
            .map(|(_, socket)| socket)
            .ok_or_else(too_long)
    }
}

fn too_long() -> io::Error {
    io::Error::from(io::ErrorKind::InvalidInput)
}

fn renewal_socket(interface: &str, from: Ipv4Addr) -> io::Result<UdpSocket> {
    let socket = Socket::new(
        Domain::IPV4,
        Type::DGRAM.nonblocking().cloexec(),
        Some(Protocol::UDP),
    )?;
    socket.set_reuse_address(true)?;
    socket.bind_device(Some(interface.as_bytes()))?;
    // The kernel raises it to its minimum.
    socket.set_recv_buffer_size(0)?;
    socket.bind(&SocketAddrV4::new(from, CLIENT_PORT).into())?;
    Ok(socket.into())
}

fn parse_arp(index: LinkIndex, packet: &[u8]) -> Option<Event> {
    ArpPacket::parse(packet).map(|packet| Event::Arp(index, packet))
}

fn parse_dhcp(index: LinkIndex, packet: &[u8]) -> Option<Event> {
    Reply::parse(unwrap_udp(packet)?).map(|reply| Event::Dhcp(index, reply))
}

/// Reads until the socket fails. A full queue drops the packet: the sender repeats, or floods.
async fn read(
    socket: Arc<PacketSocket>,
    events: mpsc::Sender<Event>,
    parse: impl Fn(&[u8]) -> Option<Event>,
) {
    let mut buffer = [0; MAX_PACKET];
    loop {
        match socket.receive(&mut buffer).await {
            Ok(length) => {
                let Some(event) = buffer.get(..length).and_then(&parse) else {
                    continue;
                };
                if events.try_send(event).is_err() {
                    debug!("packet dropped: more arrive than can be looked at");
                }
            }
            // Said once by the kernel when the interface goes down; the socket lives on.
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NETDOWN.raw_os_error()) => {}
            Err(error) => {
                debug!("packet socket ended: {error}");
                return;
            }
        }
    }
}

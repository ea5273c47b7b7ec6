//! Packet sockets of one interface (packet(7)): ARP and the DHCP client's port, before an address exists.
//!
//! The kernel adds and removes the Ethernet header (`SOCK_DGRAM`); a filter in the kernel keeps everything out
//! that is not wanted, so gigabits of other traffic cost nothing here. A socket with a protocol of its own never
//! sees what this host sends.

use std::io::{self, Read};

use socket2::{Domain, Protocol, SockAddr, SockAddrStorage, SockFilter, Socket, Type};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// What a socket receives and sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketKind {
    /// ARP packets, from the ARP header on.
    Arp,
    /// IPv4 packets, from the IP header on; received ones carry UDP to port 68.
    DhcpClient,
}

/// A packet socket bound to one interface.
#[derive(Debug)]
pub struct PacketSocket {
    socket: AsyncFd<Socket>,
    broadcast: SockAddr,
}

/// Bytes the kernel may queue for us: some hundred packets, bounded against floods.
const RECEIVE_BUFFER: usize = 128 * 1024;

impl PacketSocket {
    /// Opens a socket on the interface with this index. Needs `CAP_NET_RAW`, and a tokio runtime around it.
    ///
    /// # Errors
    /// The kernel's: no permission, no such interface.
    pub fn open(index: u32, kind: PacketKind) -> io::Result<Self> {
        // Protocol 0 receives nothing until the socket is bound, so no packet slips in before the filter.
        let socket = Socket::new(
            Domain::PACKET,
            Type::DGRAM.nonblocking().cloexec(),
            Some(Protocol::from(0)),
        )?;
        socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        let protocol = match kind {
            PacketKind::Arp => libc::ETH_P_ARP,
            PacketKind::DhcpClient => {
                socket.attach_filter(&dhcp_filter())?;
                libc::ETH_P_IP
            }
        };
        let protocol = u16::try_from(protocol).map_err(io::Error::other)?;
        let broadcast = address(index, protocol)?;
        socket.bind(&broadcast)?;
        // SAFETY: the socket owns its descriptor, always returns the same one, and is owned by the AsyncFd from
        // here on; nothing else closes it.
        let socket = unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE) }?;
        Ok(Self { socket, broadcast })
    }

    /// Sends to the Ethernet broadcast address, without waiting for room.
    ///
    /// # Errors
    /// The kernel's, among them `ENETDOWN` while the interface is down.
    pub fn send_broadcast(&self, packet: &[u8]) -> io::Result<()> {
        // The kernel notes on the socket that the interface was down, and would fail this send for that, even when
        // it is up by now. If it is down still, sending says so itself.
        let _noted_before = self.socket.get_ref().take_error();
        self.socket.get_ref().send_to(packet, &self.broadcast).map(drop)
    }

    /// Waits for one packet; what does not fit `buffer` is cut off. Safe to cancel.
    ///
    /// # Errors
    /// `ENETDOWN` once after the interface went down: the socket lives on.
    pub async fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket
            .async_io(Interest::READABLE, |mut socket| socket.read(buffer))
            .await
    }
}

/// Accepts unfragmented UDP to port 68; offsets count from the IP header. Opcodes: `linux/bpf_common.h`.
fn dhcp_filter() -> [SockFilter; 9] {
    const LOAD_BYTE: u16 = 0x30;
    const LOAD_HALF: u16 = 0x28;
    const LOAD_HALF_FROM_X: u16 = 0x48;
    const X_IS_HEADER_LENGTH: u16 = 0xb1;
    const IF_EQUAL: u16 = 0x15;
    const IF_ANY_BIT: u16 = 0x45;
    const RETURN: u16 = 0x06;
    const ALL: u32 = 0xffff;
    [
        SockFilter::new(LOAD_BYTE, 0, 0, 9),
        SockFilter::new(IF_EQUAL, 0, 5, 17),
        SockFilter::new(LOAD_HALF, 0, 0, 6),
        SockFilter::new(IF_ANY_BIT, 3, 0, 0x3fff),
        SockFilter::new(X_IS_HEADER_LENGTH, 0, 0, 0),
        SockFilter::new(LOAD_HALF_FROM_X, 0, 0, 2),
        SockFilter::new(IF_EQUAL, 1, 0, 68),
        SockFilter::new(RETURN, 0, 0, 0),
        SockFilter::new(RETURN, 0, 0, ALL),
    ]
}

/// The broadcast address of an interface for a protocol.
fn address(index: u32, protocol: u16) -> io::Result<SockAddr> {
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: sockaddr_ll is a plain struct of integers, smaller than and aligned no stricter than
    // sockaddr_storage, and the storage is zeroed, so every bit pattern read through the view is valid.
    let link = unsafe { storage.view_as::<libc::sockaddr_ll>() };
    link.sll_family = u16::try_from(libc::AF_PACKET).map_err(io::Error::other)?;
    link.sll_protocol = protocol.to_be();
    link.sll_ifindex = i32::try_from(index).map_err(io::Error::other)?;
    link.sll_halen = 6;
    link.sll_addr = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0];
    let length = u32::try_from(size_of::<libc::sockaddr_ll>()).map_err(io::Error::other)?;
    // SAFETY: the storage holds a sockaddr_ll with its family set, and `length` is that struct's size.
    Ok(unsafe { SockAddr::new(storage, length) })
}

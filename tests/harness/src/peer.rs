//! A host of the test's own on a link: it has an address, answers ARP (probes too) and speaks TCP.
//!
//! For guests that no forwarded port reaches: one without DHCP that took its fallback address, or one whose
//! address somebody else has. A thread feeds the stack (`smoltcp`); the test's calls wait on a condition variable.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::unix::net::UnixDatagram;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::tcp;
use smoltcp::time::Instant as StackInstant;
use smoltcp::wire::{EthernetAddress, IpCidr};

use crate::link::{End, Link};

/// Longest the stack goes without a look at its timers.
const TICK: Duration = Duration::from_millis(50);
/// Bytes of a connection's buffers.
const BUFFER: usize = 1 << 16;
/// Longest answer to an exchange.
const MAX_ANSWER: usize = 16 << 20;
/// Ethernet header and ARP packet for IPv4 (RFC 826).
const ARP_LENGTH: usize = 42;

/// The host. It stays on the link until it is dropped.
#[derive(Debug)]
pub struct Peer {
    shared: Arc<Shared>,
    next_port: u16,
}

impl Peer {
    /// A host with `address` (prefix length `prefix`) at `end` of `link`.
    ///
    /// # Errors
    /// When the end is taken or the address is none.
    pub fn new(link: &Link, end: End, address: Ipv4Addr, prefix: u8) -> Result<Self> {
        let socket = link.open(end)?;
        socket.set_read_timeout(Some(TICK)).context("bound the reading")?;
        let mac = [0x52, 0x54, 0x00, 0x53, 0xff, u8::from(end == End::B)];
        let sender = socket.try_clone().context("clone the socket")?;
        let stack = Stack::new(sender, mac, address, prefix)?;
        let shared = Arc::new(Shared {
            stack: Mutex::new(stack),
            moved: Condvar::new(),
        });
        let theirs = Arc::downgrade(&shared);
        thread::spawn(move || {
            let mut buffer = [0; 1 << 16];
            // The last reference gone is the end; a tick later the socket is free.
            while let Some(shared) = theirs.upgrade() {
                drop(shared);
                let received = socket.recv(&mut buffer);
                let Some(shared) = theirs.upgrade() else { return };
                match received {
                    Ok(length) => shared.lock().arrive(&buffer[..length]),
                    Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                    Err(_) => return,
                }
                shared.lock().poll();
                shared.moved.notify_all();
            }
        });
        Ok(Self {
            shared,
            next_port: 40_000,
        })
    }

    /// Connects, sends `request`, and reads until the other side closes.
    ///
    /// # Errors
    /// When there is no connection, or no end of the answer, within `timeout`.
    pub fn exchange(&mut self, remote: SocketAddrV4, request: &[u8], timeout: Duration) -> Result<Vec<u8>> {
        let port = self.next_port;
        self.next_port += 1;
        let deadline = Instant::now() + timeout;
        let mut stack = self.shared.lock();
        let handle = stack.connect(remote, port)?;
        let mut exchange = Exchange {
            unsent: request.to_vec(),
            answer: Vec::new(),
            connected: false,
        };
        loop {
            let ended = exchange.advance(stack.sockets.get_mut(handle));
            stack.poll();
            let left = deadline.saturating_duration_since(Instant::now());
            if ended.is_err() || left.is_zero() || matches!(ended, Ok(true)) {
                stack.sockets.remove(handle);
                return match ended.with_context(|| format!("talk to {remote}"))? {
                    true => Ok(exchange.answer),
                    false => Err(anyhow!("no {} {remote} within {timeout:?}", exchange.missing())),
                };
            }
            stack = self
                .shared
                .moved
                .wait_timeout(stack, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }
}

struct Exchange {
    unsent: Vec<u8>,
    answer: Vec<u8>,
    connected: bool,
}

impl Exchange {
    /// Sends and reads what it can; whether the other side has closed.
    fn advance(&mut self, socket: &mut tcp::Socket<'static>) -> Result<bool> {
        self.connected |= socket.may_send();
        if !socket.is_open() && !self.connected {
            bail!("the connection was refused");
        }
        if socket.can_send() && !self.unsent.is_empty() {
            let sent = socket
                .send_slice(&self.unsent)
                .map_err(|e| anyhow!("send: {e:?}"))?;
            self.unsent.drain(..sent);
        }
        while socket.can_recv() {
            let part = socket.recv(|bytes| (bytes.len(), bytes.to_vec()));
            self.answer.extend(part.map_err(|e| anyhow!("receive: {e:?}"))?);
            if self.answer.len() > MAX_ANSWER {
                bail!("the answer has more than {MAX_ANSWER} bytes");
            }
        }
        let connecting = matches!(socket.state(), tcp::State::SynSent | tcp::State::SynReceived);
        Ok(self.connected && !connecting && !socket.may_recv())
    }

    fn missing(&self) -> &'static str {
        if self.connected {
            "end of the answer from"
        } else {
            "connection to"
        }
    }
}

#[derive(Debug)]
struct Shared {
    stack: Mutex<Stack>,
    moved: Condvar,
}

impl Shared {
    /// A panic under the lock leaves the stack whole.
    fn lock(&self) -> MutexGuard<'_, Stack> {
        self.stack.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Stack {
    interface: Interface,
    sockets: SocketSet<'static>,
    card: Card,
    began: Instant,
    mac: [u8; 6],
    address: Ipv4Addr,
}

impl std::fmt::Debug for Stack {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stack")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Stack {
    fn new(socket: UnixDatagram, mac: [u8; 6], address: Ipv4Addr, prefix: u8) -> Result<Self> {
        let mut card = Card {
            socket,
            received: VecDeque::new(),
        };
        let config = Config::new(EthernetAddress(mac).into());
        let mut interface = Interface::new(config, &mut card, StackInstant::ZERO);
        let mut full = false;
        interface.update_ip_addrs(|list| full = list.push(IpCidr::new(address.into(), prefix)).is_err());
        anyhow::ensure!(!full, "no room for the address {address}");
        Ok(Self {
            interface,
            sockets: SocketSet::new(Vec::new()),
            card,
            began: Instant::now(),
            mac,
            address,
        })
    }

    fn now(&self) -> StackInstant {
        StackInstant::from_micros(i64::try_from(self.began.elapsed().as_micros()).unwrap_or(i64::MAX))
    }

    fn poll(&mut self) {
        let now = self.now();
        self.interface.poll(now, &mut self.card, &mut self.sockets);
    }

    fn arrive(&mut self, frame: &[u8]) {
        if let Some(reply) = probe_reply(frame, self.mac, self.address) {
            let _lost = self.card.socket.send(&reply);
        }
        self.card.received.push_back(frame.to_vec());
    }

    fn connect(&mut self, remote: SocketAddrV4, port: u16) -> Result<SocketHandle> {
        let buffer = || tcp::SocketBuffer::new(vec![0; BUFFER]);
        let mut socket = tcp::Socket::new(buffer(), buffer());
        let target = (*remote.ip(), remote.port());
        socket
            .connect(self.interface.context(), target, port)
            .map_err(|e| anyhow!("connect to {remote}: {e:?}"))?;
        let handle = self.sockets.add(socket);
        self.poll();
        Ok(handle)
    }
}

/// The answer to an ARP probe (RFC 5227: a request from no address) for `address`. The stack answers ordinary
/// requests but takes a sender without an address for a mistake.
fn probe_reply(frame: &[u8], mac: [u8; 6], address: Ipv4Addr) -> Option<[u8; ARP_LENGTH]> {
    let frame = frame.get(..ARP_LENGTH)?;
    let is_request = frame[12..22] == [8, 6, 0, 1, 8, 0, 6, 4, 0, 1];
    if !is_request || frame[28..32] != [0; 4] || frame[38..42] != address.octets() {
        return None;
    }
    let mut reply = [0; ARP_LENGTH];
    reply[..6].copy_from_slice(&frame[6..12]);
    reply[6..12].copy_from_slice(&mac);
    reply[12..22].copy_from_slice(&[8, 6, 0, 1, 8, 0, 6, 4, 0, 2]);
    reply[22..28].copy_from_slice(&mac);
    reply[28..32].copy_from_slice(&address.octets());
    reply[32..38].copy_from_slice(&frame[22..28]);
    Some(reply)
}

struct Card {
    socket: UnixDatagram,
    received: VecDeque<Vec<u8>>,
}

struct Received(Vec<u8>);

struct Sending<'a>(&'a UnixDatagram);

impl RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(&self.0)
    }
}

impl TxToken for Sending<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, f: F) -> R {
        let mut frame = vec![0; length];
        let result = f(&mut frame);
        let _lost = self.0.send(&frame);
        result
    }
}

impl Device for Card {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sending<'a>;

    fn receive(&mut self, _: StackInstant) -> Option<(Received, Sending<'_>)> {
        Some((Received(self.received.pop_front()?), Sending(&self.socket)))
    }

    fn transmit(&mut self, _: StackInstant) -> Option<Sending<'_>> {
        Some(Sending(&self.socket))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ethernet;
        // An Ethernet frame without its checksum: 1,500 bytes and the header.
        capabilities.max_transmission_unit = 1514;
        capabilities
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    fn link() -> (Link, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        (Link::new("main", folder.path(), folder.path()).unwrap(), folder)
    }

    #[test]
    fn a_probe_for_the_address_is_answered() {
        let (link, _folder) = link();
        let address = Ipv4Addr::new(192, 168, 1, 1);
        let _peer = Peer::new(&link, End::B, address, 24).unwrap();
        let card = link.open(End::A).unwrap();
        card.set_read_timeout(Some(SOON)).unwrap();
        let mut probe = [0xff_u8; ARP_LENGTH];
        probe[6..12].copy_from_slice(&[2, 0, 0, 0, 0, 1]);
        probe[12..22].copy_from_slice(&[8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
        probe[22..28].copy_from_slice(&[2, 0, 0, 0, 0, 1]);
        probe[28..38].fill(0);
        probe[38..42].copy_from_slice(&address.octets());
        card.send(&probe).unwrap();
        let mut reply = [0; 64];
        assert_eq!(card.recv(&mut reply).unwrap(), ARP_LENGTH);
        assert_eq!(
            (&reply[..6], &reply[20..22]),
            (&[2, 0, 0, 0, 0, 1][..], &[0, 2][..])
        );
        assert_eq!(reply[28..32], address.octets());
    }

    #[test]
    fn a_host_that_is_not_there_or_refuses_is_an_error() {
        let (link, _folder) = link();
        let mut one = Peer::new(&link, End::A, Ipv4Addr::new(10, 0, 0, 1), 24).unwrap();
        let _two = Peer::new(&link, End::B, Ipv4Addr::new(10, 0, 0, 2), 24).unwrap();
        let to = |host: u8| SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, host), 80);
        let absent = one.exchange(to(3), b"", Duration::from_millis(200)).unwrap_err();
        assert!(
            absent.to_string().contains("no connection to 10.0.0.3:80"),
            "{absent:#}"
        );
        let refused = one.exchange(to(2), b"", SOON).unwrap_err();
        assert!(format!("{refused:#}").contains("refused"), "{refused:#}");
    }
}

//! IPv4 and UDP headers of DHCP messages that travel before an address exists.

use std::net::Ipv4Addr;

use etherparse::{IpNumber, Ipv4HeaderSlice, PacketBuilder, UdpHeaderSlice};

/// Port of the server (RFC 2131 section 4.1).
pub const SERVER_PORT: u16 = 67;
/// Port of the client.
pub const CLIENT_PORT: u16 = 68;
/// Hop limit of a broadcast; servers are on the link or behind a relay on it.
const TTL: u8 = 64;

/// Puts IPv4 and UDP headers before `payload`, to the broadcast address; `None` when it is too long for them.
#[must_use]
pub fn wrap_broadcast(from: Ipv4Addr, payload: &[u8]) -> Option<Vec<u8>> {
    let builder =
        PacketBuilder::ipv4(from.octets(), Ipv4Addr::BROADCAST.octets(), TTL).udp(CLIENT_PORT, SERVER_PORT);
    let mut packet = Vec::with_capacity(builder.size(payload.len()));
    builder.write(&mut packet, payload).ok()?;
    Some(packet)
}

/// The payload of an unfragmented UDP packet to the client port, `None` for anything else.
///
/// The UDP checksum is not looked at: the kernel hands packets of virtual links over before it is filled in,
/// and what is inside is judged by its transaction id.
#[must_use]
pub fn unwrap_udp(packet: &[u8]) -> Option<&[u8]> {
    let ip = Ipv4HeaderSlice::from_slice(packet).ok()?;
    if ip.protocol() != IpNumber::UDP || ip.is_fragmenting_payload() {
        return None;
    }
    let datagram = packet.get(ip.slice().len()..usize::from(ip.total_len()))?;
    let udp = UdpHeaderSlice::from_slice(datagram).ok()?;
    if udp.destination_port() != CLIENT_PORT || udp.source_port() != SERVER_PORT {
        return None;
    }
    datagram.get(udp.slice().len()..usize::from(udp.length()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(payload: &[u8]) -> Vec<u8> {
        let builder = PacketBuilder::ipv4([10, 0, 2, 2], [255; 4], 64).udp(SERVER_PORT, CLIENT_PORT);
        let mut packet = Vec::new();
        builder.write(&mut packet, payload).unwrap();
        packet
    }

    #[test]
    fn a_reply_is_unwrapped_and_padding_dropped() {
        let mut packet = reply(b"hello");
        packet.extend([0; 9]);
        assert_eq!(unwrap_udp(&packet), Some(&b"hello"[..]));
    }

    #[test]
    fn every_truncation_and_every_single_byte_is_survived() {
        let packet = reply(b"hello");
        for length in 0..packet.len() {
            assert_eq!(unwrap_udp(&packet[..length]), None, "{length} bytes");
        }
        for at in 0..packet.len() {
            for value in 0..=u8::MAX {
                let mut bad = packet.clone();
                bad[at] = value;
                assert!(unwrap_udp(&bad).is_none_or(|p| p.len() <= bad.len()));
            }
        }
    }

    #[test]
    fn own_broadcasts_are_not_taken_for_replies() {
        assert_eq!(
            unwrap_udp(&wrap_broadcast(Ipv4Addr::UNSPECIFIED, b"x").unwrap()),
            None
        );
    }
}

//! ARP for IPv4 over Ethernet (RFC 826), as RFC 5227 uses it.

use std::net::Ipv4Addr;

use etherparse::{ArpEthIpv4Packet, ArpPacketSlice};

use crate::link::MacAddress;

/// Request or reply; others are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArpOperation {
    /// Who has the target address?
    Request,
    /// I have it.
    Reply,
}

/// An ARP packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArpPacket {
    /// Request or reply.
    pub operation: ArpOperation,
    /// Hardware address of the sender.
    pub sender_mac: MacAddress,
    /// Address of the sender; 0.0.0.0 in a probe.
    pub sender: Ipv4Addr,
    /// Hardware address asked for or answered to.
    pub target_mac: MacAddress,
    /// Address asked for.
    pub target: Ipv4Addr,
}

impl ArpPacket {
    /// The probe of RFC 5227 section 2.1.1: asks for `address` without claiming it.
    #[must_use]
    pub fn probe(from: MacAddress, address: Ipv4Addr) -> Self {
        Self {
            operation: ArpOperation::Request,
            sender_mac: from,
            sender: Ipv4Addr::UNSPECIFIED,
            target_mac: MacAddress::UNKNOWN,
            target: address,
        }
    }

    /// The announcement of RFC 5227 section 2.3: claims `address`.
    #[must_use]
    pub fn announcement(from: MacAddress, address: Ipv4Addr) -> Self {
        Self {
            sender: address,
            ..Self::probe(from, address)
        }
    }

    /// Whether this is a probe for `address`.
    #[must_use]
    pub fn is_probe_for(&self, address: Ipv4Addr) -> bool {
        self.operation == ArpOperation::Request && self.sender.is_unspecified() && self.target == address
    }

    /// Reads a packet that begins at the ARP header; padding after it is allowed.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let packet = ArpPacketSlice::from_slice(bytes)
            .ok()?
            .to_packet()
            .try_eth_ipv4()
            .ok()?;
        let operation = match packet.operation {
            etherparse::ArpOperation::REQUEST => ArpOperation::Request,
            etherparse::ArpOperation::REPLY => ArpOperation::Reply,
            _ => return None,
        };
        Some(Self {
            operation,
            sender_mac: MacAddress(packet.sender_mac),
            sender: packet.sender_ipv4.into(),
            target_mac: MacAddress(packet.target_mac),
            target: packet.target_ipv4.into(),
        })
    }

    /// The packet from the ARP header on.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; ArpEthIpv4Packet::LEN] {
        ArpEthIpv4Packet {
            operation: match self.operation {
                ArpOperation::Request => etherparse::ArpOperation::REQUEST,
                ArpOperation::Reply => etherparse::ArpOperation::REPLY,
            },
            sender_mac: self.sender_mac.0,
            sender_ipv4: self.sender.octets(),
            target_mac: self.target_mac.0,
            target_ipv4: self.target.octets(),
        }
        .to_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: MacAddress = MacAddress([2, 0, 0, 0, 0, 1]);
    const ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 1);

    #[test]
    fn a_probe_survives_the_wire_with_padding() {
        let mut bytes = ArpPacket::probe(MAC, ADDRESS).to_bytes().to_vec();
        bytes.resize(46, 0);
        let read = ArpPacket::parse(&bytes).unwrap();
        assert_eq!(read, ArpPacket::probe(MAC, ADDRESS));
        assert!(read.is_probe_for(ADDRESS));
        assert!(!ArpPacket::announcement(MAC, ADDRESS).is_probe_for(ADDRESS));
    }

    #[test]
    fn truncated_and_foreign_packets_are_dropped() {
        let good = ArpPacket::probe(MAC, ADDRESS).to_bytes();
        for length in 0..good.len() {
            assert_eq!(ArpPacket::parse(&good[..length]), None, "{length} bytes");
        }
        for (at, value) in [(1, 6), (2, 0x86), (4, 8), (5, 16), (7, 9)] {
            let mut bad = good;
            bad[at] = value;
            assert_eq!(ArpPacket::parse(&bad), None, "byte {at} = {value}");
        }
    }
}

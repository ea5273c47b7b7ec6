//! Expressions: what a rule is to the kernel (`include/uapi/linux/netfilter/nf_tables.h`).
//!
//! A packet's property is loaded into a register and compared; the first comparison that fails ends the rule.

use ipnet::IpNet;
use netlink_packet_core::DefaultNla;
use netlink_packet_netfilter::nftables::{
    Bitwise, Cmp, DataAttribute, ExpressionAttribute, Expressions, Immediate, ListAttribute, Meta, MetaKey,
    Operator, Payload, Register, Verdict as Code, VerdictAttribute,
};
use sps_net_engine::ports::Protocol;
use sps_net_engine::{FOREIGN_MARK, Match, Rate, Rule, Verdict};

/// One expression in a rule's list.
pub(super) type Expression = ListAttribute<ExpressionAttribute>;

/// Protocol numbers (IANA): ICMP, TCP, UDP, ICMPv6.
const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;
/// Families as `meta nfproto` tells them (`NFPROTO_*` of linux/netfilter.h).
const NFPROTO_IPV4: u8 = 2;
const NFPROTO_IPV6: u8 = 10;
/// Where a payload's offset counts from (`enum nft_payload_bases`).
const NETWORK_HEADER: u32 = 1;
const TRANSPORT_HEADER: u32 = 2;
/// Offset of the destination in the headers of IPv4 (RFC 791, 3.1) and IPv6 (RFC 8200, section 3).
const DESTINATION: (u32, u32) = (16, 24);
/// `enum nft_socket_attributes` and two of its keys.
const SOCKET_KEY: u16 = 1;
const SOCKET_DREG: u16 = 2;
const SOCKET_TRANSPARENT: u32 = 0;
const SOCKET_WILDCARD: u32 = 2;
/// `enum nft_tproxy_attributes`.
const TPROXY_FAMILY: u16 = 1;
const TPROXY_PORT: u16 = 3;
/// Offset of the hop limit in the header of IPv6 (RFC 8200, section 3).
const HOP_LIMIT: u32 = 7;
/// `enum nft_ct_attributes` and the key of the state.
const CT_DREG: u16 = 1;
const CT_KEY: u16 = 2;
const CT_STATE: u32 = 0;
/// Bits of the state (`NF_CT_STATE_*` of nf_conntrack_common.h).
const INVALID: u32 = 1;
const ESTABLISHED: u32 = 1 << 1;
const RELATED: u32 = 1 << 2;
/// `enum nft_limit_attributes`.
const LIMIT_RATE: u16 = 1;
const LIMIT_UNIT: u16 = 2;
const LIMIT_BURST: u16 = 3;
const LIMIT_TYPE: u16 = 4;
const LIMIT_FLAGS: u16 = 5;
/// Bytes of an interface name, padded with NUL (`IFNAMSIZ`).
const NAME_BYTES: usize = 16;
/// Verdicts (`NF_DROP`, `NF_ACCEPT` of linux/netfilter.h).
const NF_DROP: u32 = 0;
const NF_ACCEPT: u32 = 1;

/// The expressions of a rule, in the order in which the kernel goes through them.
pub(super) fn of_rule(rule: &Rule) -> Vec<Expression> {
    let mut list: Vec<Expressions> = rule.matches.iter().flat_map(of_match).collect();
    list.extend(rule.at_most.map(limit));
    if rule.counted {
        list.push(other("counter", Vec::new()));
    }
    list.extend(of_verdict(rule.verdict));
    list.into_iter().map(Into::into).collect()
}

/// The kernel's number of a verdict.
pub(super) fn code(verdict: Verdict) -> u32 {
    match verdict {
        Verdict::Accept | Verdict::Mark | Verdict::Proxy { .. } => NF_ACCEPT,
        Verdict::Drop => NF_DROP,
    }
}

/// What is done to the packet, and the verdict.
fn of_verdict(verdict: Verdict) -> Vec<Expressions> {
    let mut list = Vec::new();
    if let Verdict::Proxy { v6, port } = verdict {
        let family = if v6 { NFPROTO_IPV6 } else { NFPROTO_IPV4 };
        let attributes = vec![
            be32(TPROXY_FAMILY, family.into()),
            be32(TPROXY_PORT, Register::Reg1.into()),
        ];
        list.extend([
            immediate(port.to_be_bytes().to_vec()),
            other("tproxy", attributes),
        ]);
    }
    if let Verdict::Mark | Verdict::Proxy { .. } = verdict {
        // A mark is in the machine's own byte order.
        list.push(immediate(FOREIGN_MARK.to_ne_bytes().to_vec()));
        let set = vec![Meta::Key(MetaKey::Mark), Meta::SourceRegister(Register::Reg1)];
        list.push(Expressions::Meta(set));
    }
    list.push(judge(verdict));
    list
}

fn of_match(wanted: &Match) -> Vec<Expressions> {
    match wanted {
        Match::Interface(name) => {
            let mut padded = name.clone().into_bytes();
            padded.resize(NAME_BYTES, 0);
            vec![meta(MetaKey::Iifname), equal(padded)]
        }
        Match::Known => state(ESTABLISHED | RELATED),
        Match::Invalid => state(INVALID),
        Match::Ipv4 => family(NFPROTO_IPV4),
        Match::Icmp(kind) => icmp(NFPROTO_IPV4, ICMP, *kind),
        Match::Icmpv6(kind) => icmp(NFPROTO_IPV6, ICMPV6, *kind),
        Match::HopLimit(hops) => {
            let mut list = family(NFPROTO_IPV6);
            list.extend([load(NETWORK_HEADER, HOP_LIMIT, 1), equal(vec![*hops])]);
            list
        }
        Match::Port { protocol, from, to } => ports(*protocol, *from, *to),
        Match::To(network) => destination(*network),
        Match::Foreign => {
            let mut list = transport(TCP);
            list.extend([socket(SOCKET_TRANSPARENT), equal(vec![1])]);
            list.extend([socket(SOCKET_WILDCARD), equal(vec![0])]);
            list
        }
    }
}

/// The bits of the destination that make a network; none of them where everything is meant.
fn destination(network: IpNet) -> Vec<Expressions> {
    let (version, offset, address, mask) = match network {
        IpNet::V4(four) => {
            let (address, mask) = (four.network().octets().to_vec(), four.netmask().octets().to_vec());
            (NFPROTO_IPV4, DESTINATION.0, address, mask)
        }
        IpNet::V6(six) => {
            let (address, mask) = (six.network().octets().to_vec(), six.netmask().octets().to_vec());
            (NFPROTO_IPV6, DESTINATION.1, address, mask)
        }
    };
    let mut list = family(version);
    if network.prefix_len() == 0 {
        return list;
    }
    let bytes = u32::from(network.max_prefix_len()) / 8;
    list.push(load(NETWORK_HEADER, offset, bytes));
    if network.prefix_len() < network.max_prefix_len() {
        list.push(masked(mask));
    }
    list.push(equal(address));
    list
}

/// A property of the socket that a packet will reach.
fn socket(key: u32) -> Expressions {
    let attributes = vec![be32(SOCKET_KEY, key), be32(SOCKET_DREG, Register::Reg1.into())];
    other("socket", attributes)
}

/// Ports stand first in the headers of TCP and UDP alike: source, then destination.
fn ports(protocol: Protocol, from: Option<u16>, to: u16) -> Vec<Expressions> {
    let number = match protocol {
        Protocol::Tcp => TCP,
        Protocol::Udp => UDP,
    };
    let mut list = transport(number);
    if let Some(from) = from {
        list.extend([load(TRANSPORT_HEADER, 0, 2), equal(from.to_be_bytes().to_vec())]);
    }
    list.extend([load(TRANSPORT_HEADER, 2, 2), equal(to.to_be_bytes().to_vec())]);
    list
}

fn icmp(version: u8, protocol: u8, kind: u8) -> Vec<Expressions> {
    let mut list = family(version);
    list.extend(transport(protocol));
    list.extend([load(TRANSPORT_HEADER, 0, 1), equal(vec![kind])]);
    list
}

fn family(version: u8) -> Vec<Expressions> {
    vec![meta(MetaKey::Nfproto), equal(vec![version])]
}

fn transport(protocol: u8) -> Vec<Expressions> {
    vec![meta(MetaKey::L4Proto), equal(vec![protocol])]
}

/// Any of these bits in the state of the packet's connection; the register holds it in the machine's own byte order.
fn state(bits: u32) -> Vec<Expressions> {
    let load = other(
        "ct",
        vec![be32(CT_KEY, CT_STATE), be32(CT_DREG, Register::Reg1.into())],
    );
    let mask = masked(bits.to_ne_bytes().to_vec());
    vec![load, mask, compare(Operator::NotEqual, vec![0; 4])]
}

/// Of what is in the register only these bits.
fn masked(mask: Vec<u8>) -> Expressions {
    let length = u32::try_from(mask.len()).unwrap_or(u32::MAX);
    let zero = vec![0; mask.len()];
    Expressions::Bitwise(vec![
        Bitwise::SourceRegister(Register::Reg1),
        Bitwise::DestinationRegister(Register::Reg1),
        Bitwise::Length(length),
        Bitwise::Mask(DataAttribute::Value(mask)),
        Bitwise::Xor(DataAttribute::Value(zero)),
    ])
}

/// A value in the register.
fn immediate(value: Vec<u8>) -> Expressions {
    Expressions::Immediate(vec![
        Immediate::DestinationRegister(Register::Reg1),
        Immediate::Data(DataAttribute::Value(value)),
    ])
}

fn limit(rate: Rate) -> Expressions {
    let (per_second, seconds) = (u64::from(rate.per_second), 1_u64);
    let attributes = vec![
        DefaultNla::new(LIMIT_RATE, per_second.to_be_bytes().to_vec()),
        DefaultNla::new(LIMIT_UNIT, seconds.to_be_bytes().to_vec()),
        be32(LIMIT_BURST, rate.burst),
        be32(LIMIT_TYPE, 0),
        be32(LIMIT_FLAGS, 0),
    ];
    other("limit", attributes)
}

fn judge(verdict: Verdict) -> Expressions {
    let verdict = VerdictAttribute::Code(Code::Other(code(verdict)));
    Expressions::Immediate(vec![
        Immediate::DestinationRegister(Register::Verdict),
        Immediate::Data(DataAttribute::Verdict(vec![verdict])),
    ])
}

fn meta(key: MetaKey) -> Expressions {
    Expressions::Meta(vec![Meta::Key(key), Meta::DestinationRegister(Register::Reg1)])
}

fn load(base: u32, offset: u32, bytes: u32) -> Expressions {
    Expressions::Payload(vec![
        Payload::DestinationRegister(Register::Reg1),
        Payload::Base(base),
        Payload::Offset(offset),
        Payload::Len(bytes),
    ])
}

fn equal(value: Vec<u8>) -> Expressions {
    compare(Operator::Equal, value)
}

fn compare(operator: Operator, value: Vec<u8>) -> Expressions {
    Expressions::Cmp(vec![
        Cmp::SourceRegister(Register::Reg1),
        Cmp::Op(operator),
        Cmp::Data(DataAttribute::Value(value)),
    ])
}

/// An expression that the library has no type for.
fn other(name: &str, attributes: Vec<DefaultNla>) -> Expressions {
    Expressions::Other {
        expression_type: name.into(),
        attributes,
    }
}

fn be32(kind: u16, value: u32) -> DefaultNla {
    DefaultNla::new(kind, value.to_be_bytes().to_vec())
}

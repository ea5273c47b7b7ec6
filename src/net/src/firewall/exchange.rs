//! Messages to the kernel and its answers.
//!
//! The kernel works while it is being sent to: all of its answers wait when sending returns, and nothing blocks here.

use std::io;

use netlink_packet_core::{NetlinkMessage, NetlinkPayload};
use netlink_packet_netfilter::NetfilterMessage;
use netlink_sys::{Socket, SocketAddr, protocols::NETLINK_NETFILTER};
use thiserror::Error;

use super::encode::Request;

/// Messages are padded to this (`NLMSG_ALIGNTO`).
const ALIGNMENT: usize = 4;
/// Bytes before a message's content (`NLMSG_HDRLEN`).
const HEADER: usize = 16;

/// Why the packet filter is not as it should be.
#[derive(Debug, Error)]
pub enum FirewallError {
    /// No socket.
    #[error("netfilter socket could not be opened: the process needs CAP_NET_ADMIN, the kernel nf_tables")]
    Socket(#[source] io::Error),
    /// The messages did not reach the kernel.
    #[error("rules of the packet filter could not be sent")]
    Send(#[source] io::Error),
    /// The kernel's answers could not be read.
    #[error("answers about the packet filter could not be read")]
    Receive(#[source] io::Error),
    /// The kernel refused something; it then changes nothing.
    #[error("kernel refused {object} of the packet filter; the rules before it stay in force")]
    Refused {
        /// The table, chain or rule.
        object: String,
        /// Its reason.
        source: io::Error,
    },
    /// The kernel did not say whether it took something.
    #[error("kernel did not answer for {object} of the packet filter")]
    Silent {
        /// The table, chain or rule.
        object: String,
    },
    /// An answer that is none.
    #[error("kernel's answer about the packet filter makes no sense: {reason}")]
    Nonsense {
        /// What is wrong with it.
        reason: String,
    },
}

/// An answer: which message it is about, and what it says.
pub(super) type Answer = NetlinkMessage<NetfilterMessage>;

/// Sends `requests` in one piece and returns what the kernel answers, an error for the first that it refuses.
pub(super) fn exchange(requests: &mut [Request]) -> Result<Vec<Answer>, FirewallError> {
    let socket = Socket::new(NETLINK_NETFILTER).map_err(FirewallError::Socket)?;
    socket.set_non_blocking(true).map_err(FirewallError::Socket)?;
    // Answers need not repeat the message they are about.
    socket.set_cap_ack(true).map_err(FirewallError::Socket)?;
    let bytes = serialize(requests);
    socket
        .send_to(&bytes, &SocketAddr::new(0, 0), 0)
        .map_err(FirewallError::Send)?;
    let mut answers = Vec::new();
    loop {
        match socket.recv_from_full() {
            Ok((bytes, _)) => parse(&bytes, &mut answers)?,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
            Err(error) => return Err(FirewallError::Receive(error)),
        }
    }
    match answers.iter().find_map(|answer| refusal(answer, requests)) {
        Some(refused) => Err(refused),
        None => Ok(answers),
    }
}

/// The messages one after the other, numbered by their place.
fn serialize(requests: &mut [Request]) -> Vec<u8> {
    let mut all = Vec::new();
    for (place, Request { message, .. }) in (0..).zip(requests) {
        message.header.sequence_number = place;
        message.finalize();
        let from = all.len();
        all.resize(from + message.buffer_len().next_multiple_of(ALIGNMENT), 0);
        message.serialize(&mut all[from..]);
    }
    all
}

fn parse(mut bytes: &[u8], answers: &mut Vec<Answer>) -> Result<(), FirewallError> {
    while bytes.len() >= HEADER {
        let answer = Answer::deserialize(bytes).map_err(|error| FirewallError::Nonsense {
            reason: error.to_string(),
        })?;
        let length = usize::try_from(answer.header.length).unwrap_or(usize::MAX);
        let padded = length.max(HEADER).saturating_add(ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        bytes = bytes.get(padded..).unwrap_or_default();
        answers.push(answer);
    }
    Ok(())
}

fn refusal(answer: &Answer, requests: &[Request]) -> Option<FirewallError> {
    let NetlinkPayload::Error(error) = &answer.payload else {
        return None;
    };
    error.code?;
    let place = usize::try_from(answer.header.sequence_number).ok();
    let request = place.and_then(|place| requests.get(place));
    Some(FirewallError::Refused {
        object: request.map_or_else(|| "a message".into(), |request| request.object.clone()),
        source: io::Error::from_raw_os_error(-error.raw_code()),
    })
}

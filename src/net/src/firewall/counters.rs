//! What the rules have counted, for a support bundle.

use std::fmt;

use netlink_packet_core::{DefaultNla, NLM_F_DUMP, NetlinkPayload, Nla};
use netlink_packet_netfilter::NetfilterMessageInner;
use netlink_packet_netfilter::nftables::{
    ExpressionAttribute, Expressions, ListAttribute, NfTablesMessage, RuleAttribute, RuleMessage,
};
use sps_net_engine::TABLE;

use super::encode::{name_of, request};
use super::exchange::{FirewallError, exchange};

/// `NFTA_COUNTER_PACKETS` of nf_tables.h.
const PACKETS: u16 = 2;

/// Packets that a rule has judged since it was installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counter {
    /// Name of the rule.
    pub rule: String,
    /// Packets.
    pub packets: u64,
}

impl fmt::Display for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>12} {}", self.packets, self.rule)
    }
}

/// The counters of the rules in force, in their order; none where no rules are. Rules that do not count have none.
///
/// # Errors
/// The kernel cannot be asked.
pub fn counters() -> Result<Vec<Counter>, FirewallError> {
    let attributes = vec![RuleAttribute::Table(TABLE.into())];
    let message = NfTablesMessage::GetRule(RuleMessage { attributes });
    let answers = exchange(&mut [request("the list of rules".into(), message, NLM_F_DUMP)])?;
    let rules = answers.into_iter().filter_map(|answer| match answer.payload {
        NetlinkPayload::InnerMessage(message) => match message.inner {
            NetfilterMessageInner::NfTables(NfTablesMessage::NewRule(rule)) => Some(rule),
            _ => None,
        },
        _ => None,
    });
    Ok(rules.filter_map(|rule| counter(&rule)).collect())
}

fn counter(rule: &RuleMessage) -> Option<Counter> {
    let name = rule.attributes.iter().find_map(|attribute| match attribute {
        RuleAttribute::UserData(data) => name_of(data),
        _ => None,
    })?;
    let expressions = rule.attributes.iter().find_map(|attribute| match attribute {
        RuleAttribute::Expressions(list) => Some(list),
        _ => None,
    })?;
    Some(Counter {
        rule: name,
        packets: expressions.iter().find_map(packets)?,
    })
}

fn packets(expression: &ListAttribute<ExpressionAttribute>) -> Option<u64> {
    let ListAttribute::Element(parts) = expression else {
        return None;
    };
    let counter = |attributes: &[DefaultNla]| {
        let packets = attributes.iter().find(|attribute| attribute.kind() == PACKETS)?;
        let mut bytes = vec![0; packets.value_len()];
        packets.emit_value(&mut bytes);
        Some(u64::from_be_bytes(bytes.try_into().ok()?))
    };
    parts.iter().find_map(|part| match part {
        ExpressionAttribute::Data(Expressions::Other {
            expression_type,
            attributes,
        }) if expression_type == "counter" => counter(attributes),
        _ => None,
    })
}

//! A ruleset as one batch: table and chains made where they are missing, every rule in them removed, the new ones added.
//!
//! Invariant: a chain that stands is kept. While a packet goes from one chain's hook to the next, the kernel may exchange whole chains,
//! and the packet would pass between the old one and the new one; within a chain it meets the old rules or the new ones.

use netlink_packet_core::{NLM_F_ACK, NLM_F_APPEND, NLM_F_CREATE, NLM_F_REQUEST, NetlinkMessage};
use netlink_packet_netfilter::nftables::{
    ChainAttribute, ChainMessage, Hook as HookAttribute, InetHookNumber, NfTablesMessage, RuleAttribute,
    RuleMessage, TableAttribute, TableMessage,
};
use netlink_packet_netfilter::none::ControlMessage;
use netlink_packet_netfilter::{
    NetfilterHeader, NetfilterMessage, NetfilterMessageInner, NetfilterProtoFamily,
};
use sps_net_engine::{Chain, Hook, Rule, Ruleset, TABLE};

use super::expressions::{code, of_rule};

/// Number of nf_tables among the subsystems of netfilter (`NFNL_SUBSYS_NFTABLES`).
const SUBSYSTEM: u16 = 10;
/// Places among the hooks (`NF_IP_PRI_FILTER`, `NF_IP_PRI_MANGLE`): the second before the kernel's routing, after connections are known.
const FILTER: i32 = 0;
const MANGLE: i32 = -150;
/// A rule's comment in its user data (`NFTNL_UDATA_RULE_COMMENT` of libnftnl): number, length, text with NUL.
const COMMENT: u8 = 0;
/// Longest text that `nft` keeps as a comment (`NFTNL_UDATA_COMMENT_MAXLEN` of libnftnl).
const LONGEST_COMMENT: usize = 127;

/// A message, and what it is about for whoever reads an error.
#[derive(Debug)]
pub(super) struct Request {
    /// The table, chain or rule.
    pub(super) object: String,
    pub(super) message: NetlinkMessage<NetfilterMessage>,
}

/// The whole batch. It begins and ends with messages that the kernel does not answer.
pub(super) fn batch(ruleset: &Ruleset) -> Vec<Request> {
    let attributes = vec![TableAttribute::Name(TABLE.into())];
    let table = NfTablesMessage::NewTable(TableMessage { attributes });
    let attributes = vec![RuleAttribute::Table(TABLE.into())];
    let former = NfTablesMessage::DeleteRule(RuleMessage { attributes });
    let mut all = vec![
        boundary("the begin of the batch", ControlMessage::BatchBegin),
        request(format!("the table inet {TABLE}"), table, NLM_F_CREATE),
    ];
    all.extend(ruleset.chains.iter().map(of_chain));
    all.push(request("the removal of the former rules".into(), former, 0));
    for chain in &ruleset.chains {
        all.extend(chain.rules.iter().map(|rule| of_rule_in(chain, rule)));
    }
    all.push(boundary("the end of the batch", ControlMessage::BatchEnd));
    all
}

fn of_chain(chain: &Chain) -> Request {
    let (number, priority) = match chain.hook {
        Hook::Input => (InetHookNumber::LocalIn, FILTER),
        Hook::Forward => (InetHookNumber::Forward, FILTER),
        Hook::Prerouting => (InetHookNumber::PreRouting, MANGLE),
    };
    let hook = vec![
        HookAttribute::Number(number.into()),
        HookAttribute::Priority(priority.cast_unsigned()),
    ];
    let attributes = vec![
        ChainAttribute::Table(TABLE.into()),
        ChainAttribute::Name(chain.hook.name().into()),
        ChainAttribute::Hook(hook),
        ChainAttribute::Policy(code(chain.policy)),
        ChainAttribute::Type("filter".into()),
    ];
    let message = NfTablesMessage::NewChain(ChainMessage { attributes });
    request(format!("the chain {}", chain.hook.name()), message, NLM_F_CREATE)
}

fn of_rule_in(chain: &Chain, rule: &Rule) -> Request {
    let attributes = vec![
        RuleAttribute::Table(TABLE.into()),
        RuleAttribute::Chain(chain.hook.name().into()),
        RuleAttribute::Expressions(of_rule(rule)),
        RuleAttribute::UserData(comment(&rule.name)),
    ];
    let message = NfTablesMessage::NewRule(RuleMessage { attributes });
    let object = format!("the rule {:?} of the chain {}", rule.name, chain.hook.name());
    request(object, message, NLM_F_CREATE | NLM_F_APPEND)
}

fn comment(name: &str) -> Vec<u8> {
    let text: Vec<u8> = name.bytes().take(LONGEST_COMMENT).collect();
    let length = u8::try_from(text.len() + 1).unwrap_or(u8::MAX);
    [vec![COMMENT, length], text, vec![0]].concat()
}

/// The name in a rule's user data.
pub(super) fn name_of(user_data: &[u8]) -> Option<String> {
    let [COMMENT, length, text @ ..] = user_data else {
        return None;
    };
    let text = text.get(..usize::from(*length).checked_sub(1)?)?;
    String::from_utf8(text.to_vec()).ok()
}

/// A message about nf_tables whose outcome the kernel tells.
pub(super) fn request(object: String, message: NfTablesMessage, flags: u16) -> Request {
    let header = NetfilterHeader::new(NetfilterProtoFamily::Inet, 0, 0);
    finish(object, header, message, NLM_F_REQUEST | NLM_F_ACK | flags)
}

fn boundary(object: &str, message: ControlMessage) -> Request {
    let header = NetfilterHeader::new(NetfilterProtoFamily::Unspec, 0, SUBSYSTEM);
    finish(object.into(), header, message, NLM_F_REQUEST)
}

fn finish(
    object: String,
    header: NetfilterHeader,
    message: impl Into<NetfilterMessageInner>,
    flags: u16,
) -> Request {
    let mut message = NetlinkMessage::from(NetfilterMessage::new(header, message));
    message.header.flags = flags;
    Request { object, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_survives_as_a_comment() {
        assert_eq!(name_of(&comment("ssh on eth0")).unwrap(), "ssh on eth0");
        assert_eq!(
            name_of(&comment(&"x".repeat(300))).unwrap().len(),
            LONGEST_COMMENT
        );
        for cut in 0..comment("ssh").len() {
            // Whatever is there is looked at, nothing panics.
            let _looked_at = name_of(&comment("ssh")[..cut]);
        }
        assert_eq!(name_of(&[1, 2, b'a', 0]), None);
        assert_eq!(name_of(&[0, 0]), None);
    }
}

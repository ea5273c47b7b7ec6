//! The client against scripted servers: every transition of RFC 2131 figure 5 that this client has.

use std::net::Ipv4Addr;

use super::*;
use crate::link::MacAddress;

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
const ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);

struct Bench {
    client: DhcpClient,
    random: Random,
    now: Moment,
}

impl Bench {
    fn new() -> Self {
        Self {
            client: DhcpClient::new(),
            random: Random::new(1),
            now: Duration::from_secs(5),
        }
    }

    fn start(&mut self) -> Vec<Output> {
        let mut out = Vec::new();
        self.client.start(self.now, &mut self.random, &mut out);
        out
    }

    fn reply(&mut self, kind: ReplyKind) -> Vec<Output> {
        let xid = self.client.exchange().map_or(0, |e| e.xid);
        self.reply_with(&Reply {
            kind,
            xid,
            ..ordinary()
        })
    }

    fn reply_with(&mut self, reply: &Reply) -> Vec<Output> {
        let mut out = Vec::new();
        self.client.on_reply(reply, self.now, &mut self.random, &mut out);
        out
    }

    /// Goes to the client's next deadline.
    fn wait(&mut self) -> Vec<Output> {
        self.now = self.client.deadline().unwrap();
        let mut out = Vec::new();
        self.client.on_time(self.now, &mut self.random, &mut out);
        out
    }

    fn bind(&mut self) -> Lease {
        self.start();
        let Some(Output::Offered(lease)) = self.reply(ReplyKind::Offer).pop() else {
            panic!("no offer")
        };
        let mut out = Vec::new();
        self.client
            .accept(lease.clone(), self.now, &mut self.random, &mut out);
        assert_eq!(self.reply(ReplyKind::Ack), [Output::Acquired(lease.clone())]);
        lease
    }
}

fn ordinary() -> Reply {
    Reply {
        kind: ReplyKind::Ack,
        xid: 0,
        client: MacAddress([2; 6]),
        address: ADDRESS,
        server: Some(SERVER),
        mask: Some(Ipv4Addr::new(255, 255, 255, 0)),
        lease: Some(4000),
        renew: Some(2000),
        rebind: Some(3500),
        routers: vec![],
        routes: None,
        dns: vec![],
        ntp: vec![],
        domain: None,
    }
}

fn sent(out: &[Output]) -> Vec<(MessageKind, Destination)> {
    out.iter()
        .filter_map(|output| match output {
            Output::Send(message, to) => Some((message.kind, *to)),
            _ => None,
        })
        .collect()
}

const EXTEND: MessageKind = MessageKind::Extend { address: ADDRESS };
const UNICAST: Destination = Destination::Server {
    from: ADDRESS,
    to: SERVER,
};

#[test]
fn discover_is_sent_at_once_and_repeated_with_growing_waits() {
    let mut bench = Bench::new();
    assert_eq!(
        sent(&bench.start()),
        [(MessageKind::Discover, Destination::Broadcast)]
    );
    let mut last = bench.now;
    for expected in [1, 2, 4, 8, 16, 32, 64, 64, 64] {
        let out = bench.wait();
        assert_eq!(sent(&out), [(MessageKind::Discover, Destination::Broadcast)]);
        let waited = (bench.now - last).as_secs_f64();
        let expected = f64::from(expected);
        assert!(
            (expected * 0.75..=expected * 1.25).contains(&waited),
            "{waited} s instead of {expected} s"
        );
        last = bench.now;
    }
}

#[test]
fn silence_is_said_once() {
    let mut bench = Bench::new();
    bench.start();
    let said = (0..20)
        .flat_map(|_| bench.wait())
        .filter(|o| matches!(o, Output::Silent(_)))
        .count();
    assert_eq!(said, 1);
    assert!(bench.client.is_unanswered());
}

#[test]
fn replies_of_another_transaction_or_server_are_ignored() {
    let mut bench = Bench::new();
    bench.start();
    assert_eq!(
        bench.reply_with(&Reply {
            kind: ReplyKind::Offer,
            xid: 0,
            ..ordinary()
        }),
        []
    );
    let Some(Output::Offered(lease)) = bench.reply(ReplyKind::Offer).pop() else {
        panic!("no offer")
    };
    bench
        .client
        .accept(lease, bench.now, &mut bench.random, &mut Vec::new());
    let xid = bench.client.exchange().unwrap().xid;
    let other = Some(Ipv4Addr::new(10, 0, 2, 3));
    assert_eq!(
        bench.reply_with(&Reply {
            server: other,
            xid,
            ..ordinary()
        }),
        []
    );
    assert_eq!(
        bench.reply_with(&Reply {
            kind: ReplyKind::Nak,
            server: other,
            xid,
            ..ordinary()
        }),
        []
    );
    let elsewhere = Ipv4Addr::new(10, 0, 2, 99);
    assert_eq!(
        bench.reply_with(&Reply {
            address: elsewhere,
            xid,
            ..ordinary()
        }),
        []
    );
    assert!(matches!(bench.reply(ReplyKind::Ack)[..], [Output::Acquired(_)]));
}

#[test]
fn an_unanswered_request_goes_back_to_discover() {
    let mut bench = Bench::new();
    bench.start();
    let Some(Output::Offered(lease)) = bench.reply(ReplyKind::Offer).pop() else {
        panic!("no offer")
    };
    bench
        .client
        .accept(lease, bench.now, &mut bench.random, &mut Vec::new());
    let select = MessageKind::Select {
        address: ADDRESS,
        server: SERVER,
    };
    for _ in 1..REQUEST_TRIES {
        assert_eq!(sent(&bench.wait())[0].0, select);
    }
    assert_eq!(sent(&bench.wait())[0].0, MessageKind::Discover);
}

#[test]
fn a_lease_is_renewed_at_t1_then_rebound_at_t2_then_expires() {
    let mut bench = Bench::new();
    let lease = bench.bind();
    let began = bench.now;
    assert_eq!(sent(&bench.wait()), [(EXTEND, UNICAST)]);
    assert_eq!(bench.now - began, Duration::from_secs(2000));
    // Half of what is left until T2: 750, 375, 187.5, 93.75 s, then never below 60 s.
    let mut out = bench.wait();
    assert_eq!(bench.now - began, Duration::from_secs(2750));
    while sent(&out) == [(EXTEND, UNICAST)] {
        out = bench.wait();
    }
    assert_eq!(sent(&out), [(EXTEND, Destination::Broadcast)]);
    assert_eq!(bench.now - began, Duration::from_secs(3500));
    while !out.contains(&Output::Expired(lease.clone())) {
        out = bench.wait();
    }
    assert_eq!(bench.now - began, Duration::from_secs(4000));
    assert_eq!(sent(&out), [(MessageKind::Discover, Destination::Broadcast)]);
}

#[test]
fn an_acknowledged_renewal_counts_from_its_request() {
    let mut bench = Bench::new();
    bench.bind();
    bench.wait();
    let asked = bench.now;
    bench.now += Duration::from_secs(5);
    assert!(matches!(bench.reply(ReplyKind::Ack)[..], [Output::Acquired(_)]));
    bench.wait();
    assert_eq!(bench.now - asked, Duration::from_secs(2000));
}

#[test]
fn a_refused_renewal_asks_anew_and_repeated_refusals_wait() {
    let mut bench = Bench::new();
    let lease = bench.bind();
    bench.wait();
    let out = bench.reply(ReplyKind::Nak);
    assert_eq!(out[0], Output::Refused(lease.clone()));
    assert_eq!(sent(&out), [(MessageKind::Discover, Destination::Broadcast)]);
    for wait in [1, 2, 4, 8, 16, 32, 64, 64] {
        bench.reply(ReplyKind::Offer);
        bench
            .client
            .accept(lease.clone(), bench.now, &mut bench.random, &mut Vec::new());
        assert_eq!(bench.reply(ReplyKind::Nak), [Output::Refused(lease.clone())]);
        let before = bench.now;
        assert_eq!(sent(&bench.wait())[0].0, MessageKind::Discover);
        assert_eq!(bench.now - before, Duration::from_secs(wait));
    }
}

#[test]
fn a_returning_link_confirms_its_lease_and_keeps_it_through_silence() {
    let mut bench = Bench::new();
    let lease = bench.bind();
    bench.client.stop();
    let confirm = MessageKind::Confirm { address: ADDRESS };
    assert_eq!(sent(&bench.start()), [(confirm, Destination::Broadcast)]);
    assert_eq!(sent(&bench.wait())[0].0, confirm);
    // Silence: ask everyone, lease kept until it ends.
    assert_eq!(bench.wait(), bench_discover(&bench));
    let mut out = Vec::new();
    while !out.contains(&Output::Expired(lease.clone())) {
        out = bench.wait();
    }
    assert_eq!(bench.now, Duration::from_secs(5 + 4000));
}

fn bench_discover(bench: &Bench) -> Vec<Output> {
    let xid = bench.client.exchange().unwrap().xid;
    let message = ClientMessage {
        kind: MessageKind::Discover,
        xid,
        secs: 0,
    };
    vec![Output::Send(message, Destination::Broadcast)]
}

#[test]
fn a_lease_that_ended_while_the_link_was_down_is_not_confirmed() {
    let mut bench = Bench::new();
    let lease = bench.bind();
    bench.client.stop();
    bench.now += Duration::from_secs(5000);
    let out = bench.start();
    assert_eq!(out[0], Output::Expired(lease));
    assert_eq!(sent(&out)[0].0, MessageKind::Discover);
}

#[test]
fn a_declined_lease_is_told_to_the_server_and_asked_anew_after_ten_seconds() {
    let mut bench = Bench::new();
    let lease = bench.bind();
    let mut out = Vec::new();
    bench
        .client
        .decline(&lease, bench.now, &mut bench.random, &mut out);
    assert_eq!(
        sent(&out)[0].0,
        MessageKind::Decline {
            address: ADDRESS,
            server: SERVER
        }
    );
    let before = bench.now;
    assert_eq!(sent(&bench.wait())[0].0, MessageKind::Discover);
    assert_eq!(bench.now - before, DECLINE_WAIT);
}

#[test]
fn release_tells_the_server_only_with_carrier() {
    let mut bench = Bench::new();
    bench.bind();
    let mut other = Bench {
        client: bench.client.clone(),
        random: bench.random.clone(),
        now: bench.now,
    };
    let mut out = Vec::new();
    bench.client.release(&mut bench.random, &mut out);
    assert_eq!(
        sent(&out),
        [(
            MessageKind::Release {
                address: ADDRESS,
                server: SERVER
            },
            UNICAST
        )]
    );
    other.client.stop();
    let mut out = Vec::new();
    other.client.release(&mut other.random, &mut out);
    assert_eq!(out, []);
}

#[test]
fn an_unusable_offer_is_said_and_the_next_one_taken() {
    let mut bench = Bench::new();
    bench.start();
    let xid = bench.client.exchange().unwrap().xid;
    let short = Reply {
        kind: ReplyKind::Offer,
        lease: Some(1),
        xid,
        ..ordinary()
    };
    assert_eq!(
        bench.reply_with(&short),
        [Output::Unusable(LeaseError::TooShort(1))]
    );
    assert!(matches!(bench.reply(ReplyKind::Offer)[..], [Output::Offered(_)]));
}

#[test]
fn a_held_lease_is_renewed_and_nothing_new_is_asked_for() {
    let mut bench = Bench::new();
    let lease = bench.bind();
    bench.client.stop();
    let mut out = Vec::new();
    bench.client.hold(bench.now, &mut out);
    assert_eq!(out, []);
    assert_eq!(bench.client.held_address(), Some(ADDRESS));
    assert_eq!(sent(&bench.wait()), [(EXTEND, UNICAST)]);
    assert_eq!(bench.reply(ReplyKind::Ack), [Output::Acquired(lease)]);
    bench.start();
    assert_eq!(bench.client.held_address(), Some(ADDRESS));
}

#[test]
fn without_a_lease_or_with_one_that_ended_holding_is_silence() {
    let mut bench = Bench::new();
    bench.start();
    let mut out = Vec::new();
    bench.client.hold(bench.now, &mut out);
    assert_eq!((out, bench.client.deadline()), (vec![], None));

    let mut bench = Bench::new();
    let lease = bench.bind();
    bench.client.stop();
    bench.now += Duration::from_secs(4000);
    let mut out = Vec::new();
    bench.client.hold(bench.now, &mut out);
    assert_eq!(
        (out, bench.client.deadline()),
        (vec![Output::Expired(lease)], None)
    );
}

#[test]
fn news_for_the_server_are_told_before_renewal_is_due() {
    let mut bench = Bench::new();
    let lease = bench.bind();
    let mut out = Vec::new();
    bench.client.renew(bench.now, &mut bench.random, &mut out);
    assert_eq!(sent(&out), [(EXTEND, UNICAST)]);
    assert_eq!(bench.reply(ReplyKind::Ack), [Output::Acquired(lease)]);
}

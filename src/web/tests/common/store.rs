//! Sessions and data store of the appliance in memory.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::sync::Arc;

use sps_admin::{
    ActiveSession, BackupLine, ContentHit, Context, CoreFile, Failure, FailureKind, Figures, MadeFrom,
    MemoryFigures, ProtocolFigures, Question, Reply, Request, Response, SessionFilter, SessionImport,
    SessionIndexing, SessionLine, SessionPage, SessionSearch, Space, SpacePolicy, SpacePolicyKind, SpaceRun,
    StoreFigures, StoreFindings, StoreStatus,
};
use sps_session_record::{Channel, Endpoint, Event, FORMAT, Indexing, SessionRecord, TrailFile, Word};

use sps_trail::{
    Ending, Event as TrailEvent, Head, Options, Recipient, Recipients, Seed, SigningKey, Writer,
};

use super::appliance::State;

/// What opens the metrics.
pub(crate) const METRICS_TOKEN: &str = "a-token-of-24-characters";

fn figures() -> Figures {
    Figures {
        load: [0.25, 0.5, 1.0],
        memory: MemoryFigures {
            total: 400,
            available: 300,
            ..MemoryFigures::default()
        },
        store: Some(StoreFigures {
            total: 1000,
            free: 900,
            ..StoreFigures::default()
        }),
        protocols: vec![ProtocolFigures {
            protocol: "ssh".into(),
            open: 9,
            ..ProtocolFigures::default()
        }],
        ..Figures::default()
    }
}

/// A session, the `n`th before the newest.
pub(crate) fn record(n: i64) -> SessionRecord {
    let users = ["alice", "bob", "carol"];
    let targets = [
        "db1.example.com",
        "web2.example.com",
        "10.20.0.7",
        "files.example.com",
    ];
    let verdicts = [Word::ACCEPT, Word::ACCEPT, Word::TERMINATED, Word::DENY];
    let start = 1_800_000_000_000 - n * 421_000;
    let pick = |of: usize| usize::try_from(n).unwrap() % of;
    SessionRecord {
        format: FORMAT,
        id: format!("ssh-20270115-{n:06}"),
        protocol: if n % 3 == 2 { Word::RDP } else { Word::SSH },
        connection: "linux-servers".into(),
        start,
        end: (n > 0).then_some(start + 184_000 + n * 1_000),
        client: Endpoint {
            address: format!("192.0.2.{}", 7 + n % 40),
            port: 50_123,
        },
        server: Some(Endpoint {
            address: "2001:db8::22".into(),
            port: 22,
        }),
        target: Some(targets[pick(4)].into()),
        gateway_user: Some(users[pick(3)].into()),
        server_user: Some("root".into()),
        verdict: verdicts[pick(4)].clone(),
        channels: vec![Channel {
            kind: "session-shell".to_owned().try_into().unwrap(),
            start: start + 1_000,
            end: Some(start + 180_000),
            verdict: Word::ACCEPT,
        }],
        events: vec![Event {
            at: start + 10_000,
            kind: Word::COMMAND,
            text: format!("systemctl restart unit-{n} # <b>&</b>"),
        }],
        trail: (n % 5 != 4).then(|| TrailFile {
            name: format!("2027/01/15/ssh-{n}.zat"),
            size: 48_213 * (1 + n.unsigned_abs()),
        }),
        indexing: Indexing::default(),
    }
}

/// A data store that was reorganized and whose earlier sessions are being imported.
pub(crate) fn upgraded() -> StoreStatus {
    StoreStatus {
        tree: "layout-5.0".into(),
        layout: 5,
        layout_version: "7.0".into(),
        total: 2_000_000_000_000,
        free: 1_260_000_000_000,
        others: vec!["layout-4.0".into()],
        space: None,
        import: Some(SessionImport {
            done: 412_300,
            total: 1_300_000,
            aside: 2,
            paused: false,
            finished: false,
            rate: Some(9_100),
            seconds_left: Some(97),
        }),
        indexing: Some(SessionIndexing {
            waiting: 12,
            again_until: Some(1_799_000_000_000),
            again_done: 41_230,
            again_total: 130_000,
            moments: 81_402_117,
            version: 1,
        }),
        made: Some(MadeFrom {
            layout: 4,
            layout_version: "6.8".into(),
            begun: 1_799_999_000,
            files: 1_300_412,
            bytes: 812_000_000,
            notes: vec!["<b>the option for the lowest TLS version</b> was dropped".into()],
        }),
    }
}

/// Answers what is asked about them.
pub(crate) fn answer(state: &mut State, request: &Request) -> Reply {
    if let Some(reply) = super::indexers::answer(request) {
        return reply;
    }
    match request {
        Request::Figures { token } => match token {
            Some(token) if token.expose() != METRICS_TOKEN => {
                Err(Failure::new(FailureKind::NotAllowed, "the token is another"))
            }
            _ => Ok(Response::Figures(Box::new(figures()))),
        },
        Request::StoreShow => Ok(Response::Store(state.store.clone())),
        Request::ImportPause { on } => {
            if let Some(import) = &mut state.store.import {
                import.paused = *on;
            }
            Ok(Response::Done { note: String::new() })
        }
        Request::CoreList => Ok(Response::CoreFiles(state.cores.clone())),
        Request::TrailRead { id } if id.ends_with("000002") => {
            Err(Failure::refused("the audit trail is not on this appliance"))
        }
        Request::CoreRead { .. } | Request::TrailRead { .. } => Ok(Response::Done { note: String::new() }),
        Request::SessionsActive => Ok(Response::ActiveSessions(vec![active()])),
        Request::SessionFollow { id }
        | Request::SessionTerminate { id }
        | Request::SessionAnswer { id, .. }
            if id.ends_with("gone") =>
        {
            Err(Failure::invalid("the session does not go on"))
        }
        Request::SessionFollow { .. } | Request::SessionTerminate { .. } | Request::SessionAnswer { .. } => {
            Ok(Response::Done { note: String::new() })
        }
        Request::CoreDelete { key } => {
            state.cores.retain(|file| file.key != *key);
            Ok(Response::Done { note: String::new() })
        }
        Request::SpaceShow => Ok(Response::Space(state.space.clone())),
        Request::BackupList { .. } => Ok(Response::Backups(vec![BackupLine {
            policy: "<b>nightly</b>".into(),
            appliance: "gate-01".into(),
            name: "2027-01-15T03:00:00Z".into(),
        }])),
        Request::ArchiveRun { .. } | Request::BackupRun { .. } | Request::BackupRestore { .. } => {
            Ok(Response::Done {
                note: "3 audit trails were archived".into(),
            })
        }
        Request::StoreCheck { adopt } => Ok(Response::StoreChecked(checked(*adopt))),
        Request::SessionSearch { search } => self::search(state, search),
        Request::SessionShow { id } => session(state, id),
        Request::SessionContent { query, .. } => hits(query).map(Response::SessionContent),
        _ => Err(Failure::refused("not in this test")),
    }
}

/// A session that goes on and asks for something.
fn active() -> ActiveSession {
    ActiveSession {
        id: "ssh-20270115-000000".into(),
        start: 1_800_000_000,
        protocol: "ssh".into(),
        connection: "linux".into(),
        user: "alice".into(),
        server_user: "root".into(),
        client: "192.0.2.7:50022".into(),
        server: "db.example.com:22".into(),
        channels: 1,
        followers: 0,
        questions: vec![Question {
            number: 3,
            kind: "session-exec".into(),
            detail: "<b>reboot</b>".into(),
            since: 1_800_000_060,
        }],
    }
}

/// An audit trail; that of the second session is encrypted, and the third one has none any more.
pub(crate) fn trail(id: &str) -> Vec<u8> {
    let head = Head {
        session: id.into(),
        start: 1_800_000_000_000,
        protocol: Word::SSH,
        connection: "linux".into(),
        facts: vec![],
    };
    let signer = Arc::new(SigningKey::from_secret(&[7; 32]).unwrap());
    let pair = rcgen::KeyPair::generate_rsa_for(&rcgen::PKCS_RSA_SHA256, rcgen::RsaKeySize::_2048).unwrap();
    let certificate = rcgen::CertificateParams::new(vec![])
        .unwrap()
        .self_signed(&pair)
        .unwrap();
    let named = id
        .ends_with("000001")
        .then(|| Recipient::from_der(certificate.der()).unwrap());
    let recipients = Recipients {
        downstream: named.into_iter().collect(),
        upstream: vec![],
        ..Recipients::default()
    };
    let (mut writer, mut bytes) = Writer::new(
        &head,
        &recipients,
        &signer,
        &Seed::new([1; 32]),
        Options::default(),
    )
    .unwrap();
    writer
        .event(&TrailEvent::output(
            1_000_000,
            1,
            b"$ rm </script><script>alert(1)</script>\n",
        ))
        .unwrap();
    let ending = Ending {
        verdict: Word::ACCEPT,
        reason: String::new(),
    };
    bytes.extend(writer.finish(&ending, 1_800_000_060_000).unwrap());
    bytes
}

/// Sends what a core file or an audit trail holds.
pub(crate) async fn send(request: &Request, context: &Context) {
    if let Request::CoreRead { .. } = request {
        let _gone = context.updates.data(b"dump".to_vec()).await;
    }
    if let Request::TrailRead { id } | Request::SessionFollow { id } = request
        && !id.ends_with("000002")
        && !id.ends_with("gone")
    {
        for piece in trail(id).chunks(100) {
            let _gone = context.updates.data(piece.to_vec()).await;
        }
    }
}

/// A disk that is too full, and two policies.
pub(crate) fn full() -> Space {
    let policy = |name: &str, kind, problem: Option<&str>| SpacePolicy {
        name: name.into(),
        kind,
        target: "s3://archive.example.com/evidence".into(),
        next: Some(1_800_003_600),
        last: Some(SpaceRun {
            at: 1_799_990_000,
            done: problem.is_none(),
            what: "12 audit trails were archived".into(),
        }),
        problem: problem.map(str::to_owned),
    };
    Space {
        used: 913,
        limit: Some(90),
        full_since: Some(1_799_999_000),
        archiving_at_limit: true,
        clock_doubted_until: None,
        working: Some("archiving with the policy <b>old</b>".into()),
        archived: 41_200,
        deleted: 7,
        policies: vec![
            policy("<b>old</b>", SpacePolicyKind::Archive, None),
            policy(
                "nightly",
                SpacePolicyKind::Backup,
                Some("a share of Windows is not served"),
            ),
        ],
    }
}

/// A core file of four bytes, which is what is sent of it.
pub(crate) fn core() -> CoreFile {
    CoreFile {
        key: "0123456789abcdef".into(),
        name: "core.<b>\"x\".1234".into(),
        tree: "layout-4.0".into(),
        bytes: 4,
        time: 1_800_000_000,
    }
}

/// What a search finds.
fn search(state: &State, wanted: &SessionSearch) -> Reply {
    let filter = &wanted.filter;
    for address in [&filter.client, &filter.server].into_iter().flatten() {
        if address.parse::<std::net::IpAddr>().is_err() {
            return Err(Failure::invalid("the search is refused: this is no address"));
        }
    }
    let first = wanted
        .cursor
        .as_ref()
        .map_or(Ok(wanted.skip), |place| place.parse());
    let first = first.map_err(|_| Failure::invalid("the place in the list cannot be read"))?;
    let found: Vec<_> = state
        .sessions
        .iter()
        .filter(|record| matches(record, filter))
        .collect();
    let page = found.iter().skip(first).take(wanted.limit);
    let after = first + wanted.limit;
    Ok(Response::SessionPage(SessionPage {
        sessions: page
            .map(|record| {
                let hits = filter
                    .content
                    .as_ref()
                    .map_or(Ok(Vec::new()), |content| hits(content))?;
                Ok(SessionLine { hits, ..line(record) })
            })
            .collect::<Result<_, Failure>>()?,
        next: (after < found.len()).then(|| after.to_string()),
        previous: (first > 0).then(|| first.saturating_sub(wanted.limit).to_string()),
        cut: false,
        incomplete_until: state.incomplete_until,
        content_incomplete_until: filter.content.as_ref().map(|_| 1_799_000_000_000),
        content_cut: false,
        matching: found.len() as u64,
        more: false,
    }))
}

fn matches(record: &SessionRecord, filter: &SessionFilter) -> bool {
    let same = |wanted: &Option<String>, found: Option<&String>| wanted.is_none() || wanted.as_ref() == found;
    let word = |wanted: &Option<String>, found: &Word| {
        wanted.as_ref().is_none_or(|wanted| *wanted == found.to_string())
    };
    let text = |wanted: &String| record.events.iter().any(|event| event.text.contains(wanted));
    same(&filter.gateway_user, record.gateway_user.as_ref())
        && same(&filter.server_user, record.server_user.as_ref())
        && same(&filter.target, record.target.as_ref())
        && word(&filter.protocol, &record.protocol)
        && word(&filter.verdict, &record.verdict)
        && filter.from.is_none_or(|from| record.start >= from)
        && filter.until.is_none_or(|until| record.start < until)
        && filter
            .has_trail
            .is_none_or(|wanted| record.trail.is_some() == wanted)
        && filter
            .client
            .as_ref()
            .is_none_or(|client| *client == record.client.address)
        && filter.text.as_ref().is_none_or(text)
}

/// Places of every session, whatever is looked for.
fn hits(query: &str) -> Result<Vec<ContentHit>, Failure> {
    if query.contains('(') {
        return Err(Failure::invalid(
            "the search is refused: a parenthesis has no other side",
        ));
    }
    let hit = |at, source: &str, text: &str, mark| ContentHit {
        at,
        channel: 2,
        source: source.into(),
        text: text.into(),
        marks: vec![mark],
    };
    Ok(vec![
        hit(62_400, "command", "sudo cat /etc/<b>shadow</b>", (5, 8)),
        hit(62_900, "screen", "cat: /etc/shadow: Permission denied", (18, 35)),
    ])
}

fn line(record: &SessionRecord) -> SessionLine {
    let seconds = |at: i64| u64::try_from(at / 1000).unwrap();
    SessionLine {
        id: record.id.clone(),
        start: seconds(record.start),
        end: record.end.map(seconds),
        connection: record.connection.clone(),
        protocol: record.protocol.to_string(),
        user: record.gateway_user.clone().unwrap_or_default(),
        server_user: record.server_user.clone().unwrap_or_default(),
        client: record.client.address.clone(),
        server: record.target.clone().unwrap_or_default(),
        verdict: record.verdict.to_string(),
        channels: 1,
        events: 1,
        trail: record.trail.as_ref().map(|trail| trail.size),
        indexing: record.indexing.state.to_string(),
        moved: String::new(),
        hits: Vec::new(),
    }
}

/// One session.
fn session(state: &State, id: &str) -> Reply {
    let found = state.sessions.iter().find(|record| record.id == id);
    found
        .cloned()
        .map(|record| Response::Session(Box::new(record)))
        .ok_or_else(|| Failure::invalid(format!("there is no session {id}")))
}

/// What a check finds.
fn checked(adopt: bool) -> StoreFindings {
    StoreFindings {
        sessions: 120,
        trails: 97,
        adopted: u64::from(adopt),
        told: vec!["the audit trail <b>2027/01/15/x.zat</b> belongs to no session".into()],
        ..StoreFindings::default()
    }
}

//! One session: its row in the session database, and its audit trail.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use sps_bootlog::causes;
use sps_cluster_config::sections::policies::AuditPolicy;
use sps_proxy_ssh::{
    Answer, Begun, Event, Facts, Kept, NoRoom, NotKept, Permission, Recording, Wanted, What,
};
use sps_session_record::{
    Channel, Endpoint, Event as Happening, FORMAT, Indexing, SessionRecord, TrailFile, Word,
};
use sps_sessions::Change;
use sps_trail::{
    Ending, Event as Entry, Fact, Head, Kind, Options, Recipient, Recipients, SigningKey, Writer,
};
use sps_trail_store::{Trail, TrailStore};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tracing::warn;

use crate::drawn::{random, seed};
use crate::entry::entry;
use crate::ground::{Ended, Ground};
use crate::live::{Live, LiveSession};
use crate::stamping::{Keeping, Stamper};
use crate::stamps::Stamping;

/// Longest wait for somebody's agreement.
const AGREED_WITHIN: Duration = Duration::from_secs(600);

/// What all sessions are recorded with.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) trails: Arc<TrailStore>,
    pub(crate) signer: Arc<SigningKey>,
    /// Whether the disk is too full.
    pub(crate) full: watch::Receiver<bool>,
    pub(crate) live: Live,
    /// What the audit policy says of timestamps.
    pub(crate) stamping: Option<Stamping>,
}

/// Whether the content of a session is to be searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    NotIndexed,
    /// As far as keys of the indexer open it.
    Indexed,
    /// With a key of the day.
    IndexedThoughEncrypted,
}

/// A session that is recorded.
pub(crate) struct Session {
    ground: Arc<dyn Ground>,
    desk: Desk,
    live: Arc<LiveSession>,
    recipients: Recipients,
    begun: Begun,
    content: Content,
    id: String,
    /// Milliseconds since 1970, and the same moment of a clock that nobody sets.
    start: i64,
    clock: Instant,
    known: Mutex<Facts>,
    /// Numbers of channels in the record, by those of the proxy.
    channels: Mutex<HashMap<u32, u32>>,
    trail: Arc<RwLock<Option<Trail>>>,
    stamper: Option<Stamper>,
    keeping: Arc<Mutex<Option<Keeping>>>,
}

impl Session {
    /// It is in the database within a second.
    pub(crate) fn begin(
        ground: Arc<dyn Ground>,
        desk: Desk,
        begun: Begun,
        policy: &AuditPolicy,
        content: Content,
    ) -> Result<Self, NoRoom> {
        let refused = |reason: String| NoRoom { reason };
        let owners = |certificates: &[String]| {
            let owners = certificates.iter().map(|pem| Recipient::from_pem(pem.as_bytes()));
            owners.collect::<Result<Vec<_>, _>>().map_err(|error| {
                refused(format!(
                    "the audit policy of this connection cannot be used: {}",
                    causes(&error)
                ))
            })
        };
        let start = milliseconds();
        let mut recipients = Recipients {
            downstream: owners(&policy.encryption)?,
            upstream: owners(&policy.upstream_encryption)?,
            screen: Vec::new(),
        };
        if content == Content::IndexedThoughEncrypted && !recipients.downstream.is_empty() {
            // Evidence comes first: without the key the session is recorded, and not found by its content.
            let keys = ground.index_keys();
            match keys.and_then(|keys| Ok(keys.recipient(start)?)) {
                Ok(recipient) => recipients.screen.push(recipient),
                Err(error) => warn!("a session is not indexed: {}", causes(error.as_ref())),
            }
        }
        let id = identifier(start).map_err(refused)?;
        let client = begun.client.to_string();
        let live = LiveSession::new(id.clone(), start, begun.connection.clone(), client);
        let clock = Instant::now();
        let stamper = desk
            .stamping
            .clone()
            .map(|stamping| Stamper::new(stamping, clock));
        let session = Self {
            id,
            ground,
            desk,
            live,
            recipients,
            begun,
            content,
            start,
            clock,
            known: Mutex::default(),
            channels: Mutex::default(),
            trail: Arc::default(),
            stamper,
            keeping: Arc::default(),
        };
        let sessions = session.ground.sessions();
        let sessions = sessions.ok_or_else(|| refused("there is no session database".into()))?;
        sessions
            .begin(session.record())
            .map_err(|error| refused(causes(&error)))?;
        session.desk.live.add(&session.live);
        Ok(session)
    }

    fn record(&self) -> SessionRecord {
        SessionRecord {
            format: FORMAT,
            id: self.id.clone(),
            protocol: Word::SSH,
            connection: self.begun.connection.clone(),
            start: self.start,
            end: None,
            client: Endpoint {
                address: self.begun.client.ip().to_canonical().to_string(),
                port: self.begun.client.port(),
            },
            server: None,
            target: None,
            gateway_user: None,
            server_user: None,
            verdict: Word::ACCEPT,
            channels: Vec::new(),
            events: Vec::new(),
            trail: None,
            indexing: if self.content != Content::NotIndexed && self.begun.audit {
                Indexing {
                    state: Word::QUEUED,
                    version: 0,
                }
            } else {
                Indexing::default()
            },
        }
    }

    fn head(&self) -> Head {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let facts = [
            ("client", Some(self.begun.client.to_string())),
            ("target", known.target),
            ("server", known.server.map(|server| server.to_string())),
            ("gateway-user", known.gateway_user),
            ("server-user", known.server_user),
        ];
        let fact = |(name, text): (&str, Option<String>)| {
            Some(Fact {
                name: name.to_owned().try_into().ok()?,
                text: text?,
            })
        };
        Head {
            session: self.id.clone(),
            start: self.start,
            protocol: Word::SSH,
            connection: self.begun.connection.clone(),
            facts: facts.into_iter().filter_map(fact).collect(),
        }
    }

    /// Tells the database. It refuses what breaks its bounds: the trail has it all the same.
    fn tell(&self, change: Change) {
        if let Some(sessions) = self.ground.sessions()
            && let Err(error) = sessions.update(&self.id, change)
        {
            warn!("session {}: {}", self.id, causes(&error));
        }
    }

    fn happened(&self, kind: Word, text: String) {
        self.tell(Change::Event(Happening {
            at: milliseconds(),
            kind,
            text,
        }));
    }

    /// What the database shows of an event.
    fn summarize(&self, event: &Event) {
        let mut channels = self.channels.lock().unwrap_or_else(PoisonError::into_inner);
        match &event.what {
            What::Opened { kind, detail } => {
                let number = u32::try_from(channels.len()).unwrap_or(u32::MAX);
                channels.extend(event.channel.map(|channel| (channel, number)));
                drop(channels);
                self.opened_channel(kind, Word::ACCEPT);
                if !detail.is_empty() && kind.starts_with("session-exec") {
                    self.happened(Word::COMMAND, detail.clone());
                }
            }
            What::Denied { kind, reason } => {
                // It has a place of its own, which no channel of the proxy is.
                let number = u32::try_from(channels.len()).unwrap_or(u32::MAX);
                channels.insert(u32::MAX - number, number);
                drop(channels);
                self.opened_channel(kind, Word::DENY);
                self.tell(Change::ChannelClosed {
                    channel: number,
                    end: milliseconds(),
                });
                self.happened(Word::ALERT, reason.clone());
            }
            What::Closed => {
                let number = event.channel.and_then(|channel| channels.get(&channel).copied());
                drop(channels);
                if let Some(channel) = number {
                    self.tell(Change::ChannelClosed {
                        channel,
                        end: milliseconds(),
                    });
                }
            }
            What::Command { text } => self.happened(Word::COMMAND, text.clone()),
            What::Found { text, .. } => self.happened(Word::ALERT, text.clone()),
            What::File { path, .. } => self.happened(Word::FILE_TRANSFER, path.clone()),
            _ => {}
        }
    }

    fn opened_channel(&self, kind: &str, verdict: Word) {
        if let Ok(kind) = kind.to_owned().try_into() {
            self.tell(Change::ChannelOpened(Channel {
                kind,
                start: milliseconds(),
                end: None,
                verdict,
            }));
        }
    }
}

impl Recording for Session {
    fn id(&self) -> String {
        self.id.clone()
    }

    fn start(&self) -> Answer<Result<(), NotKept>> {
        if !self.begun.audit {
            return Box::pin(async { Ok(()) });
        }
        let made = seed().and_then(|seed| {
            Writer::new(
                &self.head(),
                &self.recipients,
                &self.desk.signer,
                &seed,
                Options::default(),
            )
            .map_err(|error| causes(&error))
        });
        let name = self.ground.trail_name(&self.id);
        let (trails, trail) = (self.desk.trails.clone(), self.trail.clone());
        let (stamper, keeping) = (self.stamper.clone(), self.keeping.clone());
        if let Ok(name) = &name {
            self.tell(Change::Trail(TrailFile {
                name: name.clone(),
                size: 0,
            }));
        }
        Box::pin(async move {
            let failed = |reason: String| NotKept {
                reason: format!("the session cannot be recorded and ends: {reason}"),
            };
            let (writer, head) = made.map_err(failed)?;
            let name = name.map_err(|error| failed(causes(error.as_ref())))?;
            let begun = trails.begin(&name, writer, head).await;
            let begun = begun.map_err(|error| failed(causes(&error)))?;
            *trail.write().unwrap_or_else(PoisonError::into_inner) = Some(begun);
            let kept = stamper.map(|stamper| stamper.keep(&trail));
            *keeping.lock().unwrap_or_else(PoisonError::into_inner) = kept;
            Ok(())
        })
    }

    fn event(&self, event: Event) -> Kept {
        self.summarize(&event);
        let at = u64::try_from(self.clock.elapsed().as_micros()).unwrap_or(u64::MAX);
        let entry = Entry {
            at,
            channel: event.channel.unwrap_or(0),
            kind: entry(&event.what),
        };
        self.live.event(&entry);
        if matches!(entry.kind, Kind::ChannelOpened { .. } | Kind::ChannelClosed) {
            self.desk.live.changed();
        }
        let kept = self.trail.read().unwrap_or_else(PoisonError::into_inner);
        let Some(trail) = kept.as_ref() else {
            // Nothing of this connection is to be recorded.
            return None;
        };
        let failed = |error: &dyn std::error::Error| NotKept {
            reason: format!(
                "the session cannot be recorded any longer and ends: {}",
                causes(error)
            ),
        };
        match trail.record(&entry) {
            Ok(None) => None,
            Ok(Some(wait)) => Some(Box::pin(async move {
                let over = wait.over().await;
                over.map_err(|error| NotKept {
                    reason: format!(
                        "the session cannot be recorded any longer and ends: {}",
                        causes(&error)
                    ),
                })
            })),
            Err(error) => {
                let error = failed(&error);
                Some(Box::pin(async move { Err(error) }))
            }
        }
    }

    fn facts(&self, facts: Facts) {
        let known = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.target = facts.target.or(known.target.take());
            known.server = facts.server.or(known.server.take());
            known.gateway_user = facts.gateway_user.clone().or(known.gateway_user.take());
            known.server_user = facts.server_user.clone().or(known.server_user.take());
            known.clone()
        };
        self.live.facts(&known);
        self.desk.live.changed();
        if let Some(user) = facts.gateway_user {
            self.tell(Change::GatewayUser(user));
        }
        if let Some(user) = facts.server_user {
            self.tell(Change::ServerUser(user));
        }
        if let Some(server) = facts.server {
            self.tell(Change::Server {
                target: known.target,
                server: Endpoint {
                    address: server.ip().to_canonical().to_string(),
                    port: server.port(),
                },
            });
        }
    }

    fn permission(&self, wanted: Wanted) -> Answer<Permission> {
        let answer = self.live.ask(wanted.kind, &wanted.detail, milliseconds());
        self.desk.live.changed();
        self.happened(
            Word::ALERT,
            format!("{} waits for somebody else's agreement", wanted.kind),
        );
        Box::pin(async move {
            let refused = |reason: &str| Permission::Refused {
                reason: reason.into(),
            };
            match timeout(AGREED_WITHIN, answer).await {
                Ok(Ok(permission)) => permission,
                Ok(Err(_gone)) => refused("nobody can agree any more"),
                Err(_late) => refused("nobody agreed in time: ask somebody, and try again"),
            }
        })
    }

    fn terminated(&self) -> Answer<String> {
        let (mut full, live) = (self.desk.full.clone(), self.live.clone());
        Box::pin(async move {
            let is_full = async {
                if full.wait_for(|full| *full).await.is_err() {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                () = is_full => "the disk of the appliance is full".into(),
                why = live.terminated() => why,
            }
        })
    }

    fn end(&self, verdict: &'static str, why: String) -> Answer<()> {
        self.live.ended();
        if Word::TERMINATED.as_str() == verdict && !why.is_empty() {
            self.happened(Word::ALERT, why.clone());
        }
        let hub = self.desk.live.clone();
        let trail = self.trail.write().unwrap_or_else(PoisonError::into_inner).take();
        let (ground, id) = (self.ground.clone(), self.id.clone());
        drop(self.keeping.lock().unwrap_or_else(PoisonError::into_inner).take());
        let stamper = self.stamper.clone();
        Box::pin(async move {
            let verdict: Word = verdict.to_owned().try_into().unwrap_or(Word::ACCEPT);
            let mut file = None;
            if let Some(trail) = trail {
                if let Some(stamper) = stamper {
                    stamper.last(&trail).await;
                }
                let ending = Ending {
                    verdict: verdict.clone(),
                    reason: why,
                };
                match (trail.finish(ending).await, ground.trail_name(&id)) {
                    (Ok(finished), Ok(name)) => {
                        file = Some(TrailFile {
                            name,
                            size: finished.size,
                        });
                    }
                    (Err(error), _) => warn!("session {id}: {}", causes(&error)),
                    (_, Err(error)) => warn!("session {id}: {}", causes(error.as_ref())),
                }
            }
            let told = id.clone();
            let ended = Ended {
                id,
                end: milliseconds(),
                verdict,
                trail: file,
            };
            let closed = spawn_blocking(move || ground.close_sessions(vec![ended]));
            match closed.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => warn!("session {told}: {}", causes(error.as_ref())),
                Err(error) => warn!("session {told}: {error}"),
            }
            // Now it is found among those that have ended.
            hub.remove(&told);
        })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Whatever became of its end: nobody may wait for it.
        self.desk.live.remove(&self.id);
    }
}

/// Seconds since 1970.
pub(crate) fn seconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_secs()
}

/// Milliseconds since 1970.
pub(crate) fn milliseconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// `ssh-20260517-081530-7f3a90c1`: when, UTC, and something by which no two are the same.
fn identifier(start: i64) -> Result<String, String> {
    let mut bytes = [0; 4];
    random(&mut bytes)?;
    let at = sps_proxy_engine::stamp(start / 1000);
    Ok(format!("ssh-{at}-{:08x}", u32::from_be_bytes(bytes)))
}

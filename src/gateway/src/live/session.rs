//! One session that goes on.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sps_proxy_ssh::{Facts, Permission};
use sps_trail::{Event, Head, Kind};
use tokio::sync::{SetOnce, broadcast, oneshot};
use tracing::info;

use super::ask::{Asking, Questions};
use super::hub::LiveError;
use super::scene::{Scene, Shared};

/// A session that goes on, as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Active {
    /// Its identifier.
    pub id: String,
    /// Since when, milliseconds since 1970.
    pub start: i64,
    /// Name of its connection policy.
    pub connection: String,
    /// The client, address and port.
    pub client: String,
    /// The server, as it was asked for, else its address.
    pub server: String,
    /// The user at the gateway.
    pub gateway_user: String,
    /// The user on the server.
    pub server_user: String,
    /// Channels that are open.
    pub channels: u32,
    /// People who look at it.
    pub followers: usize,
    /// What it asks for.
    pub asking: Vec<Asking>,
}

/// What is known of it, and what is done with it.
pub(crate) struct LiveSession {
    id: String,
    start: i64,
    connection: String,
    client: String,
    known: Mutex<Known>,
    scene: Mutex<Scene>,
    questions: Questions,
    end: SetOnce<String>,
}

#[derive(Default)]
struct Known {
    facts: Facts,
    channels: u32,
}

impl fmt::Debug for LiveSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveSession")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl LiveSession {
    pub(crate) fn new(id: String, start: i64, connection: String, client: String) -> Arc<Self> {
        Arc::new(Self {
            id,
            start,
            connection,
            client,
            known: Mutex::default(),
            scene: Mutex::default(),
            questions: Questions::default(),
            end: SetOnce::new(),
        })
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Takes what became known.
    pub(crate) fn facts(&self, facts: &Facts) {
        lock(&self.known).facts = facts.clone();
    }

    /// Takes what happened.
    pub(crate) fn event(&self, event: &Event<'_>) {
        match event.kind {
            Kind::ChannelOpened { .. } => lock(&self.known).channels += 1,
            Kind::ChannelClosed => {
                let mut known = lock(&self.known);
                known.channels = known.channels.saturating_sub(1);
            }
            _ => {}
        }
        lock(&self.scene).event(event);
    }

    /// Asks for somebody's agreement.
    pub(crate) fn ask(&self, kind: &str, detail: &str, since: i64) -> oneshot::Receiver<Permission> {
        self.questions.ask(kind, detail, since)
    }

    /// Waits until somebody ends it: why.
    pub(crate) async fn terminated(&self) -> String {
        self.end.wait().await.clone()
    }

    pub(super) fn terminate(&self, why: &str) {
        // The first reason stays.
        let _ended_before = self.end.set(why.to_owned());
    }

    pub(super) fn answer(&self, number: u32, by: &str, agrees: bool) -> Result<(), LiveError> {
        let asks = lock(&self.known).facts.gateway_user.clone();
        if agrees && asks.as_deref() == Some(by) {
            return Err(LiveError::Same(by.to_owned()));
        }
        let by = by.to_owned();
        let permission = if agrees {
            Permission::Given { by: by.clone() }
        } else {
            Permission::Refused {
                reason: format!("{by} did not agree to it"),
            }
        };
        if !self.questions.answer(number, permission) {
            let id = self.id.clone();
            return Err(LiveError::NotAsked { id, number });
        }
        let word = if agrees { "agreed to" } else { "refused" };
        info!(session = self.id, "{by} {word} what was asked");
        Ok(())
    }

    pub(super) fn active(&self) -> Active {
        let known = lock(&self.known);
        let facts = known.facts.clone();
        let channels = known.channels;
        drop(known);
        let address = facts.server.map(|server| server.to_string());
        Active {
            id: self.id.clone(),
            start: self.start,
            connection: self.connection.clone(),
            client: self.client.clone(),
            server: facts.target.or(address).unwrap_or_default(),
            gateway_user: facts.gateway_user.unwrap_or_default(),
            server_user: facts.server_user.unwrap_or_default(),
            channels,
            followers: lock(&self.scene).followers(),
            asking: self.questions.open(),
        }
    }

    /// The head of what a follower gets.
    pub(super) fn head(&self) -> Head {
        Head {
            session: self.id.clone(),
            start: self.start,
            protocol: sps_trail::Word::SSH,
            connection: self.connection.clone(),
            facts: Vec::new(),
        }
    }

    pub(super) fn follow(&self) -> (Vec<Shared>, broadcast::Receiver<Shared>) {
        lock(&self.scene).follow()
    }

    /// Followers hear that nothing comes any more.
    pub(crate) fn ended(&self) {
        lock(&self.scene).end();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

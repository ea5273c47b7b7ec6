//! Authorities of timestamps, asked for all sessions: one client each, which asks a few at a time and leaves an authority alone that does
//! not answer as it should. Nothing a session does waits for one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sps_bootlog::causes;
use sps_cluster_config::sections::policies::{AuditPolicy, TimestampAuthority};
use sps_proxy_ssh::Answer;
use sps_timestamp::{Authority, AuthorityError, NONCE, PolicyId, Request};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::drawn::random;

/// Requests to one authority at a time.
const TOGETHER: usize = 4;
/// Longest wait for one's turn, and then for the answer.
const TURN_WITHIN: Duration = Duration::from_secs(10);
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How long an authority is left alone that failed; twice as long each time, up to the second.
const REST: Duration = Duration::from_secs(10);
const LONGEST_REST: Duration = Duration::from_secs(300);
/// Authorities that are remembered. More than are in use at a time.
const KNOWN: usize = 32;
/// Most characters of a reason.
const REASON: usize = 400;

/// Who carries requests to authorities: the one thing of them that needs a network.
pub trait Carrier: Send + Sync + 'static {
    /// Posts a request (`application/timestamp-query`) to `url`; a server of `https` may also lead to `roots`, certificates in DER. The
    /// answer is bounded: 64 KiB, 10 s.
    fn post(&self, url: &str, roots: &[Vec<u8>], request: Vec<u8>) -> Answer<Result<Vec<u8>, String>>;
}

/// All of them.
pub(crate) struct Authorities {
    carrier: Arc<dyn Carrier>,
    known: Mutex<Vec<Arc<Client>>>,
}

/// How a session's trail gets its timestamps.
#[derive(Clone)]
pub(crate) struct Stamping {
    pub(crate) client: Arc<Client>,
    pub(crate) every: Duration,
}

impl Authorities {
    pub(crate) fn new(carrier: Arc<dyn Carrier>) -> Self {
        Self {
            carrier,
            known: Mutex::default(),
        }
    }

    /// What an audit policy wants; nothing where it wants no timestamps.
    pub(crate) fn of(&self, policy: &AuditPolicy) -> Option<Stamping> {
        let seconds = policy.timestamp_seconds?;
        let settings = policy.timestamp_authority.as_ref()?;
        let client = self.client(settings);
        // It was checked when it was committed; an earlier document may still hold it.
        let client = client
            .map_err(|error| warn!("authority of timestamps {}: {}", settings.url, causes(&error)))
            .ok()?;
        let every = Duration::from_secs(seconds.into());
        Some(Stamping { client, every })
    }

    fn client(&self, settings: &TimestampAuthority) -> Result<Arc<Client>, AuthorityError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = known.iter().find(|client| client.settings == *settings) {
            return Ok(client.clone());
        }
        if known.len() >= KNOWN {
            known.retain(|client| Arc::strong_count(client) > 1);
        }
        let client = Arc::new(Client::new(settings, self.carrier.clone())?);
        known.push(client.clone());
        Ok(client)
    }
}

/// The client of one authority.
pub(crate) struct Client {
    settings: TimestampAuthority,
    authority: Authority,
    roots: Vec<Vec<u8>>,
    policy: Option<PolicyId>,
    carrier: Arc<dyn Carrier>,
    turns: Semaphore,
    trouble: Mutex<Option<Trouble>>,
}

/// Why an authority is left alone.
#[derive(Clone, Debug)]
struct Trouble {
    reason: String,
    until: Instant,
    rest: Duration,
}

impl Client {
    fn new(settings: &TimestampAuthority, carrier: Arc<dyn Carrier>) -> Result<Self, AuthorityError> {
        let authority = Authority::from_pem(settings.certificates.iter().map(String::as_bytes))?;
        let roots = authority.certificates().iter().map(|one| one.to_vec());
        Ok(Self {
            roots: roots.collect(),
            policy: settings.policy.as_deref().map(PolicyId::parse).transpose()?,
            settings: settings.clone(),
            authority,
            carrier,
            turns: Semaphore::new(TOGETHER),
            trouble: Mutex::default(),
        })
    }

    /// Where it is asked.
    pub(crate) fn url(&self) -> &str {
        &self.settings.url
    }

    /// The token for a digest.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn ask(&self, digest: [u8; 32]) -> Result<Vec<u8>, String> {
        self.resting()?;
        let turn = timeout(TURN_WITHIN, self.turns.acquire()).await;
        let Ok(Ok(_turn)) = turn else {
            return Err("it has more to answer than it can: lengthen the interval of timestamps".into());
        };
        self.resting()?;
        let asked = self.exchange(digest).await;
        match &asked {
            Ok(_) => self.answered(),
            Err(reason) => self.failed(reason),
        }
        asked
    }

    async fn exchange(&self, digest: [u8; 32]) -> Result<Vec<u8>, String> {
        let mut nonce = [0; NONCE];
        random(&mut nonce)?;
        let request = Request::new(digest, nonce, self.policy);
        let posted = self.carrier.post(self.url(), &self.roots, request.encode());
        let late = |_| Err(format!("it did not answer in {} s", ANSWER_WITHIN.as_secs()));
        let answer = timeout(ANSWER_WITHIN, posted).await.unwrap_or_else(late);
        let judged = answer.and_then(|answer| {
            let judged = request.judge(&answer, &self.authority);
            judged
                .map(|(token, _)| token.to_vec())
                .map_err(|error| error.to_string())
        });
        judged.map_err(|reason| reason.chars().take(REASON).collect())
    }

    fn resting(&self) -> Result<(), String> {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        match trouble.as_ref() {
            Some(trouble) if Instant::now() < trouble.until => Err(trouble.reason.clone()),
            _ => Ok(()),
        }
    }

    fn answered(&self) {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).take();
        if trouble.is_some() {
            info!("authority of timestamps {}: it answers again", self.url());
        }
    }

    fn failed(&self, reason: &str) {
        let now = Instant::now();
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let before = trouble.take();
        let is_new = before.as_ref().is_none_or(|before| before.reason != reason);
        let rest = match before {
            // Another one that was asked at the same time failed first.
            Some(before) if now < before.until => before.rest,
            Some(before) => (before.rest * 2).min(LONGEST_REST),
            None => REST,
        };
        *trouble = Some(Trouble {
            reason: reason.to_owned(),
            until: now + rest,
            rest,
        });
        drop(trouble);
        if is_new {
            warn!(
                "authority of timestamps {}: {reason}; sessions go on, their trails have no timestamps until it answers",
                self.url()
            );
        }
    }
}

#[cfg(test)]
mod tests;

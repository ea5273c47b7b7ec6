//! Logins and sessions of this server.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, StatusCode};
use sps_access::{Kind, LockOut, Now, Session, Sessions, Store, Token, TokenHash};
use sps_admin::{Call, Failure, Operations, Origin, Request, Response, Updates};
use sps_bootlog::uptime;
use sps_config::Secret;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::cookie::shown_token;

/// Passwords judged at a time: each costs 19 MiB and some ten milliseconds of a processor.
const JUDGED_AT_ONCE: usize = 2;
/// Logins that may wait for that; more are told to come back.
const WAITING: usize = 16;
/// Longest user name that is looked at, bytes.
const USER_BYTES: usize = 64;
/// How often signs of life are written down: so much of an idle time may be forgotten by a power cut.
const SAVED_EVERY: Duration = Duration::from_secs(30);
/// What the secret in forms is for.
const FORMS: &str = "forms";

/// Who may come in: sessions, where they are kept, and what guessing costs. Clones are handles to the same.
#[derive(Clone)]
pub struct Gate {
    inner: Arc<Inner>,
}

struct Inner {
    sessions: Mutex<Sessions>,
    store: Mutex<Option<Store>>,
    lock_out: Mutex<LockOut>,
    /// Uptime when the sessions were last written down.
    saved: Mutex<Duration>,
    judging: Semaphore,
    waiting: Semaphore,
}

/// Somebody who has logged in.
#[derive(Clone, Debug)]
pub(crate) struct SignedIn {
    pub(crate) session: Session,
    pub(crate) token: TokenHash,
    /// Stands in every form; a form without it is refused.
    pub(crate) form_secret: String,
    /// From where this request comes.
    pub(crate) address: IpAddr,
}

/// Why somebody was not let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LoginRefusal {
    /// User and password do not fit.
    Wrong,
    /// Too many wrong ones before; seconds to wait.
    Wait(u64),
    /// Too many logins at the same moment.
    Busy,
    /// Not now, in words.
    Refused(String),
}

impl LoginRefusal {
    /// Its status.
    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::Wrong => StatusCode::UNAUTHORIZED,
            Self::Wait(_) | Self::Busy => StatusCode::TOO_MANY_REQUESTS,
            Self::Refused(_) => StatusCode::FORBIDDEN,
        }
    }
}

impl SignedIn {
    /// Who, for the log of actions.
    pub(crate) fn origin(&self) -> Origin {
        Origin::Web {
            user: self.session.user.clone(),
            address: self.address.to_string(),
        }
    }
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gate")
    }
}

impl Gate {
    /// A gate that keeps its sessions in `store`; without one they end with this boot. Blocking.
    #[must_use]
    pub fn new(store: Option<Store>) -> Self {
        let now = now();
        let sessions = store.as_ref().map(|store| store.load(now)).unwrap_or_default();
        let inner = Inner {
            sessions: Mutex::new(sessions),
            store: Mutex::new(store),
            lock_out: Mutex::default(),
            saved: Mutex::new(now.uptime),
            judging: Semaphore::new(JUDGED_AT_ONCE),
            waiting: Semaphore::new(WAITING),
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Who sends a request; `active` when a person or program does, and not a page that refreshes itself.
    pub(crate) fn signed_in(&self, headers: &HeaderMap, address: IpAddr, active: bool) -> Option<SignedIn> {
        let token = shown_token(headers)?;
        let hash = token.hash();
        let session = lock(&self.inner.sessions).find(&hash, active, now())?;
        if active {
            self.save_now_and_then();
        }
        Some(SignedIn {
            session,
            token: hash,
            form_secret: token.derived(FORMS),
            address,
        })
    }

    /// Judges a password and begins a session. The session that the request came with ends: nobody can plant one.
    pub(crate) async fn log_in(
        &self,
        operations: &Operations,
        attempt: Attempt<'_>,
        kind: Kind,
    ) -> Result<Token, LoginRefusal> {
        self.judge(operations, &attempt).await?;
        let token = Token::new().map_err(|error| LoginRefusal::Refused(error.to_string()))?;
        let session = Session {
            user: attempt.user.to_owned(),
            kind,
            address: attempt.address,
            since: now().wall,
        };
        {
            let mut sessions = lock(&self.inner.sessions);
            if let Some(before) = attempt.before {
                sessions.close(before);
            }
            sessions.open(token.hash(), session, now());
        }
        self.save().await;
        Ok(token)
    }

    async fn judge(&self, operations: &Operations, attempt: &Attempt<'_>) -> Result<(), LoginRefusal> {
        let (user, address) = (attempt.user, attempt.address);
        if user.len() > USER_BYTES {
            return Err(LoginRefusal::Wrong);
        }
        let wait = lock(&self.inner.lock_out).wait(user, address, uptime());
        if !wait.is_zero() {
            return Err(LoginRefusal::Wait(wait.as_secs() + 1));
        }
        let _waiting = self.inner.waiting.try_acquire().map_err(|_| LoginRefusal::Busy)?;
        let _place = self
            .inner
            .judging
            .acquire()
            .await
            .map_err(|_| LoginRefusal::Busy)?;
        // While this one waited others may have been wrong.
        let wait = lock(&self.inner.lock_out).wait(user, address, uptime());
        if !wait.is_zero() {
            return Err(LoginRefusal::Wait(wait.as_secs() + 1));
        }
        let accepted = ask(operations, attempt)
            .await
            .map_err(|failure| LoginRefusal::Refused(failure.to_string()))?;
        lock(&self.inner.lock_out).judged(user, address, accepted, uptime());
        if accepted {
            Ok(())
        } else {
            Err(LoginRefusal::Wrong)
        }
    }

    /// Ends a session; it is off the disk when this returns.
    pub(crate) async fn log_out(&self, token: &TokenHash) {
        lock(&self.inner.sessions).close(token);
        self.save().await;
    }

    /// Time until a session ends when nothing more is heard of it.
    pub(crate) fn left(&self, token: &TokenHash) -> Duration {
        lock(&self.inner.sessions).left(token, now()).unwrap_or_default()
    }

    fn save_now_and_then(&self) {
        let uptime = uptime();
        {
            let mut saved = lock(&self.inner.saved);
            if uptime.saturating_sub(*saved) < SAVED_EVERY {
                return;
            }
            *saved = uptime;
        }
        let own = self.clone();
        tokio::spawn(async move { own.save().await });
    }

    /// Writes the sessions down. Failing keeps nobody out: a full disk must not lock out whoever comes to mend it.
    async fn save(&self) {
        let own = self.clone();
        let saved = spawn_blocking(move || {
            let mut store = lock(&own.inner.store);
            let sessions = lock(&own.inner.sessions).clone();
            store
                .as_mut()
                .map_or(Ok(()), |store| store.save(&sessions, now()))
        });
        if let Ok(Err(error)) = saved.await {
            tracing::warn!(
                "web sessions will not survive a reboot: {}",
                sps_bootlog::causes(&error)
            );
        }
    }
}

/// One try to log in.
pub(crate) struct Attempt<'a> {
    pub(crate) user: &'a str,
    pub(crate) password: Secret,
    pub(crate) address: IpAddr,
    /// The session that the request came with.
    pub(crate) before: Option<&'a TokenHash>,
}

async fn ask(operations: &Operations, attempt: &Attempt<'_>) -> Result<bool, Failure> {
    let call = Call {
        origin: Origin::Web {
            user: printable(attempt.user),
            address: attempt.address.to_string(),
        },
        message: String::new(),
        request: Request::WebLogin {
            user: printable(attempt.user),
            password: attempt.password.clone(),
        },
    };
    let (updates, _nobody_listens) = Updates::channel();
    match operations.perform(call, updates).await? {
        Response::Login { accepted, .. } => Ok(accepted),
        _ => Err(Failure::failed("the answer is not understood")),
    }
}

/// A name that a stranger typed, for logs: no control characters, nothing that could pass for another line.
fn printable(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).collect()
}

fn now() -> Now {
    let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Now {
        wall: wall.as_secs(),
        uptime: uptime(),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

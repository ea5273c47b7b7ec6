//! Watches a terminal: commands before they run, and what its screen shows.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sps_cluster_config::sections::policies::{ContentAction, ContentKind};
use sps_proxy_engine::{CommandLine, Content, Entered, Finding, Kind, Matched, Shown, ShownText, entering};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

use super::pair::{Over, Shared, Step};
use crate::recording::What;
use crate::words::TERMINATED;

/// Longest wait for the echo of what was typed before Enter goes on.
const ECHO_WITHIN: Duration = Duration::from_millis(60);
/// The same for words among keys that recall, move or complete: what became of them only the screen tells.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// Nothing more was shown for so long: what was typed has been answered.
const QUIET: Duration = Duration::from_millis(12);

/// What is seen on screens alone.
const SCREENS: [ContentKind; 3] = [
    ContentKind::ScreenContent,
    ContentKind::CreditCard,
    ContentKind::WindowTitle,
];

/// What is watched on one channel.
pub(super) struct Watch {
    content: Option<Content>,
    /// There is a terminal: lines are read from it.
    line: Option<Mutex<CommandLine>>,
    /// A policy looks at screens.
    shown: Option<Mutex<ShownText>>,
    /// Without a terminal what is typed is not shown.
    echoes: bool,
    /// Something was typed, and Enter has not gone to the server since.
    stands: AtomicBool,
    /// The server has shown something.
    heard: Notify,
    times: Mutex<Times>,
}

/// When keys last went to the server, and when it last showed something.
struct Times {
    keys: Instant,
    heard: Instant,
}

/// Keys up to the first that enters the line, and from that on.
fn split(keys: &[u8]) -> (usize, bool) {
    match keys.iter().position(|key| entering(*key)) {
        Some(place) => (place, true),
        None => (keys.len(), false),
    }
}

impl Watch {
    /// For a channel with this content policy; `size` of its terminal, rows and columns, if it has one. None when there is nothing to watch:
    /// what a command without a terminal reads is data.
    pub(super) fn new(content: Option<Content>, size: Option<(u32, u32)>, kind: Kind) -> Option<Self> {
        let screens = content
            .as_ref()
            .is_some_and(|content| SCREENS.into_iter().any(|kind| content.looks_at(kind)));
        let (rows, columns) = size.unwrap_or_default();
        let line =
            (size.is_some() || kind == Kind::Shell).then(|| Mutex::new(CommandLine::new(rows, columns)));
        let now = Instant::now();
        (screens || line.is_some()).then(|| Self {
            content,
            line,
            shown: screens.then(Mutex::default),
            echoes: size.is_some(),
            stands: AtomicBool::new(false),
            heard: Notify::new(),
            times: Mutex::new(Times {
                keys: now,
                heard: now,
            }),
        })
    }

    /// Whether a policy looks at what nobody can look at: on channels of this kind there is no screen.
    pub(super) fn objects(kind: Kind, content: &Content) -> bool {
        !matches!(kind, Kind::Shell | Kind::Exec) && SCREENS.into_iter().any(|kind| content.looks_at(kind))
    }

    /// The terminal has another size.
    pub(super) fn resize(&self, rows: u32, columns: u32) {
        if let Some(mut line) = self.line() {
            line.resize(rows, columns);
        }
    }

    /// What the server shows, before the client gets it.
    pub(super) async fn output(&self, shared: &Shared, data: &[u8]) -> Step {
        if let Some(mut line) = self.line() {
            line.output(data);
            lock(&self.times).heard = Instant::now();
            self.heard.notify_waiters();
        }
        let (Some(shown), Some(content)) = (&self.shown, &self.content) else {
            return Ok(());
        };
        let shown = lock(shown).output(data);
        for shown in shown {
            let matched = match &shown {
                Shown::Line(line) => content.screen(line),
                Shown::Title(title) => content.title(title),
            };
            found(shared, matched).await?;
        }
        Ok(())
    }

    /// How much of `keys` may go to the server now; a verdict is due before what follows.
    pub(super) fn until_enter(&self, keys: &[u8]) -> (usize, bool) {
        if self.line.is_some() {
            split(keys)
        } else {
            (keys.len(), false)
        }
    }

    /// Keys that go to the server.
    pub(super) fn keys(&self, keys: &[u8]) {
        if let Some(mut line) = self.line() {
            line.keys(keys);
            lock(&self.times).keys = Instant::now();
            self.stands.store(true, Ordering::Relaxed);
        }
    }

    /// Enter goes to the server.
    pub(super) fn entered(&self) {
        self.stands.store(false, Ordering::Relaxed);
    }

    /// Enter waits for this: the command is recorded, and what the policy asks for is done.
    pub(super) async fn enter(&self, shared: &Shared, audit: bool) -> Step {
        self.stands.store(true, Ordering::Relaxed);
        let is_answered = self.echoed().await;
        let entered = self.line().and_then(|mut line| line.enter(is_answered));
        let Some(Entered {
            mut shown,
            mut line,
            unreadable,
            mut typed,
        }) = entered
        else {
            return Ok(());
        };
        if !self.echoes {
            (shown, line, typed) = (typed.clone(), typed, String::new());
        }
        if audit && !shown.is_empty() {
            let text = shown.clone();
            if !shared.record(What::Command { text }).await {
                return Err(Over);
            }
        }
        let Some(content) = &self.content else {
            return Ok(());
        };
        let mut matched = content.command(&shown);
        if matched.0.is_empty() {
            matched = content.command(&line);
        }
        if unreadable {
            matched.0.extend(content.unreadable_command().0);
        }
        found(shared, matched).await?;
        if typed.is_empty() {
            return Ok(());
        }
        // It may be a password: that something was found is told, and not what.
        let mut matched = content.command(&typed);
        for finding in &mut matched.0 {
            finding.text = "a command that was typed without being shown".into();
        }
        found(shared, matched).await
    }

    /// What clears the line that stands there when the channel ends: shells and terminals take a line for entered when nothing more comes.
    /// A program that runs is interrupted by it only where somebody typed since.
    pub(super) fn clearing(&self) -> Option<&'static [u8]> {
        let stands = self.echoes && self.stands.load(Ordering::Relaxed);
        stands.then_some(b"\x03")
    }

    /// Waits until the screen shows what was typed, within bounds; whether it has answered.
    async fn echoed(&self) -> bool {
        if !self.echoes {
            return true;
        }
        let is_put_together = self.line().is_some_and(|line| line.is_put_together());
        let within = if is_put_together {
            ANSWER_WITHIN
        } else {
            ECHO_WITHIN
        };
        let end = Instant::now() + within;
        loop {
            let heard = self.heard.notified();
            tokio::pin!(heard);
            // From here on nothing is missed.
            heard.as_mut().enable();
            let (shown, edited) = match self.line() {
                Some(mut line) => (line.is_shown(), line.is_edited()),
                None => return true,
            };
            let quiet_at = {
                let times = lock(&self.times);
                (edited && times.heard > times.keys).then(|| times.heard + QUIET)
            };
            // What recalls or completes is answered by what is shown next, once nothing more comes.
            if shown || quiet_at.is_some_and(|quiet_at| quiet_at <= Instant::now()) {
                return true;
            }
            let until = quiet_at.map_or(end, |quiet_at| quiet_at.min(end));
            if timeout_at(until, heard).await.is_err() && until == end {
                return quiet_at.is_some();
            }
        }
    }

    fn line(&self) -> Option<MutexGuard<'_, CommandLine>> {
        self.line.as_ref().map(lock)
    }
}

/// Records what was found, and does what is to be done about it.
pub(super) async fn found(shared: &Shared, matched: Matched) -> Step {
    for finding in &matched.0 {
        let Finding { kind, text, actions } = finding;
        let what = What::Found {
            kind: word(*kind),
            text: text.clone(),
        };
        if !shared.record(what).await {
            return Err(Over);
        }
        if actions.contains(&ContentAction::Notify) {
            // What it was may be a secret: the session's events have it, for those who may see them.
            let (word, recording) = (word(*kind), shared.context.recording.get());
            let id = recording.map_or_else(String::new, |it| it.id());
            shared.context.access.alarm(format!(
                "content policy: {word} found in session {id}: its events say what"
            ));
        }
    }
    if matched.asks_for(ContentAction::Terminate) {
        let why = "the session was ended by its content policy";
        shared.context.end(TERMINATED, why);
        // The person reads why before the channel closes.
        shared.context.closing.cancelled().await;
        return Err(Over);
    }
    Ok(())
}

const fn word(kind: ContentKind) -> &'static str {
    match kind {
        ContentKind::Commands => "command",
        ContentKind::ScreenContent => "screen content",
        ContentKind::CreditCard => "credit card",
        ContentKind::WindowTitle => "window title",
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

//! Two channels and what passes between them.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, client, server};
use sps_proxy_engine::{Allowed, Asked, Kind};
use tokio::sync::watch;
use tokio::time::timeout;
use tracing::{debug, trace};

use super::files::Files;
use super::nested::Nested;
use super::session::Requests;
use super::state::State;
use super::watch::Watch;
use crate::context::{Context, Place};
use crate::meter::Way;
use crate::recording::{Permission, Wanted, What};

/// The extended data type of errors (RFC 4254, 5.2).
pub(super) const STDERR: u32 = 1;

/// Longest wait for how a program ended, once its output has and the client is gone.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// Longest wait for the server to take the key that clears a line.
const CLEARED_WITHIN: Duration = Duration::from_millis(500);

pub(super) type ToClient = ChannelWriteHalf<server::Msg>;
pub(super) type ToServer = ChannelWriteHalf<client::Msg>;

/// The other side is gone, or the connection ends.
pub(super) struct Over;

pub(super) type Step = Result<(), Over>;

impl From<russh::Error> for Over {
    fn from(error: russh::Error) -> Self {
        debug!("a channel ended: {error}");
        Self
    }
}

/// What the policy says, or why not.
pub(super) trait Refusable {
    fn judge(&self, asked: &Asked<'_>) -> Result<Allowed, String>;
}

impl Refusable for Context {
    fn judge(&self, asked: &Asked<'_>) -> Result<Allowed, String> {
        let Some(person) = self.person.get() else {
            return Err("nobody is logged in".into());
        };
        let now = self.access.moment();
        let decided = self
            .policies
            .decide(&self.connection, asked, self.client.ip(), person, now);
        let allowed = decided.map_err(|refused| refused.to_string())?;
        let Ok(content) = self.policies.content(&allowed) else {
            return Err("its content policy cannot be used: an administrator must mend it".into());
        };
        if content.is_some_and(|content| Watch::objects(asked.kind, &content)) {
            return Err(
                "its content policy looks at screens, and this has none: an administrator must mend it"
                    .into(),
            );
        }
        match Files::objection(asked.kind, asked.command.unwrap_or_default(), &allowed) {
            Some(objection) => Err(objection),
            None => Ok(allowed),
        }
    }
}

impl Context {
    /// Waits until somebody else agrees, where the policy wants that: the answer is why it may not be.
    pub(super) async fn agreed(&self, kind: Kind, detail: &str, allowed: &Allowed) -> Result<(), String> {
        let Some(recording) = self.recording.get().filter(|_| allowed.four_eyes) else {
            return if allowed.four_eyes {
                Err("nobody can agree to it: the session is not recorded".into())
            } else {
                Ok(())
            };
        };
        let kind = kind.record_word();
        let detail = detail.to_owned();
        let answer = recording.permission(Wanted { kind, detail });
        let permission = tokio::select! {
            () = self.closing.cancelled() => return Err("the session ended".into()),
            permission = answer => permission,
        };
        match permission {
            Permission::Given { by } => {
                let text = format!("{by} agreed to {kind}");
                if self.record(None, What::Note { text }).await {
                    Ok(())
                } else {
                    Err("the session cannot be recorded".into())
                }
            }
            Permission::Refused { reason } => Err(reason),
        }
    }
}

/// Two channels.
pub(super) struct Pair {
    pub(super) context: Arc<Context>,
    place: Place,
    near: Channel<server::Msg>,
    far: Channel<client::Msg>,
}

/// What both directions need.
pub(super) struct Shared {
    pub(super) context: Arc<Context>,
    pub(super) number: u32,
    pub(super) state: State,
    /// What is watched, once the kind of the channel is known.
    pub(super) watch: OnceLock<Watch>,
    /// What follows files, where the channel carries them.
    pub(super) files: OnceLock<Files>,
    /// What looks for SSH inside.
    pub(super) nested: OnceLock<Nested>,
}

impl Pair {
    pub(super) fn new(
        context: Arc<Context>,
        place: Place,
        near: Channel<server::Msg>,
        far: Channel<client::Msg>,
    ) -> Self {
        Self {
            context,
            place,
            near,
            far,
        }
    }

    fn shared(&self) -> Shared {
        Shared {
            number: self.place.number,
            context: self.context.clone(),
            state: State::default(),
            watch: OnceLock::new(),
            files: OnceLock::new(),
            nested: OnceLock::new(),
        }
    }

    /// Carries a connection whose kind is known.
    pub(super) async fn carry(self, kind: Kind, detail: String, allowed: Allowed) {
        let shared = self.shared();
        shared.state.permit(kind, &allowed);
        shared.look_inside(kind, &allowed);
        let opened = What::Opened {
            kind: kind.record_word(),
            detail,
        };
        if !shared.record(opened).await {
            return;
        }
        self.run(shared).await;
    }

    /// Carries a session, whose kind its requests say.
    pub(super) async fn converse(self) {
        let shared = self.shared();
        self.run(shared).await;
    }

    async fn run(self, shared: Shared) {
        let (from_client, to_client) = self.near.split();
        let (from_server, to_server) = self.far.split();
        {
            let downstream = shared.downstream(from_server, &to_client);
            tokio::pin!(downstream);
            // The first side that is done ends both: what it had was passed on before.
            tokio::select! {
                () = shared.context.closing.cancelled() => {}
                _ended = shared.upstream(from_client, &to_client, &to_server) => {
                    if shared.state.is_ending() {
                        // The server has sent all, and how its program ended is still to come.
                        drop(timeout(LAST_WORDS, &mut downstream).await);
                    }
                }
                _ended = &mut downstream => {}
            }
        }
        if let Some(clearing) = shared.watch.get().and_then(Watch::clearing) {
            // A terminal that closes takes the line for entered: nobody allowed that.
            let clearing = Bytes::from_static(clearing);
            drop(timeout(CLEARED_WITHIN, to_server.data_bytes(clearing)).await);
        }
        drop(to_server.close().await);
        drop(to_client.close().await);
        if let Some(files) = shared.files.get() {
            files.end(&shared).await;
        }
        if shared.state.passes().is_some() {
            shared.record(What::Closed).await;
        }
    }
}

impl Shared {
    pub(super) async fn record(&self, what: What) -> bool {
        self.context.record(Some(self.number), what).await
    }

    /// From now on SSH inside is looked for, where there may be any.
    pub(super) fn look_inside(&self, kind: Kind, allowed: &Allowed) {
        if let Some(nested) = Nested::new(kind, allowed, self.state.terminal().is_some()) {
            // A channel becomes one thing, once.
            let _first = self.nested.set(nested);
        }
    }

    /// From the client to the server.
    async fn upstream(&self, mut from: ChannelReadHalf, near: &ToClient, far: &ToServer) -> Step {
        let mut requests = Requests::new(self, near, far);
        while let Some(message) = from.wait().await {
            match message {
                ChannelMsg::Data { data } => self.typed(data, near, far).await?,
                ChannelMsg::ExtendedData { data, ext } => {
                    self.input(&data).await?;
                    if self.watch.get().is_some() || self.files.get().is_some() {
                        // No client has a use for it, and nobody looks at it there.
                        let text = "the client sent what is not looked at".into();
                        self.record(What::Note { text }).await;
                        return Err(Over);
                    }
                    far.extended_data_bytes(ext, data).await?;
                }
                ChannelMsg::Eof => far.eof().await?,
                ChannelMsg::Close => return Ok(()),
                request => requests.take(request).await?,
            }
        }
        Ok(())
    }

    /// Passes on what somebody typed. Enter waits for what is said about the command.
    async fn typed(&self, mut data: Bytes, near: &ToClient, far: &ToServer) -> Step {
        self.input(&data).await?;
        if let Some(nested) = self.nested.get().filter(|nested| nested.by_client) {
            nested.look(self, &data).await?;
        }
        if let Some(files) = self.files.get() {
            return files.upstream(self, &data, near, far).await;
        }
        let Some(watch) = self.watch.get() else {
            return far.data_bytes(data).await.map_err(Over::from);
        };
        let audit = self.state.passes().unwrap_or_default();
        while !data.is_empty() {
            let (keys, enters) = watch.until_enter(&data);
            if keys > 0 {
                let keys = data.split_to(keys);
                watch.keys(&keys);
                far.data_bytes(keys).await?;
            }
            if enters {
                watch.enter(self, audit).await?;
                watch.entered();
                far.data_bytes(data.split_to(1)).await?;
            }
        }
        Ok(())
    }

    async fn input(&self, data: &Bytes) -> Step {
        let Some(audit) = self.state.passes() else {
            return Err(Over);
        };
        self.context.watched.meter.passed(Way::ToServer, data.len());
        trace!(client = %self.context.client, channel = self.number, "{} bytes from the client", data.len());
        if audit && !self.record(What::Input { data: data.clone() }).await {
            return Err(Over);
        }
        Ok(())
    }

    /// From the server to the client.
    async fn downstream(&self, mut from: ChannelReadHalf, near: &ToClient) -> Step {
        let mut notice = Some(self.context.watched.notice.clone());
        loop {
            let message = tokio::select! {
                message = from.wait() => message,
                files = self.refused() => {
                    files.tell(near).await?;
                    continue;
                }
                words = noticed(&mut notice), if notice.is_some() && self.state.is_terminal() => {
                    notice = None;
                    self.notice(&words, near).await?;
                    continue;
                }
            };
            let Some(message) = message else { break };
            match message {
                ChannelMsg::Data { data } => {
                    self.output(&data, false).await?;
                    match self.files.get() {
                        Some(files) => files.downstream(self, data, near).await?,
                        None => near.data_bytes(data).await?,
                    }
                }
                ChannelMsg::ExtendedData { data, ext } => {
                    self.output(&data, ext == STDERR).await?;
                    near.extended_data_bytes(ext, data).await?;
                }
                ChannelMsg::Eof => {
                    self.state.set_ending();
                    near.eof().await?;
                }
                ChannelMsg::Close => return Ok(()),
                ChannelMsg::Success => self.answer(near, true).await?,
                ChannelMsg::Failure => self.answer(near, false).await?,
                ChannelMsg::ExitStatus { exit_status } => {
                    self.exit(Some(exit_status), None).await?;
                    near.exit_status(exit_status).await?;
                }
                ChannelMsg::ExitSignal {
                    signal_name,
                    core_dumped,
                    error_message,
                    lang_tag,
                } => {
                    self.exit(None, Some(format!("{signal_name:?}"))).await?;
                    near.exit_signal(signal_name, core_dumped, error_message, lang_tag)
                        .await?;
                }
                ChannelMsg::XonXoff { client_can_do } => near.xon_xoff(client_can_do).await?,
                ChannelMsg::Request {
                    want_reply,
                    name,
                    data,
                } if name == "eow@openssh.com" => near.request(want_reply, name, data).await?,
                _ => {}
            }
        }
        Ok(())
    }

    /// What everybody is told stands in the terminal, and in the recording that it did.
    async fn notice(&self, words: &str, near: &ToClient) -> Step {
        let text = format!("written into the terminal by the appliance: {words}");
        if !self.record(What::Note { text }).await {
            return Err(Over);
        }
        let line = format!("\r\n*** {words}\r\n");
        near.data_bytes(line.into_bytes()).await.map_err(Over::from)
    }

    /// Waits until something about files was refused.
    async fn refused(&self) -> &Files {
        match self.files.get() {
            Some(files) => {
                files.refused().await;
                files
            }
            None => std::future::pending().await,
        }
    }

    async fn output(&self, data: &Bytes, is_error: bool) -> Step {
        // A server may speak only on a channel whose kind was allowed: nothing else was asked of it.
        let Some(audit) = self.state.passes() else {
            return Err(Over);
        };
        self.context.watched.meter.passed(Way::ToClient, data.len());
        trace!(client = %self.context.client, channel = self.number, "{} bytes from the server", data.len());
        let what = || What::Output {
            data: data.clone(),
            is_error,
        };
        if audit && !self.record(what()).await {
            return Err(Over);
        }
        if let Some(nested) = self.nested.get().filter(|nested| !nested.by_client) {
            nested.look(self, data).await?;
        }
        if let Some(watch) = self.watch.get() {
            watch.output(self, data).await?;
        }
        Ok(())
    }

    async fn exit(&self, status: Option<u32>, signal: Option<String>) -> Step {
        if self.record(What::Exit { status, signal }).await {
            Ok(())
        } else {
            Err(Over)
        }
    }

    async fn answer(&self, near: &ToClient, success: bool) -> Step {
        for answer in self.state.answered(success) {
            near.answer(answer).await?;
        }
        Ok(())
    }
}

/// Waits until everybody is told something.
async fn noticed(notice: &mut Option<watch::Receiver<Option<Arc<str>>>>) -> Arc<str> {
    if let Some(notice) = notice
        && let Ok(words) = notice.wait_for(Option::is_some).await
        && let Some(words) = words.as_ref()
    {
        return words.clone();
    }
    std::future::pending().await
}

//! Session channels: what the client asks for on them.

use std::sync::Arc;

use russh::{Channel, ChannelMsg, ChannelOpenFailure, server};
use sps_proxy_engine::{Allowed, Asked, Kind};
use tokio::time::timeout;

use super::WITHIN;
use super::files::Files;
use super::pair::{Over, Pair, Refusable as _, STDERR, Shared, Step, ToClient, ToServer};
use super::state::Expected;
use super::watch::{Watch, found};
use crate::context::Context;
use crate::recording::What;

/// Longest command that is passed on: Linux takes no longer argument (`MAX_ARG_STRLEN`).
const LONGEST_COMMAND: usize = 128 * 1024;
/// Exit status of what was refused: as shells have it for a program that may not be run.
const REFUSED: u32 = 126;
/// What a person reads who waits for somebody else.
const WAITS: &str = "This needs the agreement of somebody else: please wait.\r\n";
/// Longest value or name of a variable, type of a terminal.
const LONGEST_WORD: usize = 4096;

/// A session the client opens.
pub(crate) async fn session(
    context: Arc<Context>,
    channel: Channel<server::Msg>,
    reply: server::ChannelOpenHandle,
) {
    let (Some(place), Some(server)) = (context.place(), context.to_server.get().cloned()) else {
        return reply.reject(ChannelOpenFailure::ResourceShortage).await;
    };
    match timeout(WITHIN, server.channel_open_session()).await {
        Ok(Ok(far)) => {
            reply.accept().await;
            Pair::new(context, place, channel, far).converse().await;
        }
        Ok(Err(russh::Error::ChannelOpenFailure(reason))) => reply.reject(reason).await,
        _ => reply.reject(ChannelOpenFailure::ConnectFailed).await,
    }
}

/// The requests of one session, in their order.
pub(super) struct Requests<'a> {
    shared: &'a Shared,
    near: &'a ToClient,
    far: &'a ToServer,
}

impl<'a> Requests<'a> {
    pub(super) const fn new(shared: &'a Shared, near: &'a ToClient, far: &'a ToServer) -> Self {
        Self { shared, near, far }
    }

    /// Takes one.
    pub(super) async fn take(&mut self, request: ChannelMsg) -> Step {
        match request {
            ChannelMsg::RequestPty { .. } | ChannelMsg::WindowChange { .. } => self.terminal(request).await,
            ChannelMsg::SetEnv {
                want_reply,
                variable_name,
                variable_value,
            } => {
                if variable_name.len().max(variable_value.len()) > LONGEST_WORD {
                    return self.own(want_reply, false).await;
                }
                self.expect(want_reply, Expected::Server).await?;
                self.far
                    .set_env(want_reply, variable_name, variable_value)
                    .await
                    .map_err(Over::from)
            }
            ChannelMsg::RequestShell { want_reply } => {
                if self.opens(Kind::Shell, None, want_reply).await? {
                    self.far.request_shell(want_reply).await?;
                }
                Ok(())
            }
            ChannelMsg::Exec { want_reply, command } => self.exec(want_reply, command).await,
            ChannelMsg::RequestSubsystem { want_reply, name } => {
                let kind = if name == "sftp" {
                    Kind::Sftp
                } else {
                    Kind::Subsystem
                };
                if self.opens(kind, Some(&name), want_reply).await? {
                    self.far.request_subsystem(want_reply, name).await?;
                }
                Ok(())
            }
            ChannelMsg::AgentForward { want_reply } => {
                if self.may(Kind::Agent, want_reply).await? {
                    self.far.agent_forward(want_reply).await?;
                }
                Ok(())
            }
            ChannelMsg::RequestX11 {
                want_reply,
                single_connection,
                x11_authentication_protocol,
                x11_authentication_cookie,
                x11_screen_number,
            } => {
                if self.may(Kind::X11, want_reply).await? {
                    let (protocol, cookie) = (x11_authentication_protocol, x11_authentication_cookie);
                    self.far
                        .request_x11(want_reply, single_connection, protocol, cookie, x11_screen_number)
                        .await?;
                }
                Ok(())
            }
            ChannelMsg::Signal { signal } => self.far.signal(signal).await.map_err(Over::from),
            ChannelMsg::Request {
                want_reply: false,
                name,
                data,
            } if name == "eow@openssh.com" => self.far.request(false, name, data).await.map_err(Over::from),
            // What nobody knows is refused.
            ChannelMsg::Request { want_reply, .. } => self.own(want_reply, false).await,
            _ => Ok(()),
        }
    }

    async fn terminal(&self, request: ChannelMsg) -> Step {
        match request {
            ChannelMsg::RequestPty {
                want_reply,
                term,
                col_width,
                row_height,
                pix_width,
                pix_height,
                terminal_modes,
            } => {
                if term.len() > LONGEST_WORD {
                    return self.own(want_reply, false).await;
                }
                let what = What::Terminal {
                    term: term.clone(),
                    columns: col_width,
                    rows: row_height,
                };
                self.record(what).await?;
                self.shared.state.set_terminal(row_height, col_width);
                self.expect(want_reply, Expected::Server).await?;
                let modes = terminal_modes.as_slice();
                let asked = self.far.request_pty(
                    want_reply, &term, col_width, row_height, pix_width, pix_height, modes,
                );
                asked.await.map_err(Over::from)
            }
            ChannelMsg::WindowChange {
                col_width,
                row_height,
                pix_width,
                pix_height,
            } => {
                let what = What::Resized {
                    columns: col_width,
                    rows: row_height,
                };
                self.record(what).await?;
                if let Some(watch) = self.shared.watch.get() {
                    watch.resize(row_height, col_width);
                }
                let told = self
                    .far
                    .window_change(col_width, row_height, pix_width, pix_height);
                told.await.map_err(Over::from)
            }
            _ => Ok(()),
        }
    }

    async fn exec(&self, want_reply: bool, command: Vec<u8>) -> Step {
        if command.len() > LONGEST_COMMAND {
            return self
                .refuse(Kind::Exec, want_reply, "the command is too long".into())
                .await;
        }
        let text = String::from_utf8_lossy(&command).into_owned();
        let kind = Kind::of_command(&text);
        if self.opens(kind, Some(&text), want_reply).await? {
            self.far.exec(want_reply, command).await?;
        }
        Ok(())
    }

    /// Whether the session may become this; one session is one thing.
    async fn opens(&self, kind: Kind, command: Option<&str>, want_reply: bool) -> Result<bool, Over> {
        if self.shared.state.passes().is_some() {
            self.own(want_reply, false).await?;
            return Ok(false);
        }
        let asked = Asked {
            kind,
            command,
            server: None,
        };
        let allowed = match self.shared.context.judge(&asked) {
            Ok(allowed) => allowed,
            Err(reason) => {
                self.refuse(kind, want_reply, reason).await?;
                return Ok(false);
            }
        };
        if allowed.four_eyes {
            self.near.extended_data_bytes(STDERR, WAITS.as_bytes()).await?;
        }
        let detail = command.unwrap_or_default();
        if let Err(reason) = self.shared.context.agreed(kind, detail, &allowed).await {
            self.refuse(kind, want_reply, reason).await?;
            return Ok(false);
        }
        let opened = What::Opened {
            kind: kind.record_word(),
            detail: command.unwrap_or_default().to_owned(),
        };
        self.record(opened).await?;
        if let Some(command) = command {
            self.look(command, &allowed).await?;
        }
        self.watch(kind, &allowed);
        self.shared.look_inside(kind, &allowed);
        if let Some(files) = Files::new(kind, command.unwrap_or_default(), &allowed) {
            // A session becomes one thing, once.
            let _first = self.shared.files.set(files);
        }
        self.shared.state.permit(kind, &allowed);
        self.expect(want_reply, Expected::Server).await?;
        Ok(true)
    }

    /// From now on the channel is watched, where a policy looks at it, or commands are recorded.
    fn watch(&self, kind: Kind, allowed: &Allowed) {
        let content = self.shared.context.policies.content(allowed).unwrap_or_default();
        let of_people = matches!(kind, Kind::Shell | Kind::Exec);
        if of_people && (content.is_some() || allowed.audit) {
            let terminal = self.shared.state.terminal();
            if let Some(watch) = Watch::new(content, terminal, kind) {
                // A session becomes one thing, once.
                let _first = self.shared.watch.set(watch);
            }
        }
    }

    /// A content policy looks at the command before it runs.
    async fn look(&self, command: &str, allowed: &Allowed) -> Step {
        let Ok(Some(content)) = self.shared.context.policies.content(allowed) else {
            return Ok(());
        };
        found(self.shared, content.command(command)).await
    }

    /// Whether something beside the session itself is allowed.
    async fn may(&self, kind: Kind, want_reply: bool) -> Result<bool, Over> {
        let asked = Asked {
            kind,
            command: None,
            server: None,
        };
        let context = &self.shared.context;
        let decided = match context.judge(&asked) {
            Ok(allowed) => context.agreed(kind, "", &allowed).await,
            Err(reason) => Err(reason),
        };
        match decided {
            Ok(()) => {
                self.expect(want_reply, Expected::Server).await?;
                Ok(true)
            }
            Err(reason) => {
                let kind = kind.record_word();
                self.record(What::Denied { kind, reason }).await?;
                self.own(want_reply, false).await?;
                Ok(false)
            }
        }
    }

    /// Refuses what the session should become. Clients show what a program says and hide why a request failed: so the person reads the
    /// reason as if a program had said it.
    async fn refuse(&self, kind: Kind, want_reply: bool, reason: String) -> Step {
        let text = format!("{reason}\r\n");
        let kind = kind.record_word();
        self.record(What::Denied { kind, reason }).await?;
        self.own(want_reply, true).await?;
        self.near.extended_data_bytes(STDERR, text.into_bytes()).await?;
        self.near.exit_status(REFUSED).await?;
        self.near.eof().await?;
        Err(Over)
    }

    async fn own(&self, want_reply: bool, success: bool) -> Step {
        self.expect(want_reply, Expected::Own(success)).await
    }

    /// An answer is owed; those that can be given are.
    async fn expect(&self, want_reply: bool, expected: Expected) -> Step {
        if !want_reply {
            return Ok(());
        }
        let answers = self.shared.state.expect(expected).ok_or(Over)?;
        for answer in answers {
            self.near.answer(answer).await?;
        }
        Ok(())
    }

    async fn record(&self, what: What) -> Step {
        if self.shared.record(what).await {
            Ok(())
        } else {
            Err(Over)
        }
    }
}

//! One connection: the login, then menu, command or files on its channels.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use russh::server::{Auth, ChannelOpenHandle, Handle, Handler, Msg, Session};
use russh::{Channel, ChannelId};
use russh_sftp::server::Config as SftpConfig;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, DuplexStream, copy, duplex, split};
use tracing::{info, warn};
use zeroize::Zeroizing;

use crate::access::{Access, Login};
use crate::files::Sftp;
use crate::inbox::Voice;

/// Channels of one connection.
const MAX_CHANNELS: usize = 4;
/// Longest command line.
const MAX_COMMAND: usize = 4096;
/// Longest name.
const MAX_USER: usize = 64;
/// Longest password; argon2 takes longer for longer ones.
const MAX_PASSWORD: usize = 1024;
/// Largest SFTP packet: OpenSSH writes 32 KiB at a time, others 64.
const MAX_SFTP_PACKET: u32 = 72 * 1024;

/// Bytes between a channel and the files behind it.
const PIPE: usize = 64 * 1024;

/// What a client of this connection may do and does.
pub(crate) struct Connection {
    access: Arc<dyn Access>,
    from: SocketAddr,
    login: Option<Login>,
    /// Opened and not yet used.
    channels: HashMap<ChannelId, Channel<Msg>>,
    opened: usize,
}

impl Connection {
    pub(crate) fn new(access: Arc<dyn Access>, from: SocketAddr) -> Self {
        Self {
            access,
            from,
            login: None,
            channels: HashMap::new(),
            opened: 0,
        }
    }

    /// The channel and who is at its other end; `None` refuses the request.
    fn take(&mut self, channel: ChannelId) -> Option<(Channel<Msg>, Login)> {
        let login = self.login.clone()?;
        Some((self.channels.remove(&channel)?, login))
    }
}

impl Handler for Connection {
    type Error = russh::Error;

    async fn authentication_banner(&mut self) -> Result<Option<String>, Self::Error> {
        Ok(Some(self.access.banner()))
    }

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        let fits = user.len() <= MAX_USER && password.len() <= MAX_PASSWORD;
        // Too long ones are checked like wrong ones, cut short: the time says nothing.
        let (asked, given) = if fits { (user, password) } else { ("", "") };
        let password = Zeroizing::new(given.to_owned());
        let known = self.access.password(asked, password, self.from).await && fits;
        let shown: String = user.chars().filter(|c| !c.is_control()).take(MAX_USER).collect();
        if !known {
            warn!("SSH login of {shown:?} from {} refused", self.from);
            return Ok(Auth::reject());
        }
        info!("{shown} logged in by SSH from {}", self.from);
        self.login = Some(Login {
            user: shown,
            from: self.from,
        });
        Ok(Auth::Accept)
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        // A handle that is dropped refuses the channel.
        if self.login.is_some() && self.opened < MAX_CHANNELS {
            self.opened += 1;
            self.channels.insert(channel.id(), channel);
            reply.accept().await;
        }
        Ok(())
    }

    async fn channel_close(&mut self, channel: ChannelId, _session: &mut Session) -> Result<(), Self::Error> {
        self.channels.remove(&channel);
        self.opened = self.opened.saturating_sub(1);
        Ok(())
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        _term: &str,
        _columns: u32,
        _rows: u32,
        _width: u32,
        _height: u32,
        _modes: &[(russh::Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_success(channel)
    }

    async fn shell_request(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        let Some((stream, login)) = self.take(channel) else {
            return session.channel_failure(channel);
        };
        session.channel_success(channel)?;
        let menu = self.access.menu(login, Box::new(stream.into_stream()));
        let handle = session.handle();
        tokio::spawn(async move {
            menu.await;
            finish(&handle, channel, 0).await;
        });
        Ok(())
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        data: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let line = std::str::from_utf8(data)
            .ok()
            .filter(|line| line.len() <= MAX_COMMAND);
        let (Some(line), Some((stream, login))) = (line, self.take(channel)) else {
            return session.channel_failure(channel);
        };
        session.channel_success(channel)?;
        let (line, access, handle) = (line.to_owned(), self.access.clone(), session.handle());
        tokio::spawn(async move {
            let output = stream.make_writer();
            let status = access.command(login, line, Box::new(output)).await;
            finish(&handle, channel, status).await;
            drop(stream);
        });
        Ok(())
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        name: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        if name != "sftp" {
            return session.channel_failure(channel);
        }
        let Some((stream, login)) = self.take(channel) else {
            return session.channel_failure(channel);
        };
        session.channel_success(channel)?;
        let voice = Voice {
            handle: session.handle(),
            channel,
        };
        let sftp = Sftp::new(self.access.files(), self.access.inbox(), login, voice);
        let limits = SftpConfig {
            max_client_packet_len: MAX_SFTP_PACKET,
        };
        let (near, far) = duplex(PIPE);
        russh_sftp::server::run_with_config(far, sftp, limits).await;
        let handle = session.handle();
        tokio::spawn(async move {
            let mut client = stream.into_stream();
            relay(&mut client, near).await;
            // Without it scp takes every copy for a failure. The stream closes the channel when it goes, so it goes last.
            finish(&handle, channel, 0).await;
            drop(client);
        });
        Ok(())
    }
}

/// Carries bytes both ways until the side of the files has ended.
async fn relay(client: &mut (impl AsyncRead + AsyncWrite + Unpin), files: DuplexStream) {
    let (mut from_client, mut to_client) = split(client);
    let (mut from_files, mut to_files) = split(files);
    let sending = async {
        let _ended = copy(&mut from_client, &mut to_files).await;
        let _ended = to_files.shutdown().await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = sending => {}
        _ended = copy(&mut from_files, &mut to_client) => {}
    }
}

/// Tells the exit status and closes. A client that is gone needs no answer.
async fn finish(handle: &Handle, channel: ChannelId, status: u32) {
    let told = handle.exit_status_request(channel, status).await;
    let ended = handle.eof(channel).await;
    if told.and(ended).is_ok() {
        let _gone = handle.close(channel).await;
    }
}

//! Files that arrive over SFTP: in one folder, each from its first byte to its last.
//!
//! SFTP lets a client write anywhere in a file and in any order; what arrives here is hashed and verified as it comes, so only
//! the next byte is taken. Clients that upload send them in order.

use std::future::Future;
use std::pin::Pin;

use russh::ChannelId;
use russh::server::Handle;
use russh_sftp::protocol::{OpenFlags, StatusCode};
use tracing::{info, warn};

use crate::access::{Answer, Login};

/// What an upload answers later.
pub type Taking<'a, T> = Pin<Box<dyn Future<Output = Result<T, String>> + Send + 'a>>;

/// A file that is arriving. Dropped before its end, nothing of it is left.
pub trait Upload: Send + Sync {
    /// Takes the next piece, or says why not.
    fn write(&mut self, piece: Vec<u8>) -> Taking<'_, ()>;

    /// It is all there: what has come of it, or why nothing has.
    fn finish(self: Box<Self>) -> Taking<'static, String>;
}

/// The one folder that takes files.
pub trait Inbox: Send + Sync + 'static {
    /// Its name, at the top.
    fn name(&self) -> &'static str;

    /// Begins a file.
    fn begin(&self, login: &Login, file: &str) -> Answer<Result<Box<dyn Upload>, String>>;
}

/// An upload and how far it is.
pub(crate) struct Inbound {
    upload: Box<dyn Upload>,
    file: String,
    written: u64,
}

impl Inbound {
    /// Begins the file at `path` (plain) of `inbox`.
    pub(crate) async fn begin(
        inbox: &dyn Inbox,
        login: &Login,
        path: &str,
        flags: OpenFlags,
        voice: &Voice,
    ) -> Result<Self, StatusCode> {
        let file = path
            .strip_prefix(inbox.name())
            .and_then(|rest| rest.strip_prefix('/'));
        let file = file.filter(|name| !name.is_empty() && !name.contains('/'));
        // Reading it back, or going on at its end, cannot be.
        let is_whole = !flags.intersects(OpenFlags::READ | OpenFlags::APPEND);
        let Some(file) = file.filter(|_| is_whole) else {
            return Err(StatusCode::PermissionDenied);
        };
        info!("{} at {} sends {file:?}", login.user, login.from);
        match inbox.begin(login, file).await {
            Ok(upload) => Ok(Self {
                upload,
                file: file.to_owned(),
                written: 0,
            }),
            Err(why) => Err(voice.refuse(file, &why).await),
        }
    }

    /// Takes a piece that lies at `offset`.
    pub(crate) async fn write(
        &mut self,
        offset: u64,
        piece: Vec<u8>,
        voice: &Voice,
    ) -> Result<(), StatusCode> {
        if offset != self.written {
            let why = "it must be sent from its beginning, in order";
            return Err(voice.refuse(&self.file, why).await);
        }
        self.written += piece.len() as u64;
        match self.upload.write(piece).await {
            Ok(()) => Ok(()),
            Err(why) => Err(voice.refuse(&self.file, &why).await),
        }
    }

    /// The client has closed it: it is all there.
    pub(crate) async fn finish(self, voice: &Voice) -> Result<(), StatusCode> {
        match self.upload.finish().await {
            Ok(words) => {
                voice.say(&format!("{}: {words}", self.file)).await;
                Ok(())
            }
            Err(why) => Err(voice.refuse(&self.file, &why).await),
        }
    }
}

/// Tells the person behind a client what SFTP has no words for: on the channel's standard error, which `sftp` and `scp` show.
pub(crate) struct Voice {
    pub(crate) handle: Handle,
    pub(crate) channel: ChannelId,
}

/// Number of standard error among a channel's streams (RFC 4254, section 5.2).
const STANDARD_ERROR: u32 = 1;

impl Voice {
    async fn say(&self, words: &str) {
        let line: String = words.chars().filter(|c| !c.is_control()).collect();
        let line = line + "\r\n";
        let _gone = self
            .handle
            .extended_data(self.channel, STANDARD_ERROR, line.into_bytes())
            .await;
    }

    async fn refuse(&self, file: &str, why: &str) -> StatusCode {
        warn!("the file {file:?} sent by SSH is not taken: {why}");
        self.say(why).await;
        StatusCode::Failure
    }
}

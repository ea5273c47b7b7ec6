//! Channels that carry files: what is done to them is recorded, and what may not be done is refused before the server hears of it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use sps_proxy_engine::{Allowed, Done, FileEvent, Kind, Out, Scp, ScpMode, Sftp, SftpError};
use thiserror::Error;
use tokio::sync::Notify;

use super::pair::{Over, STDERR, Shared, Step, ToClient, ToServer};
use crate::recording::{FileOperation, What};

/// What follows the files of one channel.
pub(super) struct Files {
    protocol: Mutex<Protocol>,
    /// Something was refused: the client is to hear it.
    refused: Notify,
}

enum Protocol {
    Sftp(Box<Sftp>),
    Scp(Scp),
}

/// Why a transfer does not go on.
#[derive(Clone, Copy, Debug, Error)]
enum Unfollowed {
    #[error(transparent)]
    Sftp(SftpError),
    #[error("what passes is not the protocol of scp")]
    Scp,
}

const fn followed(scp: &Scp) -> Result<(), Unfollowed> {
    if scp.is_lost() {
        Err(Unfollowed::Scp)
    } else {
        Ok(())
    }
}

impl Files {
    /// For a channel that became this; none when it carries no files.
    pub(super) fn new(kind: Kind, command: &str, allowed: &Allowed) -> Option<Self> {
        let protocol = match kind {
            Kind::Sftp => Protocol::Sftp(Box::new(Sftp::new(allowed.operations.clone()))),
            Kind::Scp => Protocol::Scp(Scp::new(ScpMode::of_command(command)?)),
            _ => return None,
        };
        Some(Self {
            protocol: Mutex::new(protocol),
            refused: Notify::new(),
        })
    }

    /// Why a copy by `scp` may not be, by the operations that are allowed.
    pub(super) fn objection(kind: Kind, command: &str, allowed: &Allowed) -> Option<String> {
        if kind != Kind::Scp {
            return None;
        }
        let all = sps_proxy_engine::Operation::ALL.len();
        match ScpMode::of_command(command).map(ScpMode::done) {
            None if allowed.operations.len() < all => Some("this command of scp is not understood".into()),
            Some(done)
                if !done
                    .needs()
                    .iter()
                    .all(|needed| allowed.operations.contains(needed)) =>
            {
                let word = if done == Done::Read { "from" } else { "to" };
                Some(format!(
                    "the policy does not allow to copy files {word} the server"
                ))
            }
            _ => None,
        }
    }

    /// Passes on what the client says.
    pub(super) async fn upstream(
        &self,
        shared: &Shared,
        data: &Bytes,
        near: &ToClient,
        far: &ToServer,
    ) -> Step {
        let (out, events) = {
            let mut protocol = self.lock();
            match &mut *protocol {
                Protocol::Sftp(sftp) => (sftp.requests(data).map_err(Unfollowed::Sftp), sftp.events()),
                Protocol::Scp(scp) if scp.mode() == ScpMode::ToServer => {
                    let events = scp.sent(data);
                    (followed(scp).map(|()| whole(data)), events)
                }
                Protocol::Scp(_) => (Ok(whole(data)), Vec::new()),
            }
        };
        record(shared, events).await?;
        let out = match out {
            Ok(out) => out,
            Err(error) => return broken(shared, near, error).await,
        };
        for out in out {
            match out {
                Out::Pass(range) => far.data_bytes(data.slice(range)).await?,
                Out::Held(held) => far.data_bytes(Bytes::from(held)).await?,
            }
        }
        self.refused.notify_one();
        Ok(())
    }

    /// Passes on what the server says, with refusals between its answers.
    pub(super) async fn downstream(&self, shared: &Shared, mut data: Bytes, near: &ToClient) -> Step {
        let (boundary, events) = {
            let mut protocol = self.lock();
            match &mut *protocol {
                Protocol::Sftp(sftp) => (sftp.answers(&data).map_err(Unfollowed::Sftp), sftp.events()),
                Protocol::Scp(scp) if scp.mode() == ScpMode::FromServer => {
                    let events = scp.sent(&data);
                    (followed(scp).map(|()| None), events)
                }
                Protocol::Scp(_) => (Ok(None), Vec::new()),
            }
        };
        record(shared, events).await?;
        let boundary = match boundary {
            Ok(boundary) => boundary,
            Err(error) => return broken(shared, near, error).await,
        };
        if let Some(boundary) = boundary {
            let refusals = self.refusals(true);
            if !refusals.is_empty() {
                near.data_bytes(data.split_to(boundary)).await?;
                near.data_bytes(Bytes::from(refusals)).await?;
            }
        }
        if !data.is_empty() {
            near.data_bytes(data).await?;
        }
        Ok(())
    }

    /// Waits until something was refused.
    pub(super) async fn refused(&self) {
        self.refused.notified().await;
    }

    /// Tells the client what was refused, unless an answer of the server is not over: then it comes behind that.
    pub(super) async fn tell(&self, near: &ToClient) -> Step {
        let refusals = self.refusals(false);
        if !refusals.is_empty() {
            near.data_bytes(Bytes::from(refusals)).await?;
        }
        Ok(())
    }

    /// Records what was not over.
    pub(super) async fn end(&self, shared: &Shared) {
        let events = match &mut *self.lock() {
            Protocol::Sftp(sftp) => sftp.end(),
            Protocol::Scp(scp) => scp.end().into_iter().collect(),
        };
        let _ended_anyhow = record(shared, events).await;
    }

    fn refusals(&self, at_boundary: bool) -> Vec<u8> {
        match &mut *self.lock() {
            Protocol::Sftp(sftp) if at_boundary || sftp.is_between_answers() => sftp.refusals(),
            _ => Vec::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Protocol> {
        self.protocol.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn whole(data: &Bytes) -> Vec<Out> {
    vec![Out::Pass(0..data.len())]
}

async fn record(shared: &Shared, events: Vec<FileEvent>) -> Step {
    for event in events {
        let what = What::File {
            operation: match event.done {
                Done::Read => FileOperation::Read,
                Done::Write => FileOperation::Write,
                Done::List => FileOperation::List,
                Done::Delete => FileOperation::Delete,
                Done::Change => FileOperation::Change,
            },
            path: event.path,
            bytes: event.bytes,
            result: event.result,
        };
        if !shared.record(what).await {
            return Err(Over);
        }
    }
    Ok(())
}

/// What cannot be followed does not go on; the person reads why.
async fn broken(shared: &Shared, near: &ToClient, error: Unfollowed) -> Step {
    let text = format!("the file transfer ends: {error}");
    shared.record(What::Note { text: text.clone() }).await;
    let text = format!("{text}\r\n");
    near.extended_data_bytes(STDERR, text.into_bytes()).await?;
    Err(Over)
}

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

/// Why a file is not taken, and which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// There is no such place.
    Place,
    /// In words.
    Because { file: String, why: String },
}

impl Inbound {
    /// Begins the file at `path` (plain) of `inbox`.
    pub(crate) async fn begin(
        inbox: &dyn Inbox,
        login: &Login,
        path: &str,
        flags: OpenFlags,
    ) -> Result<Self, Refused> {
        let file = path
            .strip_prefix(inbox.name())
            .and_then(|rest| rest.strip_prefix('/'));
        let file = file.filter(|name| !name.is_empty() && !name.contains('/'));
        // Reading it back, or going on at its end, cannot be.
        let is_whole = !flags.intersects(OpenFlags::READ | OpenFlags::APPEND);
        let file = file.filter(|_| is_whole).ok_or(Refused::Place)?.to_owned();
        info!("{} at {} sends {file:?}", login.user, login.from);
        match inbox.begin(login, &file).await {
            Ok(upload) => Ok(Self {
                upload,
                file,
                written: 0,
            }),
            Err(why) => Err(Refused::Because { file, why }),
        }
    }

    /// Takes a piece that lies at `offset`.
    pub(crate) async fn write(&mut self, offset: u64, piece: Vec<u8>) -> Result<(), Refused> {
        if offset != self.written {
            let why = "it must be sent from its beginning, in order".into();
            return Err(self.refused(why));
        }
        self.written += piece.len() as u64;
        let taken = self.upload.write(piece).await;
        taken.map_err(|why| self.refused(why))
    }

    /// The client has closed it: it is all there. What has come of it.
    pub(crate) async fn finish(self) -> Result<String, Refused> {
        let Self { upload, file, .. } = self;
        match upload.finish().await {
            Ok(words) => Ok(format!("{file}: {words}")),
            Err(why) => Err(Refused::Because { file, why }),
        }
    }

    fn refused(&self, why: String) -> Refused {
        let file = self.file.clone();
        Refused::Because { file, why }
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
    pub(crate) async fn say(&self, words: &str) {
        let line: String = words.chars().filter(|c| !c.is_control()).collect();
        let line = line + "\r\n";
        let _gone = self
            .handle
            .extended_data(self.channel, STANDARD_ERROR, line.into_bytes())
            .await;
    }

    /// Says why, and gives what SFTP has for it.
    pub(crate) async fn refuse(&self, refused: Refused) -> StatusCode {
        match refused {
            Refused::Place => StatusCode::PermissionDenied,
            Refused::Because { file, why } => {
                warn!("the file {file:?} sent by SSH is not taken: {why}");
                self.say(&why).await;
                StatusCode::Failure
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Shelf(Arc<Mutex<Vec<u8>>>);

    impl Inbox for Shelf {
        fn name(&self) -> &'static str {
            "firmware"
        }

        fn begin(&self, _login: &Login, file: &str) -> Answer<Result<Box<dyn Upload>, String>> {
            let begun: Result<Box<dyn Upload>, String> = match file {
                "busy" => Err("another one is arriving".into()),
                _ => Ok(Box::new(self.clone())),
            };
            Box::pin(async move { begun })
        }
    }

    impl Upload for Shelf {
        fn write(&mut self, piece: Vec<u8>) -> Taking<'_, ()> {
            self.0.lock().unwrap().extend(piece);
            Box::pin(async { Ok(()) })
        }

        fn finish(self: Box<Self>) -> Taking<'static, String> {
            Box::pin(async { Ok("there".into()) })
        }
    }

    async fn begin(path: &str, flags: OpenFlags) -> Result<(Shelf, Inbound), Refused> {
        let login = Login {
            user: "admin".into(),
            from: "192.0.2.9:4000".parse().unwrap(),
        };
        let shelf = Shelf::default();
        let inbound = Inbound::begin(&shelf, &login, path, flags).await?;
        Ok((shelf, inbound))
    }

    #[tokio::test]
    async fn only_new_files_of_the_one_folder_are_begun() {
        let write = OpenFlags::WRITE | OpenFlags::CREATE | OpenFlags::TRUNCATE;
        assert!(begin("firmware/a.iso", write).await.is_ok());
        for path in [
            "",
            "firmware",
            "firmware/",
            "firmware/a/b",
            "firmwarea",
            "logs/a",
            "a",
        ] {
            let refused = begin(path, write).await.err();
            assert_eq!(refused, Some(Refused::Place), "{path:?}");
        }
        for more in [OpenFlags::READ, OpenFlags::APPEND] {
            let refused = begin("firmware/a.iso", write | more).await.err();
            assert_eq!(refused, Some(Refused::Place), "{more:?}");
        }
        let Some(Refused::Because { why, .. }) = begin("firmware/busy", write).await.err() else {
            panic!("it was begun");
        };
        assert_eq!(why, "another one is arriving");
    }

    #[tokio::test]
    async fn only_the_next_byte_is_taken() {
        let (shelf, mut inbound) = begin("firmware/a.iso", OpenFlags::WRITE).await.unwrap();
        inbound.write(0, b"hello ".to_vec()).await.unwrap();
        for offset in [0, 5, 7, u64::MAX] {
            let refused = inbound.write(offset, b"x".to_vec()).await.unwrap_err();
            assert!(matches!(refused, Refused::Because { why, .. } if why.contains("in order")));
        }
        inbound.write(6, b"world".to_vec()).await.unwrap();
        assert_eq!(*shelf.0.lock().unwrap(), b"hello world");
        assert_eq!(inbound.finish().await.unwrap(), "a.iso: there");
    }
}

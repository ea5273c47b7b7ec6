//! Files over SFTP: one flat list of folders with plain files, as [`Files`] tells them, read-only; and one folder that takes
//! files ([`Inbox`]), in which none is ever seen.
//!
//! Nothing here opens a path: names are looked up in the list, so there is no way out of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use russh_sftp::protocol::{
    Attrs, Data, File, FileAttributes, Handle, Name, OpenFlags, Status, StatusCode, Version,
};
use tokio::task;
use tracing::info;

use crate::access::Login;
use crate::inbox::{Inbound, Inbox, Voice};

/// Files and folders open at a time.
const MAX_OPEN: usize = 32;
/// Bytes of one answer to a read: what OpenSSH asks for at most.
const MAX_READ: u32 = 256 * 1024;
/// Names in one answer to a directory listing.
const NAMES_AT_ONCE: usize = 64;
const FILE_MODE: u32 = 0o100_444;
const FOLDER_MODE: u32 = 0o040_555;
const INBOX_MODE: u32 = 0o040_733;

/// A file that can be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileView {
    /// `folder/name` or `name`, without leading slash.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Seconds since 1970.
    pub modified: u32,
}

/// The files there are. Calls may block; they run on threads for that.
pub trait Files: Send + Sync + 'static {
    /// Every file there is now.
    fn list(&self) -> Vec<FileView>;

    /// Up to `length` bytes of the file `path` from `offset`; none at its end; `None` when there is no such file.
    fn read(&self, path: &str, offset: u64, length: u32) -> Option<Vec<u8>>;
}

/// One SFTP session.
pub(crate) struct Sftp {
    files: Arc<dyn Files>,
    inbox: Option<Arc<dyn Inbox>>,
    login: Login,
    voice: Voice,
    open: BTreeMap<String, Open>,
    next: u64,
}

enum Open {
    File(String),
    /// What is left to tell.
    Folder(Vec<File>),
    Arriving(Inbound),
}

/// What a path leads to.
enum Entry {
    File(FileView),
    Folder(String),
    Inbox,
}

impl Sftp {
    pub(crate) fn new(
        files: Arc<dyn Files>,
        inbox: Option<Arc<dyn Inbox>>,
        login: Login,
        voice: Voice,
    ) -> Self {
        Self {
            files,
            inbox,
            login,
            voice,
            open: BTreeMap::new(),
            next: 0,
        }
    }

    async fn list(&self) -> Result<Vec<FileView>, StatusCode> {
        let files = self.files.clone();
        task::spawn_blocking(move || files.list())
            .await
            .map_err(|_| StatusCode::Failure)
    }

    async fn find(&self, path: &str) -> Result<Entry, StatusCode> {
        let path = plain(path)?;
        if self.inbox.as_ref().is_some_and(|inbox| inbox.name() == path) {
            return Ok(Entry::Inbox);
        }
        let list = self.list().await?;
        if let Some(file) = list.iter().find(|file| file.path == path) {
            return Ok(Entry::File(file.clone()));
        }
        let below = format!("{path}/");
        let folder = path.is_empty() || list.iter().any(|file| file.path.starts_with(&below));
        if folder {
            Ok(Entry::Folder(path))
        } else {
            Err(StatusCode::NoSuchFile)
        }
    }

    /// Begins a file that arrives; one at a time.
    async fn begin(&mut self, id: u32, path: &str, flags: OpenFlags) -> Result<Handle, StatusCode> {
        let inbox = self.inbox.clone().ok_or(StatusCode::PermissionDenied)?;
        let path = plain(path)?;
        match Inbound::begin(inbox.as_ref(), &self.login, &path, flags).await {
            Ok(inbound) => self.keep(id, Open::Arriving(inbound)),
            Err(refused) => Err(self.voice.refuse(refused).await),
        }
    }

    fn keep(&mut self, id: u32, open: Open) -> Result<Handle, StatusCode> {
        if self.open.len() >= MAX_OPEN {
            return Err(StatusCode::Failure);
        }
        self.next += 1;
        let handle = self.next.to_string();
        self.open.insert(handle.clone(), open);
        Ok(Handle { id, handle })
    }
}

fn ok(id: u32) -> Status {
    Status {
        id,
        status_code: StatusCode::Ok,
        error_message: "Ok".into(),
        language_tag: "en".into(),
    }
}

/// `/a/b`, `a/b` and `./a//b` name the same; `..` leads up and never further than the top.
fn plain(path: &str) -> Result<String, StatusCode> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part if part.contains('\0') => return Err(StatusCode::NoSuchFile),
            part => parts.push(part),
        }
    }
    Ok(parts.join("/"))
}

fn attributes(entry: &Entry) -> FileAttributes {
    let (mode, size, modified) = match entry {
        Entry::File(file) => (FILE_MODE, file.size, file.modified),
        Entry::Folder(_) => (FOLDER_MODE, 0, 0),
        Entry::Inbox => (INBOX_MODE, 0, 0),
    };
    FileAttributes {
        size: Some(size),
        uid: Some(0),
        gid: Some(0),
        permissions: Some(mode),
        atime: Some(modified),
        mtime: Some(modified),
        ..FileAttributes::default()
    }
}

/// Files and folders directly below `folder`.
fn children(list: &[FileView], folder: &str) -> Vec<File> {
    let prefix = if folder.is_empty() {
        String::new()
    } else {
        format!("{folder}/")
    };
    let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
    for file in list {
        let Some(rest) = file.path.strip_prefix(&prefix) else {
            continue;
        };
        match rest.split_once('/') {
            Some((name, _)) => entries.insert(name.to_owned(), Entry::Folder(name.to_owned())),
            None => entries.insert(rest.to_owned(), Entry::File(file.clone())),
        };
    }
    let file = |(name, entry): (String, Entry)| File::new(name, attributes(&entry));
    entries.into_iter().map(file).collect()
}

impl russh_sftp::server::Handler for Sftp {
    type Error = StatusCode;

    /// Everything that is not answered below would write.
    fn unimplemented(&self) -> StatusCode {
        StatusCode::PermissionDenied
    }

    async fn init(
        &mut self,
        _version: u32,
        _extensions: std::collections::HashMap<String, String>,
    ) -> Result<Version, StatusCode> {
        Ok(Version::new())
    }

    async fn open(
        &mut self,
        id: u32,
        filename: String,
        flags: OpenFlags,
        _attrs: FileAttributes,
    ) -> Result<Handle, StatusCode> {
        if flags.intersects(OpenFlags::WRITE) {
            return self.begin(id, &filename, flags).await;
        }
        if flags.bits() != OpenFlags::READ.bits() {
            return Err(StatusCode::PermissionDenied);
        }
        let Entry::File(file) = self.find(&filename).await? else {
            return Err(StatusCode::Failure);
        };
        info!("{} at {} reads {}", self.login.user, self.login.from, file.path);
        self.keep(id, Open::File(file.path))
    }

    async fn close(&mut self, id: u32, handle: String) -> Result<Status, StatusCode> {
        let closed = self.open.remove(&handle).ok_or(StatusCode::Failure)?;
        if let Open::Arriving(inbound) = closed {
            match inbound.finish().await {
                Ok(words) => self.voice.say(&words).await,
                Err(refused) => return Err(self.voice.refuse(refused).await),
            }
        }
        Ok(ok(id))
    }

    async fn write(
        &mut self,
        id: u32,
        handle: String,
        offset: u64,
        data: Vec<u8>,
    ) -> Result<Status, StatusCode> {
        let Some(Open::Arriving(inbound)) = self.open.get_mut(&handle) else {
            return Err(StatusCode::Failure);
        };
        match inbound.write(offset, data).await {
            Ok(()) => Ok(ok(id)),
            Err(refused) => {
                // Nothing of it is left, and what the client has sent already is not looked at.
                self.open.remove(&handle);
                Err(self.voice.refuse(refused).await)
            }
        }
    }

    /// Modes and times that clients set at the end of an upload mean nothing here.
    async fn fsetstat(
        &mut self,
        id: u32,
        handle: String,
        _attrs: FileAttributes,
    ) -> Result<Status, StatusCode> {
        match self.open.get(&handle) {
            Some(Open::Arriving(_)) => Ok(ok(id)),
            _ => Err(StatusCode::PermissionDenied),
        }
    }

    async fn read(&mut self, id: u32, handle: String, offset: u64, len: u32) -> Result<Data, StatusCode> {
        let Some(Open::File(path)) = self.open.get(&handle) else {
            return Err(StatusCode::Failure);
        };
        let (files, path) = (self.files.clone(), path.clone());
        let data = task::spawn_blocking(move || files.read(&path, offset, len.min(MAX_READ)))
            .await
            .map_err(|_| StatusCode::Failure)?
            .ok_or(StatusCode::NoSuchFile)?;
        if data.is_empty() {
            return Err(StatusCode::Eof);
        }
        Ok(Data { id, data })
    }

    async fn opendir(&mut self, id: u32, path: String) -> Result<Handle, StatusCode> {
        let names = match self.find(&path).await? {
            Entry::File(_) => return Err(StatusCode::Failure),
            Entry::Inbox => Vec::new(),
            Entry::Folder(folder) => {
                let mut names = children(&self.list().await?, &folder);
                let inbox = self.inbox.as_ref().filter(|_| folder.is_empty());
                names.extend(inbox.map(|inbox| File::new(inbox.name(), attributes(&Entry::Inbox))));
                names
            }
        };
        self.keep(id, Open::Folder(names))
    }

    async fn readdir(&mut self, id: u32, handle: String) -> Result<Name, StatusCode> {
        let Some(Open::Folder(left)) = self.open.get_mut(&handle) else {
            return Err(StatusCode::Failure);
        };
        if left.is_empty() {
            return Err(StatusCode::Eof);
        }
        let rest = left.split_off(left.len().min(NAMES_AT_ONCE));
        let files = std::mem::replace(left, rest);
        Ok(Name { id, files })
    }

    async fn realpath(&mut self, id: u32, path: String) -> Result<Name, StatusCode> {
        let path = format!("/{}", plain(&path)?);
        Ok(Name {
            id,
            files: vec![File::dummy(path)],
        })
    }

    async fn stat(&mut self, id: u32, path: String) -> Result<Attrs, StatusCode> {
        let attrs = attributes(&self.find(&path).await?);
        Ok(Attrs { id, attrs })
    }

    async fn lstat(&mut self, id: u32, path: String) -> Result<Attrs, StatusCode> {
        self.stat(id, path).await
    }

    async fn fstat(&mut self, id: u32, handle: String) -> Result<Attrs, StatusCode> {
        match self.open.get(&handle) {
            Some(Open::File(path)) => {
                let path = path.clone();
                self.stat(id, path).await
            }
            _ => Err(StatusCode::Failure),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(path: &str) -> FileView {
        FileView {
            path: path.into(),
            size: 1,
            modified: 0,
        }
    }

    #[test]
    fn paths_never_lead_further_up_than_the_top() {
        for (given, meant) in [
            ("/", ""),
            (".", ""),
            ("../../etc/passwd", "etc/passwd"),
            ("/logs/../logs//./a", "logs/a"),
        ] {
            assert_eq!(plain(given).unwrap(), meant);
        }
        assert!(plain("a\0b").is_err());
    }

    #[test]
    fn folders_are_told_once() {
        let list = [view("boot.log"), view("logs/a"), view("logs/b")];
        let names =
            |folder| -> Vec<String> { children(&list, folder).into_iter().map(|f| f.filename).collect() };
        assert_eq!(names(""), ["boot.log", "logs"]);
        assert_eq!(names("logs"), ["a", "b"]);
        assert!(names("log").is_empty());
    }
}

//! SFTP, version 3 (draft-ietf-secsh-filexfer-02, and OpenSSH's `PROTOCOL` for its extensions).
//!
//! A request is judged before it goes to the server: its head is held back until it is whole. What a request writes, and what an answer brings, passes
//! through as it comes. A refusal is an answer of the appliance's own; it may come between two answers of the server, which bear the numbers of their
//! requests.

mod framing;

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use thiserror::Error;

use self::framing::{LONGEST_HANDLE, WRITE, handle, head_of_request, length_of, missing, status, two};
use super::wire::{Packet, put_text};
use super::{Done, FileEvent};
use crate::channels::Operation;

/// Requests without an answer, and what may be open: `sftp` has 64 and one.
const MOST: usize = 4096;
/// Bytes of refusals that the client has not taken yet.
const REFUSALS: usize = 128 * 1024;
/// Head of an answer that is looked at: number, type, and a handle or a status.
const HEAD: usize = 4 + 1 + 4 + 4 + LONGEST_HANDLE;

const INIT: u8 = 1;
const OPEN: u8 = 3;
const CLOSE: u8 = 4;
const READ: u8 = 5;
const OPENDIR: u8 = 11;
const EXTENDED: u8 = 200;
const STATUS: u8 = 101;
const HANDLE: u8 = 102;
const DATA: u8 = 103;
/// Flags of OPEN that write: write, append, create, truncate.
const WRITES: u32 = 0x02 | 0x04 | 0x08 | 0x10;
const READS: u32 = 0x01;
const PERMISSION_DENIED: u32 = 3;
const UNSUPPORTED: u32 = 8;
/// Extensions that ask, or work on what is open: OpenSSH's.
const HARMLESS: [&str; 9] = [
    "statvfs@openssh.com",
    "fstatvfs@openssh.com",
    "fsync@openssh.com",
    "limits@openssh.com",
    "expand-path@openssh.com",
    "copy-data",
    "home-directory",
    "users-groups-by-id@openssh.com",
    "vendor-id",
];

/// Why the connection cannot go on.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SftpError {
    /// A packet is none.
    #[error("what passes is not SFTP, version 3")]
    NotSftp,
    /// Nothing bounds it.
    #[error("too much is open, or asked for at a time")]
    TooMuch,
}

/// What goes to the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Out {
    /// A part of what was given.
    Pass(Range<usize>),
    /// What was held back.
    Held(Vec<u8>),
}

/// A request that was passed on.
#[derive(Clone, Debug)]
enum Asked {
    Open { path: String, done: Done },
    Close { handle: Vec<u8> },
    Read { handle: Vec<u8> },
    Other { done: Done, path: String },
    Nothing,
}

/// Something that is open.
#[derive(Clone, Debug)]
struct Opened {
    path: String,
    done: Done,
    read: u64,
    written: u64,
}

/// Both sides of a connection.
#[derive(Debug)]
pub struct Sftp {
    allowed: BTreeSet<Operation>,
    held: Vec<u8>,
    /// Bytes of a request that pass.
    passing: usize,
    asked: HashMap<u32, Asked>,
    open: HashMap<Vec<u8>, Opened>,
    refusals: Vec<u8>,
    head: Vec<u8>,
    /// Bytes of an answer behind its head.
    behind: usize,
    events: Vec<FileEvent>,
}

impl Sftp {
    /// With what may be done.
    #[must_use]
    pub fn new(allowed: BTreeSet<Operation>) -> Self {
        Self {
            allowed,
            held: Vec::new(),
            passing: 0,
            asked: HashMap::new(),
            open: HashMap::new(),
            refusals: Vec::new(),
            head: Vec::new(),
            behind: 0,
            events: Vec::new(),
        }
    }

    /// What the client says: what of it goes to the server.
    ///
    /// # Errors
    /// It is no SFTP, or too much: the connection ends.
    pub fn requests(&mut self, data: &[u8]) -> Result<Vec<Out>, SftpError> {
        let mut out = Vec::new();
        let mut at = 0;
        while at < data.len() {
            if self.passing > 0 {
                let end = data.len().min(at + self.passing);
                self.passing -= end - at;
                out.push(Out::Pass(at..end));
                at = end;
                continue;
            }
            let rest = data.get(at..).unwrap_or_default();
            let whole = self
                .held
                .is_empty()
                .then(|| head_of_request(rest))
                .transpose()?
                .flatten();
            if let Some((head, length)) = whole {
                // The common case: nothing is copied.
                let packet = rest.get(..head).unwrap_or_default();
                if let Some(changed) = self.judge(packet)? {
                    match changed {
                        Judged::Pass => out.push(Out::Pass(at..at + head)),
                        Judged::Changed(packet) => out.push(Out::Held(packet)),
                    }
                    self.passing = length - head;
                }
                at += head;
                continue;
            }
            self.held.push(rest.first().copied().unwrap_or_default());
            at += 1;
            // In large steps where it is known how much is missing.
            if let Some(missing) = missing(&self.held)? {
                let take = missing.min(data.len() - at);
                self.held
                    .extend_from_slice(data.get(at..at + take).unwrap_or_default());
                at += take;
            }
            if let Some((head, length)) = head_of_request(&self.held)? {
                let packet = std::mem::take(&mut self.held);
                debug_assert_eq!(packet.len(), head);
                if let Some(changed) = self.judge(&packet)? {
                    out.push(Out::Held(match changed {
                        Judged::Pass => packet,
                        Judged::Changed(packet) => packet,
                    }));
                    self.passing = length - head;
                }
            }
        }
        Ok(out)
    }

    /// What the server says, all of which goes to the client. Returns how much of it ends with the end of an answer: there refusals may stand.
    ///
    /// # Errors
    /// It is no SFTP: the connection ends.
    pub fn answers(&mut self, data: &[u8]) -> Result<Option<usize>, SftpError> {
        let mut boundary = None;
        let mut at = 0;
        while at < data.len() {
            if self.behind > 0 {
                let step = self.behind.min(data.len() - at);
                self.behind -= step;
                at += step;
            } else {
                let wanted = self.head_wanted();
                let step = (wanted - self.head.len()).min(data.len() - at);
                self.head
                    .extend_from_slice(data.get(at..at + step).unwrap_or_default());
                at += step;
                if self.head.len() < self.head_wanted() {
                    continue;
                }
                let head = std::mem::take(&mut self.head);
                self.behind = length_of(&head)?.saturating_sub(head.len());
                self.answer(&head)?;
            }
            if self.behind == 0 && self.head.is_empty() {
                boundary = Some(at);
            }
        }
        Ok(boundary)
    }

    /// Whether refusals may stand now.
    #[must_use]
    pub const fn is_between_answers(&self) -> bool {
        self.behind == 0 && self.head.is_empty()
    }

    /// Answers of the appliance's own.
    pub fn refusals(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.refusals)
    }

    /// What was done since this was asked.
    pub fn events(&mut self) -> Vec<FileEvent> {
        std::mem::take(&mut self.events)
    }

    /// What was still open when everything ended.
    pub fn end(&mut self) -> Vec<FileEvent> {
        let open: Vec<Opened> = self.open.drain().map(|(_, opened)| opened).collect();
        for opened in open {
            self.over(opened, "not closed");
        }
        self.events()
    }

    /// Bytes of an answer's head that are needed, as far as that is known.
    fn head_wanted(&self) -> usize {
        match length_of(&self.head) {
            Ok(whole) if self.head.len() >= 4 => whole.min(HEAD),
            _ => 4,
        }
    }

    fn judge(&mut self, packet: &[u8]) -> Result<Option<Judged>, SftpError> {
        let mut fields = Packet(packet.get(4..).unwrap_or_default());
        let kind = fields.u8().ok_or(SftpError::NotSftp)?;
        if kind == INIT {
            // A later version than the one that is read here is not spoken.
            let version = fields.u32().ok_or(SftpError::NotSftp)?.min(3);
            let mut packet = packet.to_vec();
            if let Some(place) = packet.get_mut(5..9) {
                place.copy_from_slice(&version.to_be_bytes());
            }
            return Ok(Some(Judged::Changed(packet)));
        }
        let id = fields.u32().ok_or(SftpError::NotSftp)?;
        let asked = self.ask(kind, &mut fields).ok_or(SftpError::NotSftp)?;
        match asked {
            Ok(asked) => {
                if self.asked.contains_key(&id) {
                    // Nobody could tell whose the answer is.
                    return Err(SftpError::NotSftp);
                }
                if self.asked.len() >= MOST || self.open.len() >= MOST {
                    return Err(SftpError::TooMuch);
                }
                self.asked.insert(id, asked);
                Ok(Some(Judged::Pass))
            }
            Err(refused) => {
                if self.refusals.len() >= REFUSALS {
                    return Err(SftpError::TooMuch);
                }
                self.refuse(id, &refused);
                Ok(None)
            }
        }
    }

    /// What a request asks; none when its fields are none, an error when it is refused.
    fn ask(&mut self, kind: u8, fields: &mut Packet<'_>) -> Option<Result<Asked, Refused>> {
        let other = |done, path: String| Some((done, path));
        let (done, path) = match kind {
            OPEN => {
                let (path, flags) = (fields.text()?, fields.u32()?);
                return Some(self.open(path, flags));
            }
            CLOSE => {
                let handle = handle(fields)?;
                return Some(Ok(Asked::Close { handle }));
            }
            READ => {
                let handle = handle(fields)?;
                return Some(Ok(Asked::Read { handle }));
            }
            WRITE => {
                let (handle, _offset, length) = (handle(fields)?, fields.u64()?, fields.u32()?);
                if let Some(open) = self.open.get_mut(&handle) {
                    open.written += u64::from(length);
                }
                return Some(Ok(Asked::Nothing));
            }
            // Attributes of names and of what is open, the name of a place, a link: they are told, not changed.
            7 | 8 | 12 | 16 | 17 | 19 => return Some(Ok(Asked::Nothing)),
            OPENDIR => {
                let path = fields.text()?;
                return Some(match self.may(Done::List, &path) {
                    Ok(()) => Ok(Asked::Open {
                        path,
                        done: Done::List,
                    }),
                    Err(refused) => Err(refused),
                });
            }
            9 | 14 => other(Done::Change, fields.text()?)?,
            // Attributes of what is open.
            10 => {
                let handle = handle(fields)?;
                let path = self
                    .open
                    .get(&handle)
                    .map_or_else(String::new, |open| open.path.clone());
                (Done::Change, path)
            }
            13 | 15 => other(Done::Delete, fields.text()?)?,
            18 | 20 => other(Done::Change, two(fields)?)?,
            EXTENDED => match fields.text()?.as_str() {
                "posix-rename@openssh.com" | "hardlink@openssh.com" => other(Done::Change, two(fields)?)?,
                "lsetstat@openssh.com" => other(Done::Change, fields.text()?)?,
                name if HARMLESS.contains(&name) || self.allowed.len() == Operation::ALL.len() => {
                    return Some(Ok(Asked::Nothing));
                }
                name => {
                    let refused = Refused {
                        code: UNSUPPORTED,
                        why: format!("{name} is not passed on where not everything is allowed"),
                    };
                    return Some(Err(refused));
                }
            },
            _ if self.allowed.len() == Operation::ALL.len() => return Some(Ok(Asked::Nothing)),
            _ => {
                return Some(Err(Refused {
                    code: UNSUPPORTED,
                    why: "this request is not known".into(),
                }));
            }
        };
        Some(self.may(done, &path).map(|()| Asked::Other { done, path }))
    }

    fn open(&mut self, path: String, flags: u32) -> Result<Asked, Refused> {
        if flags & WRITES != 0 {
            self.may(Done::Write, &path)?;
        }
        if flags & READS != 0 || flags & WRITES == 0 {
            self.may(Done::Read, &path)?;
        }
        let done = if flags & WRITES != 0 {
            Done::Write
        } else {
            Done::Read
        };
        Ok(Asked::Open { path, done })
    }

    fn may(&mut self, done: Done, path: &str) -> Result<(), Refused> {
        if done.needs().iter().all(|needed| self.allowed.contains(needed)) {
            return Ok(());
        }
        let why = match done {
            Done::Read => "the policy does not allow to read files",
            Done::Write => "the policy does not allow to write files",
            Done::List => "the policy does not allow to list folders",
            Done::Delete => "the policy does not allow to remove files",
            Done::Change => "the policy does not allow to change files",
        };
        self.tell(done, path.to_owned(), None, "refused by the policy");
        Err(Refused {
            code: PERMISSION_DENIED,
            why: why.into(),
        })
    }

    fn refuse(&mut self, id: u32, refused: &Refused) {
        let mut body = vec![STATUS];
        body.extend_from_slice(&id.to_be_bytes());
        body.extend_from_slice(&refused.code.to_be_bytes());
        put_text(&mut body, &refused.why);
        put_text(&mut body, "en");
        let length = u32::try_from(body.len()).unwrap_or_default();
        self.refusals.extend_from_slice(&length.to_be_bytes());
        self.refusals.append(&mut body);
    }

    fn answer(&mut self, head: &[u8]) -> Result<(), SftpError> {
        let mut fields = Packet(head.get(4..).unwrap_or_default());
        let kind = fields.u8().ok_or(SftpError::NotSftp)?;
        if kind == 2 {
            return Ok(());
        }
        let id = fields.u32().ok_or(SftpError::NotSftp)?;
        let Some(asked) = self.asked.remove(&id) else {
            // An answer to nothing: the client will say what it thinks of it.
            return Ok(());
        };
        let result = match kind {
            STATUS => status(fields.u32().ok_or(SftpError::NotSftp)?),
            _ => "ok",
        };
        match asked {
            Asked::Open { path, done } if kind == HANDLE => {
                let handle = handle(&mut fields).ok_or(SftpError::NotSftp)?;
                let (read, written) = (0, 0);
                self.open.insert(
                    handle,
                    Opened {
                        path,
                        done,
                        read,
                        written,
                    },
                );
            }
            Asked::Open { path, done } => self.tell(done, path, None, result),
            Asked::Close { handle } => {
                if let Some(opened) = self.open.remove(&handle) {
                    self.over(opened, result);
                }
            }
            Asked::Read { handle } if kind == DATA => {
                let length = fields.u32().ok_or(SftpError::NotSftp)?;
                if let Some(opened) = self.open.get_mut(&handle) {
                    opened.read += u64::from(length);
                }
            }
            Asked::Other { done, path } => self.tell(done, path, None, result),
            Asked::Read { .. } | Asked::Nothing => {}
        }
        Ok(())
    }

    fn over(&mut self, opened: Opened, result: &str) {
        let Opened {
            path,
            done,
            read,
            written,
        } = opened;
        if done == Done::List {
            return self.tell(Done::List, path, None, result);
        }
        if read > 0 && (written > 0 || done == Done::Write) {
            self.tell(Done::Read, path.clone(), Some(read), result);
        }
        let bytes = if done == Done::Write { written } else { read };
        self.tell(done, path, Some(bytes), result);
    }

    fn tell(&mut self, done: Done, path: String, bytes: Option<u64>, result: &str) {
        let result = result.to_owned();
        self.events.push(FileEvent {
            done,
            path,
            bytes,
            result,
        });
    }
}

enum Judged {
    Pass,
    Changed(Vec<u8>),
}

struct Refused {
    code: u32,
    why: String,
}

#[cfg(test)]
mod tests;

//! The protocol of `scp -t` and `scp -f`, as it was before SFTP: lines that say what comes, files behind them, a byte that says how it went.
//!
//! It has no specification; the lines are those of OpenSSH's `scp.c`: `C mode size name`, `D mode 0 name`, `E`, `T times`.

use super::{Done, FileEvent};

/// Longest line.
const LONGEST: usize = 16 * 1024;
/// Deepest folder.
const DEEPEST: usize = 256;

/// Which way files go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScpMode {
    /// `-t`: the client sends.
    ToServer,
    /// `-f`: the server sends.
    FromServer,
}

/// Follows whoever sends files.
#[derive(Debug)]
pub struct Scp {
    mode: ScpMode,
    line: Vec<u8>,
    folders: Vec<String>,
    file: Option<(String, u64)>,
    /// Bytes of the file that are still to come.
    left: u64,
    /// The file is over: its last byte says how it went.
    ending: bool,
    /// What comes is not understood any more.
    lost: bool,
}

impl ScpMode {
    /// By the options of the command; none where they do not say which, or say both.
    #[must_use]
    pub fn of_command(command: &str) -> Option<Self> {
        let options = command.split_ascii_whitespace().skip(1);
        let options: Vec<&str> = options
            .take_while(|word| word.starts_with('-') && *word != "--")
            .collect();
        let has = |letter| options.iter().any(|word| word.contains(letter));
        match (has('t'), has('f')) {
            (true, false) => Some(Self::ToServer),
            (false, true) => Some(Self::FromServer),
            _ => None,
        }
    }

    /// What it does to files.
    #[must_use]
    pub const fn done(self) -> Done {
        match self {
            Self::ToServer => Done::Write,
            Self::FromServer => Done::Read,
        }
    }
}

impl Scp {
    /// Files that go this way.
    #[must_use]
    pub const fn new(mode: ScpMode) -> Self {
        Self {
            mode,
            line: Vec::new(),
            folders: Vec::new(),
            file: None,
            left: 0,
            ending: false,
            lost: false,
        }
    }

    /// Which way.
    #[must_use]
    pub const fn mode(&self) -> ScpMode {
        self.mode
    }

    /// What the side that sends files says: files that are over.
    pub fn sent(&mut self, mut data: &[u8]) -> Vec<FileEvent> {
        let mut events = Vec::new();
        while !data.is_empty() && !self.lost {
            if self.left > 0 {
                let here = usize::try_from(self.left).unwrap_or(usize::MAX).min(data.len());
                data = data.get(here..).unwrap_or_default();
                self.left -= here as u64;
                self.ending = self.left == 0;
                continue;
            }
            let (byte, rest) = (data[0], &data[1..]);
            data = rest;
            if std::mem::take(&mut self.ending) {
                let result = if byte == 0 {
                    "ok"
                } else {
                    "the sender could not read all of it"
                };
                events.extend(self.over(result));
                // With another byte a line follows that says why.
                if byte != 0 {
                    self.line.push(byte);
                }
            } else if byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                self.line(&line);
            } else if self.line.is_empty() && byte == 0 {
                // "Ready": of the side that sends nothing but at the beginning.
            } else if self.line.len() < LONGEST {
                self.line.push(byte);
            } else {
                self.lost = true;
            }
        }
        events
    }

    /// Whether what comes is not understood any more: from there on nobody could tell what is done.
    #[must_use]
    pub const fn is_lost(&self) -> bool {
        self.lost
    }

    /// What was not over when everything ended.
    pub fn end(&mut self) -> Option<FileEvent> {
        self.over("not ended")
    }

    fn over(&mut self, result: &str) -> Option<FileEvent> {
        let (path, size) = self.file.take()?;
        Some(FileEvent {
            done: self.mode.done(),
            path,
            bytes: Some(size - self.left.min(size)),
            result: result.to_owned(),
        })
    }

    fn line(&mut self, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        let mut words = text.get(1..).unwrap_or_default().splitn(3, ' ');
        let (_mode, size, name) = (words.next(), words.next(), words.next());
        match line.first() {
            Some(b'C') => match (size.and_then(|size| size.parse().ok()), name) {
                (Some(size), Some(name)) => {
                    let path = self.folders.iter().map(String::as_str).chain([name]);
                    self.file = Some((path.collect::<Vec<_>>().join("/"), size));
                    self.left = size;
                    self.ending = size == 0;
                }
                _ => self.lost = true,
            },
            Some(b'D') if self.folders.len() < DEEPEST => {
                self.folders.push(name.unwrap_or_default().to_owned());
            }
            Some(b'D') => self.lost = true,
            Some(b'E') => drop(self.folders.pop()),
            // Times, and messages for people.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(pieces: &[&[u8]]) -> Vec<(String, u64, String)> {
        let mut scp = Scp::new(ScpMode::ToServer);
        let mut events: Vec<_> = pieces.iter().flat_map(|piece| scp.sent(piece)).collect();
        events.extend(scp.end());
        let told = |event: FileEvent| (event.path, event.bytes.unwrap(), event.result);
        events.into_iter().map(told).collect()
    }

    #[test]
    fn files_in_folders_are_told_when_they_are_over_however_they_are_cut() {
        let whole = b"T1 0 2 0\nD0755 0 a\nC0644 3 one\nxyz\0C0600 0 with space\n\0E\nC0644 2 two\nab\0";
        let wanted = [("a/one", 3), ("a/with space", 0), ("two", 2)];
        let wanted: Vec<_> = wanted
            .iter()
            .map(|(path, size)| ((*path).to_owned(), *size, "ok".to_owned()))
            .collect();
        assert_eq!(said(&[whole]), wanted);
        for cut in 1..whole.len() {
            assert_eq!(said(&[&whole[..cut], &whole[cut..]]), wanted, "{cut}");
        }
        let bytes: Vec<&[u8]> = whole.chunks(1).collect();
        assert_eq!(said(&bytes), wanted);
    }

    #[test]
    fn what_ends_early_or_goes_wrong_is_told_so() {
        assert_eq!(
            said(&[b"C0644 10 big\nabc"]),
            [("big".into(), 3, "not ended".into())]
        );
        let told = said(&[b"C0644 2 x\nab\x01scp: x: Input/output error\n"]);
        assert_eq!(told[0].2, "the sender could not read all of it");
        assert!(said(&[b"C0644 many x\n"]).is_empty());
        assert!(said(&[&[b'x'; 3 * LONGEST]]).is_empty());
        let mut scp = Scp::new(ScpMode::ToServer);
        scp.sent(&[b'x'; 3 * LONGEST]);
        assert!(scp.is_lost());
    }

    #[test]
    fn the_way_is_told_by_the_command() {
        assert_eq!(ScpMode::of_command("scp -t /tmp"), Some(ScpMode::ToServer));
        assert_eq!(
            ScpMode::of_command("/usr/bin/scp -r -p -f -- x"),
            Some(ScpMode::FromServer)
        );
        assert_eq!(ScpMode::of_command("scp -rpt ."), Some(ScpMode::ToServer));
        assert_eq!(ScpMode::of_command("scp -- -t"), None);
        assert_eq!(ScpMode::of_command("scp -t -f x"), None, "OpenSSH would read");
    }
}

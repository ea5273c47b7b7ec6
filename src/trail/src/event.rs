//! What is recorded.

use std::borrow::Cow;

/// Something that happened in a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// Microseconds since the session began. One that is before its predecessor's is taken as that one's.
    pub at: u64,
    /// Number of the channel; 0 also for what concerns the session as a whole.
    pub channel: u32,
    /// What it was.
    pub kind: Kind<'a>,
}

/// What happened. Later minor versions have more kinds; readers pass over those they do not know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind<'a> {
    /// A channel was opened.
    ChannelOpened {
        /// Kind of the channel, such as `session-shell`.
        kind: Cow<'a, str>,
        /// What else is to be known, for people.
        detail: Cow<'a, str>,
    },
    /// The channel was closed.
    ChannelClosed,
    /// The channel has a terminal.
    Terminal {
        /// Its type, such as `xterm-256color`.
        term: Cow<'a, str>,
        /// Columns.
        columns: u32,
        /// Rows.
        rows: u32,
    },
    /// The terminal has another size.
    Resize {
        /// Columns.
        columns: u32,
        /// Rows.
        rows: u32,
    },
    /// A command: asked for by the client, or entered on the terminal.
    Exec {
        /// As the client sent it, or as the screen showed it.
        command: Cow<'a, [u8]>,
    },
    /// A subsystem was asked for.
    Subsystem {
        /// Its name, such as `sftp`.
        name: Cow<'a, str>,
    },
    /// The server sent this to the client.
    Output {
        /// The bytes.
        data: Cow<'a, [u8]>,
        /// Whether it came from the standard error output.
        is_stderr: bool,
    },
    /// The client sent this to the server: recorded with the upstream key.
    Input {
        /// The bytes.
        data: Cow<'a, [u8]>,
    },
    /// Something was done with a file.
    File {
        /// What, such as `upload`, `download`, `remove`.
        operation: Cow<'a, str>,
        /// Which, as the client named it.
        path: Cow<'a, [u8]>,
        /// Bytes that went through.
        bytes: u64,
        /// How it ended, such as `ok` or `permission denied`.
        result: Cow<'a, str>,
    },
    /// A connection was forwarded.
    Forward {
        /// Where to.
        address: Cow<'a, str>,
        /// Port.
        port: u16,
        /// Where from, as it was said.
        origin: Cow<'a, str>,
    },
    /// The program of the channel ended.
    Exit(Exit<'a>),
    /// Something was found: by a content policy, or a command, or a title.
    Found {
        /// Kind, such as `command`, `window-title`, `alert`.
        kind: Cow<'a, str>,
        /// The text.
        text: Cow<'a, str>,
    },
    /// A word of the appliance's own.
    Note {
        /// The text.
        text: Cow<'a, str>,
    },
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit<'a> {
    /// With a status.
    Status(u32),
    /// By a signal, such as `TERM`.
    Signal(Cow<'a, str>),
}

impl<'a> Event<'a> {
    /// What a program or a server wrote.
    #[must_use]
    pub const fn output(at: u64, channel: u32, data: &'a [u8]) -> Self {
        let kind = Kind::Output {
            data: Cow::Borrowed(data),
            is_stderr: false,
        };
        Self { at, channel, kind }
    }

    /// What a client sent.
    #[must_use]
    pub const fn input(at: u64, channel: u32, data: &'a [u8]) -> Self {
        let kind = Kind::Input {
            data: Cow::Borrowed(data),
        };
        Self { at, channel, kind }
    }
}

impl Event<'_> {
    /// The event with its own copy of everything.
    #[must_use]
    pub fn into_owned(self) -> Event<'static> {
        Event {
            at: self.at,
            channel: self.channel,
            kind: self.kind.into_owned(),
        }
    }
}

impl Kind<'_> {
    fn into_owned(self) -> Kind<'static> {
        match self {
            Self::ChannelOpened { kind, detail } => Kind::ChannelOpened {
                kind: text(kind),
                detail: text(detail),
            },
            Self::ChannelClosed => Kind::ChannelClosed,
            Self::Terminal { term, columns, rows } => Kind::Terminal {
                term: text(term),
                columns,
                rows,
            },
            Self::Resize { columns, rows } => Kind::Resize { columns, rows },
            Self::Exec { command } => Kind::Exec {
                command: bytes(command),
            },
            Self::Subsystem { name } => Kind::Subsystem { name: text(name) },
            Self::Output { data, is_stderr } => Kind::Output {
                data: bytes(data),
                is_stderr,
            },
            Self::Input { data } => Kind::Input { data: bytes(data) },
            Self::File {
                operation,
                path,
                bytes: count,
                result,
            } => Kind::File {
                operation: text(operation),
                path: bytes(path),
                bytes: count,
                result: text(result),
            },
            Self::Forward {
                address,
                port,
                origin,
            } => Kind::Forward {
                address: text(address),
                port,
                origin: text(origin),
            },
            Self::Exit(Exit::Status(status)) => Kind::Exit(Exit::Status(status)),
            Self::Exit(Exit::Signal(signal)) => Kind::Exit(Exit::Signal(text(signal))),
            Self::Found { kind, text: found } => Kind::Found {
                kind: text(kind),
                text: text(found),
            },
            Self::Note { text: note } => Kind::Note { text: text(note) },
        }
    }
}

fn text(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

fn bytes(bytes: Cow<'_, [u8]>) -> Cow<'static, [u8]> {
    Cow::Owned(bytes.into_owned())
}

//! What a proxy tells, in the words of a trail.

use std::borrow::Cow;

use sps_proxy_ssh::What;
use sps_trail::{Exit, Kind};

/// What happened, as a trail has it.
pub(crate) fn entry(what: &What) -> Kind<'_> {
    let text = |text: &str| Cow::Owned::<str>(text.to_owned());
    match what {
        What::Opened { kind, detail } => Kind::ChannelOpened {
            kind: Cow::Borrowed(kind),
            detail: Cow::Borrowed(detail),
        },
        What::Denied { kind, reason } => Kind::Note {
            text: text(&format!("{kind}: {reason}")),
        },
        What::Closed => Kind::ChannelClosed,
        What::Terminal { term, columns, rows } => Kind::Terminal {
            term: Cow::Borrowed(term),
            columns: *columns,
            rows: *rows,
        },
        What::Resized { columns, rows } => Kind::Resize {
            columns: *columns,
            rows: *rows,
        },
        What::Output { data, is_error } => Kind::Output {
            data: Cow::Borrowed(data),
            is_stderr: *is_error,
        },
        What::Input { data } => Kind::Input {
            data: Cow::Borrowed(data),
        },
        What::Command { text } => Kind::Exec {
            command: Cow::Borrowed(text.as_bytes()),
        },
        What::File {
            operation,
            path,
            bytes,
            result,
        } => Kind::File {
            operation: text(&format!("{operation:?}").to_lowercase()),
            path: Cow::Borrowed(path.as_bytes()),
            bytes: bytes.unwrap_or(0),
            result: Cow::Borrowed(result),
        },
        What::Exit {
            signal: Some(signal), ..
        } => Kind::Exit(Exit::Signal(Cow::Borrowed(signal))),
        What::Exit { status, .. } => Kind::Exit(Exit::Status(status.unwrap_or(0))),
        What::Found { kind, text } => Kind::Found {
            kind: Cow::Borrowed(kind),
            text: Cow::Borrowed(text),
        },
        What::Note { text } => Kind::Note {
            text: Cow::Borrowed(text),
        },
    }
}

//! `sps trail export`.

use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt as _;

use sps_trail::{Asciicast, Event, EventLines, Head, Page, Report, TerminalText};

use super::arguments::{ExportArgs, Format};
use super::reading::{Failure, Part, UNREADABLE, each, verdict};
use super::table::plain;
use super::tokens;

/// What is written from the trail is as secret as what is in it.
pub(super) const MODE: u32 = 0o600;

/// Runs `export`; the return value is the exit status.
///
/// # Errors
/// When a stream cannot be written.
pub fn export(arguments: &ExportArgs, out: &mut dyn Write, err: &mut dyn Write) -> io::Result<u8> {
    let done = match &arguments.output {
        _ if arguments.format == Format::Timestamps => tokens::write(arguments),
        None => write_to(arguments, out),
        Some(path) => {
            let mut options = OpenOptions::new();
            let made = options.write(true).create_new(true).mode(MODE).open(path);
            let failed = |source| Failure::Write {
                path: path.clone(),
                source,
            };
            made.map_err(failed).and_then(|file| {
                let mut file = BufWriter::new(file);
                let report = write_to(arguments, &mut file)?;
                let written = file.into_inner().map_err(io::IntoInnerError::into_error);
                written.and_then(|file| file.sync_all()).map_err(failed)?;
                Ok(report)
            })
        }
    };
    match done {
        Ok((report, closed, others)) => {
            let (mut said, status) = verdict(&arguments.file, &report, closed);
            if others {
                said.push("other channels had something to show too: choose one by --channel".to_owned());
            }
            for line in said {
                writeln!(err, "{}", plain(&line))?;
            }
            Ok(status)
        }
        Err(Failure::Stream(error)) => Err(error),
        Err(failure) => writeln!(err, "{}", plain(&failure.to_string())).map(|()| UNREADABLE),
    }
}

/// One of the formats.
#[derive(Debug)]
enum Export {
    Asciicast(Asciicast),
    Page(Box<Page>),
    Text(Box<TerminalText>),
    Events(EventLines),
}

impl Export {
    fn begin(format: Format, channel: Option<u32>, head: &Head, out: &mut Vec<u8>) -> Self {
        match format {
            Format::Asciicast => Self::Asciicast(Asciicast::new(head, channel)),
            Format::Page => Self::Page(Box::new(Page::new(head, channel, out))),
            Format::Text => Self::Text(Box::new(TerminalText::new(channel))),
            // Timestamps are no events, and are written elsewhere.
            Format::Events | Format::Timestamps => Self::Events(EventLines::new(head, out)),
        }
    }

    fn event(&mut self, event: &Event<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Asciicast(cast) => cast.event(event, out),
            Self::Page(page) => page.event(event, out),
            Self::Text(text) => text.event(event, out),
            Self::Events(lines) => lines.event(event, out),
        }
    }

    /// The end, and whether other channels had something to show.
    fn finish(&mut self, out: &mut Vec<u8>) -> bool {
        match self {
            Self::Asciicast(cast) => {
                cast.finish(out);
                cast.has_others()
            }
            Self::Page(page) => {
                page.finish(out);
                page.has_others()
            }
            Self::Text(text) => {
                text.finish(out);
                text.has_others()
            }
            Self::Events(_) => false,
        }
    }
}

fn write_to(arguments: &ExportArgs, out: &mut dyn Write) -> Result<(Report, u64, bool), Failure> {
    let mut export = None;
    let mut bytes = Vec::new();
    let (report, closed) = each(&arguments.file, &arguments.keys, &arguments.signer, |part| {
        match part {
            Part::Head(report) => {
                let head = report.head.as_ref();
                let begin = |head| Export::begin(arguments.format, arguments.channel, head, &mut bytes);
                export = head.map(begin);
            }
            Part::Event(event) => {
                if let Some(export) = &mut export {
                    export.event(event, &mut bytes);
                }
            }
        }
        out.write_all(&bytes)?;
        bytes.clear();
        Ok(())
    })?;
    let others = export.as_mut().is_some_and(|export| export.finish(&mut bytes));
    out.write_all(&bytes)?;
    out.flush()?;
    Ok((report, closed, others))
}

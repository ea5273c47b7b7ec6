//! `sps trail replay`.

use std::io::{self, Write};
use std::time::Duration;

use sps_trail::{Event, Kind, Playback};

use super::arguments::ReplayArgs;
use super::reading::{Failure, Part, UNREADABLE, each, verdict};
use super::table::plain;

/// Takes back what a recorded program may have set: soft reset, the main screen, a cursor (DEC STD 070, xterm's control sequences).
const RESET: &[u8] = b"\x1b[!p\x1b[?1049l\x1b[?25h\x1b[0m\r\n";

/// Waits; handed in so that tests need not.
pub type Pause<'a> = &'a mut dyn FnMut(Duration);

/// Runs `replay`; the return value is the exit status.
///
/// # Errors
/// When a stream cannot be written.
pub fn replay(
    arguments: &ReplayArgs,
    out: &mut dyn Write,
    err: &mut dyn Write,
    pause: Pause<'_>,
) -> io::Result<u8> {
    let mut player = Player {
        channel: arguments.channel,
        at: None,
        terminal: false,
    };
    let played = each(&arguments.file, &arguments.keys, &arguments.signer, |part| {
        if let Part::Event(event) = part
            && let Some((later, bytes)) = player.event(event)
        {
            let seconds = (Duration::from_micros(later).as_secs_f64() / arguments.speed).min(arguments.idle);
            if seconds > 0.0 {
                out.flush()?;
                pause(Duration::from_secs_f64(seconds));
            }
            out.write_all(&bytes)?;
        }
        Ok(())
    });
    if player.at.is_some() {
        out.write_all(RESET)?;
    }
    out.flush()?;
    match played {
        Ok((report, closed)) => {
            let (said, status) = verdict(&arguments.file, &report, closed);
            said.iter()
                .try_for_each(|line| writeln!(err, "{}", plain(line)))?;
            Ok(status)
        }
        Err(Failure::Stream(error)) => Err(error),
        Err(failure) => writeln!(err, "{}", plain(&failure.to_string())).map(|()| UNREADABLE),
    }
}

/// Shows a session as pieces of its trail come.
#[derive(Debug)]
pub struct Follower {
    playback: Playback,
    player: Player,
}

impl Default for Follower {
    /// Shows the first channel that has something to show.
    fn default() -> Self {
        Self {
            playback: Playback::new(None, Vec::new()),
            player: Player {
                channel: None,
                at: None,
                terminal: false,
            },
        }
    }
}

impl Follower {
    /// Shows what a piece holds; an empty one is the end, and gives the terminal back as it was.
    ///
    /// # Errors
    /// The pieces are not those of a trail that is open to everybody, or `out` cannot be written.
    pub fn show(&mut self, piece: &[u8], out: &mut dyn Write) -> io::Result<()> {
        if piece.is_empty() {
            return if self.player.at.is_some() {
                out.write_all(RESET)
            } else {
                Ok(())
            };
        }
        self.playback.push(piece);
        while let Some(event) = self.playback.next().map_err(io::Error::other)? {
            if let Some((_, bytes)) = self.player.event(&event) {
                out.write_all(&bytes)?;
            }
        }
        Ok(())
    }
}

/// What is shown when.
#[derive(Debug)]
struct Player {
    channel: Option<u32>,
    /// When the last output was; none before the first.
    at: Option<u64>,
    terminal: bool,
}

impl Player {
    /// Microseconds to wait, and what is shown then.
    fn event(&mut self, event: &Event<'_>) -> Option<(u64, Vec<u8>)> {
        if let Kind::Terminal { .. } | Kind::Output { .. } = event.kind {
            self.channel.get_or_insert(event.channel);
        }
        if self.channel != Some(event.channel) {
            return None;
        }
        self.terminal |= matches!(event.kind, Kind::Terminal { .. });
        let Kind::Output { data, .. } = &event.kind else {
            return None;
        };
        let later = self.at.map_or(0, |at| event.at.saturating_sub(at));
        self.at = Some(event.at);
        let mut bytes = Vec::new();
        for line in data.split_inclusive(|byte| *byte == b'\n') {
            bytes.extend_from_slice(line);
            if !self.terminal && line.ends_with(b"\n") {
                bytes.push(b'\r');
            }
        }
        Some((later, bytes))
    }
}

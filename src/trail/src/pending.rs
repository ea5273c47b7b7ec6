//! Events of one stream that are not in a chunk yet.

use crate::event::{Event, Kind};
use crate::event_codec::{number, put_body, put_start};

/// Microseconds within which outputs of a channel become one event: a picture of 60 a second.
pub(crate) const TOGETHER: u64 = 15_000;
/// Most bytes that are kept for the next events when all were taken: an idle session is small.
const KEPT: usize = 512;

/// Bytes of events, and the last of them while it may grow.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    bytes: Vec<u8>,
    last_at: u64,
    tail: Option<Tail>,
}

/// The last event, an output or an input.
#[derive(Clone, Copy, Debug)]
struct Tail {
    number: u8,
    channel: u32,
    is_stderr: bool,
    at: u64,
    /// Where its length stands.
    length_at: usize,
}

impl Pending {
    pub(crate) const fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// When the last event was.
    pub(crate) const fn last_at(&self) -> u64 {
        self.last_at
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The last event grows no more: something else came between.
    pub(crate) const fn interrupt(&mut self) {
        self.tail = None;
    }

    /// All was taken. Passwords that were typed stood there too: nothing of it stays in memory that is given back.
    pub(crate) fn clear(&mut self) {
        wipe(&mut self.bytes);
        self.bytes.clear();
        self.bytes.shrink_to(KEPT);
        self.last_at = 0;
        self.tail = None;
    }

    /// Adds an event, or lets the last one grow by it.
    pub(crate) fn add(&mut self, event: &Event<'_>) {
        let own = own_tail(event);
        if let (Some(own), Some(tail)) = (own, self.tail)
            && tail.continues(&own)
        {
            let data = data(&event.kind);
            self.bytes.extend_from_slice(data);
            self.write_length(tail.length_at);
            return;
        }
        let later = event.at - self.last_at.min(event.at);
        put_start(&mut self.bytes, number(&event.kind), event.channel, later);
        let length_at = self.bytes.len();
        self.bytes.extend_from_slice(&[0; 4]);
        put_body(&mut self.bytes, &event.kind);
        self.write_length(length_at);
        self.last_at = event.at;
        self.tail = own.map(|own| Tail { length_at, ..own });
    }

    /// The length of the event that reaches to the end.
    fn write_length(&mut self, length_at: usize) {
        let body = length_at + 4;
        let length = u32::try_from(self.bytes.len().saturating_sub(body)).unwrap_or(u32::MAX);
        if let Some(place) = self.bytes.get_mut(length_at..body) {
            place.copy_from_slice(&length.to_be_bytes());
        }
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        wipe(&mut self.bytes);
    }
}

/// Overwrites what was there. `zeroize` writes a byte at a time, which would cost as much as everything else that is done to a GiB
/// together: `DECISION-trail.md`.
fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    // The compiler must take it that somebody reads the zeros.
    std::hint::black_box(bytes);
}

impl Tail {
    const fn continues(&self, next: &Self) -> bool {
        self.number == next.number
            && self.channel == next.channel
            && self.is_stderr == next.is_stderr
            && next.at.saturating_sub(self.at) <= TOGETHER
    }
}

fn own_tail(event: &Event<'_>) -> Option<Tail> {
    let is_stderr = match &event.kind {
        Kind::Output { is_stderr, .. } => *is_stderr,
        Kind::Input { .. } => false,
        _ => return None,
    };
    Some(Tail {
        number: number(&event.kind),
        channel: event.channel,
        is_stderr,
        at: event.at,
        length_at: 0,
    })
}

fn data<'a>(kind: &'a Kind<'_>) -> &'a [u8] {
    match kind {
        Kind::Output { data, .. } | Kind::Input { data } => data,
        _ => &[],
    }
}

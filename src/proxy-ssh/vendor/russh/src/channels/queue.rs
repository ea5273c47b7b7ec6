//! Local change (see ../../../PATCHES.md): the queue between a session and a channel's reader.
//!
//! Sending never waits, so that one channel nobody reads cannot stop the others, keepalives and key exchanges. What bounds the queue
//! is the channel's window: it is opened again by what the reader took, not by what arrived.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use tokio::sync::Notify;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::ChannelMsg;

/// Messages without data that may wait: requests of a peer whose channel nobody reads.
const MOST_CONTROLS: usize = 4096;

#[derive(Debug, Default)]
struct Shared {
    /// Bytes taken by the reader and not given back to the window yet.
    taken: AtomicU32,
    /// Messages without data that wait.
    controls: AtomicUsize,
    /// Wakes the session when bytes were taken.
    wake: OnceLock<Arc<Notify>>,
}

impl Shared {
    fn took(&self, msg: &ChannelMsg) {
        match bytes(msg) {
            0 => {
                self.controls.fetch_sub(1, Ordering::Relaxed);
            }
            count => self.give_back(count),
        }
    }

    fn give_back(&self, count: u32) {
        self.taken.fetch_add(count, Ordering::AcqRel);
        if let Some(wake) = self.wake.get() {
            wake.notify_one();
        }
    }
}

fn bytes(msg: &ChannelMsg) -> u32 {
    match msg {
        ChannelMsg::Data { data } | ChannelMsg::ExtendedData { data, .. } => data.len() as u32,
        _ => 0,
    }
}

/// The session's end.
#[derive(Debug)]
pub struct QueueSender {
    queue: UnboundedSender<ChannelMsg>,
    shared: Arc<Shared>,
}

/// The reader's end.
#[derive(Debug)]
pub struct QueueReceiver {
    queue: UnboundedReceiver<ChannelMsg>,
    shared: Arc<Shared>,
}

/// Nobody reads any more, or too much waits.
#[derive(Debug)]
pub struct NotSent;

/// A queue. The size of earlier versions bounds nothing.
pub fn channel(_size: usize) -> (QueueSender, QueueReceiver) {
    let (sender, receiver) = unbounded_channel();
    let shared = Arc::new(Shared::default());
    (
        QueueSender {
            queue: sender,
            shared: shared.clone(),
        },
        QueueReceiver {
            queue: receiver,
            shared,
        },
    )
}

impl QueueSender {
    pub async fn send(&self, msg: ChannelMsg) -> Result<(), NotSent> {
        self.try_send(msg)
    }

    pub fn try_send(&self, msg: ChannelMsg) -> Result<(), NotSent> {
        let count = bytes(&msg);
        if count == 0 && self.shared.controls.fetch_add(1, Ordering::Relaxed) >= MOST_CONTROLS {
            self.shared.controls.fetch_sub(1, Ordering::Relaxed);
            return Err(NotSent);
        }
        self.queue.send(msg).map_err(|_| {
            // What nobody reads is taken at once: the peer may go on until the channel is closed.
            if count > 0 {
                self.shared.give_back(count);
            }
            NotSent
        })
    }

    /// Who is woken when the reader took bytes.
    pub(crate) fn wakes(&self, wake: &Arc<Notify>) {
        let _ = self.shared.wake.get_or_init(|| wake.clone());
    }

    /// Bytes taken since the last call; at least `least`, or none and they stay.
    pub(crate) fn taken(&self, least: u32) -> u32 {
        if self.shared.taken.load(Ordering::Acquire) < least.max(1) {
            return 0;
        }
        self.shared.taken.swap(0, Ordering::AcqRel)
    }
}

impl QueueReceiver {
    pub async fn recv(&mut self) -> Option<ChannelMsg> {
        let msg = self.queue.recv().await?;
        self.shared.took(&msg);
        Some(msg)
    }

    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<ChannelMsg>> {
        let polled = self.queue.poll_recv(cx);
        if let Poll::Ready(Some(msg)) = &polled {
            self.shared.took(msg);
        }
        polled
    }

    pub fn close(&mut self) {
        self.queue.close();
    }
}

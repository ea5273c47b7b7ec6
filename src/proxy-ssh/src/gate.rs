//! The gate before all sockets: closed, nothing more is read from any of them, and whoever sends waits in his own memory.
//!
//! It closes while memory runs out: what windows allow to be on the way comes by hundreds of megabytes a second, faster than sessions end.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, ReadBuf};

/// The gate; open at first.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    is_closed: AtomicBool,
    came: AtomicU64,
    /// Those who wait, by their number.
    waiting: Mutex<HashMap<u64, Waker>>,
}

impl Gate {
    /// Closes it, or opens it for all who wait.
    pub(crate) fn close(&self, close: bool) {
        if self.is_closed.swap(close, Ordering::AcqRel) && !close {
            let waiting = std::mem::take(&mut *self.lock());
            waiting.into_values().for_each(Waker::wake);
        }
    }

    fn poll_open(&self, number: u64, context: &Context<'_>) -> Poll<()> {
        if !self.is_closed.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        let mut waiting = self.lock();
        // Whoever opens it takes those who wait afterwards: one of the two sees the other.
        waiting.insert(number, context.waker().clone());
        if self.is_closed.load(Ordering::Acquire) {
            return Poll::Pending;
        }
        waiting.remove(&number);
        Poll::Ready(())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Waker>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is read through a gate.
#[derive(Debug)]
pub(crate) struct Gated<R> {
    read: R,
    gate: Arc<Gate>,
    number: u64,
}

impl<R> Gated<R> {
    pub(crate) fn new(read: R, gate: Arc<Gate>) -> Self {
        let number = gate.came.fetch_add(1, Ordering::Relaxed);
        Self { read, gate, number }
    }
}

impl<R> Drop for Gated<R> {
    fn drop(&mut self) {
        self.gate.lock().remove(&self.number);
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Gated<R> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.gate.poll_open(self.number, context).is_pending() {
            return Poll::Pending;
        }
        Pin::new(&mut self.read).poll_read(context, into)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::io::AsyncReadExt as _;

    use super::*;

    #[tokio::test]
    async fn closed_it_lets_nothing_through_and_open_everything() {
        let gate = Arc::new(Gate::default());
        let mut all: Vec<_> = (0..3)
            .map(|_| Gated::new(b"ab".as_slice(), gate.clone()))
            .collect();
        let mut byte = [0];
        all[0].read_exact(&mut byte).await.unwrap();
        gate.close(true);
        let mut waits = std::pin::pin!(all[0].read_exact(&mut byte));
        let pending = poll_fn(|context| Poll::Ready(waits.as_mut().poll(context).is_pending())).await;
        assert!(pending && gate.lock().len() == 1);
        let opens = gate.clone();
        let (read, ()) = tokio::join!(waits, async move { opens.close(false) });
        read.unwrap();
        assert!(byte == *b"b" && gate.lock().is_empty());
        gate.close(true);
        let mut other = [0];
        {
            let mut waits = std::pin::pin!(all[1].read_exact(&mut other));
            poll_fn(|context| Poll::Ready(waits.as_mut().poll(context).is_pending())).await;
        }
        all.clear();
        assert!(gate.lock().is_empty(), "whoever is gone waits no longer");
    }
}

//! The gate before all sockets: closed, nothing more is read from any of them, and whoever sends waits in his own memory.
//!
//! It closes while memory runs out: what windows allow to be on the way comes by hundreds of megabytes a second, faster than sessions end. Between
//! two measurements of memory no more passes than the last one left room for.

use std::collections::HashMap;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, ReadBuf};

/// The gate; open for everything at first.
#[derive(Debug)]
pub(crate) struct Gate {
    /// Bytes that may still pass; what is read at once may go beyond it.
    left: AtomicI64,
    came: AtomicU64,
    /// Those who wait, by their number.
    waiting: Mutex<HashMap<u64, Waker>>,
}

impl Default for Gate {
    fn default() -> Self {
        Self {
            left: AtomicI64::new(i64::MAX),
            came: AtomicU64::default(),
            waiting: Mutex::default(),
        }
    }
}

impl Gate {
    /// From now on so many bytes pass: none close it.
    pub(crate) fn open_for(&self, bytes: u64) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.left.store(bytes, Ordering::Release);
        if bytes > 0 {
            let waiting = std::mem::take(&mut *self.lock());
            waiting.into_values().for_each(Waker::wake);
        }
    }

    fn is_open(&self) -> bool {
        self.left.load(Ordering::Acquire) > 0
    }

    fn passed(&self, bytes: usize) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.left.fetch_sub(bytes, Ordering::AcqRel);
    }

    fn poll_open(&self, number: u64, context: &Context<'_>) -> Poll<()> {
        if self.is_open() {
            return Poll::Ready(());
        }
        let mut waiting = self.lock();
        // Whoever opens it takes those who wait afterwards: one of the two sees the other.
        waiting.insert(number, context.waker().clone());
        if !self.is_open() {
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
        let before = into.filled().len();
        let read = Pin::new(&mut self.read).poll_read(context, into);
        self.gate.passed(into.filled().len().saturating_sub(before));
        read
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
        gate.open_for(0);
        let mut waits = std::pin::pin!(all[0].read_exact(&mut byte));
        let pending = poll_fn(|context| Poll::Ready(waits.as_mut().poll(context).is_pending())).await;
        assert!(pending && gate.lock().len() == 1);
        let opens = gate.clone();
        let (read, ()) = tokio::join!(waits, async move { opens.open_for(u64::MAX) });
        read.unwrap();
        assert!(byte == *b"b" && gate.lock().is_empty());
        gate.open_for(0);
        let mut other = [0];
        {
            let mut waits = std::pin::pin!(all[1].read_exact(&mut other));
            poll_fn(|context| Poll::Ready(waits.as_mut().poll(context).is_pending())).await;
        }
        all.clear();
        assert!(gate.lock().is_empty(), "whoever is gone waits no longer");
    }

    #[tokio::test]
    async fn no_more_passes_than_there_is_room_for() {
        let gate = Arc::new(Gate::default());
        let data = [7; 1000];
        let mut one = Gated::new(data.as_slice(), gate.clone());
        let mut piece = [0; 100];
        gate.open_for(250);
        // The last of them may go beyond it: what is read at once is not cut.
        for _ in 0..3 {
            one.read_exact(&mut piece).await.unwrap();
        }
        let mut waits = std::pin::pin!(one.read_exact(&mut piece));
        let pending = poll_fn(|context| Poll::Ready(waits.as_mut().poll(context).is_pending())).await;
        assert!(pending);
        let (read, ()) = tokio::join!(waits, async { gate.open_for(1) });
        read.unwrap();
    }
}

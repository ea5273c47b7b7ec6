//! The file, piece by piece.

use std::future::Future;

use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Bytes, Incoming};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::error::FetchError;
use crate::limits::Limits;

/// The task that keeps a connection going; it ends with this.
#[derive(Debug)]
pub(crate) struct Connection(JoinHandle<()>);

impl Connection {
    pub(crate) fn run(exchange: impl Future<Output = hyper::Result<()>> + Send + 'static) -> Self {
        // What goes wrong is told by the request or by the body.
        Self(tokio::spawn(async move { drop(exchange.await) }))
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A file on its way.
#[derive(Debug)]
pub struct Download {
    body: Incoming,
    size: Option<u64>,
    got: u64,
    limits: Limits,
    deadline: Instant,
    _connection: Connection,
}

impl Download {
    pub(crate) fn begin(
        body: Incoming,
        connection: Connection,
        limits: &Limits,
        deadline: Instant,
    ) -> Result<Self, FetchError> {
        let size = body.size_hint().exact();
        let own = Self {
            body,
            size,
            got: 0,
            limits: *limits,
            deadline,
            _connection: connection,
        };
        own.check(size.unwrap_or(0))?;
        Ok(own)
    }

    /// Bytes it will have, when the server tells.
    #[must_use]
    pub const fn size(&self) -> Option<u64> {
        self.size
    }

    /// The next piece; none at its end.
    ///
    /// # Errors
    /// It stopped, it is too slow or too large, or the connection ended before the file.
    pub async fn piece(&mut self) -> Result<Option<Bytes>, FetchError> {
        loop {
            let patience = self.deadline.min(Instant::now() + self.limits.silence);
            let frame = timeout_at(patience, self.body.frame()).await;
            let frame = frame.map_err(|_| self.too_late())?;
            let Some(frame) = frame else {
                return Ok(None);
            };
            let frame = frame.map_err(|source| FetchError::Cut {
                got: self.got,
                source,
            })?;
            // Trailers say nothing that is asked for.
            if let Ok(piece) = frame.into_data() {
                self.got += piece.len() as u64;
                self.check(self.got)?;
                return Ok(Some(piece));
            }
        }
    }

    fn check(&self, size: u64) -> Result<(), FetchError> {
        let most = self.limits.bytes;
        if size > most {
            Err(FetchError::TooLarge { most })
        } else {
            Ok(())
        }
    }

    fn too_late(&self) -> FetchError {
        let got = self.got;
        if Instant::now() >= self.deadline {
            let limit = self.limits.whole;
            return FetchError::TooSlow { got, limit };
        }
        let limit = self.limits.silence;
        FetchError::Stalled { got, limit }
    }
}

//! Tells pages that something they may show has changed; what changed, they fetch themselves.

use std::convert::Infallible;
use std::time::Duration;

use axum::Extension;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::Visitor;
use crate::boot::status::BootStatus;
use crate::http::reply::Problem;

/// Path of the stream.
pub(crate) const PATH: &str = "/ui/events";
/// Shortest time between two events of one stream: progress changes thousands of times a second.
const INTERVAL: Duration = Duration::from_millis(500);

/// What one page follows.
struct Follower {
    jobs: watch::Receiver<u64>,
    sessions: watch::Receiver<u64>,
    status: watch::Receiver<BootStatus>,
    stopping: CancellationToken,
    /// When the next event may be sent; the first at once.
    next: Option<Instant>,
    _place: OwnedSemaphorePermit,
}

impl Follower {
    /// Waits for the next change; nothing when the server stops.
    async fn change(&mut self) -> Option<()> {
        if let Some(next) = self.next {
            tokio::select! {
                () = self.stopping.cancelled() => return None,
                changed = self.jobs.changed() => changed.ok()?,
                () = heard(&mut self.sessions) => {}
                changed = self.status.changed() => changed.ok()?,
            }
            tokio::select! {
                () = self.stopping.cancelled() => return None,
                () = sleep_until(next) => {}
            }
        }
        // What changed meanwhile is part of this event.
        self.jobs.borrow_and_update();
        self.sessions.borrow_and_update();
        self.status.borrow_and_update();
        self.next = Some(Instant::now() + INTERVAL);
        Some(())
    }
}

/// The next change; never where there are no sessions.
async fn heard(sessions: &mut watch::Receiver<u64>) {
    if sessions.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// `GET`: an event `change` now and with every change; the stream ends with the server.
pub(crate) async fn stream(Extension(visitor): Extension<Visitor>) -> Result<Response, Problem> {
    let follower = Follower {
        jobs: visitor.administration.jobs.follow(),
        sessions: visitor.administration.sessions.clone(),
        status: visitor.site.content.status.clone(),
        stopping: visitor.site.stopping(),
        next: None,
        _place: visitor.site.stream_place()?,
    };
    let events = stream::unfold(follower, |mut follower| async move {
        follower.change().await?;
        let event = Event::default().event("change").data("1");
        Some((Ok::<_, Infallible>(event), follower))
    });
    let keep_alive = KeepAlive::new().interval(visitor.site.limits.heartbeat);
    Ok(Sse::new(events).keep_alive(keep_alive).into_response())
}

//! A session that goes on, as a page that shows what it shows: it is sent as long as the session lasts. It has the same rules as the page that
//! plays an audit trail, since the same strangers made it.

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use sps_admin::Request as Operation;
use sps_trail::{LivePage, Playback};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use super::Visitor;
use super::trail::{Heard, page_headers};
use crate::http::reply::Problem;

/// Path of the page.
pub(crate) const PAGE: &str = "/search/active-sessions/{id}";

/// What is left to be sent.
struct Following {
    heard: Heard,
    first: Option<Vec<u8>>,
    playback: Playback,
    page: Option<LivePage>,
    ended: bool,
    stopping: CancellationToken,
    _place: OwnedSemaphorePermit,
}

/// `GET` of the page.
pub(crate) async fn page(
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let place = visitor.site.stream_place()?;
    let mut heard = Heard::begin(&visitor, Operation::SessionFollow { id });
    // The first piece tells whether the session goes on.
    let first = heard.next().await?;
    let following = Following {
        heard,
        first,
        playback: Playback::new(None, Vec::new()),
        page: None,
        ended: false,
        stopping: visitor.site.stopping(),
        _place: place,
    };
    let pieces = stream::unfold(following, |mut following| async move {
        let piece = following.next().await?;
        Some((Ok::<_, std::io::Error>(Bytes::from(piece)), following))
    });
    Ok((page_headers(), Body::from_stream(pieces)).into_response())
}

impl Following {
    /// What is sent next; none at the end.
    async fn next(&mut self) -> Option<Vec<u8>> {
        if self.ended {
            return None;
        }
        let piece = match self.first.take() {
            Some(first) => Some(first),
            None => tokio::select! {
                () = self.stopping.cancelled() => None,
                piece = self.heard.next() => piece.ok().flatten(),
            },
        };
        let mut out = Vec::new();
        match piece {
            Some(piece) => self.show(&piece, &mut out),
            None => {
                self.ended = true;
                if let Some(page) = &self.page {
                    page.finish(&mut out);
                }
            }
        }
        if out.is_empty() {
            // A sign of life: without one a browser that is gone is not noticed.
            out.push(b'\n');
        }
        Some(out)
    }

    fn show(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        self.playback.push(piece);
        loop {
            let event = self.playback.next();
            if let (None, Some(head)) = (&self.page, self.playback.report().head) {
                self.page = Some(LivePage::new(&head, out));
            }
            let (Ok(Some(event)), Some(page)) = (event, &mut self.page) else {
                return;
            };
            page.event(&event, out);
        }
    }
}

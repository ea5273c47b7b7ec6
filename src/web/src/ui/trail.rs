//! The audit trail of a session: as a file, and as a page that plays it.
//!
//! A trail that is encrypted is played where its key is: private keys never come here. The page that plays is made of what strangers sent
//! through a session, so it is given an origin of its own, without cookies, and may load nothing.

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query};
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::Deserialize;
use sps_admin::{Failure, Request as Operation, Response as Answer, Update, Updates};
use sps_trail::{Page, Playback};
use tokio::sync::{mpsc, oneshot};

use super::Visitor;
use crate::http::reply::Problem;

/// Path of the file.
pub(crate) const FILE: &str = "/search/sessions/{id}/trail";
/// Path of the page that plays it.
pub(crate) const PLAY: &str = "/search/sessions/{id}/play";
/// Pieces of a page that wait for the browser.
const AHEAD: usize = 4;
/// Bytes that make a piece.
const PIECE: usize = 64 * 1024;
/// In place of that of other pages: the player is a script in the page, with WebAssembly in it.
const POLICY: &str = "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'wasm-unsafe-eval'; \
     style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// `GET` of the file.
pub(crate) async fn file(
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = known(&visitor, id).await?;
    let mut heard = begin(&visitor, &id);
    // The first piece tells whether there is a file at all.
    let first = heard.next().await?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (
            header::CONTENT_DISPOSITION,
            format!("attachment; filename=\"{id}.trail\""),
        ),
    ];
    let pieces = stream::unfold((first, heard), |(piece, mut heard)| async move {
        let piece = Bytes::from(piece?);
        // A failure ends the file early: the trail is cut there, and says so.
        let next = heard.next().await.unwrap_or(None);
        Some((Ok::<_, std::io::Error>(piece), (next, heard)))
    });
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// What is played.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Played {
    /// Which channel; none: the first that shows anything.
    channel: Option<u32>,
}

/// `GET` of the page that plays it.
pub(crate) async fn play(
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    query: Result<Query<Played>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(Played { channel }) = query.map_err(|rejection| Problem::bad_query(rejection.body_text()))?;
    let id = known(&visitor, id).await?;
    let heard = begin(&visitor, &id);
    let (pieces, page) = mpsc::channel(AHEAD);
    let (begun, answered) = oneshot::channel();
    tokio::task::spawn_blocking(move || make(heard, channel, &pieces, begun));
    answered
        .await
        .unwrap_or_else(|_| Err(Problem::not_understood()))?;
    let pieces = stream::unfold(page, |mut page| async move {
        let piece: Bytes = page.recv().await?;
        Some((Ok::<_, std::io::Error>(piece), page))
    });
    Ok((page_headers(), Body::from_stream(pieces)).into_response())
}

/// Those of a page that is made of what strangers sent.
pub(super) fn page_headers() -> [(HeaderName, &'static str); 3] {
    [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        // HTML lets browsers refuse a page in a sandbox that has another value.
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "unsafe-none",
        ),
    ]
}

/// The identifier of a session that is there: nothing else comes into a header.
async fn known(visitor: &Visitor, id: String) -> Result<String, Problem> {
    match visitor.ask(Operation::SessionShow { id }).await? {
        Answer::Session(record) => Ok(record.id),
        _ => Err(Problem::not_understood()),
    }
}

/// A trail on its way.
pub(super) struct Heard {
    updates: mpsc::Receiver<Update>,
    answer: Option<oneshot::Receiver<Result<(), Failure>>>,
}

fn begin(visitor: &Visitor, id: &str) -> Heard {
    Heard::begin(visitor, Operation::TrailRead { id: id.to_owned() })
}

impl Heard {
    /// Asks for something that is answered with the pieces of a trail.
    pub(super) fn begin(visitor: &Visitor, operation: Operation) -> Self {
        let call = visitor.call(operation, String::new());
        let (updates, heard) = Updates::channel();
        let operations = visitor.administration.operations.clone();
        let (tell, answer) = oneshot::channel();
        tokio::spawn(async move {
            let answered = operations.perform(call, updates).await.map(|_| ());
            // Whoever asked may have gone.
            let _gone = tell.send(answered);
        });
        Self {
            updates: heard,
            answer: Some(answer),
        }
    }

    /// The next piece; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Vec<u8>>, Problem> {
        while let Some(update) = self.updates.recv().await {
            if let Update::Data(piece) = update {
                return Ok(Some(piece));
            }
        }
        match self.answer.take() {
            Some(answer) => match answer.await {
                Ok(Err(failure)) => Err(Problem::of_failure(&failure)),
                Ok(Ok(())) | Err(_) => Ok(None),
            },
            None => Ok(None),
        }
    }
}

/// Makes the page as the trail comes; `begun` is answered when its head was read, or will never be.
fn make(
    mut heard: Heard,
    channel: Option<u32>,
    pieces: &mpsc::Sender<Bytes>,
    begun: oneshot::Sender<Result<(), Problem>>,
) {
    let runtime = tokio::runtime::Handle::current();
    let mut begun = Some(begun);
    let mut playback = Playback::new(None, Vec::new());
    let mut page: Option<Page> = None;
    let mut out = Vec::new();
    let ended: Result<(), Problem> = loop {
        let piece = match runtime.block_on(heard.next()) {
            Ok(Some(piece)) => piece,
            Ok(None) => break Ok(()),
            Err(problem) => break Err(problem),
        };
        playback.push(&piece);
        let events = std::iter::from_fn(|| playback.next().transpose()).collect::<Result<Vec<_>, _>>();
        let report = playback.report();
        let events = match events {
            Ok(events) if report.recipients.is_empty() => events,
            Ok(_) | Err(_) => break Err(encrypted(&report.recipients)),
        };
        if let (None, Some(head)) = (&page, report.head) {
            page = Some(Page::new(&head, channel, &mut out));
        }
        if let Some(page) = &mut page {
            events.iter().for_each(|event| page.event(event, &mut out));
            if let Some(begun) = begun.take() {
                let _gone = begun.send(Ok(()));
            }
        }
        if out.len() >= PIECE && pieces.blocking_send(std::mem::take(&mut out).into()).is_err() {
            return;
        }
    };
    if let Some(begun) = begun {
        let none = || {
            Err(Problem {
                status: StatusCode::CONFLICT,
                kind: "NoTrail",
                details: "the file is no audit trail that this firmware plays".into(),
            })
        };
        let _gone = begun.send(ended.and_then(|()| none()));
        return;
    }
    if let Some(page) = &mut page {
        playback
            .drain()
            .iter()
            .for_each(|event| page.event(event, &mut out));
        page.finish(&mut out);
    }
    // Whoever asked may have gone.
    let _gone = pieces.blocking_send(out.into());
}

fn encrypted(recipients: &[String]) -> Problem {
    Problem {
        status: StatusCode::CONFLICT,
        kind: "Encrypted",
        details: format!(
            "the audit trail is encrypted for {}: download it and play it where the key is, by `sps trail export --format page --key KEY`",
            recipients.join("; ")
        ),
    }
}

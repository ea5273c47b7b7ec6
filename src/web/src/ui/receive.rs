//! A firmware file on its way from a browser or a program to the slots: streamed to the disk, hashed on its way, then verified
//! and added as a job that needs nobody to wait for it.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::multipart::Field;
use axum::extract::{FromRequest as _, Multipart, Request};
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap};
use futures_util::{Stream, StreamExt as _};
use sps_admin::{
    Arrived, Failure, FirmwareSource, Intake, Job, Parcel, Progress, Request as Operation, Response as Answer,
};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout, timeout_at};

use super::Visitor;
use crate::http::limits::FILE_BYTES;
use crate::http::reply::Problem;

/// Longest an upload may take, however slowly it trickles: 31 MB at 70 kbit/s.
const LONGEST: Duration = Duration::from_secs(3600);
/// How often progress is told.
const TOLD_EVERY: Duration = Duration::from_millis(250);
/// Name of the field of a form that holds the file.
const FIELD: &str = "firmware";
/// Longest other field, bytes.
const OTHER_BYTES: usize = 256;

/// Whether a request must show that it comes from a page of its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Proof {
    /// By the secret of its forms.
    Needed,
    /// A program has no forms; other sites' requests are refused before.
    NotNeeded,
}

/// Takes the file that `request` brings; returns when it has all arrived, with the job that verifies and adds it.
pub(crate) async fn receive(visitor: Arc<Visitor>, request: Request, proof: Proof) -> Result<Job, Problem> {
    let announced = announced(request.headers());
    let is_form = content_type(request.headers()).starts_with("multipart/form-data");
    let call = visitor.call(
        Operation::FirmwareAdd {
            source: FirmwareSource::Received,
        },
        String::new(),
    );
    let (operations, origin) = (visitor.administration.operations.clone(), visitor.origin());
    // The announced size of a form is a little more than the file's.
    let parcel = spawn_blocking(move || operations.receive(&origin, announced)).await;
    let parcel = parcel.map_err(|_| ended())??;
    let jobs = visitor.administration.jobs.clone();
    let id = jobs.enter(&call);
    let told = Told {
        visitor: visitor.clone(),
        id,
        total: announced.unwrap_or(0),
        begun: Instant::now(),
    };
    let arrived = timeout(LONGEST, async {
        if is_form {
            from_form(request, parcel, &told, proof).await
        } else {
            if proof == Proof::Needed {
                visitor.check_header(request.headers())?;
            }
            let body = request
                .into_body()
                .into_data_stream()
                .map(|piece| piece.map_err(|_| cut_short()));
            store(body, parcel, &told).await
        }
    });
    let pace = visitor.site.limits.file_pace;
    match arrived.await.unwrap_or_else(|_| Err(too_slow(pace))) {
        Ok(_arrived) => {}
        Err(problem) => {
            jobs.end(id, Err(&Failure::failed(problem.details.clone())));
            return Err(problem);
        }
    }
    jobs.run(id, &visitor.administration.operations, call, added);
    jobs.get(id).ok_or_else(ended)
}

/// The words of a firmware that was added.
pub(crate) fn added(answer: &Answer) -> String {
    match answer {
        Answer::Slot(slot) => format!(
            "version {} is in slot {}",
            slot.version.as_deref().unwrap_or("unknown"),
            slot.number
        ),
        _ => String::new(),
    }
}

/// Where progress goes.
struct Told {
    visitor: Arc<Visitor>,
    id: u64,
    total: u64,
    begun: Instant,
}

impl Told {
    /// Time in which the file must bring its least.
    fn pace(&self) -> Duration {
        self.visitor.site.limits.file_pace
    }

    fn progress(&self, done: u64) {
        let progress = Progress::of_bytes("receiving the firmware", done, self.total, self.begun.elapsed());
        self.visitor.administration.jobs.progress(self.id, progress);
    }
}

async fn from_form(
    request: Request,
    parcel: Box<dyn Parcel>,
    told: &Told,
    proof: Proof,
) -> Result<Arrived, Problem> {
    let mut form = Multipart::from_request(request, &())
        .await
        .map_err(|rejection| Problem::bad_form(rejection.body_text()))?;
    let mut allowed = proof == Proof::NotNeeded;
    // Everything before the file is small.
    let until = Instant::now() + told.pace();
    loop {
        let field = timeout_at(until, form.next_field()).await;
        let field = field.map_err(|_| too_slow(told.pace()))?;
        let mut field = field.map_err(|_| cut_short())?.ok_or_else(no_file)?;
        match field.name() {
            Some("form") => {
                let secret = timeout_at(until, short(&mut field)).await;
                let secret = secret.map_err(|_| too_slow(told.pace()))??;
                told.visitor.check_form(&String::from_utf8_lossy(&secret))?;
                allowed = true;
            }
            Some(FIELD) if allowed => {
                let pieces = futures_util::stream::unfold(field, |mut field| async move {
                    match field.chunk().await {
                        Ok(None) => None,
                        Ok(Some(piece)) => Some((Ok(piece), field)),
                        Err(_) => Some((Err(cut_short()), field)),
                    }
                });
                return store(pieces, parcel, told).await;
            }
            _ => {
                return Err(Problem::bad_form(
                    "the form is not one of this appliance's own".into(),
                ));
            }
        }
    }
}

/// All of a field that is no file.
async fn short(field: &mut Field<'_>) -> Result<Vec<u8>, Problem> {
    let mut all = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(|_| cut_short())? {
        all.extend_from_slice(&piece);
        if all.len() > OTHER_BYTES {
            return Err(Problem::bad_form("a field of the form is too long".into()));
        }
    }
    Ok(all)
}

/// Brings the pieces to the disk.
async fn store(
    pieces: impl Stream<Item = Result<Bytes, Problem>>,
    parcel: Box<dyn Parcel>,
    told: &Told,
) -> Result<Arrived, Problem> {
    let intake = Intake::new(parcel);
    match send(pieces, &intake, told).await {
        // What the disk says is the reason why nothing more was taken.
        Ok(()) => Ok(intake.finish().await?),
        Err(problem) => {
            intake.give_up().await;
            Err(problem)
        }
    }
}

/// Sends until the end, or until no more is taken.
async fn send(
    pieces: impl Stream<Item = Result<Bytes, Problem>>,
    intake: &Intake<Bytes>,
    told: &Told,
) -> Result<(), Problem> {
    let mut pieces = std::pin::pin!(pieces);
    let (mut done, mut next) = (0, Instant::now());
    let (mut until, mut owed) = (Instant::now() + told.pace(), FILE_BYTES);
    loop {
        let piece = timeout_at(until, pieces.next()).await;
        let piece = piece.map_err(|_| too_slow(told.pace()))?;
        let Some(piece) = piece else {
            return Ok(());
        };
        let piece = piece?;
        done += piece.len() as u64;
        let held = Instant::now();
        if intake.take(piece).await.is_err() {
            return Ok(());
        }
        // Waiting for our own disk is not the sender's fault.
        until += held.elapsed();
        if done >= owed {
            (until, owed) = (Instant::now() + told.pace(), done + FILE_BYTES);
        }
        if Instant::now() >= next {
            told.progress(done);
            next = Instant::now() + TOLD_EVERY;
        }
    }
}

impl Visitor {
    /// Whether a request without a form comes from a page of this session.
    fn check_header(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let secret = headers.get("x-form").and_then(|value| value.to_str().ok());
        self.check_form(secret.unwrap_or(""))
    }
}

fn announced(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

fn content_type(headers: &HeaderMap) -> &str {
    let value = headers.get(header::CONTENT_TYPE);
    value.and_then(|value| value.to_str().ok()).unwrap_or("")
}

fn cut_short() -> Problem {
    Problem {
        status: StatusCode::BAD_REQUEST,
        kind: "IncompleteRequestBodyError",
        details: "the file did not arrive whole; nothing of it is kept, send it again".into(),
    }
}

fn too_slow(pace: Duration) -> Problem {
    Problem {
        status: StatusCode::REQUEST_TIMEOUT,
        kind: "UploadTooSlow",
        details: format!(
            "the file came too slowly (less than {} KiB in {} s, or more than an hour in all); nothing of it is kept, send it \
             again over a faster link",
            FILE_BYTES >> 10,
            pace.as_secs()
        ),
    }
}

fn no_file() -> Problem {
    Problem::bad_form(format!(
        "there is no file in the form; its field is called {FIELD}"
    ))
}

fn ended() -> Problem {
    Problem::failed("it ended unexpectedly; the log says more".into())
}

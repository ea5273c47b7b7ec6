//! Firmware that arrives over SFTP: a file put into the folder `firmware` is one that is uploaded, and a job that others see.
//!
//! The client's last word is answered when the firmware is in a slot or refused, so that `scp` ends well or not.

use std::sync::Arc;
use std::time::{Duration, Instant};

use sps_admin::{
    Arrived, Call, Failure, FirmwareSource, Intake, JobState, Jobs, Operations, Progress, Request, Response,
};
use sps_ssh_server::{Answer, Inbox, Login, Taking, Upload};
use tokio::sync::{Mutex, watch};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::ssh::origin;

/// The folder.
const FOLDER: &str = "firmware";
/// Longest silence of a sender, and longest an upload may take: those of an upload by browser.
const SILENCE: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_secs(3600);
/// How often progress is told.
const TOLD_EVERY: Duration = Duration::from_millis(250);

/// Takes firmware from whoever is logged in.
#[derive(Clone)]
pub(super) struct FirmwareInbox {
    pub(super) operations: Operations,
    pub(super) jobs: Jobs,
}

impl Inbox for FirmwareInbox {
    fn name(&self) -> &'static str {
        FOLDER
    }

    fn begin(&self, login: &Login, file: &str) -> Answer<Result<Box<dyn Upload>, String>> {
        let source = FirmwareSource::Received;
        let call = Call {
            origin: origin(login),
            message: format!("sent by SSH as {file}"),
            request: Request::FirmwareAdd { source },
        };
        let own = self.clone();
        Box::pin(async move {
            let begun = own.receive(call).await;
            begun
                .map(|upload| Box::new(upload) as Box<dyn Upload>)
                .map_err(|failure| failure.message)
        })
    }
}

impl FirmwareInbox {
    async fn receive(self, call: Call) -> Result<Arriving, Failure> {
        let (operations, origin) = (self.operations.clone(), call.origin.clone());
        // SFTP announces no size.
        let parcel = spawn_blocking(move || operations.receive(&origin, None)).await;
        let parcel = parcel.unwrap_or_else(|_| Err(ended()))?;
        let (beat, heard) = watch::channel(0);
        let arriving = Arriving {
            intake: Arc::new(Mutex::new(Some(Intake::new(parcel)))),
            id: self.jobs.enter(&call),
            inbox: self,
            call,
            begun: Instant::now(),
            told: None,
            beat,
            is_over: false,
        };
        tokio::spawn(watch_over(arriving.intake.clone(), heard));
        Ok(arriving)
    }
}

/// The intake of a file, until it ends one way or the other.
type Shared = Arc<Mutex<Option<Intake<Vec<u8>>>>>;

/// Gives a file up that does not come any more: others wait for its place.
async fn watch_over(intake: Shared, mut heard: watch::Receiver<u64>) {
    let alive = async {
        while let Ok(Ok(())) = timeout(SILENCE, heard.changed()).await {}
        // Ended, or silent.
    };
    let _in_time = timeout(LONGEST, alive).await;
    let intake = intake.lock().await.take();
    if let Some(intake) = intake {
        intake.give_up().await;
    }
}

/// A file on its way to a slot.
struct Arriving {
    inbox: FirmwareInbox,
    call: Call,
    id: u64,
    intake: Shared,
    begun: Instant,
    told: Option<Instant>,
    /// Bytes that have come; closed with this.
    beat: watch::Sender<u64>,
    /// Its job has an end, or will have one without it.
    is_over: bool,
}

impl Upload for Arriving {
    fn write(&mut self, piece: Vec<u8>) -> Taking<'_, ()> {
        Box::pin(async move {
            let length = piece.len() as u64;
            let intake = self.intake.clone();
            let mut guard = intake.lock().await;
            let open = guard
                .as_ref()
                .ok_or_else(too_slow)
                .map_err(|failure| self.fail(failure))?;
            if open.take(piece).await.is_err() {
                let refused = match guard.take() {
                    Some(intake) => intake.finish().await.err(),
                    None => None,
                };
                return Err(self.fail(refused.unwrap_or_else(ended)));
            }
            self.beat.send_modify(|bytes| *bytes += length);
            self.tell();
            Ok(())
        })
    }

    fn finish(mut self: Box<Self>) -> Taking<'static, String> {
        Box::pin(async move {
            self.arrived().await.map_err(|failure| self.fail(failure))?;
            self.is_over = true;
            let FirmwareInbox { operations, jobs } = &self.inbox;
            jobs.run(self.id, operations, self.call.clone(), words);
            match jobs.ended(self.id).await.map(|job| job.state) {
                Some(JobState::Done(words)) => Ok(words),
                Some(JobState::Failed(why) | JobState::CalledOff(why)) => Err(why),
                Some(JobState::Running) | None => Err(ended().message),
            }
        })
    }
}

impl Arriving {
    async fn arrived(&self) -> Result<Arrived, Failure> {
        let intake = self.intake.lock().await.take();
        intake.ok_or_else(too_slow)?.finish().await
    }

    /// Ends the job, and says why to the sender.
    fn fail(&mut self, failure: Failure) -> String {
        self.is_over = true;
        self.inbox.jobs.end(self.id, Err(&failure));
        failure.message
    }

    fn tell(&mut self) {
        if self.told.is_some_and(|told| told.elapsed() < TOLD_EVERY) {
            return;
        }
        let got = *self.beat.borrow();
        let progress = Progress::of_bytes("receiving the firmware", got, 0, self.begun.elapsed());
        self.inbox.jobs.progress(self.id, progress);
        self.told = Some(Instant::now());
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        if !self.is_over {
            self.fail(Failure::failed(
                "the file did not arrive whole; nothing of it is kept",
            ));
        }
    }
}

fn words(response: &Response) -> String {
    match response {
        Response::Slot(slot) => format!(
            "version {} is in slot {}",
            slot.version.as_deref().unwrap_or("unknown"),
            slot.number
        ),
        _ => String::new(),
    }
}

fn too_slow() -> Failure {
    Failure::failed("the file came too slowly: 30 s of silence, or an hour in all; nothing of it is kept")
}

fn ended() -> Failure {
    Failure::failed("it ended unexpectedly; the log says more")
}

#[cfg(test)]
mod tests;

//! Uploads over SFTP against a backend that remembers.

use std::sync::{Mutex, PoisonError};

use sps_admin::{
    ActionLog, Backend, Context, FailureKind, Job, Origin, Parcel, Reply, Slot, SlotState, Standing, Work,
};

use super::*;

#[derive(Clone, Default)]
struct Remembers {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    arriving: bool,
    received: Option<Vec<u8>>,
    refuse: bool,
}

impl Remembers {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self) -> Reply {
        if self.lock().refuse {
            return Err(Failure::refused("its signature does not fit"));
        }
        Ok(Response::Slot(Slot {
            number: 3,
            state: SlotState::Staged,
            version: Some("0.3.0".into()),
            channel: None,
            digest: None,
            bytes: 1,
            current: false,
            after_reboot: false,
            test: None,
        }))
    }
}

impl Backend for Remembers {
    fn standing(&self) -> Standing {
        Standing::default()
    }

    fn receive(&self, _origin: &Origin, _announced: Option<u64>) -> Result<Box<dyn Parcel>, Failure> {
        let mut state = self.lock();
        if state.arriving {
            return Err(Failure::new(FailureKind::Busy, "another one is arriving"));
        }
        state.arriving = true;
        Ok(Box::new(File {
            own: self.clone(),
            bytes: Vec::new(),
        }))
    }

    fn perform<'a>(&'a self, request: Request, _context: Context) -> Work<'a> {
        let source = FirmwareSource::Received;
        assert_eq!(request, Request::FirmwareAdd { source });
        Box::pin(async { self.add() })
    }
}

struct File {
    own: Remembers,
    bytes: Vec<u8>,
}

impl Parcel for File {
    fn write(&mut self, piece: &[u8]) -> Result<(), Failure> {
        self.bytes.extend_from_slice(piece);
        if self.bytes.len() > 1000 {
            return Err(Failure::refused("there is not enough room"));
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<Arrived, Failure> {
        let bytes = std::mem::take(&mut self.bytes);
        let arrived = Arrived {
            bytes: bytes.len() as u64,
            sha256: String::new(),
        };
        self.own.lock().received = Some(bytes);
        Ok(arrived)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        self.own.lock().arriving = false;
    }
}

struct Lab {
    appliance: Remembers,
    inbox: FirmwareInbox,
}

impl Lab {
    fn new() -> Self {
        let appliance = Remembers::default();
        let operations = Operations::new(Arc::new(appliance.clone()), ActionLog::without_file());
        let jobs = Jobs::default();
        Self {
            appliance,
            inbox: FirmwareInbox { operations, jobs },
        }
    }

    async fn begin(&self) -> Result<Box<dyn Upload>, String> {
        let login = Login {
            user: "admin".into(),
            from: "192.0.2.9:4000".parse().unwrap(),
        };
        self.inbox.begin(&login, "sps.iso").await
    }

    fn job(&self) -> Job {
        self.inbox.jobs.list().remove(0)
    }

    /// Waits until the place for a file is free.
    async fn free(&self) {
        let waiting = async {
            while self.appliance.lock().arriving {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(30), waiting).await.unwrap();
    }
}

#[tokio::test]
async fn a_file_becomes_a_job_and_its_end_is_the_clients() {
    let lab = Lab::new();
    let mut upload = lab.begin().await.unwrap();
    assert!(
        lab.begin()
            .await
            .err()
            .unwrap()
            .contains("another one is arriving")
    );
    for piece in ["hello ", "world"] {
        upload.write(piece.into()).await.unwrap();
    }
    assert_eq!(lab.job().state, JobState::Running);
    assert_eq!(lab.job().progress.unwrap().what, "receiving the firmware");
    assert_eq!(upload.finish().await.unwrap(), "version 0.3.0 is in slot 3");
    let job = lab.job();
    assert_eq!(job.owner, "admin by SSH from 192.0.2.9");
    assert_eq!(
        (job.message.as_str(), job.slot),
        ("sent by SSH as sps.iso", Some(3))
    );
    assert_eq!(
        lab.appliance.lock().received.as_deref(),
        Some(&b"hello world"[..])
    );
}

#[tokio::test]
async fn what_is_refused_is_told_to_the_client_and_in_the_job() {
    let lab = Lab::new();
    lab.appliance.lock().refuse = true;
    let mut upload = lab.begin().await.unwrap();
    upload.write(b"bad".to_vec()).await.unwrap();
    let why = upload.finish().await.unwrap_err();
    assert_eq!(why, "its signature does not fit");
    assert_eq!(lab.job().state, JobState::Failed(why));
    let mut upload = lab.begin().await.unwrap();
    let full = loop {
        if let Err(why) = upload.write(vec![0; 600]).await {
            break why;
        }
    };
    assert_eq!(full, "there is not enough room");
    assert_eq!(lab.job().state, JobState::Failed(full));
}

#[tokio::test]
async fn a_client_that_goes_leaves_nothing() {
    let lab = Lab::new();
    let mut upload = lab.begin().await.unwrap();
    upload.write(b"half".to_vec()).await.unwrap();
    drop(upload);
    lab.free().await;
    let JobState::Failed(why) = lab.job().state else {
        panic!("{:?}", lab.job());
    };
    assert!(why.contains("did not arrive whole"), "{why}");
    assert_eq!(lab.appliance.lock().received, None);
}

#[tokio::test]
async fn a_client_that_falls_silent_loses_its_place() {
    let lab = Lab::new();
    let mut upload = lab.begin().await.unwrap();
    upload.write(b"half".to_vec()).await.unwrap();
    tokio::time::pause();
    tokio::time::advance(SILENCE / 2).await;
    upload.write(b"more".to_vec()).await.unwrap();
    // The watch begins anew with what came.
    tokio::task::yield_now().await;
    tokio::time::advance(SILENCE * 3 / 4).await;
    assert!(lab.appliance.lock().arriving);
    tokio::time::advance(SILENCE).await;
    tokio::time::resume();
    lab.free().await;
    let why = upload.write(b"late".to_vec()).await.unwrap_err();
    assert!(why.contains("30 s of silence"), "{why}");
    assert!(upload.finish().await.is_err());
    assert_eq!(lab.job().state, JobState::Failed(why));
}

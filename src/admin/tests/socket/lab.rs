//! A server on a socket of its own, with a backend that answers at once or when it is told.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sps_admin::{
    ActionLog, Backend, Context, Mode, Operations, Origin, Progress, Request, Response, Server, Standing,
    Status, Work,
};
use tokio::runtime::Runtime;
use tokio::sync::{Notify, oneshot};

/// Limit of every wait of these tests.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// Answers `status` with who asked; streams 100 KiB as a bundle; holds a commit until it is let go.
#[derive(Debug, Default)]
pub(crate) struct Echo {
    pub(crate) go: Notify,
}

impl Backend for Echo {
    fn standing(&self) -> Standing {
        Standing {
            mode: Mode::Installed,
            sealed: false,
            password_set: true,
            set_up: false,
        }
    }

    fn perform<'a>(&'a self, request: Request, context: Context) -> Work<'a> {
        Box::pin(async move {
            match request {
                Request::Status => Ok(Response::Status(Box::new(Status {
                    host_name: format!("{}|{}", context.origin, context.message),
                    ..Status::default()
                }))),
                Request::SupportBundle { .. } => {
                    for piece in bundle().chunks(40_000) {
                        context.updates.data(piece.to_vec()).await.unwrap();
                    }
                    Ok(done("bundle"))
                }
                Request::FirmwareCommit => {
                    context.updates.progress(Progress {
                        what: "held".into(),
                        done: 1,
                        total: 2,
                        ..Progress::default()
                    });
                    self.go.notified().await;
                    Ok(done("committed"))
                }
                _ => Ok(done("")),
            }
        })
    }
}

pub(crate) fn done(note: &str) -> Response {
    Response::Done { note: note.into() }
}

/// Bytes that no text encoding leaves alone by accident.
pub(crate) fn bundle() -> Vec<u8> {
    (0..100 * 1024_u32).map(|n| (n % 251) as u8).collect()
}

/// A running server.
pub(crate) struct Lab {
    pub(crate) backend: Arc<Echo>,
    pub(crate) operations: Operations,
    pub(crate) runtime: Runtime,
    pub(crate) socket: PathBuf,
    _stop: oneshot::Sender<()>,
    _folder: tempfile::TempDir,
}

impl Lab {
    /// A server that hears this test's own user.
    pub(crate) fn new() -> Self {
        Self::hearing(rustix::process::getuid().as_raw())
    }

    /// A server that hears processes of `uid`.
    pub(crate) fn hearing(uid: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("run/admin.sock");
        let runtime = Runtime::new().unwrap();
        let backend = Arc::new(Echo::default());
        let operations = Operations::new(backend.clone(), ActionLog::without_file());
        let (stop, stopped) = oneshot::channel::<()>();
        let server = {
            let _inside = runtime.enter();
            Server::bind(&socket, uid, operations.clone()).unwrap()
        };
        runtime.spawn(server.run(async {
            let _dropped = stopped.await;
        }));
        Self {
            backend,
            operations,
            runtime,
            socket,
            _stop: stop,
            _folder: folder,
        }
    }

    /// A session inside the process.
    pub(crate) fn local(&self) -> sps_admin::Local {
        let origin = Origin::Console { tty: "tty1".into() };
        sps_admin::Local::new(self.operations.clone(), origin, self.runtime.handle().clone())
    }
}

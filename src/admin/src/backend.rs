//! What the appliance implements to carry out requests.

use std::future::Future;
use std::pin::Pin;

use thiserror::Error;
use tokio::sync::{mpsc, watch};

use crate::failure::Failure;
use crate::origin::Origin;
use crate::policy::Standing;
use crate::progress::Progress;
use crate::reception::Parcel;
use crate::request::Request;
use crate::response::Response;

/// How a request ended.
pub type Reply = Result<Response, Failure>;
/// A request being carried out.
pub type Work<'a> = Pin<Box<dyn Future<Output = Reply> + Send + 'a>>;

/// Carries out requests. It is called only with requests that are allowed, and with one change at a time (reboot and
/// shutdown come at any time); it is dropped unfinished only when the time limit of the request is over.
pub trait Backend: Send + Sync + 'static {
    /// What the rules depend on, from memory: never waits.
    fn standing(&self) -> Standing;

    /// Makes room for a firmware file of the size that was announced. One at a time; the one that `origin` begins is told to
    /// others in their refusal. Blocking. Where there is nowhere to keep one it is refused.
    ///
    /// # Errors
    /// Another one is arriving, it cannot fit, or there is nowhere to keep one.
    fn receive(&self, _origin: &Origin, _announced: Option<u64>) -> Result<Box<dyn Parcel>, Failure> {
        Err(Failure::refused("no firmware file can arrive here"))
    }

    /// Carries out `request`.
    fn perform<'a>(&'a self, request: Request, context: Context) -> Work<'a>;
}

/// What comes with a request.
#[derive(Clone, Debug)]
pub struct Context {
    /// Who asks.
    pub origin: Origin,
    /// Why, in the asker's words; may be empty.
    pub message: String,
    /// Where progress and data go.
    pub updates: Updates,
}

/// Updates that may wait for a slow asker. Small: what is waiting is soon out of date, or up to 32 KiB of a bundle.
const WAITING: usize = 16;

/// What is told while a request is carried out.
#[derive(Clone, Debug, PartialEq)]
pub enum Update {
    /// How far it is.
    Progress(Progress),
    /// A piece of a streamed bundle.
    Data(Vec<u8>),
}

/// Takes updates to the asker, and brings back that it is called off.
#[derive(Clone, Debug)]
pub struct Updates {
    sender: mpsc::Sender<Update>,
    called_off: watch::Receiver<Option<String>>,
}

/// Calls off what reports by the [`Updates`] it was made with. Clones are handles to the same.
#[derive(Clone, Debug)]
pub struct Canceller(watch::Sender<Option<String>>);

impl Canceller {
    /// Calls it off in the name of `who`; the first one counts.
    pub fn call_off(&self, who: &str) {
        self.0.send_if_modified(|by| {
            let first = by.is_none();
            by.get_or_insert_with(|| who.to_owned());
            first
        });
    }
}

/// The asker does not listen any more.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error("the other side has gone")]
pub struct Gone;

impl Updates {
    /// Both ends of a channel for updates.
    #[must_use]
    pub fn channel() -> (Self, mpsc::Receiver<Update>) {
        let (own, receiver, _nobody) = Self::cancellable();
        (own, receiver)
    }

    /// The same, with what calls it off.
    #[must_use]
    pub fn cancellable() -> (Self, mpsc::Receiver<Update>, Canceller) {
        let (sender, receiver) = mpsc::channel(WAITING);
        let (canceller, called_off) = watch::channel(None);
        (Self { sender, called_off }, receiver, Canceller(canceller))
    }

    /// Who has called it off.
    #[must_use]
    pub fn called_off(&self) -> Option<String> {
        self.called_off.borrow().clone()
    }

    /// Waits until somebody calls it off; for ever where nobody can.
    pub async fn until_called_off(&self) -> String {
        let mut called_off = self.called_off.clone();
        let who = called_off
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|who| who.clone());
        match who {
            Some(who) => who,
            None => std::future::pending().await,
        }
    }

    /// Tells progress; never waits. What a slow asker has no room for is left out.
    pub fn progress(&self, progress: Progress) {
        let _no_room_or_gone = self.sender.try_send(Update::Progress(progress));
    }

    /// Sends a piece of data, when there is room for it.
    ///
    /// # Errors
    /// The asker has gone.
    pub async fn data(&self, piece: Vec<u8>) -> Result<(), Gone> {
        self.sender.send(Update::Data(piece)).await.map_err(|_| Gone)
    }

    /// Like [`Updates::data`] for a thread.
    ///
    /// # Errors
    /// The asker has gone.
    pub fn data_blocking(&self, piece: Vec<u8>) -> Result<(), Gone> {
        self.sender.blocking_send(Update::Data(piece)).map_err(|_| Gone)
    }
}

//! The node document: on `state` of an installed appliance, else what a new appliance has, in memory.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sps_admin::{Context, Failure, Origin, Revised, Updates};
use sps_config::{Change, Found, Node, Store};
use sps_init::phases::PhaseError;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tracing::warn;

use crate::node::now;

/// The document; clones share it.
#[derive(Clone)]
pub(crate) struct Settings {
    store: Arc<Mutex<Option<Store>>>,
    now: Arc<watch::Sender<Node>>,
}

impl Settings {
    /// What a new appliance has; nothing is kept.
    pub(crate) fn in_memory() -> Self {
        Self {
            store: Arc::default(),
            now: Arc::new(watch::Sender::new(Node::default())),
        }
    }

    /// The document in `folder`; a new one where there is none. Blocking.
    pub(crate) fn open(folder: &Path) -> Result<Self, PhaseError> {
        let (store, found) = Store::open(folder)?;
        match &found {
            Found::Good | Found::Nothing => {}
            Found::Restored { reason, revision } => {
                warn!("the configuration of this node was damaged ({reason}); revision {revision} is used");
            }
            Found::Lost { reason } => {
                warn!("the configuration of this node is lost ({reason}); what a new appliance has is used");
            }
        }
        let now = watch::Sender::new(store.node().clone());
        Ok(Self {
            store: Arc::new(Mutex::new(Some(store))),
            now: Arc::new(now),
        })
    }

    /// The document as it is.
    pub(crate) fn node(&self) -> Node {
        self.now.borrow().clone()
    }

    /// The document with the number of its revision; 0 where none is kept.
    pub(crate) fn revised(&self) -> (u64, Node) {
        let guard = self.lock();
        let revision = guard.as_ref().map_or(0, Store::revision);
        (revision, self.node())
    }

    /// Whether there is a disk on which changes are kept.
    pub(crate) fn is_kept(&self) -> bool {
        self.lock().is_some()
    }

    /// Follows every change.
    pub(crate) fn follow(&self) -> watch::Receiver<Node> {
        self.now.subscribe()
    }

    /// Makes a change by `edit` and keeps it, with who asked and why.
    pub(crate) async fn change(
        &self,
        context: &Context,
        edit: impl FnOnce(&mut Node) + Send + 'static,
    ) -> Result<Node, Failure> {
        let own = self.clone();
        let (who, message) = (context.origin.to_string(), context.message.clone());
        let kept = spawn_blocking(move || own.commit(who, message, edit));
        kept.await
            .unwrap_or_else(|_| Err(Failure::failed("the change ended unexpectedly")))
    }

    /// The same by a `part` of the appliance itself.
    pub(crate) async fn change_by_itself(
        &self,
        part: &str,
        why: &str,
        edit: impl FnOnce(&mut Node) + Send + 'static,
    ) -> Result<Node, Failure> {
        let (updates, _nobody_listens) = Updates::channel();
        let context = Context {
            origin: Origin::Appliance { part: part.into() },
            message: why.into(),
            updates,
        };
        self.change(&context, edit).await
    }

    /// Changes that are kept, newest first, at most `most`. Blocking.
    pub(crate) fn history(&self, most: usize) -> Result<Vec<Revised>, Failure> {
        let guard = self.lock();
        let Some(store) = guard.as_ref() else {
            return Ok(Vec::new());
        };
        let history = store
            .history()
            .map_err(|error| Failure::failed(sps_bootlog::causes(&error)))?;
        let revised = history.into_iter().take(most).map(|(revision, change)| Revised {
            revision,
            time: change.time,
            who: change.who,
            message: change.message,
            paths: change.what,
        });
        Ok(revised.collect())
    }

    /// The same for a thread that may wait. Blocking.
    pub(crate) fn commit(
        &self,
        who: String,
        message: String,
        edit: impl FnOnce(&mut Node),
    ) -> Result<Node, Failure> {
        let mut guard = self.lock();
        let store = guard
            .as_mut()
            .ok_or_else(|| Failure::refused("there is no disk to keep a configuration on"))?;
        let mut node = store.node().clone();
        edit(&mut node);
        let change = Change {
            time: now(),
            who,
            message,
            what: Vec::new(),
        };
        let revision = store.revision();
        store
            .commit(revision, node.clone(), change)
            .map_err(|error| Failure::failed(sps_bootlog::causes(&error)))?;
        self.now.send_replace(node.clone());
        Ok(node)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Store>> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

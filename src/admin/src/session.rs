//! Asking, from a thread: over the socket or inside the same process. Console and command line are written against it.

use std::io;
use std::path::PathBuf;

use thiserror::Error;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use crate::backend::{Update, Updates};
use crate::failure::Failure;
use crate::operations::{Call, Operations};
use crate::origin::Origin;
use crate::request::Request;
use crate::response::Response;

/// Why there is no response.
#[derive(Debug, Error)]
pub enum SessionError {
    /// The appliance said no.
    #[error(transparent)]
    Failure(#[from] Failure),
    /// Nobody listens.
    #[error("could not reach the appliance at {path}: this command works on a running appliance")]
    Connect {
        /// The socket.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The question did not get through.
    #[error("could not ask the appliance")]
    Ask(#[source] io::Error),
    /// No answer.
    #[error("the appliance does not answer any more")]
    Silent(#[source] io::Error),
    /// The appliance ended the connection.
    #[error("the appliance ended the connection; what was begun goes on")]
    Ended,
    /// The answer makes no sense: another version.
    #[error("the appliance's answer is not understood: use the command of its own version")]
    Answer,
    /// The updates could not be passed on.
    #[error("could not write the output")]
    Output(#[source] io::Error),
    /// The response belongs to another request.
    #[error("the appliance answered something else than asked")]
    Unexpected,
}

/// Where updates go; an error ends the listening, not the operation.
pub type Listener<'a> = dyn FnMut(Update) -> io::Result<()> + 'a;

/// Somebody who can be asked.
pub trait Session {
    /// Asks and waits for the end, passing updates on. Blocks: not for a thread of a runtime.
    ///
    /// # Errors
    /// The appliance's refusal, or what is between.
    fn ask(
        &mut self,
        request: Request,
        message: &str,
        listener: &mut Listener<'_>,
    ) -> Result<Response, SessionError>;
}

/// The operations of this very process.
#[derive(Clone, Debug)]
pub struct Local {
    operations: Operations,
    origin: Origin,
    runtime: Handle,
}

impl Local {
    /// A session of `origin`; operations run on `runtime`.
    #[must_use]
    pub fn new(operations: Operations, origin: Origin, runtime: Handle) -> Self {
        Self {
            operations,
            origin,
            runtime,
        }
    }
}

impl Session for Local {
    fn ask(
        &mut self,
        request: Request,
        message: &str,
        listener: &mut Listener<'_>,
    ) -> Result<Response, SessionError> {
        let (updates, mut told) = Updates::channel();
        let (done, ended) = oneshot::channel();
        let call = Call {
            origin: self.origin.clone(),
            message: message.to_owned(),
            request,
        };
        let operations = self.operations.clone();
        self.runtime.spawn(async move {
            let reply = operations.perform(call, updates).await;
            let _asker_has_gone = done.send(reply);
        });
        while let Some(update) = told.blocking_recv() {
            listener(update).map_err(SessionError::Output)?;
        }
        Ok(ended.blocking_recv().map_err(|_| SessionError::Ended)??)
    }
}

//! Who asks for a page, and what they ask with.

use std::sync::Arc;

use sps_admin::{Call, Failure, Origin, Reply, Request as Operation, Updates};

use super::time;
use crate::access::SignedIn;
use crate::http::reply::Problem;
use crate::router::{Administration, Site};

/// What every page works with.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    pub(crate) site: Arc<Site>,
    pub(crate) administration: Administration,
    pub(crate) signed_in: SignedIn,
    /// The path asked for.
    pub(crate) path: String,
}

impl Visitor {
    /// Asks for an operation in this person's name.
    pub(crate) async fn ask(&self, request: Operation) -> Reply {
        self.ask_because(request, String::new()).await
    }

    /// The same, with the reason the person gave.
    pub(crate) async fn ask_because(&self, request: Operation, message: String) -> Reply {
        let (updates, _nobody_listens) = Updates::channel();
        self.administration
            .operations
            .perform(self.call(request, message), updates)
            .await
    }

    pub(crate) fn call(&self, request: Operation, message: String) -> Call {
        Call {
            origin: self.signed_in.origin(),
            message,
            request,
        }
    }

    /// The time zone in which times are shown.
    pub(crate) fn zone(&self) -> time::Zone {
        time::Zone::named(&(self.administration.zone)())
    }

    pub(crate) fn origin(&self) -> Origin {
        self.signed_in.origin()
    }
}

/// What became of an operation, when it was not carried out, as a page.
impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        Self::of_failure(&failure)
    }
}

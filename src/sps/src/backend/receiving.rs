//! Firmware files that arrive: one at a time, kept until they are added or another one arrives.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sps_admin::{Arrived, Failure, FailureKind, Origin, Parcel};
use sps_firmware::{Incoming, Received};

use super::appliance::Appliance;
use super::firmware;

/// The place for one file.
#[derive(Clone, Default)]
pub(crate) struct Dock {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Who is sending one.
    arriving: Option<Origin>,
    /// The one that is there.
    received: Option<Received>,
}

impl Dock {
    /// The file that has arrived, if it is the one with this SHA-256 where one is asked for; it is then not kept any more.
    pub(super) fn take(&self, sha256: Option<&str>) -> Option<Received> {
        let wanted = |received: &mut Received| {
            sha256.is_none_or(|sha256| received.sha256.to_string().eq_ignore_ascii_case(sha256))
        };
        self.lock().received.take_if(wanted)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes room for a file.
pub(super) fn receive(
    own: &Appliance,
    origin: &Origin,
    announced: Option<u64>,
) -> Result<Box<dyn Parcel>, Failure> {
    let slots = firmware::of(own)?;
    let dock = own.parts.dock.clone();
    {
        let mut state = dock.lock();
        if let Some(other) = &state.arriving {
            let message =
                format!("a firmware file of {other} is arriving; try again when it is there or given up");
            return Err(Failure::new(FailureKind::Busy, message));
        }
        state.arriving = Some(origin.clone());
        state.received = None;
    }
    // From here on the place is freed by dropping.
    let mut parcel = Inbound { dock, incoming: None };
    let incoming = slots
        .receive(announced)
        .map_err(|error| firmware::failure(&error))?;
    parcel.incoming = Some(incoming);
    Ok(Box::new(parcel))
}

/// A file on its way to the dock.
struct Inbound {
    dock: Dock,
    incoming: Option<Incoming>,
}

impl Parcel for Inbound {
    fn write(&mut self, piece: &[u8]) -> Result<(), Failure> {
        let incoming = self.incoming.as_mut().ok_or_else(gone)?;
        incoming.write(piece).map_err(|error| firmware::failure(&error))
    }

    fn finish(mut self: Box<Self>) -> Result<Arrived, Failure> {
        let received = self.incoming.take().ok_or_else(gone)?.finish();
        let arrived = Arrived {
            bytes: received.size,
            sha256: received.sha256.to_string(),
        };
        self.dock.lock().received = Some(received);
        Ok(arrived)
    }
}

impl Drop for Inbound {
    fn drop(&mut self) {
        self.dock.lock().arriving = None;
    }
}

fn gone() -> Failure {
    Failure::failed("the file was given up")
}

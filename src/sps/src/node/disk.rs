//! The appliance's own disk: found, mended, grown, and made ready at its first boot.

use std::path::Path;
use std::sync::Arc;

use sps_image::disk::guid::GuidError;
use sps_init::children::Children;
use sps_init::phases::PhaseError;
use sps_sandbox::Sandbox;
use sps_storage::disks::Scope;
use sps_storage::drbd::Drbd;
use sps_storage::first_boot::{FirstBoot, first_boot};
use sps_storage::helper::{Helpers, Stop};
use sps_storage::own::{Mark, OwnDisk, WAIT};
use thiserror::Error;
use tracing::info;

use super::aside::Pulse;
use super::spawner::Spawner;

/// Where the first boot mounts what it prepares.
const SCRATCH: &str = "/run/sps/first-boot";

/// The boot loader names the disk in a way nobody understands.
#[derive(Debug, Error)]
#[error(
    "the boot loader names the own disk {text:?}, which is no mark of a disk: install the boot loader again from the medium"
)]
struct DiskParameter {
    text: String,
    #[source]
    source: GuidError,
}

/// The own disk and what works on it.
pub(crate) struct Node {
    pub(crate) own: OwnDisk,
    pub(crate) drbd: Drbd,
    pub(crate) helpers: Helpers,
}

/// Opens the disk that the boot loader calls `mark`. A fresh one is made ready, unless this is rescue mode, which changes
/// nothing that it need not.
pub(crate) fn open(mark: &str, children: &Children, rescue: bool, pulse: &Pulse) -> Result<Node, PhaseError> {
    let mark: Mark = mark.parse().map_err(|source| DiskParameter {
        text: mark.to_owned(),
        source,
    })?;
    let mut own = OwnDisk::open(mark, WAIT, Scope::Hardware)?;
    pulse.beat();
    let helpers = helpers(children);
    let drbd = Drbd::new(&helpers, &own);
    info!("own disk: {}", own.disk().name);
    if own.is_fresh() && !rescue {
        let mut work = FirstBoot {
            own: &mut own,
            drbd: &drbd,
            helpers: &helpers,
            scratch: Path::new(SCRATCH),
        };
        first_boot(&mut work, |_step| {
            pulse.beat();
            true
        })?;
    }
    Ok(Node { own, drbd, helpers })
}

/// Runs what is not trusted, in children that the reaper leaves alone.
pub(crate) fn sandbox(children: &Children) -> Sandbox {
    Sandbox::new(Arc::new(Spawner(children.clone())))
}

/// Runs Debian's programs as children that the reaper leaves alone.
pub(crate) fn helpers(children: &Children) -> Helpers {
    Helpers::new(Arc::new(Spawner(children.clone())), Stop::default())
}

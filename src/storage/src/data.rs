//! `data`, from its partitions to a mounted file system and back. Blocking: run it where a dead disk stops nothing else.

use std::path::Path;

use sps_bootlog::causes;
use sps_image::source::Source;
use thiserror::Error;
use tracing::{info, warn};

use crate::device::{BlockDevice, DeviceError};
use crate::drbd::{Drbd, DrbdError};
use crate::ext4::{self, Ext4Error, MountError, Mounted, Options};
use crate::helper::Helpers;

/// DRBD rounds the size of its device down to blocks of 4 KiB.
const DRBD_BLOCK: u64 = 4096;

/// Why `data` is not there.
#[derive(Debug, Error)]
pub enum DataError {
    /// DRBD.
    #[error("the replicated device of data is not available")]
    Drbd(#[from] DrbdError),
    /// A device could not be looked at.
    #[error("could not look at the device of data")]
    Device(#[from] DeviceError),
    /// The file system.
    #[error("the file system of data is not usable")]
    Ext4(#[from] Ext4Error),
    /// The mount.
    #[error("data could not be mounted or unmounted")]
    Mount(#[from] MountError),
}

/// `data`, mounted. Dropping it unmounts and leaves the device to the exit; [`Data::stop`] is the orderly way.
pub struct Data {
    drbd: Drbd,
    mounted: Mounted,
}

impl Data {
    /// Brings up the replicated device, checks, mounts on `target`, and takes whatever room the partition has gained.
    ///
    /// # Errors
    /// When any of it fails; what was brought up is taken down again.
    pub fn start(helpers: &Helpers, drbd: &Drbd, target: &Path) -> Result<Self, DataError> {
        drbd.up()?;
        let started = Self::mount(helpers, drbd, target);
        if started.is_err()
            && let Err(error) = drbd.down()
        {
            warn!("after a failed start: {}", causes(&error));
        }
        started
    }

    fn mount(helpers: &Helpers, drbd: &Drbd, target: &Path) -> Result<Self, DataError> {
        drbd.promote()?;
        // Data that could not grow is used as it is; the next boot tries again.
        if let Err(error) = grow_device(drbd) {
            warn!("{}", causes(&error));
        }
        ext4::check(helpers, drbd.node())?;
        let mounted = ext4::mount(drbd.node(), target, Options::Writable)?;
        if let Err(error) = ext4::grow(&mounted, drbd.node()) {
            warn!("{}", causes(&error));
        }
        Ok(Self {
            drbd: drbd.clone(),
            mounted,
        })
    }

    /// Where it is mounted.
    #[must_use]
    pub fn target(&self) -> &Path {
        self.mounted.target()
    }

    /// Unmounts and takes the replicated device down: what the node says of its data is on the disk afterwards.
    ///
    /// # Errors
    /// When something still uses it, or the disk did not take something.
    pub fn stop(self) -> Result<(), DataError> {
        self.mounted.unmount()?;
        Ok(self.drbd.down()?)
    }
}

fn grow_device(drbd: &Drbd) -> Result<(), DataError> {
    let size = |path| BlockDevice::read_only(path).map(|device| device.size());
    let (have, room) = (size(drbd.node())?, size(drbd.backing())?);
    if have < room - room % DRBD_BLOCK {
        info!("the replicated device grows from {have} to {room} bytes");
        drbd.resize()?;
    }
    Ok(())
}

//! Looking for an order on every medium of the machine.

use thiserror::Error;
use tracing::{info, warn};

use super::order::{FILE_NAME, MOST_BYTES, Order, OrderError};
use crate::device::BlockDevice;
use crate::disks::{Content, Disk, probe};
use crate::medium;
use crate::own::known;

/// Why there is no order to follow although there may be one.
#[derive(Debug, Error)]
pub enum FindError {
    /// An order is refused.
    #[error("the order on {medium} is refused")]
    Order {
        /// The disk or partition.
        medium: String,
        /// Why.
        #[source]
        source: OrderError,
    },
    /// There are several.
    #[error("there are orders on {} and on {}: remove one medium", .0, .1)]
    Several(String, String),
}

/// An order and the disk that carries it, which must not be overwritten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The order.
    pub order: Order,
    /// Name of the disk.
    pub carrier: String,
}

/// Looks at every disk and its partitions. An appliance's own disk carries no orders; neither does a medium that cannot be read, of
/// which the log tells.
///
/// # Errors
/// When an order is refused, or there are two.
pub fn find(disks: &[Disk]) -> Result<Option<Found>, FindError> {
    let mut found: Option<Found> = None;
    for disk in disks {
        let Some(bytes) = on_disk(disk) else { continue };
        if let Some(first) = found {
            return Err(FindError::Several(first.carrier, disk.name.clone()));
        }
        info!("found {FILE_NAME} on {}", disk.name);
        let order = Order::from_toml(&bytes).map_err(|source| FindError::Order {
            medium: disk.name.clone(),
            source,
        })?;
        found = Some(Found {
            order,
            carrier: disk.name.clone(),
        });
    }
    Ok(found)
}

fn on_disk(disk: &Disk) -> Option<Vec<u8>> {
    let device = BlockDevice::read_only(&disk.path).ok()?;
    if matches!(
        probe(&device),
        Content::Appliance(_) | Content::NoMedium | Content::Unreadable(_)
    ) {
        return None;
    }
    on_volume(&disk.name, &device).or_else(|| {
        let partitions = known(&disk.sys).into_iter();
        let mut paths = partitions.map(|partition| disk.partition(partition.number));
        paths.find_map(|path| on_volume(&path.to_string_lossy(), &BlockDevice::read_only(&path).ok()?))
    })
}

fn on_volume(name: &str, volume: &BlockDevice) -> Option<Vec<u8>> {
    medium::read(volume, FILE_NAME, MOST_BYTES).unwrap_or_else(|error| {
        warn!("could not look for {FILE_NAME} on {name}: {error}");
        None
    })
}

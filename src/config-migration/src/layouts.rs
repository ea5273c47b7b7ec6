//! The shape of the cluster document in each layout, a file each. What did not change is taken from the layout before.

mod l1;
mod l2;
mod l3;
mod l4;
mod l5;

use serde_json::Value;

use crate::error::MigrateError;
use crate::shape::{ShapeError, has_shape};

/// Whether a document has the shape of a layout.
///
/// # Errors
/// The layout is unknown, or the first value that is unknown, missing or of the wrong kind.
pub fn validate(document: &Value, layout: u32) -> Result<(), MigrateError> {
    if crate::layout::version(layout).is_none() {
        return Err(MigrateError::UnknownLayout { layout });
    }
    shape(document, layout).map_err(|ShapeError { path, reason }| MigrateError::Shape {
        layout,
        path,
        reason,
    })
}

/// The shape itself; an unknown layout has that of the latest.
pub(crate) fn shape(document: &Value, layout: u32) -> Result<(), ShapeError> {
    match layout {
        1 => has_shape::<l1::Document>(document),
        2 => has_shape::<l2::Document>(document),
        3 => has_shape::<l3::Document>(document),
        4 => has_shape::<l4::Document>(document),
        _ => has_shape::<l5::Document>(document),
    }
}

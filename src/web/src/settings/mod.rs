//! The settings of the cluster as surfaces show them: under which names, and what each consists of. REST, its description and the forms
//! of the pages are all made from this.
//!
//! Every setting of the document that is set on a page or by REST has its place here, once. Must not know how anything is asked or shown.

mod bounds;
mod describe;
mod kind;
mod names;
mod resources;

pub(crate) use bounds::out_of_bounds;
pub(crate) use kind::{Field, Kind, Variant};
pub(crate) use names::{escaped, named, of_path, segment};
pub(crate) use resources::{GROUPS, Group, RESOURCES, Resource, Shape};

//! Layout 1, "5.0": the oldest document there is. Sections are those of the pages.

mod basic;
mod connections;
mod policies;

pub(crate) use basic::*;
pub(crate) use connections::*;
pub(crate) use policies::*;

use crate::shape::shape;

shape! {
    /// The whole document.
    struct Document {
        system: System,
        network: Network,
        local_services: LocalServices,
        date_time: DateTime,
        management: Management,
        certificates: Certificates,
        users: Users,
        policies: Policies,
        connections: Connections,
        cluster: Cluster,
        high_availability: HighAvailability,
    }
}

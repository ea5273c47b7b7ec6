//! The gateway tried between real clients and real servers: the appliance's own code on a data store in a folder, without the machine
//! around it. Benchmarks stand in `examples/bench_gateway`.

pub mod ground;
pub mod laboratory;
pub mod policies;

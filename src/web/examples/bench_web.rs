//! What `cargo xtask bench web` measures: a server with the web interface, and a client that asks it.
//!
//! `bench_web serve PORT FOLDER [new]` serves until its standard input ends, `new` an appliance that nobody has set up. Uploads arrive as on an appliance (`sps_firmware`, on the disk
//! of `FOLDER`, hashed); everything else is an appliance in memory. `bench_web ask PORT
//! PORT-OF-NEW` measures pages and prints one JSON object.

#[path = "../tests/common/appliance.rs"]
#[allow(clippy::unwrap_used, reason = "an appliance for tests")]
mod appliance;
#[path = "bench_web/asking.rs"]
mod asking;
#[path = "bench_web/serving.rs"]
mod serving;
#[path = "../tests/common/indexers.rs"]
mod indexers;
#[path = "../tests/common/store.rs"]
#[allow(clippy::unwrap_used, reason = "an appliance for tests")]
mod store;

use std::error::Error;

/// What ends a measurement.
type Failed = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failed> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["serve", port, folder] => serving::serve(port.parse()?, folder.as_ref(), true).await,
        ["serve", port, folder, "new"] => serving::serve(port.parse()?, folder.as_ref(), false).await,
        ["ask", port, new] => asking::ask(port.parse()?, new.parse()?).await,
        _ => Err("usage: bench_web serve PORT FOLDER [new], bench_web ask PORT PORT-OF-NEW".into()),
    }
}

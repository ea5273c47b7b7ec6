//! Measures the index of content: `bench_search FOLDER SESSIONS`. One JSON document to standard output. `cargo xtask bench search` runs it.

mod indexing;
mod made;
mod ours;
mod peer;
mod searching;

use std::error::Error;
use std::path::Path;

use serde_json::json;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("which folder?")?;
    let sessions: u64 = arguments.next().ok_or("how many sessions?")?.parse()?;
    let folder = Path::new(&folder);
    let indexing = indexing::measure(folder)?;
    let searching = searching::measure(folder, sessions)?;
    println!(
        "{}",
        json!({ "sessions": sessions, "indexing": indexing, "searching": searching })
    );
    Ok(())
}

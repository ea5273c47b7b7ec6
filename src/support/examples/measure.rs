//! How long a bundle of this machine takes: `cargo run --release -p sps-support --example measure STATE`.

use std::path::PathBuf;
use std::time::Instant;

use sps_support::{Bundle, Roots};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let roots = Roots {
        state: std::env::args().nth(1).map(PathBuf::from),
        ..Roots::default()
    };
    let mut bytes = Vec::new();
    let begun = Instant::now();
    let index = Bundle::new("sps", 0, "measured", &roots).write(&mut bytes)?;
    let plain: u64 = index.entries.iter().map(|entry| entry.bytes).sum();
    println!(
        "{} ms, {plain} bytes, {} compressed",
        begun.elapsed().as_millis(),
        bytes.len()
    );
    for missing in index.missing() {
        println!("not in it: {missing}");
    }
    Ok(())
}

//! Measures the session database: `bench_sessions FOLDER ROWS [peer]`. One JSON document to standard output, the curve to standard
//! error. `cargo xtask bench sessions` runs it.

mod figures;
mod made;
mod ours;
mod peer;
mod queries;

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use figures::Figures;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("which folder?")?;
    let rows: u64 = arguments.next().ok_or("how many rows?")?.parse()?;
    let folder = Path::new(&folder);
    let (sessions, import) = ours::import(folder, rows)?;
    let queries = ours::queries(&sessions, rows)?;
    let walks = ours::walks(&sessions)?;
    let lateness = ours::lateness(&sessions, rows)?;
    let upkeep = ours::upkeep(&sessions, folder, rows)?;
    sessions.close(Duration::from_secs(60))?;
    let file = folder.join("sessions.db");
    let size = std::fs::metadata(&file)?.len() as f64 / 1e6;
    std::fs::remove_file(file)?;
    let peer = arguments
        .next()
        .map(|_| peer::measure(folder, rows))
        .transpose()?;
    let figures = Figures {
        rows,
        import,
        queries,
        walks,
        lateness,
        upkeep,
        size,
        peer,
    };
    println!("{}", serde_json::to_string(&figures)?);
    Ok(())
}

//! How fast trails become what is found, with reading, emulating, encrypting and syncing; the comparison gets the moments ready made.

use std::error::Error;
use std::path::Path;

use serde_json::{Value, json};
use sps_index_engine::{Decoder, Moment, Part};
use sps_indexer::{Feed, answer};

use crate::made;
use crate::ours::{index, of_thread, processor, trail};
use crate::peer::Peer;

/// Sessions, and bytes that each shows.
const SESSIONS: u64 = 64;
const SHOWN: usize = 2 << 20;
/// Sessions that are written together.
const TOGETHER: u64 = 16;

/// Megabytes shown, and seconds of a processor for all of them.
pub(crate) fn measure(folder: &Path) -> Result<Value, Box<dyn Error>> {
    let mut trails = Vec::new();
    let mut shown = 0;
    for seed in 0..SESSIONS {
        let output = made::output(seed, SHOWN);
        shown += output.len();
        trails.push(trail(&output)?);
    }
    let index = index(folder, "indexing")?;
    let begun = processor()?;
    let mut reading = 0.0;
    let mut moments: Vec<Vec<Moment>> = Vec::new();
    for (number, trail) in (1..).zip(&trails) {
        let before = of_thread()?;
        let mut told = Vec::new();
        answer(&mut Feed::new(&[], trail.as_slice()), &mut told)?;
        reading += of_thread()? - before;
        let mut decoder = Decoder::default();
        decoder.push(&told);
        let mut of_session = Vec::new();
        while let Some(part) = decoder.next()? {
            if let Part::Moment(moment) = part {
                index.add(&format!("session-{number}"), number, &moment)?;
                of_session.push(moment);
            }
        }
        moments.push(of_session);
        if number.cast_unsigned() % TOGETHER == 0 {
            index.commit()?;
        }
    }
    let ours = processor()? - begun;
    let count: usize = moments.iter().map(Vec::len).sum();
    let size = size_of(&folder.join("indexing"))?;
    drop(index);
    let peer = Peer::open(&folder.join("indexing-peer.db"))?;
    let begun = processor()?;
    for (number, of_session) in (1..).zip(&moments) {
        peer.add(number, of_session)?;
        if number.cast_unsigned() % TOGETHER == 0 {
            peer.commit()?;
        }
    }
    let theirs = processor()? - begun;
    Ok(json!({
        "megabytes": shown as f64 / 1e6, "seconds": ours, "reading": reading, "peer_seconds": theirs, "moments": count,
        "size": size, "peer_size": std::fs::metadata(folder.join("indexing-peer.db"))?.len() as f64 / 1e6,
    }))
}

/// Megabytes of the files in a folder.
pub(crate) fn size_of(folder: &Path) -> Result<f64, Box<dyn Error>> {
    let mut size = 0;
    for entry in std::fs::read_dir(folder)? {
        size += entry?.metadata()?.len();
    }
    Ok(size as f64 / 1e6)
}

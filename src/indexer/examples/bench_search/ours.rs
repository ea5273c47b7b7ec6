//! Trails, the index and the session database under measurement.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use sps_index::{Folder, Index};
use sps_session_record::{Endpoint, FORMAT, Indexing, SessionRecord, Word};
use sps_trail::{Ending, Event, Head, Kind, Options, Recipients, Seed, SigningKey, Writer};

/// When the newest began, milliseconds since 1970.
const NEWEST: i64 = 1_790_000_000_000;
/// Bytes of output that come at once.
const PIECE: usize = 2048;

pub(crate) fn index(folder: &Path, name: &str) -> Result<Arc<Index>, Box<dyn Error>> {
    let folder = Folder::make(&folder.join(name))?;
    Ok(Arc::new(Index::open(Arc::new(folder), &[3; 32])?))
}

/// A trail that shows this.
pub(crate) fn trail(shown: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let head = Head {
        session: "bench".into(),
        start: 0,
        protocol: Word::SSH,
        connection: "bench".into(),
        facts: Vec::new(),
    };
    let signer = Arc::new(SigningKey::from_secret(&[7; 32])?);
    let (recipients, seed) = (Recipients::default(), Seed::new([9; 32]));
    let (mut writer, mut bytes) = Writer::new(&head, &recipients, &signer, &seed, Options::default())?;
    let terminal = Kind::Terminal {
        term: "xterm".into(),
        columns: 132,
        rows: 43,
    };
    writer.event(&Event {
        at: 0,
        channel: 1,
        kind: terminal,
    })?;
    let mut at = 0;
    for piece in shown.chunks(PIECE) {
        at += 20_000;
        writer.event(&Event::output(at, 1, piece))?;
        if writer.waiting() > 256 * 1024 {
            bytes.extend(writer.take(0)?.unwrap_or_default());
        }
    }
    let ending = Ending {
        verdict: Word::ACCEPT,
        reason: String::new(),
    };
    bytes.extend(writer.finish(&ending, 0)?);
    Ok(bytes)
}

/// A session with nothing but what a list shows, counted from the newest.
pub(crate) fn session(number: u64) -> SessionRecord {
    let start = NEWEST - number.cast_signed() * 9_500;
    SessionRecord {
        format: FORMAT,
        id: id(number),
        protocol: Word::SSH,
        connection: format!("policy-{}", number % 40),
        start,
        end: Some(start + 600_000),
        client: Endpoint {
            address: format!("10.{}.{}.{}", number % 200, number / 200 % 200, number % 250),
            port: 50_123,
        },
        server: None,
        target: Some(format!("db{}.example.com", number % 5000)),
        gateway_user: Some(format!("user-{}", number % 2000)),
        server_user: Some("root".into()),
        verdict: Word::ACCEPT,
        channels: Vec::new(),
        events: Vec::new(),
        trail: None,
        indexing: Indexing::default(),
    }
}

pub(crate) fn id(number: u64) -> String {
    format!(
        "ssh-20260923-{number:08}-{:08x}",
        number.wrapping_mul(0x9e37_79b9)
    )
}

/// Seconds that the processors worked for this process, and for the kernel on its behalf.
pub(crate) fn processor() -> Result<f64, Box<dyn Error>> {
    used("/proc/self/stat")
}

/// The same for this thread alone.
pub(crate) fn of_thread() -> Result<f64, Box<dyn Error>> {
    used("/proc/thread-self/stat")
}

fn used(stat: &str) -> Result<f64, Box<dyn Error>> {
    let stat = std::fs::read_to_string(stat)?;
    let (_, rest) = stat.rsplit_once(')').ok_or("/proc/self/stat has no name")?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |place: usize| {
        fields
            .get(place)
            .ok_or("/proc/self/stat is short")?
            .parse::<f64>()
            .map_err(Box::<dyn Error>::from)
    };
    // Fields 14 and 15, counted from 1, of which two stand before the rest; a tick is a hundredth.
    Ok((ticks(11)? + ticks(12)?) / 100.0)
}

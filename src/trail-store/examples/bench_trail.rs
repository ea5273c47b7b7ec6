//! Measures the writing of audit trails: `bench_trail FOLDER`. One JSON document to standard output. `cargo xtask bench trail` runs it.

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sps_trail::{
    Event, Head, Options, Playback, Reader, Recipient, Recipients, Seed, SigningKey, TerminalText, Word,
    Writer,
};
use sps_trail_store::{Pace, TrailStore};

/// Sessions side by side.
const SESSIONS: u32 = 2000;
/// Bytes of output that are recorded to measure speed.
const AMOUNT: usize = 256 << 20;
/// Rounds that are measured with all sessions.
const ROUNDS: u64 = 20;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("which folder?")?;
    let folder = Path::new(&folder);
    let recipients = recipients(folder)?;
    // First: memory that others gave back would hide it.
    let idle = idle(&recipients)?;
    let (terminal, terminal_size, trail) = write(&recipients, &screenful(), 400)?;
    let (bulk, bulk_size, _) = write(&recipients, &noise(1 << 20), 32 * 1024)?;
    let (verify, read) = read(&trail)?;
    let rounds = rounds(folder, &recipients)?;
    println!(
        "{{\"terminal\":{terminal},\"terminal_size\":{terminal_size},\"bulk\":{bulk},\"bulk_size\":{bulk_size},\
         \"verify\":{verify},\"text\":{read},\"idle\":{idle},\"round_typical\":{},\"round_worst\":{}}}",
        rounds.0, rounds.1
    );
    Ok(())
}

fn recipients(folder: &Path) -> Result<Recipients, Box<dyn Error>> {
    let made = std::process::Command::new("openssl")
        .args([
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=a", "-keyout", "key", "-out",
            "pem",
        ])
        .current_dir(folder)
        .output()?;
    if !made.status.success() {
        return Err("openssl makes no certificate".into());
    }
    Ok(Recipients {
        downstream: vec![Recipient::from_pem(&fs::read(folder.join("pem"))?)?],
        upstream: vec![],
        ..Recipients::default()
    })
}

fn begin(recipients: &Recipients, number: u32) -> Result<(Writer, Vec<u8>), Box<dyn Error>> {
    let head = Head {
        session: format!("s{number}"),
        start: 0,
        protocol: Word::SSH,
        connection: "bench".into(),
        facts: vec![],
    };
    let mut seed = [1; 32];
    seed[..4].copy_from_slice(&number.to_be_bytes());
    let signer = Arc::new(SigningKey::from_secret(&[7; 32])?);
    Ok(Writer::new(
        &head,
        recipients,
        &signer,
        &Seed::new(seed),
        Options::default(),
    )?)
}

/// A megabyte of what terminals show: words of a list, colours, places.
fn screenful() -> Vec<u8> {
    let mut out = Vec::new();
    let mut state = 1_u64;
    while out.len() < 1 << 20 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let number = state >> 40;
        let text = match number % 8 {
            0 => format!("\x1b[{};{}H", number % 24 + 1, number % 80 + 1),
            1 => format!("\x1b[{}m", 30 + number % 8),
            2 => "\x1b[0m\r\n".into(),
            _ => format!("word{:x} ", number % 5000),
        };
        out.extend_from_slice(text.as_bytes());
    }
    out
}

fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let next = |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state.to_be_bytes()[0]
    };
    (0..length).map(next).collect()
}

/// Seconds for a GiB of `data` that comes in pieces, bytes of a trail for a byte of it, and 16 MiB of the trail.
fn write(recipients: &Recipients, data: &[u8], piece: usize) -> Result<(f64, f64, Vec<u8>), Box<dyn Error>> {
    let (mut writer, mut kept) = begin(recipients, 0)?;
    let (mut size, mut at, mut done) = (0, 0, 0);
    let begun = Instant::now();
    while done < AMOUNT {
        for part in data.chunks(piece) {
            at += 100;
            writer.event(&Event::output(at, 1, part))?;
            if writer.waiting() > 256 * 1024 {
                let bytes = writer.take(i64::try_from(at / 1000)?)?.unwrap_or_default();
                size += bytes.len();
                if done < 16 << 20 {
                    kept.extend_from_slice(&bytes);
                }
            }
        }
        done += data.len();
    }
    let seconds = begun.elapsed().as_secs_f64() * f64::from(1 << 30) / done as f64;
    Ok((seconds, size as f64 / done as f64, kept))
}

/// Seconds to verify a GiB of recorded output, and to make its text.
fn read(trail: &[u8]) -> Result<(f64, f64), Box<dyn Error>> {
    let begun = Instant::now();
    let mut reader = Reader::new(None);
    for part in trail.chunks(64 * 1024) {
        reader.push(part);
        while reader.next().is_some() {}
    }
    let verify = begun.elapsed().as_secs_f64();
    let plain = plain_copy()?;
    let begun = Instant::now();
    let mut playback = Playback::new(None, vec![]);
    let (mut text, mut out, mut done) = (TerminalText::new(None), Vec::new(), 0);
    for part in plain.chunks(64 * 1024) {
        playback.push(part);
        while let Some(event) = playback.next()? {
            if let sps_trail::Kind::Output { data, .. } = &event.kind {
                done += data.len();
            }
            text.event(&event, &mut out);
            out.clear();
        }
    }
    let factor = f64::from(1 << 30) / done as f64;
    Ok((verify * factor, begun.elapsed().as_secs_f64() * factor))
}

/// As the encrypted one, without a key.
fn plain_copy() -> Result<Vec<u8>, Box<dyn Error>> {
    let (mut writer, mut bytes) = begin(&Recipients::default(), 0)?;
    let data = screenful();
    for round in 0..16 {
        for (part, at) in data.chunks(400).zip((0..).step_by(100)) {
            writer.event(&Event::output(round * 1_000_000 + at, 1, part))?;
        }
        bytes.extend(writer.take(0)?.unwrap_or_default());
    }
    Ok(bytes)
}

/// Bytes of memory that a writer holds which has recorded something and waits.
fn idle(recipients: &Recipients) -> Result<f64, Box<dyn Error>> {
    let signer = Arc::new(SigningKey::from_secret(&[7; 32])?);
    let mut writers = Vec::with_capacity(SESSIONS as usize + 1);
    // What all of them share is there already.
    let (mut first, _) = begin(recipients, 0)?;
    first.event(&Event::output(0, 1, &[b'x'; 3000]))?;
    first.take(0)?;
    writers.push(Box::new(first));
    let before = resident()?;
    for _ in 0..SESSIONS {
        let head = Head {
            session: "s".into(),
            start: 0,
            protocol: Word::SSH,
            connection: "bench".into(),
            facts: vec![],
        };
        let (mut writer, _) = Writer::new(
            &head,
            recipients,
            &signer,
            &Seed::new([3; 32]),
            Options::default(),
        )?;
        writer.event(&Event::output(0, 1, &[b'x'; 3000]))?;
        writer.event(&Event::input(0, 1, b"x"))?;
        writer.take(0)?;
        writers.push(Box::new(writer));
    }
    let after = resident()?;
    drop(writers);
    Ok((after - before) / f64::from(SESSIONS))
}

fn resident() -> Result<f64, Box<dyn Error>> {
    let text = fs::read_to_string("/proc/self/statm")?;
    let pages: f64 = text.split(' ').nth(1).ok_or("no figure")?.parse()?;
    Ok(pages * 4096.0)
}

/// Milliseconds of a round with something new in every one of all sessions: typical and worst.
fn rounds(folder: &Path, recipients: &Recipients) -> Result<(f64, f64), Box<dyn Error>> {
    // No round but those that are asked for.
    let pace = Pace {
        round: Duration::from_secs(3600),
    };
    let store = TrailStore::start(folder, pace, Box::new(|| Ok(())))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()?;
    let mut times: Vec<f64> = runtime.block_on(async {
        let mut trails = Vec::new();
        for number in 0..SESSIONS {
            let (writer, head) = begin(recipients, number)?;
            trails.push(store.begin(&format!("bench-{number}"), writer, head).await?);
        }
        let mut times = Vec::new();
        for round in 0..ROUNDS {
            for trail in &trails {
                trail
                    .append(&Event::output(round * 500_000, 1, &noise(200)))
                    .await?;
            }
            let begun = Instant::now();
            if let Some(first) = trails.first() {
                first.flush().await?;
            }
            times.push(begun.elapsed().as_secs_f64() * 1000.0);
        }
        Ok::<_, Box<dyn Error>>(times)
    })?;
    store.stop();
    times.sort_by(f64::total_cmp);
    let typical = times.get(times.len() / 2).copied().unwrap_or_default();
    Ok((typical, times.last().copied().unwrap_or_default()))
}

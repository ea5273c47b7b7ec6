//! How fast the output of terminals becomes moments: `cargo xtask bench search` runs it built as the product is.

use std::time::Instant;

use sps_index_engine::Extractor;
use sps_trail::{Event, Kind};

/// Words, colours and places, as terminals are sent them.
fn output(bytes: usize) -> Vec<u8> {
    let mut text = Vec::with_capacity(bytes + 200);
    let mut number: u32 = 7;
    while text.len() < bytes {
        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let line = format!(
            "Nov 23 08:{:02}:{:02} db{} \x1b[1;32msshd\x1b[0m[{}]: Accepted publickey for user{} from 192.0.2.{} port {}\r\n",
            number % 60,
            (number >> 6) % 60,
            number % 7,
            number >> 16,
            (number >> 8) % 500,
            (number >> 4) % 256,
            number % 65_536
        );
        text.extend_from_slice(line.as_bytes());
    }
    text
}

#[test]
fn output_becomes_moments_at_a_rate_that_is_told() {
    const SIZE: usize = 16 * 1024 * 1024;
    let text = output(SIZE);
    let size = if cfg!(debug_assertions) { SIZE / 16 } else { SIZE };
    let mut extractor = Extractor::default();
    let (mut moments, mut found) = (0, 0);
    let kind = Kind::Terminal {
        term: "xterm".into(),
        columns: 80,
        rows: 24,
    };
    let terminal = Event {
        at: 0,
        channel: 0,
        kind,
    };
    let begun = Instant::now();
    let mut count = |moment: sps_index_engine::Moment| {
        moments += 1;
        found += moment.text.len();
    };
    extractor.event(&terminal, &mut count);
    for (piece, at) in text[..size].chunks(4096).zip(0..) {
        extractor.event(&Event::output(at * 20_000, 0, piece), &mut count);
    }
    extractor.finish(&mut count);
    let rate = size as f64 / begun.elapsed().as_secs_f64() / 1e6;
    println!("{rate:.1} MB/s of terminal output, {moments} moments with {found} bytes of text");
    assert!(found > size / 2, "{found} bytes of {size}");
}

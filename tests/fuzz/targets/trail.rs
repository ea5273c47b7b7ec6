//! Audit trails. The bytes as they are, in pieces of two sizes; then as records of a trail whose chain is right, so that what is behind the
//! chain is reached: bodies, compression, events, exports. Whatever is read is judged the same however its bytes come.

#![no_main]

use std::sync::{Arc, OnceLock};

use libfuzzer_sys::fuzz_target;
use sha2::{Digest, Sha256};
use sps_trail::{
    Asciicast, EventLines, Head, Options, Page, Playback, Reader, Recipients, Report, Seed, SigningKey,
    State, TerminalText, Word, Writer,
};

/// Bytes of events that are exported of one input: a frame of zstd may hold a thousand times its size.
const MOST: usize = 2 << 20;

fn head() -> &'static [u8] {
    static HEAD: OnceLock<Vec<u8>> = OnceLock::new();
    HEAD.get_or_init(|| {
        let head = Head {
            session: "s".into(),
            start: 0,
            protocol: Word::SSH,
            connection: "c".into(),
            facts: vec![],
        };
        let signer = Arc::new(SigningKey::from_secret(&[7; 32]).expect("a key"));
        let seed = Seed::new([1; 32]);
        let begun = Writer::new(&head, &Recipients::default(), &signer, &seed, Options::default());
        begun.expect("a head").1
    })
}

fn judge(bytes: &[u8], piece: usize) -> Report {
    let mut reader = Reader::new(None);
    for part in bytes.chunks(piece) {
        reader.push(part);
        while reader.next().is_some() {}
    }
    reader.report()
}

/// `kind, stream, flags, length, body`, again and again, as records of a good chain.
fn chained(mut input: &[u8]) -> Vec<u8> {
    let mut out = head().to_vec();
    let mut link: [u8; 32] = Sha256::digest(&out).into();
    let mut sequence = 0_u64;
    while let [kind, stream, flags, high, low, rest @ ..] = input {
        let length = usize::from(u16::from_be_bytes([*high, *low])).min(rest.len());
        let (body, rest) = rest.split_at(length);
        input = rest;
        let mut header = vec![*kind, *stream, 0, *flags];
        header.extend_from_slice(&(length as u32).to_be_bytes());
        header.extend_from_slice(&sequence.to_be_bytes());
        header.extend_from_slice(&sequence.to_be_bytes());
        let check = Sha256::digest(&header);
        header.extend_from_slice(&check[..4]);
        let linked = [&link[..], &header, body].concat();
        link = Sha256::digest(&linked).into();
        out.extend_from_slice(&linked[32..]);
        out.extend_from_slice(&link);
        sequence += 1;
    }
    out
}

fn export(bytes: &[u8]) {
    let mut playback = Playback::new(None, vec![]);
    let (mut out, mut sum) = (Vec::new(), 0);
    let mut exports: Option<(Asciicast, TerminalText, EventLines, Page)> = None;
    for part in bytes.chunks(1000) {
        playback.push(part);
        while let Ok(Some(event)) = playback.next() {
            let begin = || {
                let head = playback.report().head.expect("a head was read");
                let lines = EventLines::new(&head, &mut Vec::new());
                let page = Page::new(&head, None, &mut Vec::new());
                (Asciicast::new(&head, None), TerminalText::new(None), lines, page)
            };
            let (cast, text, lines, page) = exports.get_or_insert_with(begin);
            out.clear();
            lines.event(&event, &mut out);
            sum += out.len();
            if sum > MOST {
                return;
            }
            cast.event(&event, &mut out);
            text.event(&event, &mut out);
            out.clear();
            page.event(&event, &mut out);
            // It would be markup.
            assert!(!out.contains(&b'<'));
        }
    }
    if let Some((mut cast, mut text, _, mut page)) = exports {
        page.finish(&mut out);
        cast.finish(&mut out);
        text.finish(&mut out);
    }
}

fuzz_target!(|input: &[u8]| {
    let report = judge(input, 1 << 20);
    assert_eq!(report, judge(input, 7));
    export(input);
    let made = chained(input);
    let report = judge(&made, 1 << 20);
    assert_eq!(report, judge(&made, 13));
    // Nobody can sign but who has the key.
    assert!(report.state != State::Complete && report.sealed_chunks == 0);
    export(&made);
});

//! What terminals are sent on its way into the index, what a process that reads trails may tell, and what people ask: nothing breaks, what is
//! told is within its bounds, and what is encoded is decoded.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sps_index_engine::{Decoder, Extractor, MAX_TEXT, Part, Query, encode, snippet};
use sps_trail::{Event, Kind};

fuzz_target!(|input: (Vec<(u8, u32, Vec<u8>)>, String, Vec<u8>)| {
    let (steps, query, told) = input;
    let mut extractor = Extractor::default();
    let mut moments = Vec::new();
    let query = Query::parse(&query);
    for (at, (what, channel, data)) in (0..).zip(&steps) {
        let (at, channel) = (at * 700_000, channel % 20);
        let text = String::from_utf8_lossy(data);
        let kind = match what % 8 {
            0 => Kind::Terminal {
                term: "xterm".into(),
                columns: u32::from(data.first().copied().unwrap_or(0)),
                rows: data.len() as u32,
            },
            1 => Kind::ChannelOpened {
                kind: text.clone(),
                detail: text,
            },
            2 => Kind::ChannelClosed,
            3 => Kind::Exec {
                command: data.as_slice().into(),
            },
            _ => Kind::Output {
                data: data.as_slice().into(),
                is_stderr: false,
            },
        };
        extractor.event(&Event { at, channel, kind }, &mut |moment| moments.push(moment));
    }
    extractor.finish(&mut |moment| moments.push(moment));
    let mut bytes = Vec::new();
    for moment in &moments {
        assert!(!moment.text.is_empty() && moment.text.len() <= MAX_TEXT);
        encode(moment, &mut bytes);
        if let Ok(query) = &query {
            let shown = snippet(&moment.text, &query.wanted());
            assert!(shown.marks.iter().all(|mark| shown.text.get(mark.clone()).is_some()));
        }
    }
    let mut decoder = Decoder::default();
    decoder.push(&bytes);
    for moment in moments {
        assert_eq!(decoder.next(), Ok(Some(Part::Moment(moment))));
    }
    let mut strange = Decoder::default();
    strange.push(&told);
    while let Ok(Some(_part)) = strange.next() {}
});

//! Whatever is recorded is read back as the same, in its order.

use crate::lab::{START, begin, events, judge};
use proptest::collection::vec;
use proptest::prelude::*;
use sps_trail::{Event, Exit, Kind, Options, Recipients, State};

fn kind() -> impl Strategy<Value = Kind<'static>> {
    let text = ".{0,20}";
    let data = || vec(any::<u8>(), 1..3000);
    prop_oneof![
        1 => (text, text).prop_map(|(kind, detail)| Kind::ChannelOpened {
            kind: kind.into(),
            detail: detail.into()
        }),
        1 => Just(Kind::ChannelClosed),
        1 => (text, any::<u32>(), any::<u32>()).prop_map(|(term, columns, rows)| Kind::Terminal {
            term: term.into(),
            columns,
            rows
        }),
        1 => (any::<u32>(), any::<u32>()).prop_map(|(columns, rows)| Kind::Resize { columns, rows }),
        1 => vec(any::<u8>(), 0..50).prop_map(|command| Kind::Exec { command: command.into() }),
        1 => text.prop_map(|name| Kind::Subsystem { name: name.into() }),
        8 => (data(), any::<bool>()).prop_map(|(data, is_stderr)| Kind::Output {
            data: data.into(),
            is_stderr
        }),
        4 => data().prop_map(|data| Kind::Input { data: data.into() }),
        1 => (text, vec(any::<u8>(), 0..50), any::<u64>(), text).prop_map(|(operation, path, bytes, result)| Kind::File {
            operation: operation.into(),
            path: path.into(),
            bytes,
            result: result.into()
        }),
        1 => (text, any::<u16>(), text).prop_map(|(address, port, origin)| Kind::Forward {
            address: address.into(),
            port,
            origin: origin.into()
        }),
        1 => any::<u32>().prop_map(|status| Kind::Exit(Exit::Status(status))),
        1 => text.prop_map(|signal| Kind::Exit(Exit::Signal(signal.into()))),
        1 => (text, text).prop_map(|(kind, text)| Kind::Found {
            kind: kind.into(),
            text: text.into()
        }),
        1 => text.prop_map(|text| Kind::Note { text: text.into() }),
    ]
}

/// Events, how long after the one before each is, and whether somebody takes after it.
fn session() -> impl Strategy<Value = Vec<(Event<'static>, bool)>> {
    let step = (1_u64..40_000, 0_u32..3, kind(), prop::bool::weighted(0.1));
    vec(step, 0..60).prop_map(|steps| {
        let mut at = 0;
        let event = |(later, channel, kind, take)| {
            at += later;
            (Event { at, channel, kind }, take)
        };
        steps.into_iter().map(event).collect()
    })
}

/// Outputs and inputs that follow each other become one, as a terminal or a server sees them.
fn joined(events: Vec<Event<'static>>) -> Vec<Event<'static>> {
    let mut out: Vec<Event<'static>> = Vec::new();
    for event in events {
        let last = out.last_mut().filter(|last| last.channel == event.channel);
        match (last.map(|last| &mut last.kind), &event.kind) {
            (
                Some(Kind::Output { data, is_stderr }),
                Kind::Output {
                    data: more,
                    is_stderr: same,
                },
            ) if is_stderr == same => {
                data.to_mut().extend_from_slice(more);
            }
            (Some(Kind::Input { data }), Kind::Input { data: more }) => data.to_mut().extend_from_slice(more),
            _ => out.push(event),
        }
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_recorded_is_read_back(steps in session(), payload in 1024_usize..20_000) {
        let options = Options { payload, seal_every: 5_000 };
        let (mut writer, mut bytes) = begin(&Recipients::default(), options);
        for (now, (event, take)) in (START..).zip(&steps) {
            writer.event(event).unwrap();
            if *take {
                bytes.extend(writer.take(now).unwrap().unwrap());
                prop_assert_eq!(writer.waiting(), 0);
            }
        }
        bytes.extend(writer.finish(&crate::lab::ending(), START + 100).unwrap());
        prop_assert_eq!(judge(&bytes, None, 5000).state, State::Complete);
        let recorded = steps.into_iter().map(|(event, _)| event).collect();
        prop_assert_eq!(joined(events(&bytes, vec![])), joined(recorded));
    }

    #[test]
    fn bytes_of_strangers_are_judged_and_bounded(bytes in vec(any::<u8>(), 0..2000)) {
        let whole = [&b"\x89SPT\r\n\x1a\n\x01\x00"[..], &bytes].concat();
        prop_assert!(judge(&whole, None, 100).state != State::Complete);
    }
}

#[test]
fn outputs_that_belong_together_are_one_event_and_others_are_not() {
    let (mut writer, mut bytes) = begin(&Recipients::default(), Options::default());
    let all = [
        Event::output(0, 1, b"a"),
        Event::output(15_000, 1, b"b"),
        Event::output(15_001, 1, b"c"),
        Event::output(15_002, 2, b"d"),
        Event::output(15_003, 1, b"e"),
        Event::input(15_004, 1, b"f"),
        Event::output(15_005, 1, b"g"),
        // A clock that went back: taken as the time before.
        Event::output(3, 1, b"h"),
    ];
    for event in &all {
        writer.event(event).unwrap();
    }
    bytes.extend(writer.finish(&crate::lab::ending(), START).unwrap());
    assert_eq!(
        events(&bytes, vec![]),
        [
            Event::output(0, 1, b"ab"),
            Event::output(15_001, 1, b"c"),
            Event::output(15_002, 2, b"d"),
            Event::output(15_003, 1, b"e"),
            Event::input(15_004, 1, b"f"),
            Event::output(15_005, 1, b"gh"),
        ]
    );
}

#[test]
fn an_idle_writer_is_small() {
    let (mut writer, _) = begin(&Recipients::default(), Options::default());
    writer.event(&Event::output(0, 1, &[b'x'; 100_000])).unwrap();
    writer.take(START).unwrap();
    assert!(
        writer.waiting() == 0 && size_of_val(&writer) < 2560,
        "{}",
        size_of_val(&writer)
    );
}

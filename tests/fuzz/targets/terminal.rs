//! What a terminal is sent and what is typed on it: nothing breaks, and nothing grows.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sps_proxy_engine::{CommandLine, ShownText, card_numbers, entering};

fuzz_target!(|input: (u32, u32, Vec<(u8, Vec<u8>)>)| {
    let (rows, columns, steps) = input;
    let mut line = CommandLine::new(rows, columns);
    let mut shown = ShownText::default();
    for (what, data) in steps {
        match what % 4 {
            0 => {
                line.output(&data);
                for shown in shown.output(&data) {
                    let text = format!("{shown:?}");
                    assert!(
                        card_numbers(&text)
                            .iter()
                            .all(|number| (13..=19).contains(&number.len()))
                    );
                }
            }
            1 => {
                let keys: Vec<u8> = data.iter().copied().filter(|key| !entering(*key)).collect();
                line.keys(&keys);
                let _shown = line.is_shown();
            }
            2 => line.resize(u32::from(data.first().copied().unwrap_or(0)), data.len() as u32),
            _ => {
                if let Some(entered) = line.enter(true) {
                    let most = 64 * 1024 + data.len();
                    assert!(entered.shown.len() <= most && entered.typed.len() <= most);
                    let nothing = entered.line.is_empty() && entered.typed.is_empty();
                    assert!(!nothing || entered.unreadable);
                }
            }
        }
    }
});

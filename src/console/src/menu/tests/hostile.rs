//! Whatever is typed and whatever comes back, in any order.

use std::time::Duration;

use sps_admin::{Failure, Mode, Request, Response};
use zeroize::Zeroizing;

use super::appliance::{Appliance, in_mode};
use crate::menu::{Input, Menu, Output};

/// A generator that needs no crate: xorshift64* (Vigna, 2016).
struct Noise(u64);

impl Noise {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(high).unwrap() % bound
    }
}

const LINES: [&str; 16] = [
    "",
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "9",
    "10",
    "yes",
    "sda",
    "open sesame",
    "\x1b[2J \u{0} ü 192.0.2.1/24",
];

fn input(noise: &mut Noise, appliance: &mut Appliance, asked: &[(u64, Request)]) -> Input {
    let any = asked.get(noise.below(asked.len().max(1)));
    match (noise.below(12), any) {
        (0, _) => Input::Opened,
        (1, _) => Input::Cancel,
        (2, _) => Input::Tick,
        (3, _) if noise.below(20) == 0 => Input::HungUp,
        (4, Some((job, _))) => Input::Ended {
            job: *job,
            reply: Box::new(Err(Failure::failed("\x1b[31mno\n"))),
        },
        (5, Some((job, _))) => Input::Ended {
            job: *job,
            reply: Box::new(Ok(Response::Login {
                accepted: true,
                wait: 0,
            })),
        },
        (6, Some((job, _))) => Input::Ran { job: *job },
        (7..=9, Some((job, request))) => Input::Ended {
            job: *job,
            reply: Box::new(appliance.answer(request)),
        },
        _ => Input::Line(Zeroizing::new(LINES[noise.below(LINES.len())].into())),
    }
}

/// Plays one conversation of `steps` inputs.
fn play(seed: u64, mode: Mode, steps: usize) {
    let mut noise = Noise(seed * 2 + 1);
    let mut menu = Menu::new("ttyS0");
    let mut appliance = in_mode(mode);
    let mut asked: Vec<(u64, Request)> = Vec::new();
    let mut now = Duration::ZERO;
    for _ in 0..steps {
        now += Duration::from_secs(noise.below(30) as u64);
        for output in menu.step(input(&mut noise, &mut appliance, &asked), now) {
            match output {
                Output::Ask { job, request } => asked.push((job, request)),
                Output::Text(text) | Output::Bar(text) => {
                    assert!(
                        text.chars().all(|c| matches!(c, ' '..='~' | '\n')),
                        "seed {seed}: {text:?}"
                    );
                    assert!(!text.contains("open sesame"), "seed {seed}: a password was shown");
                }
                Output::Run { .. } | Output::Read(_) | Output::Leave => {}
            }
        }
    }
}

#[test]
fn no_conversation_breaks_the_menu() {
    for seed in 1..=300 {
        for mode in [Mode::Installed, Mode::Live, Mode::Rescue] {
            play(seed, mode, 120);
        }
    }
}

#[test]
fn without_the_password_nothing_but_a_login_is_asked() {
    for seed in 1..=300 {
        let mut noise = Noise(seed * 2 + 1);
        let mut menu = Menu::new("tty1");
        let mut appliance = in_mode(Mode::Installed);
        appliance.password = Some("nobody types this".into());
        let mut last = None;
        for step in 0..200_u32 {
            let input = match (last.take(), noise.below(3)) {
                (Some((job, request)), _) => Input::Ended {
                    job,
                    reply: Box::new(appliance.answer(&request)),
                },
                (None, 0) => Input::Opened,
                (None, 1) => Input::Tick,
                (None, _) => Input::Line(Zeroizing::new(LINES[noise.below(LINES.len())].into())),
            };
            for output in menu.step(input, Duration::from_secs(u64::from(step) * 7)) {
                assert!(!matches!(output, Output::Run { .. }), "seed {seed}");
                if let Output::Ask { job, request } = output {
                    assert!(
                        matches!(request, Request::ConsoleState | Request::Login { .. }),
                        "seed {seed}: {request:?}"
                    );
                    last = Some((job, request));
                }
            }
        }
    }
}

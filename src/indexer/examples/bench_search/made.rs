//! What is shown, made from a number: the same at every run.

/// SplitMix64: numbers that look random.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.roll() % limit
    }

    /// A word of fifty thousand, the first ones more often, as in what people write.
    pub(crate) fn word(&mut self) -> String {
        let even = self.below(1 << 20) as f64 / f64::from(1 << 20);
        let number = (50_000_f64.powf(even)) as u64;
        format!("w{number:x}")
    }
}

/// About `size` bytes of what a shell shows: logs, coloured lists, a program that draws the whole screen, progress.
pub(crate) fn output(seed: u64, size: usize) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    let mut out = Vec::with_capacity(size + 8192);
    while out.len() < size {
        match dice.below(10) {
            0..6 => log(&mut dice, &mut out),
            6..8 => list(&mut dice, &mut out),
            8 => screen(&mut dice, &mut out),
            _ => progress(&mut dice, &mut out),
        }
    }
    out
}

fn log(dice: &mut Dice, out: &mut Vec<u8>) {
    for _ in 0..20 {
        let (second, process) = (dice.below(86_400), dice.below(30_000));
        let text: Vec<String> = (0..8).map(|_| dice.word()).collect();
        let line = format!(
            "Nov 23 {:02}:{:02}:{:02} host {}[{process}]: {}\r\n",
            second / 3600,
            second / 60 % 60,
            second % 60,
            dice.word(),
            text.join(" ")
        );
        out.extend_from_slice(line.as_bytes());
    }
}

fn list(dice: &mut Dice, out: &mut Vec<u8>) {
    for _ in 0..20 {
        let (size, name) = (dice.below(1 << 30), dice.word());
        let line = format!("-rw-r--r-- 1 root root {size:>10} Nov 23 10:20 \x1b[0;32m{name}.conf\x1b[0m\r\n");
        out.extend_from_slice(line.as_bytes());
    }
}

fn screen(dice: &mut Dice, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\x1b[?1049h");
    for _ in 0..3 {
        out.extend_from_slice(b"\x1b[H");
        for row in 1..24 {
            let line = format!(
                "\x1b[{row};1H{:>6} {:>5}.{} {}\x1b[K",
                dice.below(99_999),
                dice.below(100),
                dice.below(10),
                dice.word()
            );
            out.extend_from_slice(line.as_bytes());
        }
    }
    out.extend_from_slice(b"\x1b[?1049l");
}

fn progress(dice: &mut Dice, out: &mut Vec<u8>) {
    let name = dice.word();
    for percent in 0..100 {
        out.extend_from_slice(
            format!("\r{name} {percent:>3} % [{:<50}]", "=".repeat(percent / 2)).as_bytes(),
        );
    }
    out.extend_from_slice(b"\r\n");
}

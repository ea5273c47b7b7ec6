//! Progress of long steps: whole lines, so that a log without a terminal shows life, and times at the end.

use std::io::{BufRead, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How often a running step says that it lives.
const BEAT: Duration = Duration::from_secs(15);

/// Lines of output kept to explain a failure.
const LAST_WORDS: usize = 40;

/// Lines in flight between the reader and the counter.
const QUEUE: usize = 256;

/// `1 min 5 s`, `3.2 s`.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 {
        return format!("{:.1} s", time.as_secs_f64());
    }
    format!("{} min {} s", seconds / 60, seconds % 60)
}

/// A named step; prints its start, and its time when it is done.
#[derive(Debug)]
pub(crate) struct Step {
    name: String,
    start: Instant,
}

impl Step {
    /// Prints the name and starts the clock.
    pub(crate) fn start(name: impl Into<String>) -> Self {
        let step = Self {
            name: name.into(),
            start: Instant::now(),
        };
        println!("{} …", step.name);
        step
    }

    /// Starts the clock and prints nothing yet: for steps that are mostly over at once.
    pub(crate) fn quiet(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            start: Instant::now(),
        }
    }

    /// Prints the time it took and returns it.
    pub(crate) fn done(self) -> Duration {
        let time = self.start.elapsed();
        println!("{}: done in {}", self.name, duration(time));
        time
    }
}

/// Runs `command` with the caller's own output, for programs that show their progress themselves.
pub(crate) fn pass_through(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("start {program} (if it is missing: `cargo xtask setup`)"))?;
    if !status.success() {
        bail!("{program} failed ({status})");
    }
    Ok(())
}

/// Runs `command` with `input` on its standard input and its output thrown away.
pub(crate) fn feed(command: &mut Command, input: &[u8]) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("start {program}"))?;
    if let Some(mut pipe) = child.stdin.take() {
        pipe.write_all(input)
            .with_context(|| format!("write to {program}"))?;
    }
    let status = child.wait().with_context(|| format!("wait for {program}"))?;
    if !status.success() {
        bail!("{program} failed ({status})");
    }
    Ok(())
}

/// Runs `command` with its output in a pipe, counts its lines and prints a line of progress every 15
/// seconds. `total` is how many lines are expected, for the percentage. On failure the last lines are shown.
pub(crate) fn run(name: &str, command: &mut Command, total: Option<usize>) -> Result<usize> {
    let step = Step::start(name);
    let (reader, writer) = std::io::pipe().context("make a pipe")?;
    let second = writer.try_clone().context("copy a pipe")?;
    let program = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(writer).stderr(second);
    let mut child = command
        .spawn()
        .with_context(|| format!("start {program} (if it is missing: `cargo xtask setup`)"))?;
    // The command holds the writing ends of the pipe: without this the reader would never see its end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let (lines, last) = follow(reader, &step, total);
    let status = child.wait().with_context(|| format!("wait for {program}"))?;
    if !status.success() {
        bail!(
            "{name}: {program} failed ({status}); its last words:\n{}",
            last.join("\n")
        );
    }
    step.done();
    Ok(lines)
}

/// Runs `cargo test` with its output passed on line by line, says every 15 seconds that it lives when it is
/// silent, and returns how many tests passed.
pub(crate) fn tests(name: &str, command: &mut Command) -> Result<usize> {
    let step = Step::quiet(name);
    let (reader, writer) = std::io::pipe().context("make a pipe")?;
    let second = writer.try_clone().context("copy a pipe")?;
    command.stdin(Stdio::null()).stdout(writer).stderr(second);
    let mut child = command.spawn().context("start cargo")?;
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut passed = 0;
    watch(reader, BEAT, |line| match line {
        Some(line) => {
            println!("{line}");
            passed += passed_tests(line);
        }
        None => println!("{}: {} so far", step.name, duration(step.start.elapsed())),
    });
    let status = child.wait().context("wait for cargo")?;
    if !status.success() {
        bail!("{name}: a test failed ({status}); see above");
    }
    Ok(passed)
}

/// `test result: ok. 14 passed; 0 failed; …`
fn passed_tests(line: &str) -> usize {
    let counts = line
        .strip_prefix("test result: ok. ")
        .and_then(|rest| rest.split_once(" passed"));
    counts
        .and_then(|(count, _)| count.parse().ok())
        .unwrap_or_default()
}

/// Hands every line to `each`, and `None` whenever none came for `silence`.
fn watch(reader: std::io::PipeReader, silence: Duration, mut each: impl FnMut(Option<&str>)) {
    let (sender, receiver) = mpsc::sync_channel(QUEUE);
    let reading = thread::spawn(move || read_lines(reader, &sender));
    loop {
        match receiver.recv_timeout(silence) {
            Ok(line) => each(Some(&line)),
            Err(RecvTimeoutError::Timeout) => each(None),
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    // The reader ends with the pipe; a panic there has already been printed.
    let _ = reading.join();
}

fn read_lines(reader: std::io::PipeReader, sender: &mpsc::SyncSender<String>) {
    for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
        if sender.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
            return;
        }
    }
}

fn follow(reader: std::io::PipeReader, step: &Step, total: Option<usize>) -> (usize, Vec<String>) {
    let (sender, receiver) = mpsc::sync_channel(QUEUE);
    let reading = thread::spawn(move || read_lines(reader, &sender));
    let (mut count, mut last) = (0, Vec::new());
    let mut next = Instant::now() + BEAT;
    loop {
        match receiver.recv_timeout(next.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                count += 1;
                if last.len() == LAST_WORDS {
                    last.remove(0);
                }
                last.push(line);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if Instant::now() >= next {
            println!("{}: {}", step.name, beat(count, total, step.start.elapsed()));
            next += BEAT;
        }
    }
    // The reader ends with the pipe; a panic there has already been printed.
    let _ = reading.join();
    (count, last)
}

fn beat(count: usize, total: Option<usize>, elapsed: Duration) -> String {
    match total {
        Some(total) if total > 0 => {
            let percent = (count * 100 / total).min(99);
            format!(
                "{count} of about {total} steps ({percent} %), {}",
                duration(elapsed)
            )
        }
        _ => format!("{count} lines, {}", duration(elapsed)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_command_shows_its_last_words_and_its_status() {
        let error = run(
            "example",
            Command::new("sh").args(["-c", "echo one; echo two >&2; exit 3"]),
            None,
        )
        .expect_err("exit status 3");
        let text = error.to_string();
        assert!(text.contains("one\ntwo"), "{text}");
        assert!(text.contains("exit status: 3"), "{text}");
    }

    #[test]
    fn passed_tests_are_added_up_from_their_summary_lines() {
        let script = "echo 'test result: ok. 14 passed; 0 failed'; echo noise; echo 'test result: ok. 2 passed; 0 failed'";
        assert_eq!(
            tests("example", Command::new("sh").args(["-c", script])).expect("passes"),
            16
        );
        let error = tests("example", &mut Command::new("false")).expect_err("exit status 1");
        assert!(error.to_string().contains("a test failed"), "{error}");
    }

    #[test]
    fn output_is_counted_and_the_percentage_never_claims_the_end() {
        let lines = run("example", Command::new("seq").arg("500"), Some(10)).expect("seq works");
        assert_eq!(lines, 500);
        assert_eq!(
            beat(20, Some(10), Duration::from_secs(61)),
            "20 of about 10 steps (99 %), 1 min 1 s"
        );
    }
}

//! A run of named steps with a table of their times at the end.
//!
//! Invariant: the table is printed whether the run succeeds or fails, and names the step that failed.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::progress;

/// What a step found out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Tests that passed, where the step runs tests.
    pub(crate) passed: usize,
}

/// The steps so far.
#[derive(Debug)]
pub(crate) struct Steps {
    start: Instant,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    name: String,
    time: Duration,
    outcome: Option<Outcome>,
}

impl Steps {
    /// No step yet.
    pub(crate) fn new() -> Self {
        Self {
            start: Instant::now(),
            rows: Vec::new(),
        }
    }

    /// Runs one step.
    pub(crate) fn run(&mut self, name: &str, step: impl FnOnce() -> Result<Outcome>) -> Result<()> {
        println!("\n=== {name}");
        let start = Instant::now();
        let result = step();
        let outcome = result.as_ref().ok().copied();
        self.rows.push(Row {
            name: name.to_owned(),
            time: start.elapsed(),
            outcome,
        });
        result.map(drop).with_context(|| format!("step `{name}`"))
    }

    /// Notes a step that ran beside others and took `time`.
    pub(crate) fn ran_beside(&mut self, name: &str, time: Duration, result: Result<Outcome>) -> Result<()> {
        self.rows.push(Row {
            name: format!("{name} (beside)"),
            time,
            outcome: result.as_ref().ok().copied(),
        });
        result.map(drop).with_context(|| format!("step `{name}`"))
    }

    /// Prints the table.
    pub(crate) fn print(&self) {
        println!("\n{}", self.table(self.start.elapsed()));
    }

    fn table(&self, total: Duration) -> String {
        let width = self
            .rows
            .iter()
            .map(|row| row.name.len())
            .max()
            .unwrap_or_default()
            .max(5);
        let mut text = format!("{:width$}  {:>12}  {:>6}\n", "step", "time", "passed");
        for row in &self.rows {
            let passed = match row.outcome {
                Some(Outcome { passed: 0 }) => "ok".to_owned(),
                Some(Outcome { passed }) => passed.to_string(),
                None => "FAILED".to_owned(),
            };
            text.push_str(&format!(
                "{:width$}  {:>12}  {passed:>6}\n",
                row.name,
                progress::duration(row.time)
            ));
        }
        let passed: usize = self
            .rows
            .iter()
            .filter_map(|row| row.outcome)
            .map(|outcome| outcome.passed)
            .sum();
        text.push_str(&format!(
            "{:width$}  {:>12}  {passed:>6}",
            "total",
            progress::duration(total)
        ));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_adds_up_and_shows_what_failed() {
        let mut steps = Steps::new();
        steps
            .run("unit tests", || Ok(Outcome { passed: 12 }))
            .expect("passes");
        steps.run("format", || Ok(Outcome::default())).expect("passes");
        let error = steps
            .run("boot", || anyhow::bail!("no PID 1"))
            .expect_err("fails");
        assert_eq!(format!("{error:#}"), "step `boot`: no PID 1");
        let table = steps.table(Duration::from_secs(75));
        assert!(
            table.lines().nth(1).is_some_and(|line| line.ends_with("    12")),
            "{table}"
        );
        assert!(
            table.lines().nth(3).is_some_and(|line| line.ends_with("FAILED")),
            "{table}"
        );
        assert!(table.ends_with("total         1 min 15 s      12"), "{table}");
    }
}

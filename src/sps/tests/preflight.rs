//! Test of a new firmware, asked the way the running firmware asks: a snapshot piped through the real binary.

#![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use std::io::Write;
use std::process::{Command, Output, Stdio};

use sps_preflight::Report;

/// An appliance as an early firmware would tell of it.
const APPLIANCE: &str = include_str!("../../../tests/fuzz/seeds/preflight/snapshot.json");

fn ask(snapshot: &[u8]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sps"))
        .arg("preflight")
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(snapshot).unwrap();
    drop(input);
    child.wait_with_output().unwrap()
}

#[test]
fn the_binary_judges_a_snapshot() {
    let output = ask(APPLIANCE.as_bytes());
    assert!(output.status.success() && output.stderr.is_empty());
    let report = Report::from_json(&output.stdout).unwrap();
    assert!(!report.passed());
    let told = report.findings.iter().map(|finding| {
        let (check, severity) = (&finding.check, finding.severity);
        format!("{severity:?} {check}: {} | {}\n", finding.problem, finding.mend)
    });
    insta::assert_snapshot!(told.collect::<String>());
}

#[test]
fn what_stands_in_the_way_can_be_mended() {
    let mended = APPLIANCE
        .replace("\"6.4.0\"", "\"6.13.0\"")
        .replace("\"Degraded\"", "\"HA\"")
        .replace("\"data_free\": 1073741824", "\"data_free\": 4294967296");
    let report = Report::from_json(&ask(mended.as_bytes()).stdout).unwrap();
    assert!(report.passed(), "{report:?}");
    assert!(!report.findings.is_empty(), "warnings stay");
}

#[test]
fn nonsense_is_answered_with_a_report_that_blocks() {
    for nonsense in [&b""[..], b"\xff\xfe", b"{\"format\": 2}", &[b'['; 100_000]] {
        let output = ask(nonsense);
        assert!(output.status.success());
        assert!(!Report::from_json(&output.stdout).unwrap().passed());
    }
}

//! Times an installation against `dd conv=fsync` of the same bytes, on a loop device over a blank sparse file: prints one line of
//! JSON with the medians in milliseconds. Needs root. `bench_install ISO FOLDER [ROUNDS]`: the file is made in FOLDER.

#![allow(clippy::unwrap_used, reason = "a tool of developers: a failed step ends it")]

use std::fs::File;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use sps_image::keys::{SecretKey, Trust};
use sps_image::source::FileSource;
use sps_storage::disks::{Scope, list};
use sps_storage::helper::Helpers;
use sps_storage::install::{Firmware, Observer, Progress, Step, install, plan, survey};

/// A blank virtual disk of the size people take for trying.
const DISK: u64 = 8_000_000_000;

/// Tells on standard error when each step began.
struct Steps(Instant);

impl Observer for Steps {
    fn step(&mut self, step: &Step) -> bool {
        eprintln!("{:>5} ms {}", self.0.elapsed().as_millis(), step.name);
        true
    }

    fn progress(&mut self, _progress: &Progress) {}
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [iso, folder, rest @ ..] = arguments.as_slice() else {
        panic!("usage: bench_install ISO FOLDER [ROUNDS]");
    };
    let rounds: usize = rest.first().map_or(5, |text| text.parse().unwrap());
    let folder = Path::new(folder);
    let trust = Trust::only(SecretKey::development().public());
    let began = Instant::now();
    let firmware = Firmware::open(&FileSource::new(File::open(iso).unwrap()).unwrap(), &trust).unwrap();
    let verify = began.elapsed();
    let (mut installs, mut copies, mut bytes) = (Vec::new(), Vec::new(), 0);
    for _ in 0..rounds {
        let (took, written) = on_blank(folder, |device| one_install(device, &firmware));
        installs.push(took);
        bytes = written;
        copies.push(on_blank(folder, |device| one_copy(device, folder, written)));
    }
    let (install, copy) = (median(installs), median(copies));
    println!(
        "{{\"bytes\": {bytes}, \"verify_ms\": {}, \"install_ms\": {}, \"dd_ms\": {}, \"ratio\": {:.2}}}",
        verify.as_millis(),
        install.as_millis(),
        copy.as_millis(),
        install.as_secs_f64() / copy.as_secs_f64()
    );
}

/// Does something with a blank disk that is gone afterwards.
fn on_blank<T>(folder: &Path, work: impl FnOnce(&str) -> T) -> T {
    let image = folder.join("bench-install.img");
    File::create(&image).unwrap().set_len(DISK).unwrap();
    let device = run("losetup", &["--find", "--show", image.to_str().unwrap()]);
    let device = device.trim();
    run("sync", &[]);
    let result = work(device);
    let _none_left = Command::new("partx").args(["--delete", device]).output();
    run("losetup", &["--detach", device]);
    std::fs::remove_file(&image).unwrap();
    result
}

fn one_install(device: &str, firmware: &Firmware) -> (Duration, u64) {
    let disk = list(Scope::WithLoop)
        .into_iter()
        .find(|disk| disk.path == Path::new(device))
        .unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let plan = plan(&survey(&disk), &[], false).unwrap();
    let installed = install(
        &plan,
        firmware,
        &Helpers::default(),
        scratch.path(),
        &mut Steps(began),
    )
    .unwrap();
    let took = began.elapsed();
    eprintln!("{:>5} ms done", took.as_millis());
    (took, installed.bytes)
}

/// Random bytes, which nothing on the way can make smaller.
fn one_copy(device: &str, folder: &Path, bytes: u64) -> Duration {
    let source = folder.join("bench-install.bytes");
    let (from, to) = (format!("if={}", source.display()), format!("of={device}"));
    let count = format!("count={bytes}");
    run(
        "dd",
        &[
            "if=/dev/urandom",
            &format!("of={}", source.display()),
            "bs=1M",
            "iflag=count_bytes",
            &count,
        ],
    );
    run("sync", &[]);
    let began = Instant::now();
    run("dd", &[&from, &to, "bs=1M", "conv=fsync,notrunc"]);
    let took = began.elapsed();
    std::fs::remove_file(source).unwrap();
    took
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{program}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

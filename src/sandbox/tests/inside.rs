//! The sandbox tried from inside, by a program that tries everything.

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::process::Command;
    use std::sync::LazyLock;
    use std::time::{Duration, Instant};

    use sps_sandbox::{Limits, Sandbox, SandboxError};

    /// The program of `probe.c`.
    static PROBE: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let folder = tempfile::tempdir().unwrap();
        let built = folder.path().join("probe");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/probe.c");
        let compiled = Command::new("cc")
            .args([
                OsStr::new("-static"),
                "-O1".as_ref(),
                "-Wall".as_ref(),
                "-Werror".as_ref(),
                "-o".as_ref(),
            ])
            .args([built.as_os_str(), source.as_os_str()])
            .status()
            .unwrap();
        assert!(compiled.success());
        fs::read(built).unwrap()
    });

    fn sandbox() -> Sandbox {
        Sandbox::default().with_shim(env!("CARGO_BIN_EXE_sandbox-shim"))
    }

    fn run(what: &str, limits: Limits, input: &[u8]) -> Result<String, SandboxError> {
        let answer = sandbox().with_limits(limits).run(&PROBE, &[what], input)?;
        Ok(String::from_utf8(answer).unwrap())
    }

    fn plainly(what: &str) -> Result<String, SandboxError> {
        run(what, Limits::default(), b"")
    }

    #[test]
    fn every_door_is_closed() {
        let told = plainly("doors").unwrap();
        let open: Vec<&str> = told.lines().filter(|line| line.ends_with(": done")).collect();
        assert!(open.is_empty(), "{open:#?}");
        assert!(told.lines().count() > 35, "{told}");
    }

    #[test]
    fn input_goes_in_and_the_answer_comes_out() {
        let input = vec![b'a'; 3_000_000];
        let answer = sandbox().run(&PROBE, &["echo"], &input).unwrap();
        assert!(answer == input, "{} bytes of {}", answer.len(), input.len());
        assert_eq!(plainly("echo").unwrap(), "");
        // A program that reads nothing of it is no failure of ours.
        assert!(run("environment", Limits::default(), &input).is_ok());
    }

    #[test]
    fn the_environment_is_empty_and_it_is_not_process_1() {
        assert_eq!(plainly("environment").unwrap(), "empty 2 1 -1\n");
    }

    #[test]
    fn threads_are_bounded() {
        let made: u32 = plainly("threads").unwrap().trim().parse().unwrap();
        assert!((1..64).contains(&made), "{made}");
    }

    #[test]
    fn what_computes_for_ever_is_ended() {
        let limits = Limits {
            processor: Duration::from_secs(1),
            ..Limits::default()
        };
        let error = run("compute", limits, b"").unwrap_err();
        assert!(
            matches!(error, SandboxError::Signalled { signal: 9, .. }),
            "{error}"
        );
    }

    #[test]
    fn what_waits_for_ever_is_ended_with_all_of_it() {
        let limits = Limits {
            time: Duration::from_millis(400),
            ..Limits::default()
        };
        let begun = Instant::now();
        let error = run("wait", limits, b"").unwrap_err();
        assert!(matches!(error, SandboxError::Overdue { .. }), "{error}");
        assert!(begun.elapsed() < Duration::from_secs(20));
        let until = Instant::now() + Duration::from_secs(20);
        while shims() > 0 {
            assert!(Instant::now() < until, "processes are left");
            std::thread::yield_now();
        }
    }

    /// Processes of this test that were started as the shim.
    fn shims() -> usize {
        let own = PathBuf::from(env!("CARGO_BIN_EXE_sandbox-shim"));
        let is_ours = |folder: &Path| {
            let words = fs::read(folder.join("cmdline")).unwrap_or_default();
            words.starts_with(b"sps-sandbox\0")
                && words.windows(5).any(|word| word == b"wait\0")
                && fs::read_link(folder.join("exe")).is_ok_and(|exe| exe == own)
        };
        let processes = fs::read_dir("/proc").unwrap();
        processes
            .filter(|entry| is_ours(&entry.as_ref().unwrap().path()))
            .count()
    }

    #[test]
    fn memory_is_bounded() {
        let limits = Limits {
            memory: 64 * 1024 * 1024,
            ..Limits::default()
        };
        let got: u64 = run("allocate", limits, b"").unwrap().trim().parse().unwrap();
        assert!((32..64).contains(&got), "{got} MiB");
    }

    #[test]
    fn the_answer_is_bounded() {
        let limits = Limits {
            answer: 100_000,
            ..Limits::default()
        };
        let error = run("flood", limits, b"").unwrap_err();
        assert!(
            matches!(error, SandboxError::TooMuch { limit: 100_000 }),
            "{error}"
        );
    }

    #[test]
    fn a_failure_says_what_it_said() {
        let error = plainly("complain").unwrap_err();
        assert_eq!(error.to_string(), "it failed with status 3: no way; at all");
    }

    #[test]
    fn a_crash_names_its_signal() {
        let signal = |what| match plainly(what) {
            Err(SandboxError::Signalled { signal, .. }) => signal,
            other => panic!("{other:?}"),
        };
        assert_eq!((signal("abort"), signal("crash")), (6, 11));
    }

    #[test]
    fn what_is_no_program_is_not_started() {
        let error = sandbox().run(b"no program", &[], b"").unwrap_err();
        let told = error.to_string();
        assert!(
            matches!(error, SandboxError::NotClosed { .. }) && told.contains("start the program"),
            "{told}"
        );
    }
}

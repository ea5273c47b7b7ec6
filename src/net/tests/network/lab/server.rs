//! Real DHCP servers.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::Namespace;

/// Longest wait for a line of a log.
const PATIENCE: Duration = Duration::from_secs(30);

/// A program whose output is read as it comes. Dropped, it is killed.
pub(crate) struct LogReader {
    child: Child,
    lines: mpsc::Receiver<String>,
    seen: Vec<String>,
}

impl LogReader {
    /// Starts a program that logs to standard error.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap_or_else(|error| {
            panic!("{command:?} does not start ({error}): apt-get install dnsmasq-base isc-dhcp-server tcpdump")
        });
        let lines = lines_of(child.stderr.take().unwrap());
        Self {
            child,
            lines,
            seen: Vec::new(),
        }
    }

    /// tcpdump on an interface; its packets are the lines.
    pub(crate) fn capture(namespace: &Namespace, interface: &str, filter: &str) -> Self {
        let mut command = namespace.command("tcpdump");
        command
            .args(["-l", "-n", "-t", "--immediate-mode", "-i", interface, filter])
            .stderr(Stdio::piped());
        command.stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut ready = BufReader::new(child.stderr.take().unwrap())
            .lines()
            .map_while(Result::ok);
        assert!(
            ready.any(|line| line.contains("listening on")),
            "tcpdump does not listen"
        );
        let lines = lines_of(child.stdout.take().unwrap());
        Self {
            child,
            lines,
            seen: Vec::new(),
        }
    }

    /// What the kernel says of addresses and routes inside, one change a line, from now on.
    pub(crate) fn changes(namespace: &Namespace) -> Self {
        let mut command = namespace.command("ip");
        command.args(["-4", "-o", "monitor", "address", "route"]);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = lines_of(child.stdout.take().unwrap());
        let reader = Self {
            child,
            lines,
            seen: Vec::new(),
        };
        // It says nothing when it begins to listen: loopback gets an address until the monitor notices.
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            namespace.ip("addr replace 127.0.0.9/32 dev lo");
            namespace.ip("addr del 127.0.0.9/32 dev lo");
            if reader.lines.recv_timeout(Duration::from_millis(50)).is_ok() {
                break;
            }
        }
        reader
    }

    /// Lines so far that contain this text.
    pub(crate) fn seen(&mut self, text: &str) -> Vec<String> {
        self.seen.extend(self.lines.try_iter());
        let found = self.seen.iter().filter(|line| line.contains(text));
        found.cloned().collect()
    }

    /// Waits for a new line with this text and returns it.
    pub(crate) fn wait(&mut self, text: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) => {
                    self.seen.push(line.clone());
                    if line.contains(text) {
                        return line;
                    }
                }
                Err(_) => panic!(
                    "no line with {text:?} within {PATIENCE:?} in:\n{}",
                    self.seen.join("\n")
                ),
            }
        }
    }
}

impl Drop for LogReader {
    fn drop(&mut self) {
        let _killed = self.child.kill();
        let _waited = self.child.wait();
    }
}

fn lines_of(output: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// dnsmasq as a DHCP server.
pub(crate) struct Dnsmasq {
    pub(crate) log: LogReader,
    _files: tempfile::TempDir,
}

impl Dnsmasq {
    /// Serves `range` (dnsmasq's syntax) on an interface, with further options.
    pub(crate) fn start(namespace: &Namespace, interface: &str, range: &str, options: &[&str]) -> Self {
        let files = tempfile::tempdir().unwrap();
        let leases = files.path().join("leases");
        let mut command = namespace.command("dnsmasq");
        command
            .args([
                "--keep-in-foreground",
                "--conf-file=/dev/null",
                "--port=0",
                "--user=root",
                "--pid-file=",
            ])
            .args(["--bind-interfaces", "--log-dhcp", "--log-facility=-", "--no-ping"])
            .arg(format!("--interface={interface}"))
            .arg(format!("--dhcp-range={range}"))
            .arg(format!("--dhcp-leasefile={}", leases.display()))
            .args(options);
        let mut log = LogReader::start(&mut command);
        log.wait("sockets bound exclusively to interface");
        Self { log, _files: files }
    }
}

/// ISC dhcpd: it gives leases of any length.
pub(crate) struct IscDhcpd {
    pub(crate) log: LogReader,
    _files: tempfile::TempDir,
}

impl IscDhcpd {
    /// Serves with this `dhcpd.conf` on an interface.
    pub(crate) fn start(namespace: &Namespace, interface: &str, config: &str) -> Self {
        let files = tempfile::tempdir().unwrap();
        let path = |name: &str| files.path().join(name);
        std::fs::write(path("dhcpd.conf"), config).unwrap();
        std::fs::write(path("leases"), "").unwrap();
        let mut command = namespace.command("dhcpd");
        command
            .args(["-4", "-f", "-d", "--no-pid", "-user", "root", "-group", "root"])
            .arg("-cf")
            .arg(path("dhcpd.conf"))
            .arg("-lf")
            .arg(path("leases"))
            .arg(interface);
        let mut log = LogReader::start(&mut command);
        log.wait("Server starting service");
        Self { log, _files: files }
    }
}

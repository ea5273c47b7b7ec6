//! Network namespaces that disappear with the test: machines with cables between them.

use std::fs::File;
use std::os::fd::AsFd as _;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

static NEXT: AtomicU32 = AtomicU32::new(0);
/// Begins every namespace's name; the number after it is the process that made it.
const MARK: &str = "spsproxy-";

/// A machine.
pub(crate) struct Machine {
    pub(crate) name: String,
}

impl Machine {
    /// One with loopback up.
    pub(crate) fn new(role: &str) -> Self {
        remove_leftovers();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{MARK}{}-{number}-{role}", std::process::id());
        run("ip", &["netns", "add", &name]);
        let machine = Self { name };
        machine.ip("link set lo up");
        machine
    }

    /// A cable between two machines, with an address of both families at each end.
    pub(crate) fn cable(&self, own: (&str, [&str; 2]), other: &Self, theirs: (&str, [&str; 2])) {
        let (name, far) = (own.0, theirs.0);
        let (here, there) = (&self.name, &other.name);
        run(
            "ip",
            &[
                "link", "add", name, "netns", here, "type", "veth", "peer", "name", far, "netns", there,
            ],
        );
        for (machine, (name, addresses)) in [(self, own), (other, theirs)] {
            machine.ip(&format!("link set {name} up"));
            for address in addresses {
                let nodad = if address.contains(':') { "nodad" } else { "" };
                machine.ip(&format!("addr add {address} dev {name} {nodad}"));
            }
        }
    }

    /// Runs `ip` with these words inside.
    pub(crate) fn ip(&self, words: &str) -> String {
        let mut arguments = vec!["-n", &self.name];
        arguments.extend(words.split_ascii_whitespace());
        run("ip", &arguments)
    }

    /// Runs a script inside, and returns what it says.
    pub(crate) fn sh(&self, script: &str) -> String {
        run("ip", &["netns", "exec", &self.name, "sh", "-c", script])
    }

    /// Runs `work` on a thread inside.
    pub(crate) fn enter<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> std::thread::JoinHandle<T> {
        let file = File::open(format!("/run/netns/{}", self.name)).unwrap();
        std::thread::spawn(move || {
            let kind = rustix::thread::LinkNameSpaceType::Network;
            rustix::thread::move_into_link_name_space(file.as_fd(), Some(kind)).unwrap();
            work()
        })
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        remove(&self.name);
    }
}

/// Those of test processes that no longer exist: a killed test cannot clean up after itself.
fn remove_leftovers() {
    let list = std::fs::read_dir("/run/netns").into_iter().flatten().flatten();
    let names = list.filter_map(|entry| entry.file_name().into_string().ok());
    for name in names {
        let maker = name.strip_prefix(MARK).and_then(|rest| rest.split('-').next());
        if maker.is_some_and(|pid| !std::path::Path::new("/proc").join(pid).exists()) {
            remove(&name);
        }
    }
}

fn remove(name: &str) {
    let _gone = Command::new("ip").args(["netns", "del", name]).output();
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{program} {}: {}{}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

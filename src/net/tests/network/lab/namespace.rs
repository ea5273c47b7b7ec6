//! Namespaces and the cables between them.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

static NEXT: AtomicU32 = AtomicU32::new(0);
/// Begins every namespace's name; the number after it is the process that made it.
const MARK: &str = "spsnet-";

/// A set of namespaces that disappear with it.
pub(crate) struct Lab {
    name: String,
}

impl Lab {
    pub(crate) fn new() -> Self {
        assert!(
            rustix::process::geteuid().is_root(),
            "these tests make network namespaces: run them as root"
        );
        remove_leftovers();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self {
            name: format!("{MARK}{}-{number}", std::process::id()),
        }
    }

    /// A namespace with loopback up.
    pub(crate) fn namespace(&self, role: &str) -> Namespace {
        let name = format!("{}-{role}", self.name);
        run("ip", &["netns", "add", &name]);
        let namespace = Namespace { name };
        namespace.ip("link set lo up");
        namespace
    }

    /// A cable between two interfaces. The first end is left down, as a card is before anyone touches it.
    pub(crate) fn cable(&self, a: (&Namespace, &str), b: (&Namespace, &str)) {
        run(
            "ip",
            &[
                "link", "add", a.1, "netns", &a.0.name, "type", "veth", "peer", "name", b.1, "netns",
                &b.0.name,
            ],
        );
        b.0.ip(&format!("link set {} up", b.1));
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let prefix = format!("{}-", self.name);
        namespaces()
            .into_iter()
            .filter(|name| name.starts_with(&prefix))
            .for_each(|name| remove(&name));
    }
}

/// Namespaces of test processes that no longer exist: a killed test cannot clean up after itself.
fn remove_leftovers() {
    for name in namespaces() {
        let maker = name.strip_prefix(MARK).and_then(|rest| rest.split('-').next());
        if maker.is_some_and(|pid| !std::path::Path::new("/proc").join(pid).exists()) {
            remove(&name);
        }
    }
}

fn namespaces() -> Vec<String> {
    let list = std::fs::read_dir("/run/netns").into_iter().flatten().flatten();
    list.filter_map(|entry| entry.file_name().into_string().ok())
        .collect()
}

fn remove(name: &str) {
    let _gone = Command::new("ip")
        .args(["netns", "del", name])
        .stderr(Stdio::null())
        .status();
}

/// A network namespace.
#[derive(Clone)]
pub(crate) struct Namespace {
    pub(crate) name: String,
}

impl Namespace {
    /// Runs `ip` with these words inside.
    pub(crate) fn ip(&self, words: &str) -> String {
        let mut arguments = vec!["-n", &self.name];
        arguments.extend(words.split_ascii_whitespace());
        run("ip", &arguments)
    }

    /// Another host on the same cable: an interface of its own hardware address in `guest`, on top of one here.
    pub(crate) fn share(&self, interface: &str, guest: &Namespace, name: &str) {
        self.ip(&format!(
            "link add {name} link {interface} netns {} type macvlan mode bridge",
            guest.name
        ));
        guest.ip(&format!("link set {name} up"));
    }

    /// What `ip -j` says.
    pub(crate) fn ip_json(&self, words: &str) -> Value {
        serde_json::from_str(&self.ip(&format!("-j {words}"))).unwrap()
    }

    /// IPv4 addresses of an interface as `ip` sees them, with prefix.
    pub(crate) fn addresses(&self, interface: &str) -> Vec<String> {
        let shown = self.ip_json(&format!("-4 addr show dev {interface}"));
        let infos = shown
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|link| link["addr_info"].as_array());
        let infos = infos.flatten().filter(|info| info["local"].is_string());
        infos
            .map(|info| format!("{}/{}", info["local"].as_str().unwrap(), info["prefixlen"]))
            .collect()
    }

    /// Routes of the main table, one line each.
    pub(crate) fn routes(&self) -> String {
        self.ip("-4 route show")
    }

    pub(crate) fn mac(&self, interface: &str) -> String {
        self.ip_json(&format!("link show dev {interface}"))[0]["address"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// Claims an address on an interface by an ARP announcement, as a host does that has just set it.
    pub(crate) fn announce(&self, interface: &str, address: std::net::Ipv4Addr) {
        use sps_net_engine::wire::ArpPacket;
        use sps_sys::packet::{PacketKind, PacketSocket};
        let index = self.ip_json(&format!("link show dev {interface}"))[0]["ifindex"]
            .as_u64()
            .unwrap();
        let index = u32::try_from(index).unwrap();
        let mac: Vec<u8> = self
            .mac(interface)
            .split(':')
            .map(|byte| u8::from_str_radix(byte, 16).unwrap())
            .collect();
        let mac = sps_net_engine::MacAddress(mac.try_into().unwrap());
        let send = self.enter(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_io()
                .build()
                .unwrap();
            let _inside = runtime.enter();
            let socket = PacketSocket::open(index, PacketKind::Arp).unwrap();
            socket
                .send_broadcast(&ArpPacket::announcement(mac, address).to_bytes())
                .unwrap();
        });
        send.join().unwrap();
    }

    /// A command that will run inside.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name, program]);
        command
    }

    /// Runs `work` on a thread inside.
    pub(crate) fn enter<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> std::thread::JoinHandle<T> {
        let file = std::fs::File::open(format!("/run/netns/{}", self.name)).unwrap();
        std::thread::spawn(move || {
            use std::os::fd::AsFd;
            let kind = rustix::thread::LinkNameSpaceType::Network;
            rustix::thread::move_into_link_name_space(file.as_fd(), Some(kind)).unwrap();
            work()
        })
    }
}

fn run(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{program} {}: {errors}",
        arguments.join(" ")
    );
    String::from_utf8(output.stdout).unwrap()
}

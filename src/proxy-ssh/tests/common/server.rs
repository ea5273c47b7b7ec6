//! OpenSSH's server, with a user of its own, in a mount namespace of its own.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// The user of the server.
pub(crate) const USER: &str = "operator";
/// The password there.
pub(crate) const USER_PASSWORD: &str = "correct horse";

/// A server.
pub(crate) struct Server {
    pub(crate) port: u16,
    pub(crate) folder: TempDir,
    _child: Child,
}

/// The machine's users and their passwords are replaced for the server alone.
const START: &str = "set -e
mount --make-rprivate /
mount --bind \"$1/passwd\" /etc/passwd
mount --bind \"$1/shadow\" /etc/shadow
mount -t tmpfs none /run
mkdir -p -m 755 /run/sshd
exec \"$2\" -D -e -f \"$1/sshd_config\"";

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with("").await
    }

    /// A server with more lines in its configuration.
    pub(crate) async fn with(more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("home");
        fs::create_dir(&home).unwrap();
        fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755)).unwrap();
        users(folder.path(), &home);
        keygen(&folder.path().join("host_key"), "ed25519");
        let port = free_port();
        let at = folder.path().display();
        let settings = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {at}/host_key\nPidFile none\nUsePAM no\nStrictModes no\n\
             PasswordAuthentication yes\nKbdInteractiveAuthentication no\nPermitRootLogin no\nMaxStartups 200\nMaxSessions 1000\n\
             AuthorizedKeysFile {at}/authorized_keys\nAllowTcpForwarding yes\nAllowAgentForwarding yes\nX11Forwarding yes\n\
             AcceptEnv LANG TEST_*\nPrintMotd no\nPrintLastLog no\nSubsystem sftp internal-sftp\n{more}\n"
        );
        fs::write(folder.path().join("sshd_config"), settings).unwrap();
        let mut child = Command::new("unshare")
            .args(["-m", "sh", "-c", START, "sh"])
            .arg(folder.path())
            .arg(program("sshd"))
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        loop {
            let line = log
                .next_line()
                .await
                .unwrap()
                .expect("sshd ended; it runs as root only");
            if line.contains("Server listening on") {
                break;
            }
        }
        // What it says later must be read, or it would wait.
        tokio::spawn(async move { while let Ok(Some(_line)) = log.next_line().await {} });
        Self {
            port,
            folder,
            _child: child,
        }
    }

    /// A folder the user of the server may write.
    pub(crate) fn home(&self) -> std::path::PathBuf {
        self.folder.path().join("home")
    }

    /// The public host key, a line as in `known_hosts` without the name.
    pub(crate) fn host_key(&self) -> String {
        fs::read_to_string(self.folder.path().join("host_key.pub")).unwrap()
    }
}

fn users(folder: &Path, home: &Path) {
    let hash = std::process::Command::new("openssl")
        .args(["passwd", "-6", USER_PASSWORD])
        .output()
        .unwrap();
    let hash = String::from_utf8(hash.stdout).unwrap();
    let passwd = format!(
        "root:x:0:0:root:/root:/bin/sh\nsshd:x:105:65534::/run/sshd:/usr/sbin/nologin\n{USER}:x:1500:1500::{}:/bin/bash\n",
        home.display()
    );
    fs::write(folder.join("passwd"), passwd).unwrap();
    let shadow = format!("root:*:19000::::::\n{USER}:{}:19000::::::\n", hash.trim());
    fs::write(folder.join("shadow"), shadow).unwrap();
    std::os::unix::fs::chown(home, Some(1500), Some(1500)).unwrap();
}

/// Makes a key pair.
pub(crate) fn keygen(path: &Path, kind: &str) {
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-N", "", "-t", kind, "-f"])
        .arg(path)
        .status()
        .unwrap();
    assert!(made.success());
}

/// `sshd` must be started by its whole path.
fn program(name: &str) -> std::path::PathBuf {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin";
    path.split(':')
        .map(|folder| Path::new(folder).join(name))
        .find(|path| path.is_file())
        .expect("there is no sshd: `cargo xtask setup` brings it")
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

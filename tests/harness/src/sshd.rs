//! OpenSSH's server, with a user of its own, in a mount namespace of its own: on 127.0.0.1 of this machine, or in a network namespace.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use tempfile::TempDir;

/// The machine's users and their passwords are replaced for the server alone; then come its options.
const START: &str = "set -e
mount --make-rprivate /
mount --bind \"$1/passwd\" /etc/passwd
mount --bind \"$1/shadow\" /etc/shadow
mount -t tmpfs none /run
mkdir -p -m 755 /run/sshd
folder=$1 program=$2
shift 2
exec \"$program\" \"$@\" -f \"$folder/sshd_config\"";

/// A server; it ends with this.
#[derive(Debug)]
pub struct Sshd {
    port: u16,
    folder: TempDir,
    child: Child,
}

impl Sshd {
    /// Number of the user of the server; nobody else has it.
    pub const USER_ID: u32 = 1500;
    /// The user of the server.
    pub const USER: &'static str = "operator";
    /// The password there.
    pub const PASSWORD: &'static str = "correct horse";

    /// Starts a server, with more lines in its configuration. Root only.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start(more: &str) -> Result<Self> {
        Self::with_host_key(&["ed25519"], more)
    }

    /// Starts a server whose only host key is of this kind, in the words of `ssh-keygen` after `-t`.
    ///
    /// # Errors
    /// When it does not start.
    pub fn with_host_key(kind: &[&str], more: &str) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let more = format!("ListenAddress 127.0.0.1\n{more}");
        Self::at(port, kind, &more, Command::new("unshare"))
    }

    /// Starts a server on port 22 of a network namespace, at all its addresses.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_in(namespace: &str, more: &str) -> Result<Self> {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", namespace, "unshare"]);
        Self::at(22, &["ed25519"], more, command)
    }

    fn at(port: u16, host_key: &[&str], more: &str, mut unshare: Command) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let home = folder.path().join("home");
        fs::create_dir(&home)?;
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))?;
        users(folder.path(), &home)?;
        key_pair(&folder.path().join("host_key"), host_key)?;
        let at = folder.path().display();
        let settings = format!(
            // The first word about a setting counts: `more` may change what is said here.
            "{more}\nPort {port}\nHostKey {at}/host_key\nPidFile none\nUsePAM no\nStrictModes no\n\
             PasswordAuthentication yes\nKbdInteractiveAuthentication no\nPermitRootLogin no\nMaxStartups 200\nMaxSessions 1000\n\
             AuthorizedKeysFile {at}/authorized_keys\nAllowTcpForwarding yes\nAllowAgentForwarding yes\nX11Forwarding yes\n\
             AcceptEnv LANG TEST_*\nPrintMotd no\nPrintLastLog no\nSubsystem sftp internal-sftp\n"
        );
        fs::write(folder.path().join("sshd_config"), settings)?;
        let mut child = unshare
            .args(["-m", "sh", "-c", START, "sh"])
            .arg(folder.path())
            .arg(program()?)
            .args(["-D", "-e"])
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("start unshare")?;
        let log = child.stderr.take().context("sshd has no log")?;
        let mut lines = BufReader::new(log).lines();
        let mut said = String::new();
        let started = lines.by_ref().map_while(Result::ok).any(|line| {
            said.push_str(&line);
            line.contains("Server listening on")
        });
        // What it says later must be read, or it would wait.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let server = Self { port, folder, child };
        ensure!(started, "sshd did not start: {said}");
        Ok(server)
    }

    /// Where it listens, on 127.0.0.1.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Its process; those of its connections are children.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// A folder the user of the server may write.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// A program that serves one connection on its standard input and output, with the users and keys of this server.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn for_one_connection(&self) -> Result<PathBuf> {
        let start = self.folder.path().join("start.sh");
        fs::write(&start, START)?;
        let script = self.folder.path().join("serve");
        let (at, program) = (self.folder.path().display(), program()?);
        let text = format!(
            "#!/bin/sh\nexec unshare -m sh {} {at} {} -i -E {at}/log\n",
            start.display(),
            program.display()
        );
        fs::write(&script, text)?;
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
        Ok(script)
    }

    /// Lets these public keys in, lines as in `authorized_keys`.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn authorize(&self, lines: &str) -> Result<()> {
        Ok(fs::write(self.folder.path().join("authorized_keys"), lines)?)
    }

    /// The public host key, a line as in `known_hosts` without the name.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn host_key(&self) -> Result<String> {
        Ok(fs::read_to_string(self.folder.path().join("host_key.pub"))?)
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        // One that has ended needs no end.
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

fn users(folder: &Path, home: &Path) -> Result<()> {
    let hash = Command::new("openssl")
        .args(["passwd", "-6", Sshd::PASSWORD])
        .output()?;
    let hash = String::from_utf8(hash.stdout)?;
    let user = Sshd::USER;
    let passwd = format!(
        "root:x:0:0:root:/root:/bin/sh\nsshd:x:105:65534::/run/sshd:/usr/sbin/nologin\n{user}:x:{0}:{0}::{1}:/bin/bash\n",
        Sshd::USER_ID,
        home.display()
    );
    fs::write(folder.join("passwd"), passwd)?;
    let shadow = format!("root:*:19000::::::\n{user}:{}:19000::::::\n", hash.trim());
    fs::write(folder.join("shadow"), shadow)?;
    Ok(chown(home, Some(Sshd::USER_ID), Some(Sshd::USER_ID))?)
}

/// Makes a key pair of this kind, such as `ed25519`.
///
/// # Errors
/// When `ssh-keygen` does not.
pub fn keygen(path: &Path, kind: &str) -> Result<()> {
    key_pair(path, &[kind])
}

fn key_pair(path: &Path, kind: &[&str]) -> Result<()> {
    let made = Command::new("ssh-keygen")
        .args(["-q", "-N", "", "-t"])
        .args(kind)
        .arg("-f")
        .arg(path)
        .status()
        .context("start ssh-keygen")?;
    ensure!(made.success(), "ssh-keygen made no key");
    Ok(())
}

/// `sshd` must be started by its whole path.
fn program() -> Result<PathBuf> {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin";
    let found = path
        .split(':')
        .map(|folder| Path::new(folder).join("sshd"))
        .find(|path| path.is_file());
    let Some(found) = found else {
        bail!("there is no sshd: `cargo xtask setup` brings it");
    };
    Ok(found)
}

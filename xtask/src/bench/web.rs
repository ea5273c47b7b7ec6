//! The web interface under load on this machine: uploads, first bytes, weight of pages, memory.
//!
//! The server is `src/web/examples/bench_web.rs`: the product's own, with uploads that are hashed and written to this machine's disk as
//! on an appliance, before any sync. The comparison of the upload is nginx taking the same file by WebDAV over TLS, from the same
//! client (curl), without hashing it.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;

use super::Figure;
use super::boot::median;
use crate::cache::Lock;
use crate::project::Project;
use crate::setup;

/// Bytes of the file that is uploaded: a large firmware, and long enough to measure.
const FILE: u64 = 512_000_000;
/// Seconds for it at 200 MB/s.
const UPLOAD_LIMIT: f64 = 2.56;
/// Uploads of each kind; the median counts.
const UPLOADS: usize = 5;
/// Milliseconds within which 99 of 100 pages begin.
const FIRST_BYTE_LIMIT: f64 = 20.0;
/// KB of the heaviest page with everything that it loads, compressed.
const WEIGHT_LIMIT: f64 = 150.0;
/// MiB by which an upload may let the server grow: its buffers.
const GROWTH_LIMIT: f64 = 16.0;
/// Longest wait for a server to listen.
const START: Duration = Duration::from_secs(20);

/// What the example prints about pages.
#[derive(Deserialize)]
struct Asked {
    login_p99_ms: f64,
    firmwares_p99_ms: f64,
    pages: Vec<Page>,
}

#[derive(Deserialize)]
struct Page {
    page: String,
    plain: f64,
    compressed: f64,
}

/// Upload, first bytes, weight and memory.
pub(super) fn measure(project: &Project) -> Result<Vec<Figure>> {
    let program = build(project)?;
    let lock = Lock::take(&project.cache().join("bench"))?;
    let scratch = lock.scratch("web")?;
    let file = scratch.path().join("firmware.iso");
    File::create(&file)
        .and_then(|made| made.set_len(FILE))
        .with_context(|| format!("make {}", file.display()))?;
    let own = Server::own(&program, scratch.path(), &[])?;
    own.curl(&["-u", "admin:correct horse", "-c", "jar"], "/api/authentication")?;
    let new = Server::own(&program, scratch.path(), &["new"])?;
    let mut figures = pages(&program, &own, &new)?;
    drop(new);
    let grown = own.growth(|| own.upload(&file))?;
    let peer = Server::nginx(project, scratch.path())?;
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..UPLOADS {
        ours.push(own.upload(&file)?);
        theirs.push(peer.put(&file)?);
    }
    let upload = Figure::new("upload of 512 MB by REST over TLS, hashed", median(ours), "s");
    figures.insert(0, upload.against(median(theirs)).at_most(UPLOAD_LIMIT));
    figures.push(Figure::new("memory during an upload, above before", grown, "MiB").at_most(GROWTH_LIMIT));
    Ok(figures)
}

fn build(project: &Project) -> Result<PathBuf> {
    let status = Command::new("cargo")
        .args([
            "build",
            "--quiet",
            "--locked",
            "--release",
            "--package",
            "sps-web",
        ])
        .args(["--example", "bench_web"])
        .current_dir(project.root())
        .status()
        .context("start cargo")?;
    ensure!(status.success(), "the example bench_web does not compile");
    Ok(project.root().join("target/release/examples/bench_web"))
}

fn pages(program: &Path, own: &Server, new: &Server) -> Result<Vec<Figure>> {
    let output = Command::new(program)
        .args(["ask", &own.port.to_string(), &new.port.to_string()])
        .output()
        .context("start bench_web")?;
    ensure!(
        output.status.success(),
        "bench_web could not ask: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let asked: Asked = serde_json::from_slice(&output.stdout).context("read what bench_web measured")?;
    let worst = asked.pages.iter().max_by(|a, b| a.plain.total_cmp(&b.plain));
    let worst = worst.context("bench_web weighed no page")?;
    let first = |page: &str, value: f64| {
        let name = format!("{page}: first byte, 50 requests a second, p99");
        Figure::new(name, value, "ms").at_most(FIRST_BYTE_LIMIT)
    };
    let weight = |how: &str, bytes: f64| {
        let name = format!("heaviest page ({}) and all it loads, {how}", worst.page);
        Figure::new(name, bytes / 1e3, "KB").at_most(WEIGHT_LIMIT)
    };
    Ok(vec![
        first("login page", asked.login_p99_ms),
        first("firmwares page", asked.firmwares_p99_ms),
        weight("as sent", worst.plain),
        weight("if compressed", worst.compressed),
    ])
}

/// A server of this run, ended with the value.
struct Server {
    child: Child,
    port: u16,
    scratch: PathBuf,
}

impl Server {
    fn own(program: &Path, scratch: &Path, more: &[&str]) -> Result<Self> {
        let port = free_port()?;
        let child = Command::new(program)
            .args(["serve", &port.to_string()])
            .arg(scratch.join("boot"))
            .args(more)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("start bench_web")?;
        let mut own = Self {
            child,
            port,
            scratch: scratch.to_owned(),
        };
        let said = own.child.stdout.take().context("bench_web has no output")?;
        let mut line = String::new();
        BufReader::new(said)
            .read_line(&mut line)
            .context("wait for bench_web")?;
        ensure!(line == "ready\n", "bench_web did not start: {line}");
        Ok(own)
    }

    fn nginx(project: &Project, scratch: &Path) -> Result<Self> {
        let port = free_port()?;
        let folder = scratch.join("nginx");
        fs::create_dir_all(folder.join("files")).with_context(|| format!("make {}", folder.display()))?;
        let key = [
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-subj",
            "/CN=localhost",
            "-keyout",
            "key",
            "-out",
            "certificate",
        ];
        let made = Command::new("openssl")
            .args(key)
            .current_dir(&folder)
            .stderr(Stdio::null())
            .status();
        ensure!(
            made.context("start openssl")?.success(),
            "openssl made no certificate"
        );
        let settings = folder.join("nginx.conf");
        fs::write(&settings, nginx_settings(&folder, port))
            .with_context(|| format!("write {}", settings.display()))?;
        let child = Command::new("nginx")
            .arg("-p")
            .arg(&folder)
            .arg("-c")
            .arg(&settings)
            .env("PATH", setup::path(project))
            .spawn()
            .context("start nginx; `cargo xtask setup` installs it")?;
        let own = Self {
            child,
            port,
            scratch: scratch.to_owned(),
        };
        own.listens()?;
        Ok(own)
    }

    fn listens(&self) -> Result<()> {
        let until = Instant::now() + START;
        while Instant::now() < until {
            if TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("nginx does not listen after {} s", START.as_secs())
    }

    /// Seconds of an upload by REST.
    fn upload(&self, file: &Path) -> Result<f64> {
        let iso = "content-type: application/x-iso9660-image";
        let file = file.to_string_lossy();
        let arguments = ["-X", "POST", "-b", "jar", "-H", iso, "-T", &file];
        self.curl(&arguments, "/api/upload/firmware")
    }

    /// Seconds of an upload by WebDAV.
    fn put(&self, file: &Path) -> Result<f64> {
        self.curl(&["-T", &file.to_string_lossy()], "/firmware.iso")
    }

    /// Seconds of a request of curl's that succeeded.
    fn curl(&self, arguments: &[&str], path: &str) -> Result<f64> {
        let output = Command::new("curl")
            .args([
                "-sSk",
                "--fail",
                "-o",
                "/dev/null",
                "-w",
                "%{time_total}",
                "-H",
                "expect:",
            ])
            .args(arguments)
            .arg(format!("https://127.0.0.1:{}{path}", self.port))
            .current_dir(&self.scratch)
            .output()
            .context("start curl")?;
        let problem = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{path}: {problem}");
        let text = String::from_utf8_lossy(&output.stdout);
        text.trim()
            .parse()
            .with_context(|| format!("read curl's time {text}"))
    }

    /// MiB that the server has at most during `work` above what it had before.
    fn growth(&self, work: impl FnOnce() -> Result<f64>) -> Result<f64> {
        let before = self.memory("VmRSS:")?;
        let path = format!("/proc/{}/clear_refs", self.child.id());
        // Sets the peak back to what is there now (proc(5)).
        fs::write(&path, "5").with_context(|| format!("write {path}"))?;
        work()?;
        Ok(self.memory("VmHWM:")? - before)
    }

    fn memory(&self, field: &str) -> Result<f64> {
        let path = format!("/proc/{}/status", self.child.id());
        let text = fs::read_to_string(&path).with_context(|| format!("read {path}"))?;
        let line = text.lines().find_map(|line| line.strip_prefix(field));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        Ok(number.with_context(|| format!("no {field} in {path}"))? / 1024.0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _status = self.child.wait();
    }
}

/// One process, which takes files as large as ours without limits, and keeps what arrives on the same disk.
fn nginx_settings(folder: &Path, port: u16) -> String {
    let folder = folder.display();
    format!(
        "daemon off; master_process off; pid {folder}/pid; error_log {folder}/log;
         events {{ worker_connections 64; }}
         http {{
           access_log off; client_max_body_size 0; client_body_temp_path {folder}/arriving;
           proxy_temp_path {folder}/1; fastcgi_temp_path {folder}/2; uwsgi_temp_path {folder}/3; scgi_temp_path {folder}/4;
           server {{
             listen 127.0.0.1:{port} ssl; ssl_certificate {folder}/certificate; ssl_certificate_key {folder}/key;
             ssl_protocols TLSv1.3; root {folder}/files; dav_methods PUT;
           }}
         }}"
    )
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("find a free port")?;
    Ok(listener.local_addr().context("find a free port")?.port())
}

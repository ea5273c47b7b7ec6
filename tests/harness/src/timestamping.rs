//! An authority of timestamps: `openssl ts`, with certificates of its own, behind a small web server on 127.0.0.1.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

const CONFIGURATION: &str = "[ca]\ndefault_ca = own\n[own]\ndatabase = index\nnew_certs_dir = .\nserial = certificates\n\
    default_md = sha256\npolicy = any\n[any]\ncommonName = supplied\n\
    [tsa]\ndefault_tsa = one\n[one]\nserial = serial\nsigner_cert = tsa.pem\nsigner_key = tsa.key\ncerts = ca.pem\n\
    signer_digest = sha256\ndefault_policy = 1.2.3.4.1\nother_policies = 1.2.3.4.2\ndigests = sha256\n\
    accuracy = secs:1, millisecs:500\nclock_precision_digits = 3\nordering = yes\ness_cert_id_chain = no\n\
    [good]\nextendedKeyUsage = critical, timeStamping\n[lax]\nextendedKeyUsage = timeStamping\n[web]\nextendedKeyUsage = serverAuth\n";

/// An authority; its folder goes with it.
#[derive(Debug)]
pub struct TimestampAuthority {
    folder: TempDir,
    /// One reply at a time: its serial number is in a file.
    lock: Mutex<()>,
}

/// What kind of certificate an authority has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TsaCertificate {
    /// As it must be, of RSA.
    Good,
    /// As it must be, of P-384.
    Elliptic,
    /// Its purpose is not critical.
    Lax,
    /// It ended years ago.
    Expired,
}

impl TimestampAuthority {
    /// Makes an authority with a CA of its own.
    ///
    /// # Errors
    /// When `openssl` does not.
    pub fn new(kind: TsaCertificate) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let own = Self {
            folder,
            lock: Mutex::default(),
        };
        for (name, text) in [
            ("cnf", CONFIGURATION),
            ("index", ""),
            ("serial", "01\n"),
            ("certificates", "01\n"),
        ] {
            fs::write(own.path(name), text)?;
        }
        let key: &[&str] = match kind {
            TsaCertificate::Elliptic => &["ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
            _ => &["rsa:2048"],
        };
        own.openssl(
            "req -x509 -newkey rsa:2048 -nodes -subj /CN=stamps-ca -days 30 -keyout ca.key -out ca.pem",
            &[],
        )?;
        own.openssl(
            "req -new -nodes -subj /CN=stamps -keyout tsa.key -out tsa.csr -newkey",
            key,
        )?;
        let (section, from, to) = match kind {
            TsaCertificate::Good | TsaCertificate::Elliptic => ("good", "20200101000000Z", "20450101000000Z"),
            TsaCertificate::Lax => ("lax", "20200101000000Z", "20450101000000Z"),
            TsaCertificate::Expired => ("good", "20190101000000Z", "20200101000000Z"),
        };
        own.openssl(
            "ca -batch -notext -config cnf -extfile cnf -cert ca.pem -keyfile ca.key -in tsa.csr -out tsa.pem",
            &["-extensions", section, "-startdate", from, "-enddate", to],
        )?;
        Ok(own)
    }

    /// A file of the authority.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The certificate of its CA, PEM.
    ///
    /// # Errors
    /// When it is not there.
    pub fn ca(&self) -> Result<String> {
        Ok(fs::read_to_string(self.path("ca.pem"))?)
    }

    fn openssl(&self, line: &str, more: &[&str]) -> Result<()> {
        let made = Command::new("openssl")
            .args(line.split(' '))
            .args(more)
            .current_dir(self.folder.path())
            .output()
            .context("openssl")?;
        let said = String::from_utf8_lossy(&made.stderr);
        ensure!(made.status.success(), "openssl {line}: {said}");
        Ok(())
    }

    /// Its answer to a request, DER.
    ///
    /// # Errors
    /// When there is none.
    pub fn reply(&self, request: &[u8]) -> Result<Vec<u8>> {
        let _one = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        fs::write(self.path("query"), request)?;
        self.openssl("ts -reply -config cnf -queryfile query -out reply", &[])?;
        Ok(fs::read(self.path("reply"))?)
    }

    /// Whether `openssl ts -verify` believes a token about this content; what it said else.
    ///
    /// # Errors
    /// It does not.
    pub fn verify(&self, token: &Path, content: &Path) -> Result<()> {
        let mut command = Command::new("openssl");
        command.args(["ts", "-verify", "-token_in", "-in"]).arg(token);
        command.arg("-data").arg(content);
        command.arg("-CAfile").arg(self.path("ca.pem"));
        let judged = command.output()?;
        let said = String::from_utf8_lossy(&judged.stderr);
        ensure!(judged.status.success(), "openssl ts -verify: {said}");
        Ok(())
    }
}

/// What a server does with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Served {
    /// Answers with this.
    Answer(Vec<u8>),
    /// Answers with this status of HTTP and nothing else.
    Status(u16),
    /// Begins an answer that does not end.
    Endless,
    /// Takes it and says nothing.
    Silence,
}

#[derive(Debug, Default)]
struct Counted {
    requests: Mutex<usize>,
    changed: Condvar,
}

impl Counted {
    fn lock(&self) -> MutexGuard<'_, usize> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A web server that serves requests for timestamps; it ends with this.
#[derive(Debug)]
pub struct TimestampServer {
    address: SocketAddr,
    counted: Arc<Counted>,
    ended: Arc<AtomicBool>,
}

impl TimestampServer {
    /// Starts it on 127.0.0.1.
    ///
    /// # Errors
    /// When there is no port.
    pub fn start(serve: impl Fn(&[u8]) -> Served + Send + Sync + 'static) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let own = Self {
            address: listener.local_addr()?,
            counted: Arc::default(),
            ended: Arc::default(),
        };
        let (counted, ended, serve) = (own.counted.clone(), own.ended.clone(), Arc::new(serve));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                let (counted, serve) = (counted.clone(), serve.clone());
                // A client that goes away ends its own connection only.
                thread::spawn(move || drop(one(stream, &counted, serve.as_ref())));
            }
        });
        Ok(own)
    }

    /// Where it is asked.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/tsa", self.address)
    }

    /// Requests that came.
    #[must_use]
    pub fn requests(&self) -> usize {
        *self.counted.lock()
    }

    /// Waits until so many requests were answered.
    ///
    /// # Errors
    /// When they do not come in time.
    pub fn wait(&self, requests: usize, within: Duration) -> Result<()> {
        let until = Instant::now() + within;
        let mut count = self.counted.lock();
        while *count < requests {
            let left = until.saturating_duration_since(Instant::now());
            ensure!(!left.is_zero(), "{count} requests in {} s", within.as_secs());
            let waited = self.counted.changed.wait_timeout(count, left);
            count = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(())
    }
}

impl Drop for TimestampServer {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        // So that it looks.
        drop(TcpStream::connect(self.address));
    }
}

fn one(
    mut stream: TcpStream,
    counted: &Counted,
    serve: &(dyn Fn(&[u8]) -> Served + Send + Sync),
) -> Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut length, mut is_query) = (0, false);
    loop {
        let mut line = String::new();
        ensure!(reader.read_line(&mut line)? > 0, "nothing comes");
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(number) = line.strip_prefix("content-length: ") {
            length = number.parse()?;
        }
        is_query |= line == "content-type: application/timestamp-query";
    }
    let mut request = vec![0; length];
    reader.read_exact(&mut request)?;
    let served = if is_query {
        serve(&request)
    } else {
        Served::Status(415)
    };
    let head = "content-type: application/timestamp-reply\r\nconnection: close\r\n";
    let count = || {
        *counted.lock() += 1;
        counted.changed.notify_all();
    };
    match served {
        Served::Answer(body) => {
            write!(
                stream,
                "HTTP/1.1 200 OK\r\n{head}content-length: {}\r\n\r\n",
                body.len()
            )?;
            stream.write_all(&body)?;
            count();
        }
        Served::Status(status) => {
            write!(
                stream,
                "HTTP/1.1 {status} Other\r\n{head}content-length: 0\r\n\r\n"
            )?;
            count();
        }
        Served::Endless => {
            count();
            write!(stream, "HTTP/1.1 200 OK\r\n{head}\r\n")?;
            loop {
                stream.write_all(&[0x30; 4096])?;
            }
        }
        Served::Silence => {
            count();
            // Until the client goes.
            reader.read_to_end(&mut Vec::new())?;
        }
    }
    Ok(())
}

/// `openssl` is asked for nothing else.
#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test ends at the first surprise")]

    use std::process::Stdio;

    use super::*;

    #[test]
    fn openssl_makes_and_believes_its_own() {
        let authority = TimestampAuthority::new(TsaCertificate::Good).unwrap();
        let data = authority.path("data");
        fs::write(&data, "content").unwrap();
        let asked = Command::new("openssl")
            .args(["ts", "-query", "-sha256", "-cert", "-data"])
            .arg(&data)
            .stderr(Stdio::null())
            .output()
            .unwrap();
        let answer = authority.reply(&asked.stdout).unwrap();
        assert!(answer.len() > 1000);
    }
}

//! Time servers: chronyd, and a few lines that misbehave on purpose.

use std::net::{Ipv4Addr, UdpSocket};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use sps_clock::NtpServer;

/// Length of an NTP packet without extensions (RFC 5905 figure 8).
const PACKET: usize = 48;

/// chronyd serving the machine's time on loopback, without touching the machine's clock.
pub(crate) struct Chronyd {
    child: Child,
    port: u16,
    _files: tempfile::TempDir,
}

impl Chronyd {
    /// Starts with further lines of `chrony.conf`.
    pub(crate) fn start(lines: &str) -> Self {
        let files = tempfile::tempdir().unwrap();
        let port = free_port();
        let path = files.path().display();
        let config = format!(
            "port {port}\nbindaddress 127.0.0.1\nallow 127.0.0.0/8\ncmdport 0\nbindcmdaddress /\npidfile {path}/pid\n\
             user root\n{lines}\n"
        );
        let config_file = files.path().join("chrony.conf");
        std::fs::write(&config_file, config).unwrap();
        let mut command = Command::new("chronyd");
        let log = files.path().join("log");
        // -x: serve, but never steer; -d: in the foreground, log to standard error.
        command
            .args(["-x", "-d", "-f"])
            .arg(config_file)
            .stdout(Stdio::null());
        command.stderr(std::fs::File::create(&log).unwrap());
        let child = command
            .spawn()
            .unwrap_or_else(|error| panic!("chronyd: {error}: apt-get install chrony"));
        assert!(
            answers(port),
            "chronyd does not answer:\n{}",
            std::fs::read_to_string(log).unwrap()
        );
        Self {
            child,
            port,
            _files: files,
        }
    }

    pub(crate) fn server(&self) -> NtpServer {
        NtpServer {
            host: Ipv4Addr::LOCALHOST.to_string(),
            port: self.port,
        }
    }
}

impl Drop for Chronyd {
    fn drop(&mut self) {
        let _killed = self.child.kill();
        let _waited = self.child.wait();
    }
}

fn free_port() -> u16 {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// Asks until there is an answer, for ten seconds.
fn answers(port: u16) -> bool {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut question = [0; PACKET];
    // Version 4, mode client.
    question[0] = 0x23;
    while Instant::now() < deadline {
        let _refused = socket.send_to(&question, (Ipv4Addr::LOCALHOST, port));
        if socket.recv(&mut [0; PACKET]).is_ok() {
            return true;
        }
    }
    false
}

/// A server that only says no, or nonsense.
pub(crate) struct Kiss {
    port: u16,
    asked: Arc<AtomicU32>,
    questions: mpsc::Receiver<()>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Kiss {
    /// Answers every question with this kiss-o'-death code (RFC 5905 section 7.4).
    pub(crate) fn start(code: [u8; 4]) -> Self {
        Self::answering(move |question| {
            let mut answer = vec![0; PACKET];
            // Leap unknown, version 4, mode server; stratum 0; the reference identifier is the code.
            answer[0] = 0xe4;
            answer[12..16].copy_from_slice(&code);
            answer[24..32].copy_from_slice(&question[40..48]);
            answer
        })
    }

    /// Answers with a packet of an unknown version, longer than any that is looked at.
    pub(crate) fn noise() -> Self {
        Self::answering(|_| vec![0xff; 8192])
    }

    fn answering(answer: impl Fn(&[u8]) -> Vec<u8> + Send + 'static) -> Self {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let port = socket.local_addr().unwrap().port();
        let (asked, stop) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, ended) = (asked.clone(), stop.clone());
        let (question_sender, questions) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            let mut question = [0; PACKET];
            while !ended.load(Ordering::Relaxed) {
                if let Ok((_, from)) = socket.recv_from(&mut question) {
                    count.fetch_add(1, Ordering::Relaxed);
                    let _nobody_counts = question_sender.send(());
                    socket.send_to(&answer(&question), from).unwrap();
                }
            }
        });
        Self {
            port,
            asked,
            questions,
            stop,
            thread: Some(thread),
        }
    }

    pub(crate) fn server(&self) -> NtpServer {
        NtpServer {
            host: Ipv4Addr::LOCALHOST.to_string(),
            port: self.port,
        }
    }

    pub(crate) fn asked(&self) -> u32 {
        self.asked.load(Ordering::Relaxed)
    }

    /// Waits until it was asked so often, or for so long; returns how often it was.
    pub(crate) fn wait_asked(&self, times: u32, patience: Duration) -> u32 {
        let deadline = Instant::now() + patience;
        while self.asked() < times {
            let left = deadline.saturating_duration_since(Instant::now());
            if self.questions.recv_timeout(left).is_err() {
                break;
            }
        }
        self.asked()
    }
}

impl Drop for Kiss {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ended = thread.join();
        }
    }
}

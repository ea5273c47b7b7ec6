//! Frames over a TLS connection that blocks, each within a time.
//!
//! A time that is over leaves the connection whole: what came of a frame until then is kept, and waiting may go on.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::net::sockopt;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{AlertDescription, ClientConfig, ClientConnection, Connection, ServerConfig, ServerConnection};
use sps_indexer_engine::{Frame, FrameError, Frames};
use thiserror::Error;

/// Name of the appliance in the handshake: nobody looks at it.
const NAME: &str = "appliance";
/// Bytes that are read at a time.
const PIECE: usize = 64 * 1024;
/// A peer whose machine is gone is found after that, seconds, probes and their number.
const KEEPALIVE: (Duration, Duration, u32) = (Duration::from_secs(15), Duration::from_secs(15), 4);

/// Why nothing more comes or goes.
#[derive(Debug, Error)]
pub(crate) enum LinkError {
    /// The other side is gone.
    #[error("the connection ended")]
    Closed,
    /// Nothing came, or could be sent, within its time.
    #[error("nothing came within {} s", .0.as_secs())]
    Late(Duration),
    /// It does not take this side's certificate.
    #[error("the certificate was not taken")]
    Denied,
    /// It is not who it should be, or no TLS at all.
    #[error("no secure connection: {0}")]
    Tls(String),
    /// What came is no frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The connection broke.
    #[error("the connection broke: {0}")]
    Broken(io::Error),
}

/// A socket on which everything ends at a time.
struct Timed {
    socket: TcpStream,
    until: Instant,
}

impl Timed {
    fn left(&self) -> io::Result<Duration> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        // Not less than the kernel counts.
        Ok(left.max(Duration::from_millis(1)))
    }
}

fn late(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
        _ => error,
    }
}

impl Read for Timed {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(self.left()?))?;
        self.socket.read(out).map_err(late)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(Some(self.left()?))?;
        self.socket.write(bytes).map_err(late)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

/// A connection.
pub(crate) struct Link {
    tls: Connection,
    socket: Timed,
    frames: Frames,
    piece: Vec<u8>,
}

impl Link {
    /// The appliance's side; the handshake is done within that time.
    pub(crate) fn accept(
        socket: TcpStream,
        config: Arc<ServerConfig>,
        within: Duration,
    ) -> Result<Self, LinkError> {
        let tls = ServerConnection::new(config).map_err(|error| LinkError::Tls(error.to_string()))?;
        Self::new(tls.into(), socket, within)
    }

    /// A host's side.
    pub(crate) fn connect(
        socket: TcpStream,
        config: Arc<ClientConfig>,
        within: Duration,
    ) -> Result<Self, LinkError> {
        let failed = |error: rustls::Error| LinkError::Tls(error.to_string());
        let name = ServerName::try_from(NAME).map_err(|error| LinkError::Tls(error.to_string()))?;
        let tls = ClientConnection::new(config, name).map_err(failed)?;
        Self::new(tls.into(), socket, within)
    }

    fn new(tls: Connection, socket: TcpStream, within: Duration) -> Result<Self, LinkError> {
        let set_up = || -> io::Result<()> {
            socket.set_nodelay(true)?;
            let (idle, interval, count) = KEEPALIVE;
            sockopt::set_socket_keepalive(&socket, true)?;
            sockopt::set_tcp_keepidle(&socket, idle)?;
            sockopt::set_tcp_keepintvl(&socket, interval)?;
            sockopt::set_tcp_keepcnt(&socket, count)?;
            Ok(())
        };
        set_up().map_err(LinkError::Broken)?;
        let mut link = Self {
            tls,
            socket: Timed {
                socket,
                until: Instant::now() + within,
            },
            frames: Frames::default(),
            piece: vec![0; PIECE],
        };
        while link.tls.is_handshaking() {
            let done = link.tls.complete_io(&mut link.socket);
            // What is wrong with the other side's certificate is told to it.
            if done.is_err() && link.tls.wants_write() {
                let _told = link.tls.write_tls(&mut link.socket);
            }
            done.map_err(|error| judged(error, within))?;
        }
        Ok(link)
    }

    /// The other side's certificate.
    pub(crate) fn certificate(&self) -> Option<&CertificateDer<'static>> {
        self.tls.peer_certificates()?.first()
    }

    /// Sends a frame.
    pub(crate) fn send(&mut self, frame: &impl Frame, within: Duration) -> Result<(), LinkError> {
        self.socket.until = Instant::now() + within;
        let sent = self.send_bytes(&frame.bytes());
        sent.map_err(|error| judged(error, within))
    }

    fn send_bytes(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let count = self.tls.writer().write(bytes)?;
            bytes = bytes.get(count..).unwrap_or_default();
            while self.tls.wants_write() {
                if self.tls.write_tls(&mut self.socket)? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
        }
        Ok(())
    }

    /// The next frame.
    pub(crate) fn receive<F: Frame>(&mut self, within: Duration) -> Result<F, LinkError> {
        self.socket.until = Instant::now() + within;
        loop {
            if let Some(frame) = self.frames.next()? {
                return Ok(frame);
            }
            match self.tls.reader().read(&mut self.piece) {
                Ok(0) => return Err(LinkError::Closed),
                Ok(count) => self.frames.push(self.piece.get(..count).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let read = self.tls.complete_io(&mut self.socket);
                    read.map_err(|error| judged(error, within))?;
                }
                Err(error) => return Err(judged(error, within)),
            }
        }
    }

    /// Says that nothing more comes.
    pub(crate) fn close(&mut self) {
        self.socket.until = Instant::now() + Duration::from_secs(1);
        self.tls.send_close_notify();
        let _gone = self.tls.write_tls(&mut self.socket);
        let _gone = self.socket.socket.shutdown(std::net::Shutdown::Write);
    }
}

fn judged(error: io::Error, within: Duration) -> LinkError {
    if let Some(tls) = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>())
    {
        return match tls {
            rustls::Error::AlertReceived(
                AlertDescription::AccessDenied
                | AlertDescription::BadCertificate
                | AlertDescription::CertificateUnknown,
            ) => LinkError::Denied,
            tls => LinkError::Tls(tls.to_string()),
        };
    }
    match error.kind() {
        io::ErrorKind::TimedOut => LinkError::Late(within),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            LinkError::Closed
        }
        _ => LinkError::Broken(error),
    }
}

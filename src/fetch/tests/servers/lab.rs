//! A web server that does what the path says, with or without TLS.

use std::future::{Future, pending};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{RootCertStore, ServerConfig};
use sps_fetch::{FetchError, Fetcher, Guard, Limits, Target};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

/// What a good file holds.
pub(crate) const FILE: &[u8] = b"hello world";
/// The one address of this machine from which a test fetches.
pub(crate) const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// Another address of this machine.
pub(crate) const OTHER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// Largest file.
pub(crate) const MOST: u64 = 1_000_000;

/// Limits that a test can wait for.
pub(crate) const LIMITS: Limits = Limits {
    bytes: MOST,
    connect: Duration::from_secs(1),
    head: Duration::from_millis(300),
    silence: Duration::from_millis(300),
    whole: Duration::from_secs(2),
};

/// Waits for what must come.
pub(crate) async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), what)
        .await
        .expect("it takes too long")
}

/// A server and what its clients trust.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) roots: RootCertStore,
    scheme: &'static str,
    /// A client went away.
    pub(crate) left: Arc<Notify>,
}

impl Server {
    pub(crate) async fn plain() -> Self {
        Self::start(None, RootCertStore::empty()).await
    }

    /// With a certificate for its address that its clients trust.
    pub(crate) async fn tls() -> Self {
        let made = rcgen::generate_simple_self_signed(vec![HERE.to_string()]).unwrap();
        let certificate = made.cert.der().clone();
        let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key.into())
            .unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(certificate).unwrap();
        Self::start(Some(TlsAcceptor::from(Arc::new(config))), roots).await
    }

    async fn start(tls: Option<TlsAcceptor>, roots: RootCertStore) -> Self {
        let listener = TcpListener::bind((HERE, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let own = Self {
            address,
            roots,
            scheme: if tls.is_some() { "https" } else { "http" },
            left: Arc::default(),
        };
        let left = own.left.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, left) = (tls.clone(), left.clone());
                tokio::spawn(async move {
                    match tls {
                        None => serve(stream, address, &left).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => serve(stream, address, &left).await,
                            Err(_refused) => {}
                        },
                    }
                });
            }
        });
        own
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.address)
    }

    pub(crate) fn fetcher(&self) -> Fetcher {
        let guard = Guard::new(Vec::new).except(HERE);
        Fetcher::trusting(self.roots.clone(), guard, LIMITS).unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Vec<u8>, FetchError> {
        fetch(&self.fetcher(), &self.url(path)).await
    }
}

/// Fetches all of a file.
pub(crate) async fn fetch(fetcher: &Fetcher, url: &str) -> Result<Vec<u8>, FetchError> {
    soon(async {
        let mut download = fetcher.open(&Target::parse(url)?).await?;
        let mut file = Vec::new();
        while let Some(piece) = download.piece().await? {
            file.extend_from_slice(&piece);
        }
        Ok(file)
    })
    .await
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, own: SocketAddr, left: &Notify) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_gone) => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let path = head.split(' ').nth(1).unwrap().to_owned();
    if play(&path, &mut stream, own).await.is_err() {
        left.notify_one();
    }
    let _gone_before = stream.shutdown().await;
}

async fn play(
    path: &str,
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    own: SocketAddr,
) -> std::io::Result<()> {
    let redirect = |to: String| format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
    let begin = |length: usize| format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
    let answer = match path {
        "/good" => begin(FILE.len()) + "hello world",
        "/chunked" => {
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
                .into()
        }
        "/until-closed" => "HTTP/1.0 200 OK\r\n\r\nhello world".into(),
        "/cut" => begin(100) + "hello world",
        "/cut-chunk" => "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nff\r\nhello".into(),
        "/half" | "/trickle" => begin(100_000) + "hello",
        "/endless" => "HTTP/1.1 200 OK\r\n\r\n".into(),
        "/mute" => String::new(),
        "/head" => "HTTP/1.1 200 OK\r\n".to_owned() + &"x-y: z\r\n".repeat(50_000),
        "/large" => begin(10_000_000_000),
        "/missing" => "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".into(),
        "/packed" => "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 0\r\n\r\n".into(),
        "/other-protocol" => "SSH-2.0-OpenSSH_9.2\r\n".into(),
        "/loop" => redirect("/loop".into()),
        "/nowhere" => "HTTP/1.1 302 Found\r\ncontent-length: 0\r\n\r\n".into(),
        "/to-ftp" => redirect("ftp://server.example/".into()),
        "/to-http" => redirect(format!("http://{own}/good")),
        "/to-own" => redirect(format!("http://{OTHER}:{}/good", own.port())),
        "/to-metadata" => redirect("http://169.254.169.254/latest".into()),
        "/to-same-name" => redirect("/good".into()),
        hops => match hops
            .strip_prefix("/hops/")
            .and_then(|left| left.parse::<u32>().ok())
        {
            Some(0) => redirect("/good".into()),
            Some(left) => redirect(format!("/hops/{}", left - 1)),
            None => panic!("nothing is played at {path}"),
        },
    };
    stream.write_all(answer.as_bytes()).await?;
    stream.flush().await?;
    match path {
        "/endless" => loop {
            stream.write_all(&[b'x'; 32 * 1024]).await?;
        },
        "/trickle" => {
            let mut pace = tokio::time::interval(Duration::from_millis(20));
            loop {
                pace.tick().await;
                stream.write_all(b"x").await?;
                stream.flush().await?;
            }
        }
        // Until the client goes.
        "/half" => match stream.read_u8().await {
            Ok(_) => Ok(()),
            Err(gone) => Err(gone),
        },
        "/mute" => pending().await,
        _ => Ok(()),
    }
}

//! A server on loopback and clients for it: hyper for what a browser would send, raw TLS for what it would not.
//!
//! Every wait is bounded; nothing sleeps.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Once};
use std::time::{Duration, SystemTime};

use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::SendRequest;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use sps_bootlog::{BootLog, Level};
use sps_web::{
    ApplianceInfo, BootContent, BootPageSettings, BootServer, BootStatus, Limits, ServerNames, TlsIdentity,
};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

/// Longest wait for anything; generous, because other work may share the machine.
pub(crate) const BOUND: Duration = Duration::from_secs(60);

/// Waits for `future`, but not for ever.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(BOUND, future)
        .await
        .expect("nothing happened in time")
}

pub(crate) struct TestServer {
    pub(crate) http: SocketAddr,
    pub(crate) https: SocketAddr,
    pub(crate) identity: TlsIdentity,
    pub(crate) log: BootLog,
    pub(crate) status: watch::Sender<BootStatus>,
    pub(crate) shutdown: CancellationToken,
    pub(crate) task: JoinHandle<()>,
}

/// What a test wants different from the usual.
pub(crate) struct Setup {
    pub(crate) limits: Limits,
    pub(crate) boot_id: String,
    pub(crate) version: String,
    pub(crate) development: bool,
    pub(crate) log: BootLog,
    pub(crate) https_port: u16,
    pub(crate) identity: Option<TlsIdentity>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            boot_id: "boot-1".into(),
            version: "0.1.0".into(),
            development: false,
            log: BootLog::new(),
            https_port: 0,
            identity: None,
        }
    }
}

pub(crate) fn identity() -> TlsIdentity {
    let names = ServerNames {
        host_name: "box.example".into(),
        addresses: vec![Ipv4Addr::LOCALHOST.into()],
    };
    TlsIdentity::generate(&names, SystemTime::now()).unwrap()
}

impl Setup {
    pub(crate) async fn start(self) -> TestServer {
        let identity = self.identity.unwrap_or_else(identity);
        let (sender, status) = watch::channel(BootStatus::default());
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let settings = BootPageSettings {
            http: local(0),
            https: local(self.https_port),
            identity: identity.clone(),
            limits: self.limits,
        };
        let info = ApplianceInfo {
            product: "Gateway <&>".into(),
            version: self.version,
            channel: "feature".into(),
            build_id: "b1".into(),
            development: self.development,
            host_name: "box.example".into(),
        };
        let content = BootContent {
            log: self.log.clone(),
            status,
            info,
            boot_id: self.boot_id,
        };
        let server = BootServer::bind(settings, content).await.unwrap();
        let (http, https) = (server.http_address(), server.https_address());
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(server.run(shutdown.clone()));
        TestServer {
            http,
            https,
            identity,
            log: self.log,
            status: sender,
            shutdown,
            task,
        }
    }
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        Setup::default().start().await
    }

    pub(crate) fn write(&self, count: usize) {
        for _ in 0..count {
            let next = *self.log.subscribe().borrow() + 1;
            self.log.push(Level::Info, "test", &format!("entry {next}"));
        }
    }

    pub(crate) async fn stop(self) {
        self.shutdown.cancel();
        soon(self.task).await.unwrap();
    }

    /// A TLS connection that trusts exactly this server's certificate, checked by name and validity.
    pub(crate) async fn tls(&self) -> TlsStream<TcpStream> {
        soon(self.try_tls()).await.unwrap()
    }

    pub(crate) async fn try_tls(&self) -> std::io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.https).await?;
        let name = ServerName::try_from("box.example").unwrap();
        TlsConnector::from(client_config(&self.identity))
            .connect(name, stream)
            .await
    }

    pub(crate) async fn client(&self) -> Client {
        let (sender, connection) = soon(hyper::client::conn::http1::handshake(TokioIo::new(
            self.tls().await,
        )))
        .await
        .unwrap();
        tokio::spawn(connection);
        Client { sender }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.client().await.get(path, &[]).await
    }

    pub(crate) async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        answer.json()
    }

    pub(crate) async fn events(&self, query: &str, headers: &[(&str, &str)]) -> Events {
        Events::of(
            self.client()
                .await
                .open(&format!("/api/boot/log/events{query}"), headers)
                .await,
        )
    }
}

/// A hyper connection.
pub(crate) struct Client {
    pub(crate) sender: SendRequest<Empty<Bytes>>,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: hyper::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Client {
    pub(crate) async fn send(&mut self, request: Request<Empty<Bytes>>) -> Response<Incoming> {
        soon(self.sender.ready()).await.unwrap();
        soon(self.sender.send_request(request)).await.unwrap()
    }

    pub(crate) async fn open(mut self, path: &str, headers: &[(&str, &str)]) -> Response<Incoming> {
        self.send(request("GET", path, headers)).await
    }

    pub(crate) async fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.request("GET", path, headers).await
    }

    pub(crate) async fn request(&mut self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let response = self.send(request(method, path, headers)).await;
        let (parts, body) = response.into_parts();
        let body = soon(body.collect()).await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text,
        }
    }
}

fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Request<Empty<Bytes>> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "box.example");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Empty::new()).unwrap()
}

/// One server-sent event; comments have the name `comment`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) id: Option<u64>,
    pub(crate) data: Value,
}

/// An open event stream.
pub(crate) struct Events {
    body: Incoming,
    buffer: String,
}

impl Events {
    pub(crate) fn of(response: Response<Incoming>) -> Self {
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            body: response.into_body(),
            buffer: String::new(),
        }
    }

    /// The next event, `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((block, rest)) = self.buffer.split_once("\n\n") {
                let event = parse(block);
                self.buffer = rest.to_owned();
                return Some(event);
            }
            let frame = soon(self.body.frame()).await?.ok()?;
            self.buffer
                .push_str(std::str::from_utf8(frame.data_ref()?).unwrap());
        }
    }

    /// The next event called `name`; others are passed over.
    pub(crate) async fn next_of(&mut self, name: &str) -> Event {
        loop {
            let event = self
                .next()
                .await
                .unwrap_or_else(|| panic!("the stream ended before {name}"));
            if event.name == name {
                return event;
            }
        }
    }
}

fn parse(block: &str) -> Event {
    let mut event = Event {
        name: String::new(),
        id: None,
        data: Value::Null,
    };
    for line in block.lines() {
        match line.split_once(": ").unwrap() {
            ("event", name) => event.name = name.to_owned(),
            ("id", id) => event.id = Some(id.parse().unwrap()),
            ("data", data) => event.data = serde_json::from_str(data).unwrap(),
            ("retry", _) | ("", _) => {}
            other => panic!("unexpected line {other:?}"),
        }
    }
    event
}

pub(crate) fn client_config(identity: &TlsIdentity) -> Arc<ClientConfig> {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        let _other_came_first = rustls::crypto::aws_lc_rs::default_provider().install_default();
    });
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_slice(identity.certificate_pem().as_bytes()).unwrap())
        .unwrap();
    Arc::new(
        ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth(),
    )
}

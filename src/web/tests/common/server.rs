//! A server on loopback, and connections to it.

use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Once};
use std::time::{Duration, SystemTime};

use hyper::StatusCode;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use sps_bootlog::{BootLog, Level};
use sps_web::{
    Administration, ApplianceInfo, BootContent, BootPageSettings, BootServer, BootStatus, Bundles, Limits,
    ServerNames, TlsIdentity,
};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

use super::client::{Answer, Client, Events};

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
    pub(crate) bundles: Option<Arc<dyn Bundles>>,
    pub(crate) administration: Option<Administration>,
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
            bundles: None,
            administration: None,
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
            bundles: self.bundles,
            administration: self.administration,
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
            let next = self.log.newest() + 1;
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
        self.client_from(Ipv4Addr::LOCALHOST).await
    }

    /// A client whose address is `from`, of this machine.
    pub(crate) async fn client_from(&self, from: Ipv4Addr) -> Client {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from((from, 0))).unwrap();
        let stream = soon(socket.connect(self.https)).await.unwrap();
        let name = ServerName::try_from("box.example").unwrap();
        let connector = TlsConnector::from(client_config(&self.identity));
        let stream = soon(connector.connect(name, stream)).await.unwrap();
        let (sender, connection) = soon(hyper::client::conn::http1::handshake(TokioIo::new(stream)))
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

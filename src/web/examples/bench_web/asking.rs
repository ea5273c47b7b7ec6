//! The client: how soon pages begin to come, and what they weigh with everything they load.

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper_util::rt::TokioIo;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use serde_json::json;
use tokio::net::TcpStream;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_rustls::TlsConnector;

use super::Failed;
use super::appliance::PASSWORD;

/// Requests a second.
const RATE: u32 = 50;
/// Requests to each page.
const REQUESTS: usize = 500;
const FIRMWARES: &str = "/basic-settings/system/firmwares";
/// Every page that people see, but the wizard of the first boot.
const PAGES: [&str; 7] = [
    "/login",
    "/boot",
    FIRMWARES,
    "/basic-settings/system/firmwares/2",
    "/basic-settings/system/version-details",
    "/basic-settings/system/system-control",
    "/users-access-control/changes",
];

/// Measures, and prints what was measured.
pub(super) async fn ask(port: u16, new: u16) -> Result<(), Failed> {
    let asker = Arc::new(Asker::log_in(port).await?);
    let login = first_bytes(&asker, "/login").await?;
    let firmwares = first_bytes(&asker, FIRMWARES).await?;
    let fresh = Asker {
        port: new,
        tls: asker.tls.clone(),
        cookie: String::new(),
    };
    let known = PAGES.map(|page| (&*asker, page));
    let mut pages = Vec::new();
    for (asker, page) in known.into_iter().chain([(&fresh, "/setup")]) {
        let (plain, compressed) = asker.weigh(page).await?;
        pages.push(json!({ "page": page, "plain": plain, "compressed": compressed }));
    }
    println!(
        "{}",
        json!({ "login_p99_ms": login, "firmwares_p99_ms": firmwares, "pages": pages })
    );
    Ok(())
}

/// Asks at an even pace, each time with a connection of its own, and gives the time within which 99 of 100 answers begin, in ms:
/// from before the connection to the first byte.
async fn first_bytes(asker: &Arc<Asker>, path: &'static str) -> Result<f64, Failed> {
    let mut beat = interval(Duration::from_secs(1) / RATE);
    beat.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut asked = Vec::new();
    for _ in 0..REQUESTS {
        beat.tick().await;
        let asker = asker.clone();
        asked.push(tokio::spawn(async move {
            let begun = Instant::now();
            let response = asker.get(path).await?;
            let first = begun.elapsed();
            response.into_body().collect().await?;
            Ok::<_, Failed>(first)
        }));
    }
    let mut times = Vec::new();
    for answer in asked {
        times.push(answer.await??);
    }
    times.sort();
    let place = REQUESTS * 99 / 100;
    Ok(times.get(place).map_or(0.0, Duration::as_secs_f64) * 1e3)
}

/// Somebody who has logged in.
struct Asker {
    port: u16,
    tls: TlsConnector,
    cookie: String,
}

impl Asker {
    async fn log_in(port: u16) -> Result<Self, Failed> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate))
            .with_no_client_auth();
        let mut own = Self {
            port,
            tls: Arc::new(config).into(),
            cookie: String::new(),
        };
        let form = format!("user=admin&password={}", PASSWORD.replace(' ', "+"));
        let request = Request::post("/login").header("content-type", "application/x-www-form-urlencoded");
        let answer = own.send(request, form).await?;
        let cookie = answer.headers().get("set-cookie").ok_or("nobody was logged in")?;
        own.cookie = cookie.to_str()?.split(';').next().unwrap_or_default().to_owned();
        Ok(own)
    }

    async fn get(&self, path: &str) -> Result<hyper::Response<hyper::body::Incoming>, Failed> {
        self.send(Request::get(path), String::new()).await
    }

    async fn send(
        &self,
        request: hyper::http::request::Builder,
        body: String,
    ) -> Result<hyper::Response<hyper::body::Incoming>, Failed> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await?;
        stream.set_nodelay(true)?;
        let stream = self
            .tls
            .connect(ServerName::try_from("localhost")?, stream)
            .await?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake::<_, Full<Bytes>>(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        let request = request
            .header("host", "localhost")
            .header("accept", "text/html")
            .header("cookie", &self.cookie)
            .body(Full::from(body))?;
        Ok(sender.send_request(request).await?)
    }

    /// Bytes of a page and everything it loads, as they come and compressed by gzip.
    async fn weigh(&self, page: &str) -> Result<(usize, usize), Failed> {
        let page = self.body(page).await?;
        let (mut plain, mut compressed) = (page.len(), gzip(&page)?);
        let text = String::from_utf8_lossy(&page).into_owned();
        let mut loaded: Vec<&str> = text
            .split('"')
            .filter(|value| value.starts_with("/assets/"))
            .map(|path| path.split('#').next().unwrap_or(path))
            .collect();
        loaded.sort_unstable();
        loaded.dedup();
        for path in loaded {
            let content = self.body(path).await?;
            plain += content.len();
            compressed += gzip(&content)?;
        }
        Ok((plain, compressed))
    }

    async fn body(&self, path: &str) -> Result<Bytes, Failed> {
        let response = self.get(path).await?;
        if !response.status().is_success() {
            return Err(format!("{path}: {}", response.status()).into());
        }
        Ok(response.into_body().collect().await?.to_bytes())
    }
}

fn gzip(content: &[u8]) -> Result<usize, Failed> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    Ok(encoder.finish()?.len())
}

/// The server is our own, of this run.
#[derive(Debug)]
struct AnyCertificate;

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::ED25519]
    }
}

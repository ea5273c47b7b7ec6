//! The accept loop and what every connection goes through: admission, TLS, HTTP/1.1, bounds, the end.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinError, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::boot::bundle::Peer;
use crate::http::admission::{Admission, Gate, Pass};
use crate::http::limits::{HEAD_BUFFER, HEADER_FIELDS, Limits};
use crate::http::listener;
use crate::http::stall_guard::StallGuard;

/// Pause after a failed accept: with no file descriptor left, trying again at once would only burn time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// One listening port and how it answers.
pub(crate) struct Port {
    pub(crate) listener: TcpListener,
    /// TLS in front of HTTP; `None` on the plain port.
    pub(crate) tls: Option<TlsAcceptor>,
    /// Answers admitted connections.
    pub(crate) service: Router,
    /// Answers connections over the bound.
    pub(crate) refusal: Router,
    pub(crate) limits: Limits,
}

/// A connection's part of its port, ready to be moved into its task.
struct Connection {
    stream: TcpStream,
    peer: IpAddr,
    tls: Option<TlsAcceptor>,
    router: Router,
    limits: Limits,
    shutdown: CancellationToken,
    /// Its place among the connections, given back at the end.
    pass: Pass,
}

impl Port {
    /// Accepts until `shutdown`, then lets connections finish for [`Limits::grace`] and ends the rest.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let gate = Gate::new(&self.limits);
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                Some(ended) = connections.join_next() => report_panic(ended),
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => self.admit(&gate, stream, peer, &shutdown, &mut connections),
                    Err(error) => accept_failed(&error).await,
                },
            }
        }
        let finish = async { while connections.join_next().await.is_some() {} };
        // Those that are left end with the set.
        let _late = tokio::time::timeout(self.limits.grace, finish).await;
    }

    fn admit(
        &self,
        gate: &Gate,
        stream: TcpStream,
        peer: SocketAddr,
        shutdown: &CancellationToken,
        connections: &mut JoinSet<()>,
    ) {
        let (router, pass) = match gate.admit(peer.ip()) {
            Admission::Serve(pass) => (self.service.clone(), pass),
            Admission::Refuse(pass) => (self.refusal.clone(), pass),
            Admission::Drop => return,
        };
        let (tls, limits, shutdown) = (self.tls.clone(), self.limits, shutdown.clone());
        connections.spawn(
            Connection {
                stream,
                peer: peer.ip().to_canonical(),
                tls,
                router,
                limits,
                shutdown,
                pass,
            }
            .run(),
        );
    }
}

impl Connection {
    /// Ends without a word when the peer misbehaves: it alone would learn from an error, and a log that strangers
    /// can fill is none.
    async fn run(self) {
        let Self {
            stream,
            peer,
            tls,
            router,
            limits,
            shutdown,
            pass,
        } = self;
        let _place = pass;
        if listener::prepare(&stream).is_err() {
            return;
        }
        let stream = StallGuard::new(stream, limits.write_stall);
        let Some(tls) = tls else {
            return speak_http(stream, router, peer, &limits, &shutdown).await;
        };
        let handshake = tokio::time::timeout(limits.handshake, tls.accept(stream));
        tokio::select! {
            () = shutdown.cancelled() => {}
            encrypted = handshake => {
                if let Ok(Ok(encrypted)) = encrypted {
                    speak_http(encrypted, router, peer, &limits, &shutdown).await;
                }
            }
        }
    }
}

async fn speak_http<S>(stream: S, router: Router, peer: IpAddr, limits: &Limits, shutdown: &CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        router.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .max_headers(HEADER_FIELDS)
        .max_buf_size(HEAD_BUFFER)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::trace!(%error, "connection ended");
    }
}

fn report_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!("a connection to the boot page ended with a panic; the others go on");
    }
}

async fn accept_failed(error: &io::Error) {
    // The peer gave up before it was accepted: nothing to tell, nothing to wait for.
    if matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    ) {
        return;
    }
    tracing::warn!(%error, "cannot accept connections to the boot page, trying on");
    tokio::time::sleep(ACCEPT_PAUSE).await;
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    async fn fine() -> &'static str {
        "fine"
    }

    async fn broken() -> &'static str {
        panic!("as the test wants it")
    }

    async fn ask(stream: &mut TcpStream, path: &str) -> String {
        stream
            .write_all(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes())
            .await
            .unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"fine") {
            let more = tokio::time::timeout(Duration::from_secs(60), stream.read_buf(&mut answer))
                .await
                .unwrap();
            if matches!(more, Ok(0) | Err(_)) {
                break;
            }
        }
        String::from_utf8(answer).unwrap()
    }

    #[tokio::test]
    async fn a_panic_ends_its_own_connection_alone() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let service = Router::new()
            .route("/fine", get(fine))
            .route("/broken", get(broken));
        // Few places: a panic must give its own back.
        let limits = Limits {
            connections: 2,
            refusals: 0,
            ..Limits::default()
        };
        let port = Port {
            listener,
            tls: None,
            service,
            refusal: Router::new(),
            limits,
        };
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(port.run(shutdown.clone()));
        let mut bystander = TcpStream::connect(address).await.unwrap();
        assert!(ask(&mut bystander, "/fine").await.ends_with("fine"));
        for _ in 0..3 {
            let mut victim = TcpStream::connect(address).await.unwrap();
            assert_eq!(ask(&mut victim, "/broken").await, "");
        }
        assert!(ask(&mut bystander, "/fine").await.ends_with("fine"));
        let place_again = async {
            while !ask(&mut TcpStream::connect(address).await.unwrap(), "/fine")
                .await
                .ends_with("fine")
            {}
        };
        tokio::time::timeout(Duration::from_secs(60), place_again)
            .await
            .unwrap();
        shutdown.cancel();
        tokio::time::timeout(Duration::from_secs(60), running)
            .await
            .unwrap()
            .unwrap();
    }
}

//! One connection, from its first byte until its recording is closed.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use sps_proxy_engine::{Came, choose};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use crate::access::Access;
use crate::algorithms;
use crate::client_side::ClientSide;
use crate::context::{Context, Watched};
use crate::door::{Admitted, Door};
use crate::wire::wire;
use crate::words::{AUTH_FAIL, FAIL, TERMINATED};

/// Longest time for the version exchange of a new connection.
const GREETING_WITHIN: Duration = Duration::from_secs(10);
/// Longest time until somebody is logged in.
const LOGIN_WITHIN: Duration = Duration::from_secs(120);
/// Longest wait for a client to take the words it ends with.
const FAREWELL: Duration = Duration::from_secs(1);
/// Longest wait for channels to end when their connection does.
const CHANNELS_END_WITHIN: Duration = Duration::from_secs(1);

/// What all connections share.
pub(crate) struct Serving {
    pub(crate) access: Arc<dyn Access>,
    pub(crate) door: Arc<Door>,
    pub(crate) shutdown: CancellationToken,
    /// What everybody is told in their terminals.
    pub(crate) notice: watch::Receiver<Option<Arc<str>>>,
}

/// A panic ends one connection.
pub(crate) async fn guarded(shared: Arc<Serving>, stream: TcpStream, from: SocketAddr, admitted: Admitted) {
    let served = AssertUnwindSafe(serve(shared, stream, from, admitted)).catch_unwind();
    if served.await.is_err() {
        error!("the SSH session of {from} ended by an error of the proxy itself");
    }
}

async fn serve(shared: Arc<Serving>, stream: TcpStream, from: SocketAddr, mut admitted: Admitted) {
    let Ok(original) = stream.local_addr() else { return };
    let came = Came {
        from: from.ip().to_canonical(),
        to: original.ip().to_canonical(),
        port: original.port(),
    };
    let policies = shared.access.policies();
    let Some(connection) = choose(&policies.ssh.connections, came).cloned() else {
        shared.door.meter.without_policy();
        return warn!("SSH session from {from} to {original} refused: no connection policy fits");
    };
    debug!(
        "SSH session from {from} to {original}: connection policy {:?}",
        connection.name
    );
    let keys = match shared.access.host_keys(&connection) {
        Ok(keys) => keys,
        Err(error) => return error!("{error}"),
    };
    let idle = policies
        .ssh
        .settings
        .get(&connection.settings)
        .map(|settings| u64::from(settings.idle_timeout_seconds))
        .filter(|seconds| *seconds > 0)
        .map(Duration::from_secs);
    if let Err(error) = stream.set_nodelay(true) {
        debug!("{from}: {error}");
    }
    let context = Arc::new(Context::new(
        shared.access.clone(),
        policies,
        connection,
        from,
        original,
        shared.shutdown.child_token(),
        Watched {
            window: shared.door.window(),
            meter: shared.door.meter.clone(),
            notice: shared.notice.clone(),
        },
    ));
    let config = Arc::new(algorithms::for_clients(
        keys,
        idle,
        context.ciphers(),
        context.watched.window,
    ));
    let started = timeout(
        GREETING_WITHIN,
        russh::server::run_stream(config, wire(stream), ClientSide::new(context.clone())),
    )
    .await;
    let session = match started {
        Ok(Ok(session)) => session,
        Ok(Err(error)) => return debug!("SSH session of {from} ended: {error}"),
        Err(_late) => return debug!("SSH session of {from} said nothing"),
    };
    drop(context.to_client.set(session.handle()));
    let present = admitted.present(&context);
    // However it ends, its recording is closed.
    if AssertUnwindSafe(attend(&context, session, &mut admitted))
        .catch_unwind()
        .await
        .is_err()
    {
        error!("the SSH session of {from} ended by an error of the proxy itself");
        context.set_verdict(FAIL);
    }
    finish(&context).await;
    drop(present);
}

/// Waits for the end of the connection, whoever brings it about.
async fn attend(
    context: &Arc<Context>,
    session: russh::server::RunningSession<ClientSide>,
    admitted: &mut Admitted,
) {
    let mut logging_in = true;
    let mut watching = true;
    let late = sleep(LOGIN_WITHIN);
    tokio::pin!(late, session);
    let watch = watched(context);
    tokio::pin!(watch);
    loop {
        tokio::select! {
            ended = &mut session => {
                if let Err(error) = ended {
                    debug!("SSH session of {} ended: {error}", context.client);
                }
                return;
            }
            () = context.closing.cancelled() => {
                // What the client is told is on its way through the session: it ends by itself once that is sent.
                if context.is_told() {
                    drop(timeout(FAREWELL, &mut session).await);
                }
                return;
            }
            why = &mut watch, if watching => {
                watching = false;
                context.end(TERMINATED, &why);
            }
            _person = context.person.wait(), if logging_in => {
                logging_in = false;
                admitted.logged_in();
                context.watched.meter.logged_in();
            }
            () = &mut late, if logging_in => {
                logging_in = false;
                context.end(AUTH_FAIL, "nobody logged in");
            }
        }
    }
}

/// Why somebody ends the session.
async fn watched(context: &Context) -> String {
    context.recording.wait().await.terminated().await
}

async fn finish(context: &Context) {
    context.closing.cancel();
    if let Some(server) = context.to_server.get() {
        // Channels clear what stands on their terminals.
        drop(timeout(CHANNELS_END_WITHIN, context.left()).await);
        let told = server.disconnect(russh::Disconnect::ByApplication, "", "en");
        drop(timeout(Duration::from_secs(1), told).await);
    }
    if context.person.get().is_none() {
        context.set_verdict(AUTH_FAIL);
    }
    let verdict = context.verdict();
    context.watched.meter.ended(verdict);
    if let Some(recording) = context.recording.get() {
        recording.end(verdict, context.why()).await;
    }
}

//! A server that takes everybody, opens every session and says nothing but what it is told.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use russh::keys::PrivateKey;
use russh::keys::ssh_key::private::Ed25519Keypair;
use russh::server::{Auth, ChannelOpenHandle, Config, Handler, Msg, Session, run_stream};
use russh::{Channel, ChannelId, Pty};
use tokio::net::TcpListener;

/// Said to it, it says more than fits into any window.
pub const BURST: &[u8] = b"burst";
const BURST_BYTES: usize = 4 << 20;

struct Null;

impl Handler for Null {
    type Error = russh::Error;

    async fn auth_password(&mut self, _: &str, _: &str) -> Result<Auth, Self::Error> {
        Ok(Auth::Accept)
    }

    async fn channel_open_session(
        &mut self,
        _: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        reply.accept().await;
        Ok(())
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        _: &str,
        _: u32,
        _: u32,
        _: u32,
        _: u32,
        _: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_success(channel)
    }

    async fn shell_request(&mut self, channel: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        session.channel_success(channel)?;
        session.data(channel, b"ready\r\n".as_slice())
    }

    async fn data(
        &mut self,
        channel: ChannelId,
        data: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        if data == BURST {
            return session.data(channel, vec![b'.'; BURST_BYTES]);
        }
        session.data(channel, data.to_vec())
    }
}

/// Begins to serve on a port of 127.0.0.1, which is the answer, for as long as the runtime lives.
///
/// # Errors
/// When there is no port.
pub async fn start() -> Result<u16> {
    let key = PrivateKey::new(Ed25519Keypair::from_seed(&[9; 32]).into(), "")?;
    let config = Arc::new(Config {
        keys: vec![key],
        auth_rejection_time: Duration::from_millis(1),
        ..Config::default()
    });
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let config = config.clone();
            tokio::spawn(async move {
                drop(stream.set_nodelay(true));
                if let Ok(session) = run_stream(config, stream, Null).await {
                    let _over = session.await;
                }
            });
        }
    });
    Ok(port)
}

//! Clients that are many: each a connection of its own, which costs this machine little.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use russh::client::{Config, Handle, Handler, connect_stream};
use russh::keys::PublicKeyOrCertificate;
use russh::{Channel, ChannelMsg};
use tokio::net::TcpSocket;

/// A client that takes every host key.
#[derive(Debug)]
pub struct Anybody;

impl Handler for Anybody {
    type Error = russh::Error;

    async fn check_server_key(&mut self, _: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        Ok(true)
    }
}

/// Settings of clients here.
#[must_use]
pub fn config() -> Arc<Config> {
    Arc::new(Config {
        nodelay: true,
        inactivity_timeout: None,
        keepalive_interval: Some(Duration::from_secs(60)),
        ..Config::default()
    })
}

/// Settings of a client that reads little and then nothing: what is sent to it stays on the way.
#[must_use]
pub fn stubborn() -> Arc<Config> {
    Arc::new(Config {
        nodelay: true,
        inactivity_timeout: None,
        window_size: 32 * 1024,
        maximum_packet_size: 32 * 1024,
        channel_buffer_size: 1,
        ..Config::default()
    })
}

/// Somebody of this name, from an address of their own, of 250.
///
/// # Errors
/// When they do not get in.
pub async fn somebody(config: Arc<Config>, port: u16, number: usize, name: &str) -> Result<Handle<Anybody>> {
    let host = u8::try_from(number % 250 + 1).unwrap_or(1);
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((Ipv4Addr::new(127, 0, 1, host), 0)))?;
    let stream = socket
        .connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
        .await?;
    stream.set_nodelay(true)?;
    let mut handle = connect_stream(config, stream, Anybody).await?;
    let done = handle.authenticate_password(name, "whatever").await?;
    ensure!(done.success(), "the password was refused");
    Ok(handle)
}

/// A shell that said it is ready.
///
/// # Errors
/// When it did not.
pub async fn shell(handle: &Handle<Anybody>) -> Result<Channel<russh::client::Msg>> {
    let mut channel = handle.channel_open_session().await?;
    channel.request_pty(false, "xterm", 80, 24, 0, 0, &[]).await?;
    channel.request_shell(false).await?;
    loop {
        match channel.wait().await.context("the session closed")? {
            ChannelMsg::Data { .. } => return Ok(channel),
            ChannelMsg::Close => anyhow::bail!("the session closed"),
            _ => {}
        }
    }
}

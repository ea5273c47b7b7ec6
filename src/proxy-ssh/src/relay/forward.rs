//! Channels that carry a connection: forwards both ways, the agent, X11.

use std::sync::Arc;

use russh::{Channel, ChannelOpenFailure, client, server};
use sps_proxy_engine::{Allowed, Asked, Kind};
use tokio::time::timeout;

use super::WITHIN;
use super::pair::{Pair, Refusable};
use crate::context::Context;
use crate::recording::What;

/// Where a forwarded connection comes from and goes to.
#[derive(Clone, Debug)]
pub(crate) struct Forwarded {
    pub(crate) address: String,
    pub(crate) port: u32,
    pub(crate) originator: String,
    pub(crate) originator_port: u32,
}

/// What a server opens towards the client.
#[derive(Clone, Debug)]
pub(crate) enum Back {
    Forward(Forwarded),
    Agent,
    X11((String, u32)),
}

impl Back {
    const fn kind(&self) -> Kind {
        match self {
            Self::Forward(_) => Kind::RemoteForward,
            Self::Agent => Kind::Agent,
            Self::X11(_) => Kind::X11,
        }
    }
}

/// A connection the client wants from the server's side.
pub(crate) async fn forward(
    context: Arc<Context>,
    channel: Channel<server::Msg>,
    reply: server::ChannelOpenHandle,
    forwarded: Forwarded,
) {
    let Ok(port) = u16::try_from(forwarded.port) else {
        return reply.reject(ChannelOpenFailure::ConnectFailed).await;
    };
    let asked = Asked {
        kind: Kind::LocalForward,
        command: None,
        server: Some((&forwarded.address, port)),
    };
    let Some(allowed) = decided(&context, &asked).await else {
        return reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
    };
    let (Some(place), Some(server)) = (context.place(), context.to_server.get()) else {
        return reply.reject(ChannelOpenFailure::ResourceShortage).await;
    };
    let opening = server.channel_open_direct_tcpip(
        forwarded.address.clone(),
        forwarded.port,
        forwarded.originator.clone(),
        forwarded.originator_port,
    );
    match timeout(WITHIN, opening).await {
        Ok(Ok(far)) => {
            reply.accept().await;
            let detail = format!("{}:{port}", forwarded.address);
            Pair::new(context, place, channel, far)
                .carry(Kind::LocalForward, detail, allowed)
                .await;
        }
        Ok(Err(russh::Error::ChannelOpenFailure(reason))) => reply.reject(reason).await,
        _ => reply.reject(ChannelOpenFailure::ConnectFailed).await,
    }
}

/// A channel the server opens.
pub(crate) async fn from_server(
    context: Arc<Context>,
    channel: Channel<client::Msg>,
    reply: client::ChannelOpenHandle,
    back: Back,
) {
    let server = match &back {
        Back::Forward(forwarded) => u16::try_from(forwarded.port)
            .ok()
            .map(|port| (forwarded.address.as_str(), port)),
        Back::Agent | Back::X11(_) => None,
    };
    let asked = Asked {
        kind: back.kind(),
        command: None,
        server,
    };
    let Some(allowed) = decided(&context, &asked).await else {
        return reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
    };
    let (Some(place), Some(handle)) = (context.place(), context.to_client.get().cloned()) else {
        return reply.reject(ChannelOpenFailure::ResourceShortage).await;
    };
    let opening = async {
        match back.clone() {
            Back::Forward(it) => {
                handle
                    .channel_open_forwarded_tcpip(it.address, it.port, it.originator, it.originator_port)
                    .await
            }
            Back::Agent => handle.channel_open_agent().await,
            Back::X11((address, port)) => handle.channel_open_x11(address, port).await,
        }
    };
    match timeout(WITHIN, opening).await {
        Ok(Ok(near)) => {
            reply.accept().await;
            let detail = server.map_or_else(String::new, |(host, port)| format!("{host}:{port}"));
            Pair::new(context, place, near, channel)
                .carry(back.kind(), detail, allowed)
                .await;
        }
        Ok(Err(russh::Error::ChannelOpenFailure(reason))) => reply.reject(reason).await,
        _ => reply.reject(ChannelOpenFailure::ConnectFailed).await,
    }
}

/// The policy's answer; a refusal is recorded.
async fn decided(context: &Arc<Context>, asked: &Asked<'_>) -> Option<Allowed> {
    let detail = asked
        .server
        .map_or_else(String::new, |(host, port)| format!("{host}:{port}"));
    let decided = match context.judge(asked) {
        Ok(allowed) => context
            .agreed(asked.kind, &detail, &allowed)
            .await
            .map(|()| allowed),
        Err(reason) => Err(reason),
    };
    match decided {
        Ok(allowed) => Some(allowed),
        Err(reason) => {
            let kind = asked.kind.record_word();
            context.record(None, What::Denied { kind, reason }).await;
            None
        }
    }
}

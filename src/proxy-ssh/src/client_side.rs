//! The connection with the client: its login, channels it opens, forwards it asks for.

use std::sync::Arc;

use russh::keys::PublicKey;
use russh::server::{
    Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Response, Session, VerifiedPublicKey,
};
use russh::{Channel, ChannelOpenFailure};
use sps_proxy_engine::{Asked, Kind};
use tracing::debug;
use zeroize::Zeroizing;

use crate::context::Context;
use crate::login::Login;
use crate::recording::What;
use crate::relay;

/// The side towards a client.
pub(crate) struct ClientSide {
    context: Arc<Context>,
    login: Login,
}

impl ClientSide {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        Self {
            login: Login::new(context.clone()),
            context,
        }
    }

    /// A way of logging in, without anything that was said.
    fn tried(&self, method: &'static str) {
        debug!(client = %self.context.client, "login by {method}");
    }

    /// Whether the client may wait on an address beyond the server.
    async fn may_listen(&self, address: &str, port: u32) -> bool {
        let (Some(person), Ok(port)) = (self.context.person.get(), u16::try_from(port)) else {
            return false;
        };
        let asked = Asked {
            kind: Kind::RemoteForward,
            command: None,
            server: Some((address, port)),
        };
        let (context, now) = (&self.context, self.context.access.moment());
        let decided = context
            .policies
            .decide(&context.connection, &asked, context.client.ip(), person, now);
        match decided {
            Ok(_) => true,
            Err(refused) => {
                let reason = refused.to_string();
                let kind = Kind::RemoteForward.record_word();
                context.record(None, What::Denied { kind, reason }).await;
                false
            }
        }
    }
}

/// Waits until somebody is in at the server, which the client's agent may bring about behind the client's own login. What waits counts as a channel.
async fn entered(context: &Arc<Context>) -> bool {
    if context.person.get().is_some() {
        return true;
    }
    match context.place() {
        Some(_waiting) => context.entered().await,
        None => false,
    }
}

impl Handler for ClientSide {
    type Error = russh::Error;

    fn reads_requests(&self) -> bool {
        true
    }

    async fn auth_none(&mut self, user: &str) -> Result<Auth, Self::Error> {
        self.tried("none");
        Ok(self.login.none(user).await)
    }

    async fn auth_password(&mut self, user: &str, password: &str) -> Result<Auth, Self::Error> {
        self.tried("password");
        Ok(self.login.password(user, password).await)
    }

    async fn auth_publickey_offered(
        &mut self,
        user: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, Self::Error> {
        self.tried("public-key, offered");
        Ok(self.login.offered(user, offer.public_key).await)
    }

    async fn auth_publickey(
        &mut self,
        user: &str,
        verified: VerifiedPublicKey<'_>,
    ) -> Result<Auth, Self::Error> {
        self.tried("public-key, proved");
        let key: &PublicKey = verified.public_key;
        Ok(self.login.proved(user, key).await)
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        user: &str,
        _submethods: &str,
        response: Option<Response<'a>>,
    ) -> Result<Auth, Self::Error> {
        self.tried("keyboard-interactive");
        let answers = response.map(|response| {
            response
                .map(|answer| Zeroizing::new(String::from_utf8_lossy(&answer).into_owned()))
                .collect()
        });
        Ok(self.login.interactive(user, answers).await)
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        let context = self.context.clone();
        tokio::spawn(async move {
            if entered(&context).await {
                relay::session(context, channel, reply).await;
            }
        });
        Ok(())
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host_to_connect: &str,
        port_to_connect: u32,
        originator_address: &str,
        originator_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        let forwarded = relay::Forwarded {
            address: host_to_connect.to_owned(),
            port: port_to_connect,
            originator: originator_address.to_owned(),
            originator_port,
        };
        let context = self.context.clone();
        tokio::spawn(async move {
            if entered(&context).await {
                relay::forward(context, channel, reply, forwarded).await;
            }
        });
        Ok(())
    }

    async fn channel_open_direct_streamlocal(
        &mut self,
        _channel: Channel<Msg>,
        _socket_path: &str,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
        Ok(())
    }

    async fn tcpip_forward(
        &mut self,
        address: &str,
        port: &mut u32,
        _session: &mut Session,
    ) -> Result<bool, Self::Error> {
        if !self.may_listen(address, *port).await {
            return Ok(false);
        }
        let Some(server) = self.context.to_server.get() else {
            return Ok(false);
        };
        let answer = tokio::time::timeout(relay::WITHIN, server.tcpip_forward(address, *port)).await;
        match answer {
            Ok(Ok(chosen)) => {
                if chosen != 0 {
                    *port = chosen;
                }
                Ok(true)
            }
            _ => Ok(false),
        }
    }

    async fn cancel_tcpip_forward(
        &mut self,
        address: &str,
        port: u32,
        _session: &mut Session,
    ) -> Result<bool, Self::Error> {
        let Some(server) = self.context.to_server.get() else {
            return Ok(false);
        };
        let answer = tokio::time::timeout(relay::WITHIN, server.cancel_tcpip_forward(address, port)).await;
        Ok(matches!(answer, Ok(Ok(()))))
    }
}

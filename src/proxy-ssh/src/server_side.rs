//! The connection with the server: its host key, and channels it opens.

use std::sync::{Arc, Mutex, PoisonError};

use russh::client::{ChannelOpenHandle, DisconnectReason, Handler, Msg, Session};
use russh::keys::ssh_key::public::KeyData;
use russh::keys::{HashAlg, PublicKey, PublicKeyOrCertificate};
use russh::{Channel, ChannelOpenFailure};
use sps_proxy_engine::{Known, Presented, judge};
use tracing::{info, warn};

use crate::access::ServerName;
use crate::context::Context;
use crate::relay;
use crate::words::FAIL;

/// The side towards a server.
pub(crate) struct ServerSide {
    context: Arc<Context>,
    name: ServerName,
    known: Vec<Known>,
    /// Why the key was not taken, for the person who waits.
    refusal: Arc<Mutex<Option<String>>>,
}

impl ServerSide {
    pub(crate) fn new(
        context: Arc<Context>,
        name: ServerName,
        known: Vec<Known>,
        refusal: Arc<Mutex<Option<String>>>,
    ) -> Self {
        Self {
            context,
            name,
            known,
            refusal,
        }
    }

    fn refuse(&self, why: String) -> bool {
        warn!(server = %self.name.host, port = self.name.port, client = %self.context.client, "{why}");
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(why);
        false
    }

    async fn judged(&self, key: &PublicKey) -> bool {
        let Ok(blob) = key.to_bytes() else {
            return self.refuse("the server's host key cannot be read".into());
        };
        let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
        let algorithm = key.algorithm();
        let presented = Presented {
            algorithm: algorithm.as_str(),
            rsa_bits: rsa_bits(key),
            blob: &blob,
            fingerprint: &fingerprint,
        };
        match judge(self.context.connection.host_key_check, &self.known, &presented) {
            Err(refusal) => {
                if refusal.is_alarming() {
                    let server = format!("{}:{}", self.name.host, self.name.port);
                    self.context.access.alarm(format!("{server}: {refusal}"));
                }
                self.refuse(refusal.to_string())
            }
            Ok(judged) => {
                if judged.weak {
                    warn!(server = %self.name.host, "the server's RSA host key has fewer than 2048 bits: give it an Ed25519 key");
                }
                if !judged.pin {
                    return true;
                }
                match self.context.access.pin(self.name.clone(), key.clone()).await {
                    Ok(()) => {
                        info!(server = %self.name.host, port = self.name.port, "first host key {fingerprint} kept");
                        true
                    }
                    Err(error) => self.refuse(error.to_string()),
                }
            }
        }
    }
}

/// Bits of an RSA key's modulus: leading zeros do not count.
fn rsa_bits(key: &PublicKey) -> Option<u32> {
    let KeyData::Rsa(rsa) = key.key_data() else {
        return None;
    };
    let modulus = rsa.n().as_positive_bytes().unwrap_or_default();
    let first = modulus.iter().position(|byte| *byte != 0)?;
    let significant = modulus.get(first..)?;
    let top = significant.first().map_or(0, |byte| 8 - byte.leading_zeros());
    Some(u32::try_from(significant.len() - 1).ok()? * 8 + top)
}

impl Handler for ServerSide {
    type Error = russh::Error;

    async fn check_server_key(&mut self, key: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        match key {
            PublicKeyOrCertificate::PublicKey { key, .. } => Ok(self.judged(key).await),
            PublicKeyOrCertificate::Certificate(_) => Ok(self
                .refuse("the server presents a certificate as its host key, which is not accepted".into())),
        }
    }

    async fn server_channel_open_forwarded_tcpip(
        &mut self,
        channel: Channel<Msg>,
        connected_address: &str,
        connected_port: u32,
        originator_address: &str,
        originator_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        let from = relay::Forwarded {
            address: connected_address.to_owned(),
            port: connected_port,
            originator: originator_address.to_owned(),
            originator_port,
        };
        tokio::spawn(relay::from_server(
            self.context.clone(),
            channel,
            reply,
            relay::Back::Forward(from),
        ));
        Ok(())
    }

    async fn server_channel_open_agent_forward(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        tokio::spawn(relay::from_server(
            self.context.clone(),
            channel,
            reply,
            relay::Back::Agent,
        ));
        Ok(())
    }

    async fn server_channel_open_x11(
        &mut self,
        channel: Channel<Msg>,
        originator_address: &str,
        originator_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        let from = (originator_address.to_owned(), originator_port);
        tokio::spawn(relay::from_server(
            self.context.clone(),
            channel,
            reply,
            relay::Back::X11(from),
        ));
        Ok(())
    }

    async fn server_channel_open_forwarded_streamlocal(
        &mut self,
        _channel: Channel<Msg>,
        _socket_path: &str,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
        Ok(())
    }

    async fn server_channel_open_session(
        &mut self,
        _channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
        Ok(())
    }

    async fn server_channel_open_direct_tcpip(
        &mut self,
        _channel: Channel<Msg>,
        _host_to_connect: &str,
        _port_to_connect: u32,
        _originator_address: &str,
        _originator_port: u32,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
        Ok(())
    }

    async fn server_channel_open_direct_streamlocal(
        &mut self,
        _channel: Channel<Msg>,
        _socket_path: &str,
        reply: ChannelOpenHandle,
        _session: &mut Session,
    ) -> Result<(), Self::Error> {
        reply.reject(ChannelOpenFailure::AdministrativelyProhibited).await;
        Ok(())
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Self::Error>) -> Result<(), Self::Error> {
        match reason {
            DisconnectReason::ReceivedDisconnect(info) => {
                let said: String = info
                    .message
                    .chars()
                    .filter(|c| !c.is_control())
                    .take(200)
                    .collect();
                self.context.end(
                    crate::words::ACCEPT,
                    &format!("the server ended the connection: {said}"),
                );
                Ok(())
            }
            DisconnectReason::Error(russh::Error::Disconnect | russh::Error::HUP) => {
                self.context
                    .end(crate::words::ACCEPT, "the server closed the connection");
                Ok(())
            }
            DisconnectReason::Error(error) => {
                self.context
                    .end(FAIL, &format!("the connection with the server failed: {error}"));
                Err(error)
            }
        }
    }
}

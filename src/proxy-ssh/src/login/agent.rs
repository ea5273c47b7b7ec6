//! Logging in at the server by the client's agent: it signs, and no key leaves it.
//!
//! The client's agent is reached through a channel, and channels are there once the client is logged in: so it is let in as soon as the gateway
//! knows who it is, and nothing it opens goes on before the server has let it in too.

use std::sync::Arc;
use std::time::Duration;

use russh::client;
use russh::keys::HashAlg;
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::server::Auth;
use tokio::time::timeout;
use tracing::info;

use super::{Login, Phase, refused};
use crate::access::Person;
use crate::context::Context;
use crate::server_side::ServerSide;
use crate::words::{AUTH_FAIL, FAIL};

/// The method in authentication policies.
pub(super) const WORD: &str = "agent";
/// Longest time for all of it: people may have to agree to each signature.
const WITHIN: Duration = Duration::from_secs(60);
/// Keys that are tried: servers cut a login after six attempts (`MaxAuthTries` of OpenSSH).
const MOST_KEYS: usize = 6;

impl Login {
    /// Lets the client in, and asks its agent.
    pub(super) async fn by_agent(&mut self) -> Auth {
        let Phase::Relayed(server) = std::mem::replace(&mut self.phase, Phase::Over) else {
            return refused();
        };
        let (Some(person), Some(recording)) = (self.person.take(), self.context.recording.get()) else {
            return refused();
        };
        if let Err(error) = recording.start().await {
            return self.fail(FAIL, &error.to_string());
        }
        let user = self.named.server_user.clone().unwrap_or_default();
        tokio::spawn(ask(self.context.clone(), server, user, person));
        Auth::Accept
    }
}

/// Logs in, or ends the connection with words for the person.
async fn ask(context: Arc<Context>, mut server: client::Handle<ServerSide>, user: String, person: Person) {
    let asked = tokio::select! {
        asked = timeout(WITHIN, signed(&context, &mut server, &user)) => asked,
        () = context.closing.cancelled() => return,
    };
    match asked {
        Ok(Ok(())) => {
            info!(client = %context.client, gateway_user = person.user, server_user = user, "logged in at the server by the client's agent");
            context.enter(Arc::new(server), person);
        }
        Ok(Err(why)) => context.end(AUTH_FAIL, &why),
        Err(_late) => {
            let why = format!("your agent did not sign within {} seconds", WITHIN.as_secs());
            context.end(AUTH_FAIL, &why);
        }
    }
}

async fn signed(
    context: &Context,
    server: &mut client::Handle<ServerSide>,
    user: &str,
) -> Result<(), String> {
    let client = context.to_client.wait().await;
    let channel = client.channel_open_agent().await.map_err(|error| {
        format!("the server is logged in at with your agent, which is not there: connect with agent forwarding, ssh -A ({error})")
    })?;
    let mut agent = AgentClient::connect(channel.into_stream());
    let failed = |error: russh::keys::Error| format!("your agent does not tell its keys: {error}");
    let keys = agent.request_identities().await.map_err(failed)?;
    let broken = |error: russh::Error| format!("the connection with the server ended: {error}");
    let rsa = server.best_supported_rsa_hash().await.map_err(broken)?;
    let mut tried = 0;
    for identity in keys {
        let AgentIdentity::PublicKey { key, .. } = identity else {
            continue;
        };
        let hash = match (key.algorithm().is_rsa(), rsa) {
            (false, _) => None,
            // The server wants SHA-1.
            (true, Some(None)) => continue,
            (true, told) => told.flatten().or(Some(HashAlg::Sha512)),
        };
        tried += 1;
        let answer = server
            .authenticate_publickey_with(user, key, hash, &mut agent)
            .await;
        if answer.is_ok_and(|answer| answer.success()) {
            return Ok(());
        }
        if tried >= MOST_KEYS {
            break;
        }
    }
    Err(format!(
        "the server takes none of the {tried} keys of your agent that were tried for {user:?}: add your key there, or add it first to the agent"
    ))
}

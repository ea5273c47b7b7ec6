//! Logging in at the server with what a credential store has for the person.

use std::sync::Arc;

use russh::client::{self, AuthResult, KeyboardInteractiveAuthResponse};
use russh::keys::{HashAlg, PrivateKey, PrivateKeyWithHashAlg};
use russh::server::Auth;
use russh::{Error, MethodKind};
use sps_proxy_engine::{Destined, Wanted};
use tracing::warn;
use zeroize::Zeroizing;

use super::{Login, Phase};
use crate::credentials::{Account, Credential};
use crate::server_side::ServerSide;
use crate::words::{AUTH_FAIL, FAIL};

/// Credentials that are tried: servers cut a login after six attempts (`MaxAuthTries` of OpenSSH).
const MOST: usize = 4;

impl Login {
    /// The login, where the connection has a credential store; nothing when the person goes on by themselves.
    pub(super) async fn by_stored(&mut self) -> Option<Auth> {
        let store = self.context.connection.credential_store.clone()?;
        let (Some(destined), Some(person)) = (&self.destined, &self.person) else {
            return None;
        };
        let (Destined::To(wanted) | Destined::IfAddress(wanted)) = destined;
        let Wanted { host, port } = wanted.clone();
        let user = self.named.server_user.clone().unwrap_or_default();
        let account = Account {
            store,
            server_user: user.clone(),
            host: host.clone(),
            address: self.server?,
            person: person.clone(),
        };
        let found = self.context.access.credentials().of(account).await;
        let kept = !found.is_empty();
        let Phase::Relayed(server) = &mut self.phase else {
            return None;
        };
        for credential in found.into_iter().take(MOST) {
            match tried(server, &user, credential).await {
                Ok(true) => return Some(self.enter().await),
                Ok(false) => {}
                Err(error) => {
                    return Some(self.fail(FAIL, &format!("the connection with the server ended: {error}")));
                }
            }
        }
        if kept {
            warn!(server = %host, port, "the server does not take what is kept for {user:?}");
        }
        if self
            .authentication()
            .is_some_and(|policy| !policy.relayed.is_empty())
        {
            return None;
        }
        let why = if kept {
            format!(
                "{host} does not take what is kept here for {user:?}: an administrator must renew it in the credential store"
            )
        } else {
            format!("nothing is kept here that opens {user:?} at {host} for you: ask your administrator")
        };
        Some(self.fail(AUTH_FAIL, &why))
    }
}

async fn tried(
    server: &mut client::Handle<ServerSide>,
    user: &str,
    credential: Credential,
) -> Result<bool, Error> {
    match credential {
        Credential::Key(key) => by_key(server, user, *key).await,
        Credential::Password(password) => by_password(server, user, &password).await,
    }
}

async fn by_key(server: &mut client::Handle<ServerSide>, user: &str, key: PrivateKey) -> Result<bool, Error> {
    let hash = if key.algorithm().is_rsa() {
        match server.best_supported_rsa_hash().await? {
            // The server wants SHA-1.
            Some(None) => return Ok(false),
            told => told.flatten().or(Some(HashAlg::Sha512)),
        }
    } else {
        None
    };
    let key = PrivateKeyWithHashAlg::new(Arc::new(key), hash);
    Ok(server.authenticate_publickey(user, key).await?.success())
}

/// By the method of that name, or as the answer to the one question of a server that asks.
async fn by_password(
    server: &mut client::Handle<ServerSide>,
    user: &str,
    password: &Zeroizing<String>,
) -> Result<bool, Error> {
    let AuthResult::Failure {
        remaining_methods, ..
    } = server.authenticate_password(user, password.as_str()).await?
    else {
        return Ok(true);
    };
    if !remaining_methods.contains(&MethodKind::KeyboardInteractive) {
        return Ok(false);
    }
    let mut answer = server.authenticate_keyboard_interactive_start(user, None).await?;
    let mut told = false;
    loop {
        let KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } = &answer else {
            return Ok(matches!(answer, KeyboardInteractiveAuthResponse::Success));
        };
        // One hidden question is for the password, once; some servers ask nothing at the end.
        let answers = match prompts.as_slice() {
            [] => Vec::new(),
            [prompt] if !prompt.echo && !told => {
                told = true;
                vec![password.to_string()]
            }
            _ => return Ok(false),
        };
        answer = server.authenticate_keyboard_interactive_respond(answers).await?;
    }
}

//! Logging in: at the gateway first, if the policy asks for it, then at the server: with what people type, with what the appliance keeps for them
//! (`stored`), or by their agent (`agent`).
//!
//! To the client both are steps of one authentication (RFC 4252, 5.1: partial success), so that every client can do both.

mod agent;
mod stored;

use std::borrow::Cow;
use std::sync::Arc;

use russh::client::{self, AuthResult, KeyboardInteractiveAuthResponse};
use russh::keys::PublicKey;
use russh::server::Auth;
use russh::{MethodKind, MethodSet};
use sps_cluster_config::sections::connections::{Destination, SshAuthentication};
use sps_proxy_engine::{Destined, Login as Named, destined};
use tracing::{info, warn};
use zeroize::Zeroizing;

use crate::access::{Attempt, Person};
use crate::context::Context;
use crate::dial::{Dialled, dial, told};
use crate::recording::{Begun, Facts};
use crate::server_side::ServerSide;
use crate::words::{AUTH_FAIL, DENY, FAIL};

/// Longest password; argon2 takes longer for longer ones.
const MAX_PASSWORD: usize = 1024;
/// Longest answer to a prompt of a server, and most of them.
const MAX_ANSWER: usize = 4096;
const MAX_ANSWERS: usize = 16;
/// What the gateway asks.
const GATEWAY_PROMPT: &str = "Gateway password: ";

/// How far it is.
enum Phase {
    /// Nobody is known yet.
    Start,
    /// The gateway asks.
    Gateway,
    /// The server asks.
    Relayed(client::Handle<ServerSide>),
    /// Somebody is in, or nobody may come in any more.
    Over,
}

/// The login of one connection.
pub(crate) struct Login {
    context: Arc<Context>,
    phase: Phase,
    /// The name the client gave; another name begins anew nowhere: it is refused.
    name: Option<String>,
    named: Named,
    destined: Option<Destined>,
    /// The server's address, once it is reached.
    server: Option<std::net::IpAddr>,
    person: Option<Person>,
    /// Methods the server still takes.
    remaining: MethodSet,
    /// Whether the server is in the middle of asking.
    asking: bool,
}

impl Login {
    pub(crate) fn new(context: Arc<Context>) -> Self {
        Self {
            context,
            phase: Phase::Start,
            name: None,
            named: Named::default(),
            destined: None,
            server: None,
            person: None,
            remaining: MethodSet::empty(),
            asking: false,
        }
    }

    /// The probe with which clients begin.
    pub(crate) async fn none(&mut self, name: &str) -> Auth {
        if !self.prepared(name).await {
            return refused();
        }
        match &mut self.phase {
            Phase::Gateway => self.again(),
            Phase::Relayed(server) => {
                let user = self.named.server_user.clone().unwrap_or_default();
                let answer = server.authenticate_none(user).await;
                self.judged(answer).await
            }
            Phase::Start | Phase::Over => refused(),
        }
    }

    pub(crate) async fn password(&mut self, name: &str, password: &str) -> Auth {
        if !self.prepared(name).await {
            return refused();
        }
        let fits = password.len() <= MAX_PASSWORD;
        let password = Zeroizing::new(if fits { password.to_owned() } else { String::new() });
        let at_gateway = self.takes_at_gateway("password");
        match &mut self.phase {
            Phase::Gateway if at_gateway => {
                let person = self.context.access.password(self.attempt(), password).await;
                self.at_gateway(person.filter(|_| fits)).await
            }
            Phase::Relayed(server) if fits && relays(&self.context, "password") => {
                let user = self.named.server_user.clone().unwrap_or_default();
                let answer = server.authenticate_password(user, password.as_str()).await;
                let was_refused = matches!(
                    answer,
                    Ok(AuthResult::Failure {
                        partial_success: false,
                        ..
                    })
                );
                if was_refused {
                    self.context.watched.meter.failed_at_server();
                }
                self.judged(answer).await
            }
            _ => self.again(),
        }
    }

    /// Whether a key would be taken, before the client proves that it has it.
    pub(crate) async fn offered(&mut self, name: &str, key: &PublicKey) -> Auth {
        if !self.prepared(name).await {
            return refused();
        }
        if !matches!(self.phase, Phase::Gateway) || !self.takes_at_gateway("public-key") {
            return self.again();
        }
        let person = self.context.access.public_key(self.attempt(), key.clone()).await;
        if person.is_some() {
            Auth::Accept
        } else {
            self.again()
        }
    }

    pub(crate) async fn proved(&mut self, name: &str, key: &PublicKey) -> Auth {
        if !self.prepared(name).await {
            return refused();
        }
        if !matches!(self.phase, Phase::Gateway) || !self.takes_at_gateway("public-key") {
            return self.again();
        }
        let person = self.context.access.public_key(self.attempt(), key.clone()).await;
        self.at_gateway(person).await
    }

    pub(crate) async fn interactive(&mut self, name: &str, answers: Option<Vec<Zeroizing<String>>>) -> Auth {
        if !self.prepared(name).await {
            return refused();
        }
        let at_gateway = self.takes_at_gateway("keyboard-interactive");
        match (&self.phase, answers) {
            (Phase::Gateway, None) if at_gateway => Auth::Partial {
                name: Cow::Borrowed(""),
                instructions: Cow::Borrowed(""),
                prompts: Cow::Borrowed(&[(Cow::Borrowed(GATEWAY_PROMPT), false)]),
            },
            (Phase::Gateway, Some(answers)) if at_gateway => {
                let [password] = <[_; 1]>::try_from(answers).unwrap_or_default();
                let fits = password.len() <= MAX_PASSWORD && !password.is_empty();
                let person = self.context.access.password(self.attempt(), password).await;
                self.at_gateway(person.filter(|_| fits)).await
            }
            (Phase::Relayed(_), answers) if relays(&self.context, "keyboard-interactive") => {
                self.asked(answers).await
            }
            _ => self.again(),
        }
    }

    /// A prompt of the server, or the answers to one.
    async fn asked(&mut self, answers: Option<Vec<Zeroizing<String>>>) -> Auth {
        let Phase::Relayed(server) = &mut self.phase else {
            return refused();
        };
        let answer = match answers {
            None => {
                let user = self.named.server_user.clone().unwrap_or_default();
                server.authenticate_keyboard_interactive_start(user, None).await
            }
            Some(answers) if self.asking => {
                let fits = answers.len() <= MAX_ANSWERS && answers.iter().all(|it| it.len() <= MAX_ANSWER);
                let answers = if fits { answers } else { Vec::new() };
                let answers = answers.iter().map(|answer| answer.to_string()).collect();
                server.authenticate_keyboard_interactive_respond(answers).await
            }
            Some(_) => return self.again(),
        };
        self.asking = false;
        match answer {
            Ok(KeyboardInteractiveAuthResponse::InfoRequest {
                name,
                instructions,
                prompts,
            }) => {
                self.asking = true;
                let prompts: Vec<_> = prompts
                    .into_iter()
                    .map(|prompt| (Cow::Owned(prompt.prompt), prompt.echo))
                    .collect();
                Auth::Partial {
                    name: name.into(),
                    instructions: instructions.into(),
                    prompts: prompts.into(),
                }
            }
            Ok(KeyboardInteractiveAuthResponse::Success) => self.judged(Ok(AuthResult::Success)).await,
            Ok(KeyboardInteractiveAuthResponse::Failure {
                remaining_methods,
                partial_success,
            }) => {
                if !partial_success {
                    self.context.watched.meter.failed_at_server();
                }
                self.judged(Ok(AuthResult::Failure {
                    remaining_methods,
                    partial_success,
                }))
                .await
            }
            Err(error) => self.judged(Err(error)).await,
        }
    }

    /// What the server said to an attempt.
    async fn judged(&mut self, answer: Result<AuthResult, russh::Error>) -> Auth {
        match answer {
            Ok(AuthResult::Success) => self.enter().await,
            Ok(AuthResult::Failure {
                remaining_methods,
                partial_success,
            }) => {
                self.remaining = remaining_methods;
                if self.methods().is_empty() {
                    let offers: Vec<&str> = self.remaining.iter().map(<&str>::from).collect();
                    let why = format!(
                        "the server lets nobody in by the methods this connection passes on (it takes {})",
                        offers.join(", ")
                    );
                    return self.fail(AUTH_FAIL, &why);
                }
                Auth::Reject {
                    proceed_with_methods: Some(self.methods()),
                    partial_success,
                }
            }
            Err(error) => self.fail(FAIL, &format!("the connection with the server ended: {error}")),
        }
    }

    /// Both sides are in, and everything is recorded from here on.
    async fn enter(&mut self) -> Auth {
        let Phase::Relayed(server) = std::mem::replace(&mut self.phase, Phase::Over) else {
            return refused();
        };
        let user = self.named.server_user.clone().unwrap_or_default();
        let person = self.person.take().unwrap_or(Person {
            user: user.clone(),
            groups: Vec::new(),
        });
        let Some(recording) = self.context.recording.get() else {
            return refused();
        };
        if let Err(error) = recording.start().await {
            return self.fail(FAIL, &error.to_string());
        }
        info!(client = %self.context.client, gateway_user = person.user, server_user = user, "logged in at the server");
        if self.context.enter(Arc::new(server), person) {
            Auth::Accept
        } else {
            refused()
        }
    }

    /// The name is read, the session begun, and the server reached if the gateway does not ask first.
    async fn prepared(&mut self, name: &str) -> bool {
        if let Some(known) = &self.name {
            return known == name && !matches!(self.phase, Phase::Over);
        }
        self.name = Some(name.to_owned());
        match self.begin(name).await {
            Ok(()) => true,
            Err((verdict, why)) => {
                self.fail(verdict, &why);
                false
            }
        }
    }

    async fn begin(&mut self, name: &str) -> Result<(), (&'static str, String)> {
        let context = self.context.clone();
        let begun = Begun {
            connection: context.connection.name.clone(),
            audit_policy: context.connection.audit_policy.clone(),
            client: context.client,
            audit: context.policies.audits(&context.connection),
        };
        let recording = context.access.begin(begun).await;
        let recording = recording.map_err(|error| (FAIL, error.to_string()))?;
        drop(context.recording.set(recording));
        let destination = &context.connection.destination;
        let inband = matches!(destination, Destination::Inband { .. });
        let named = if inband {
            Named::inband(name)
        } else {
            Named::plain(name)
        };
        self.named = named.map_err(|error| (DENY, error.to_string()))?;
        if self.named.server_user.is_none() {
            self.named.server_user.clone_from(&self.named.gateway_user);
        }
        let there = destined(destination, context.original, &self.named);
        let there = there.map_err(|error| (DENY, error.to_string()))?;
        let (Destined::To(wanted) | Destined::IfAddress(wanted)) = &there;
        self.facts(Facts {
            target: Some(told(wanted)),
            server_user: self.named.server_user.clone(),
            ..Facts::default()
        });
        self.destined = Some(there);
        if self
            .authentication()
            .is_some_and(|policy| !policy.gateway.is_empty())
        {
            self.phase = Phase::Gateway;
            return Ok(());
        }
        // The configuration is checked for it, and this is the second lock: nobody is anybody whom nobody asked.
        if context.connection.user_mapping.is_some() || relays(&context, agent::WORD) {
            let why = "nobody is asked at the gateway, and so nobody can be known there: an administrator must mend the authentication policy";
            return Err((DENY, why.into()));
        }
        self.dial().await
    }

    /// Reaches the server.
    async fn dial(&mut self) -> Result<(), (&'static str, String)> {
        let Some(destined) = &self.destined else {
            return Err((FAIL, "there is no server".into()));
        };
        match dial(&self.context, destined).await {
            Ok(Dialled { handle, address }) => {
                self.facts(Facts {
                    server: Some(address),
                    ..Facts::default()
                });
                self.server = Some(address.ip());
                self.remaining = MethodSet::client_supported();
                self.phase = Phase::Relayed(handle);
                Ok(())
            }
            Err(error) => Err((FAIL, error.to_string())),
        }
    }

    /// What the gateway found.
    async fn at_gateway(&mut self, person: Option<Person>) -> Auth {
        let Some(person) = person else {
            warn!(client = %self.context.client, "gateway authentication refused");
            self.context.watched.meter.failed_at_gateway();
            return self.again();
        };
        info!(client = %self.context.client, user = person.user, "authenticated at the gateway");
        self.facts(Facts {
            gateway_user: Some(person.user.clone()),
            ..Facts::default()
        });
        let user = self.named.server_user.clone().unwrap_or_default();
        let context = self.context.clone();
        if !context.policies.may_be(&context.connection, &person, &user) {
            let why = format!(
                "you may not log in at servers as {user:?}: name another user, or ask your administrator"
            );
            return self.fail(DENY, &why);
        }
        self.person = Some(person);
        if let Err((verdict, why)) = self.dial().await {
            return self.fail(verdict, &why);
        }
        if let Some(entered) = self.by_stored().await {
            return entered;
        }
        if relays(&self.context, agent::WORD) {
            return self.by_agent().await;
        }
        self.at_server(user).await
    }

    /// The server is asked what it wants, and the client is told.
    async fn at_server(&mut self, user: String) -> Auth {
        let Phase::Relayed(server) = &mut self.phase else {
            return refused();
        };
        let answer = server.authenticate_none(user).await;
        match self.judged(answer).await {
            Auth::Reject {
                proceed_with_methods: Some(methods),
                ..
            } if !methods.is_empty() => Auth::Reject {
                proceed_with_methods: Some(methods),
                partial_success: true,
            },
            other => other,
        }
    }

    /// Refused, with the methods that are left.
    fn again(&self) -> Auth {
        Auth::Reject {
            proceed_with_methods: Some(self.methods()),
            partial_success: false,
        }
    }

    /// Nobody comes in any more, and hears why.
    fn fail(&mut self, verdict: &'static str, why: &str) -> Auth {
        self.context.end(verdict, why);
        self.phase = Phase::Over;
        refused()
    }

    fn methods(&self) -> MethodSet {
        let mut methods = MethodSet::empty();
        let words: &[String] = match (&self.phase, self.authentication()) {
            (Phase::Gateway, Some(policy)) => &policy.gateway,
            (Phase::Relayed(_), Some(policy)) => &policy.relayed,
            _ => &[],
        };
        for word in words {
            let kind = match (word.as_str(), &self.phase) {
                ("password", _) => MethodKind::Password,
                ("keyboard-interactive", _) => MethodKind::KeyboardInteractive,
                ("public-key", Phase::Gateway) => MethodKind::PublicKey,
                _ => continue,
            };
            if matches!(self.phase, Phase::Gateway) || self.remaining.contains(&kind) {
                methods.push(kind);
            }
        }
        methods
    }

    fn takes_at_gateway(&self, word: &str) -> bool {
        self.authentication()
            .is_some_and(|policy| policy.gateway.iter().any(|method| method == word))
    }

    fn authentication(&self) -> Option<&SshAuthentication> {
        authentication(&self.context)
    }

    fn attempt(&self) -> Attempt {
        let named = self
            .named
            .gateway_user
            .as_ref()
            .or(self.named.server_user.as_ref());
        Attempt {
            user: named.cloned().unwrap_or_default(),
            database: self
                .authentication()
                .and_then(|policy| policy.user_database.clone()),
            from: self.context.client,
        }
    }

    fn facts(&self, facts: Facts) {
        if let Some(recording) = self.context.recording.get() {
            recording.facts(facts);
        }
    }
}

fn authentication(context: &Context) -> Option<&SshAuthentication> {
    let policies = &context.policies.ssh.authentication_policies;
    policies.get(&context.connection.authentication_policy)
}

fn relays(context: &Context, word: &str) -> bool {
    authentication(context).is_some_and(|policy| policy.relayed.iter().any(|method| method == word))
}

fn refused() -> Auth {
    Auth::Reject {
        proceed_with_methods: Some(MethodSet::empty()),
        partial_success: false,
    }
}

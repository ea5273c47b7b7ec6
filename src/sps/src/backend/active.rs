//! Sessions that go on: listed, followed, ended, agreed to. Blocking throughout.

use sps_admin::{ActiveSession, Context, Failure, Question, Reply, Request, Response};
use sps_gateway::{Active, Asking, LiveError};

use super::appliance::{Appliance, done};

/// Answers what is asked about them.
pub(super) fn answer(own: &Appliance, request: &Request, context: &Context) -> Reply {
    let live = &own.parts.live;
    let by = context.origin.person();
    match request {
        Request::SessionsActive => Ok(Response::ActiveSessions(live.list().iter().map(line).collect())),
        Request::SessionTerminate { id } => {
            let why = match context.message.trim() {
                "" => format!("{by} ended the session"),
                why => format!("{by} ended the session: {why}"),
            };
            live.terminate(id, &why).map_err(refused)?;
            Ok(done("the session ends"))
        }
        Request::SessionAnswer { id, number, agrees } => {
            live.answer(id, *number, &by, *agrees).map_err(refused)?;
            Ok(done(if *agrees { "agreed" } else { "refused" }))
        }
        Request::SessionFollow { id } => follow(own, id, &by, context),
        _ => Err(Failure::invalid("this is no question about sessions that go on")),
    }
}

/// Sends what it shows until it ends, or nobody looks any more.
fn follow(own: &Appliance, id: &str, by: &str, context: &Context) -> Reply {
    let mut following = own.parts.live.follow(id, by).map_err(refused)?;
    let runtime = tokio::runtime::Handle::current();
    while let Some(piece) = runtime.block_on(following.next()) {
        if context.updates.data_blocking(piece).is_err() {
            break;
        }
    }
    Ok(done(""))
}

fn refused(error: LiveError) -> Failure {
    match error {
        LiveError::Gone(_) | LiveError::NotAsked { .. } => Failure::invalid(error.to_string()),
        error => Failure::refused(error.to_string()),
    }
}

fn line(active: &Active) -> ActiveSession {
    ActiveSession {
        id: active.id.clone(),
        start: seconds(active.start),
        protocol: "ssh".into(),
        connection: active.connection.clone(),
        user: active.gateway_user.clone(),
        server_user: active.server_user.clone(),
        client: active.client.clone(),
        server: active.server.clone(),
        channels: active.channels,
        followers: active.followers,
        questions: active.asking.iter().map(question).collect(),
    }
}

fn question(asking: &Asking) -> Question {
    Question {
        number: asking.number,
        kind: asking.kind.clone(),
        detail: asking.detail.clone(),
        since: seconds(asking.since),
    }
}

fn seconds(milliseconds: i64) -> u64 {
    u64::try_from(milliseconds / 1000).unwrap_or(0)
}

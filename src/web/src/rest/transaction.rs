//! `/api/transaction`: changes of the configuration are collected, then committed at once or dropped.

use axum::Extension;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sps_admin::{Request as Operation, Response as Answer};
use sps_config::Network;

use super::access::ROOT;
use super::envelope::{Place, answer, body, list, object};
use crate::http::reply::Problem;
use crate::ui::Visitor;

mod engine;

pub(crate) use engine::Transaction;
use engine::{Open, Refusal};

/// Path of the transaction.
pub(super) const TRANSACTION: &str = "/api/transaction";
/// Path of what it would change.
pub(super) const CHANGES: &str = "/api/transaction/changes";

/// `GET` of whether one is open, and who holds it.
pub(super) async fn show(Extension(visitor): Extension<Visitor>) -> Result<Response, Problem> {
    visitor.transaction(|transaction, visitor| Ok(state(transaction, visitor)))
}

/// `POST`: begins one.
pub(super) async fn begin(Extension(visitor): Extension<Visitor>) -> Result<Response, Problem> {
    let network = visitor.network().await?;
    visitor.transaction(|transaction, visitor| {
        let session = &visitor.signed_in.token;
        transaction.begin(session, visitor.origin().to_string(), network)?;
        Ok(state(transaction, visitor))
    })
}

/// Body of the commit.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Commit {
    #[serde(rename = "status")]
    _status: Status,
    #[serde(default)]
    message: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Commit,
}

/// `PUT`: puts what was collected in force, as one change of the configuration.
pub(super) async fn commit(
    Extension(visitor): Extension<Visitor>,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let wanted: Commit = body(&bytes)?;
    let open = visitor.open_transaction()?;
    if open.read != visitor.network().await? {
        return Err(Problem {
            status: StatusCode::CONFLICT,
            kind: "ConfigurationChanged",
            details: "the configuration was changed since the transaction began: drop it and begin again"
                .into(),
        });
    }
    if open.edited != open.read {
        let change = open.change();
        visitor
            .ask_because(Operation::NetworkSet { change }, wanted.message)
            .await?;
    }
    visitor.transaction(|transaction, visitor| {
        transaction.close(&visitor.signed_in.token)?;
        Ok(state(transaction, visitor))
    })
}

/// `DELETE`: drops what was collected.
pub(super) async fn drop(Extension(visitor): Extension<Visitor>) -> Result<Response, Problem> {
    visitor.transaction(|transaction, visitor| {
        transaction.close(&visitor.signed_in.token)?;
        Ok(StatusCode::NO_CONTENT.into_response())
    })
}

/// `GET` of what the commit would change, value by value.
pub(super) async fn changes(Extension(visitor): Extension<Visitor>) -> Result<Response, Problem> {
    let open = visitor.open_transaction()?;
    let mut items = Vec::new();
    let (before, after) = (values(&open.read), values(&open.edited));
    for name in ["host_name", "domain", "dns", "interfaces"] {
        let pair = (before.get(name), after.get(name));
        if let (Some(before), Some(after)) = pair
            && before != after
        {
            let key = format!("network.{name}");
            let body = json!({ "path": key, "before": before, "after": after });
            let place = Place {
                href: super::configuration::NETWORK,
                parent: CHANGES,
            };
            items.push(object(&key, &body, place, json!({})));
        }
    }
    let place = Place {
        href: CHANGES,
        parent: TRANSACTION,
    };
    Ok(answer(StatusCode::OK, &list(&items, place, json!({}))))
}

fn values(network: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(network) {
        Ok(Value::Object(values)) => values,
        _ => Map::new(),
    }
}

fn state(transaction: &mut Transaction, visitor: &Visitor) -> Response {
    let owner = transaction.open().map(|open| open.who.clone());
    let own = transaction.own(&visitor.signed_in.token).is_ok();
    let status = if owner.is_some() { "open" } else { "closed" };
    let body = json!({ "status": status, "owner": owner, "own": own });
    let place = Place {
        href: TRANSACTION,
        parent: ROOT,
    };
    answer(StatusCode::OK, &object("transaction", &body, place, json!({})))
}

impl Visitor {
    /// Looks at the transaction, or changes it; one whose session has ended is ended before.
    pub(super) fn transaction<T>(
        &self,
        work: impl FnOnce(&mut Transaction, &Self) -> Result<T, Refusal>,
    ) -> Result<T, Problem> {
        let mut transaction = self.site.transaction();
        transaction.expire(|session| self.administration.gate.left(session));
        work(&mut transaction, self).map_err(refused)
    }

    /// The one that this session holds, as it stands.
    pub(super) fn open_transaction(&self) -> Result<Open, Problem> {
        self.transaction(|transaction, visitor| {
            transaction.own(&visitor.signed_in.token).map(|open| open.clone())
        })
    }

    /// The network's settings that are in force.
    pub(super) async fn network(&self) -> Result<Network, Problem> {
        match self.ask(Operation::NetworkShow).await? {
            Answer::Network(network) => Ok(network.settings),
            _ => Err(Problem::not_understood()),
        }
    }
}

fn refused(refusal: Refusal) -> Problem {
    let (status, kind, details) = match refusal {
        Refusal::Held(who) => (
            StatusCode::LOCKED,
            "TransactionHeld",
            format!("{who} is changing the configuration; try again when that has ended"),
        ),
        Refusal::Begun => (
            StatusCode::CONFLICT,
            "TransactionOpen",
            "this session has a transaction already: commit or drop it first".into(),
        ),
        Refusal::Closed => (
            StatusCode::CONFLICT,
            "NoTransaction",
            format!("this session has no transaction: begin one with POST {TRANSACTION}"),
        ),
    };
    Problem {
        status,
        kind,
        details,
    }
}

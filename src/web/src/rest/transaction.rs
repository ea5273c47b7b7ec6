//! `/api/transaction`: changes of the configuration are collected, then committed at once or dropped.

use axum::Extension;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sps_admin::{Request as Operation, Response as Answer, SettingDifference};
use sps_config::Network;

use super::access::ROOT;
use super::configuration::CONFIGURATION;
use super::envelope::{Place, answer, body, list, object};
use crate::http::reply::Problem;
use crate::settings::of_path;
use crate::ui::Visitor;

mod engine;

pub(super) use engine::Edits;
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
    // Where the configuration of the cluster cannot be read, the network still can be changed.
    let revision = visitor.revision().await.ok();
    visitor.transaction(|transaction, visitor| {
        let session = &visitor.signed_in.token;
        transaction.begin(session, visitor.origin().to_string(), network, revision)?;
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
    commit_cluster(&visitor, &open, &wanted.message).await?;
    commit_network(&visitor, &open, wanted.message).await?;
    visitor.transaction(|transaction, visitor| {
        transaction.close(&visitor.signed_in.token)?;
        Ok(state(transaction, visitor))
    })
}

/// Puts the settings of the cluster in force, as one revision.
async fn commit_cluster(visitor: &Visitor, open: &Open, message: &str) -> Result<(), Problem> {
    if open.cluster.list.is_empty() {
        return Ok(());
    }
    let operation = Operation::ConfigurationChange {
        edits: open.cluster.list.clone(),
        expected: open.cluster.revision,
    };
    visitor.ask_because(operation, message.to_owned()).await?;
    // Should the network be refused, a second commit is of that alone.
    visitor.transaction(|transaction, visitor| {
        transaction.own(&visitor.signed_in.token)?.cluster.list.clear();
        Ok(())
    })
}

async fn commit_network(visitor: &Visitor, open: &Open, message: String) -> Result<(), Problem> {
    if open.edited == open.read {
        return Ok(());
    }
    let change = open.change();
    let done = visitor
        .ask_because(Operation::NetworkSet { change }, message)
        .await;
    let Err(failure) = done else { return Ok(()) };
    let mut problem = Problem::of_failure(&failure);
    if !open.cluster.list.is_empty() {
        problem.details = format!(
            "the settings of the cluster are in force, the network is not: {}",
            problem.details
        );
    }
    Err(problem)
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
    items.extend(cluster_changes(&visitor, open.cluster).await?);
    let place = Place {
        href: CHANGES,
        parent: TRANSACTION,
    };
    Ok(answer(StatusCode::OK, &list(&items, place, json!({}))))
}

/// What the edits of the settings change, under the names that programs know.
async fn cluster_changes(visitor: &Visitor, edits: Edits) -> Result<Vec<Value>, Problem> {
    if edits.list.is_empty() {
        return Ok(Vec::new());
    }
    let operation = Operation::ConfigurationCompare {
        edits: edits.list,
        expected: edits.revision,
    };
    let Answer::ConfigurationChanges(changes) = visitor.ask(operation).await? else {
        return Err(Problem::not_understood());
    };
    let item = |change: &SettingDifference| {
        let (resource, rest) = of_path(&change.path)?;
        let key = match rest {
            "" => resource.name.to_owned(),
            rest => format!("{}/{rest}", resource.name),
        };
        let body = json!({ "path": key, "before": change.before, "after": change.after });
        let place = Place {
            href: &format!("{CONFIGURATION}/{}", resource.name),
            parent: CHANGES,
        };
        Some(object(&key, &body, place, json!({})))
    };
    Ok(changes.differences.iter().filter_map(item).collect())
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

    /// Who holds the transaction, when it is of another session.
    pub(crate) fn transaction_of_others(&self) -> Option<String> {
        let mut transaction = self.site.transaction();
        transaction.expire(|session| self.administration.gate.left(session));
        match transaction.own(&self.signed_in.token) {
            Err(Refusal::Held(who)) => Some(who),
            _ => None,
        }
    }

    /// The one that this session holds, as it stands.
    pub(super) fn open_transaction(&self) -> Result<Open, Problem> {
        self.transaction(|transaction, visitor| {
            transaction.own(&visitor.signed_in.token).map(|open| open.clone())
        })
    }

    /// The revision of the cluster's configuration that is in force.
    async fn revision(&self) -> Result<u64, Problem> {
        let operation = Operation::ConfigurationShow {
            path: "management/change_log".into(),
            revision: None,
            edits: Vec::new(),
            expected: None,
        };
        match self.ask(operation).await? {
            Answer::Configuration(part) => Ok(part.revision),
            _ => Err(Problem::not_understood()),
        }
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

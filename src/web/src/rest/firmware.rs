//! `/api/firmware` and `/api/upload/firmware`.

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use sps_admin::{
    Confirmed, FailureKind, JobState, Notes, Request as Operation, Response as Answer, Severity, Slot, Test,
};

use super::access::ROOT;
use super::envelope::{Place, answer, body, index, list, object};
use crate::http::reply::Problem;
use crate::ui::{Proof, Visitor, receive, testing};

/// Path of what there is about firmware.
pub(super) const FIRMWARE: &str = "/api/firmware";
/// Path of the slots.
pub(super) const SLOTS: &str = "/api/firmware/slots";
/// Path of one.
pub(super) const SLOT: &str = "/api/firmware/slots/{slot}";
/// Path of a Test.
pub(super) const TEST: &str = "/api/firmware/test";
/// Path of the choice of what boots next.
pub(super) const UPGRADE: &str = "/api/firmware/upgrade";

/// `GET` of what there is.
pub(super) async fn resources() -> Response {
    let place = Place {
        href: FIRMWARE,
        parent: ROOT,
    };
    let names = [
        ("fetch", super::fetch::FETCH),
        ("slots", SLOTS),
        ("test", TEST),
        ("upgrade", UPGRADE),
    ];
    answer(StatusCode::OK, &index(&names, place))
}

/// `GET` of the slots.
pub(super) async fn slots(Extension(visitor): Extension<Visitor>) -> Result<Response, Problem> {
    let slots = list_of(&visitor).await?;
    let mut items = Vec::new();
    for slot in &slots {
        items.push(slot_object(slot, notes(&visitor, slot).await.as_ref()));
    }
    let place = Place {
        href: SLOTS,
        parent: FIRMWARE,
    };
    let number = |is: fn(&Slot) -> bool| {
        slots
            .iter()
            .find(|slot| is(slot))
            .map(|slot| slot.number.to_string())
    };
    let more = json!({
        "current_slot": number(|slot| slot.current),
        "slot_after_reboot": number(|slot| slot.after_reboot),
        "number_of_empty_slots": slots.iter().filter(|slot| slot.version.is_none()).count(),
    });
    Ok(answer(StatusCode::OK, &list(&items, place, more)))
}

/// `GET` of one slot.
pub(super) async fn slot(
    Extension(visitor): Extension<Visitor>,
    Path(number): Path<String>,
) -> Result<Response, Problem> {
    let slot = find(&visitor, &number).await?;
    let notes = notes(&visitor, &slot).await;
    Ok(answer(StatusCode::OK, &slot_object(&slot, notes.as_ref())))
}

/// `DELETE` of the firmware in a slot.
pub(super) async fn delete(
    Extension(visitor): Extension<Visitor>,
    Path(number): Path<String>,
) -> Result<Response, Problem> {
    let slot = find(&visitor, &number).await?;
    visitor
        .ask(Operation::FirmwareDelete { slot: slot.number })
        .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Body of the choice.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Upgrade {
    slot_id: SlotId,
    #[serde(default)]
    message: String,
}

/// A slot's key; clients send it as text or as a number.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum SlotId {
    Number(u8),
    Text(String),
}

/// Body of a Test.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    slot_id: SlotId,
    #[serde(default)]
    confirmed: Confirmed,
    #[serde(default)]
    message: String,
}

/// `POST`: lets the firmware in a slot judge this appliance; answers when it has.
pub(super) async fn test(Extension(visitor): Extension<Visitor>, bytes: Bytes) -> Result<Response, Problem> {
    let wanted: Wanted = body(&bytes)?;
    let number = wanted.slot_id.text();
    let slot = find(&visitor, &number).await?;
    let operation = Operation::FirmwareTest {
        slot: slot.number,
        confirmed: wanted.confirmed,
    };
    let administration = &visitor.administration;
    let call = visitor.call(operation, wanted.message);
    let job = administration
        .jobs
        .start(&administration.operations, call, testing::finished);
    let ended = administration.jobs.ended(job).await;
    let tested = find(&visitor, &number)
        .await?
        .test
        .filter(|test| test.outdated.is_none());
    match (ended.map(|job| job.state), tested) {
        (Some(JobState::Done(_)), Some(tested)) => {
            let summary = json!({
                "test_summary": tested.summary(),
                "findings": tested.findings,
                "reorganization": tested.reorganization,
            });
            let place = Place {
                href: TEST,
                parent: FIRMWARE,
            };
            Ok(answer(
                StatusCode::OK,
                &object(&number, &summary, place, json!({})),
            ))
        }
        (Some(JobState::Failed(words)), tested) => Err(test_failed(words, tested.as_ref())),
        _ => Err(Problem::not_understood()),
    }
}

/// A Test that did not pass, with what blocks.
fn test_failed(words: String, tested: Option<&Test>) -> Problem {
    let blocks = tested.iter().flat_map(|test| &test.findings);
    let blocks = blocks.filter(|finding| finding.severity == Severity::Blocks);
    let told = blocks.map(|finding| format!("; {}: {}; {}", finding.setting, finding.problem, finding.mend));
    Problem {
        status: StatusCode::CONFLICT,
        kind: "FirmwareTestFailed",
        details: words + &told.collect::<String>(),
    }
}

impl SlotId {
    fn text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// `POST`: boots a slot after the next reboot.
pub(super) async fn upgrade(
    Extension(visitor): Extension<Visitor>,
    bytes: Bytes,
) -> Result<Response, Problem> {
    let wanted: Upgrade = body(&bytes)?;
    let number = wanted.slot_id.text();
    let slot = find(&visitor, &number).await?;
    let operation = Operation::FirmwareActivate { slot: slot.number };
    let reply = visitor.ask_because(operation, wanted.message).await;
    reply.map_err(|failure| match failure.kind {
        FailureKind::Refused if !slot.current && !testing::holds(&slot) => {
            test_failed(failure.message, slot.test.as_ref())
        }
        _ => failure.into(),
    })?;
    let slot = find(&visitor, &number).await?;
    let notes = notes(&visitor, &slot).await;
    Ok(answer(StatusCode::OK, &slot_object(&slot, notes.as_ref())))
}

/// `POST` of a firmware file, raw or as the field `firmware` of a form; answers when it is in a slot.
pub(super) async fn upload(
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Result<Response, Problem> {
    let jobs = visitor.administration.jobs.clone();
    let job = receive(Arc::new(visitor.clone()), request, Proof::NotNeeded).await?;
    let ended = jobs.ended(job.id).await.ok_or_else(Problem::not_understood)?;
    if let JobState::Failed(words) | JobState::CalledOff(words) = ended.state {
        return Err(Problem {
            status: StatusCode::CONFLICT,
            kind: "FirmwareRefused",
            details: words,
        });
    }
    let slots = list_of(&visitor).await?;
    let added = slots.iter().find(|slot| Some(slot.number) == ended.slot);
    let slot = added.ok_or_else(Problem::not_understood)?;
    let notes = notes(&visitor, slot).await;
    Ok(answer(StatusCode::CREATED, &slot_object(slot, notes.as_ref())))
}

async fn list_of(visitor: &Visitor) -> Result<Vec<Slot>, Problem> {
    match visitor.ask(Operation::FirmwareList).await? {
        Answer::Slots(slots) => Ok(slots.slots),
        _ => Err(Problem::not_understood()),
    }
}

async fn find(visitor: &Visitor, number: &str) -> Result<Slot, Problem> {
    let slots = list_of(visitor).await?;
    let found = slots.into_iter().find(|slot| slot.number.to_string() == number);
    found.ok_or_else(|| Problem {
        status: StatusCode::NOT_FOUND,
        kind: "ResourceNotFound",
        details: "there is no such firmware slot".into(),
    })
}

async fn notes(visitor: &Visitor, slot: &Slot) -> Option<Notes> {
    slot.version.as_ref()?;
    match visitor.ask(Operation::FirmwareNotes { slot: slot.number }).await {
        Ok(Answer::Notes(notes)) => Some(notes),
        _ => None,
    }
}

/// A slot; an empty one has an empty body.
fn slot_object(slot: &Slot, notes: Option<&Notes>) -> Value {
    let body = match &slot.version {
        None => json!({}),
        Some(version) => json!({
            "version": version,
            "current": slot.current,
            "after_reboot": slot.after_reboot,
            "upgrade_notes": notes.map_or("", |notes| notes.upgrade_notes.as_str()),
            "upgrade_news": notes.map_or("", |notes| notes.upgrade_news.as_str()),
            "state": slot.state.to_string(),
            "digest": slot.digest,
            "test": slot.test,
        }),
    };
    let href = format!("{SLOTS}/{}", slot.number);
    let place = Place {
        href: &href,
        parent: SLOTS,
    };
    object(&slot.number.to_string(), &body, place, json!({}))
}

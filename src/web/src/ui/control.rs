//! *System control*: reboot and shutdown, guarded.

use axum::Extension;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use sps_admin::{Request as Operation, Response as Answer, Status};

use super::forms::Fields;
use super::parts::{Weight, card, form, notice};
use super::{Visitor, firmware, layout};
use crate::http::reply::Problem;

/// Path of the page.
pub(crate) const PAGE: &str = "/basic-settings/system/system-control";

/// `GET` of the page.
pub(crate) async fn page(Extension(visitor): Extension<Visitor>) -> Result<Response, Problem> {
    let Answer::Status(status) = visitor.ask(Operation::Status).await? else {
        return Err(Problem::not_understood());
    };
    let main = html! {
        (what_boots(&status))
        (card("reboot", "Reboot", &guarded(&visitor, "reboot", "Reboot", "Sessions through this appliance end. The page comes back by itself.")))
        (card("shutdown", "Shut down", &guarded(&visitor, "shutdown", "Shut down", "The appliance switches itself off. Somebody has to switch it on again at the machine.")))
    };
    Ok(layout::page(&visitor, &main))
}

fn what_boots(status: &Status) -> Markup {
    let version = status.after_reboot_version.as_deref().unwrap_or("unknown");
    if status.slot == status.after_reboot {
        return html! {};
    }
    notice(
        Weight::Information,
        &html! {
            p { "The next boot starts version " b { (version) } ", on trial: if it does not become healthy, version " b { (status.firmware.version) } " comes back by itself." }
        },
    )
}

/// A form that does nothing unless the box is ticked.
fn guarded(visitor: &Visitor, name: &str, words: &str, meaning: &str) -> Markup {
    let id = format!("{name}-sure");
    let body = html! {
        p { (meaning) }
        div class="field" {
            label for={ (name) "-message" } { "Why" }
            input id={ (name) "-message" } name="message" type="text" maxlength="500" autocomplete="off"
                aria-describedby={ (name) "-hint" };
            p id={ (name) "-hint" } class="hint" { "Stands in the list of changes; may be empty." }
        }
        div class="check" {
            input id=(id) name="sure" type="checkbox" value="yes" required;
            label for=(id) { "I am sure" }
        }
        button type="submit" name="action" value=(name) class="danger" { (words) }
    };
    form(visitor, PAGE, "stack", &body)
}

/// `POST`: does it.
pub(crate) async fn act(
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Result<Response, Problem> {
    let fields = Fields::of(&visitor, request).await?;
    if fields.get("sure") != "yes" {
        return Err(Problem::bad_form(
            "tick the box to confirm; nothing was done".into(),
        ));
    }
    let reason = fields.text("message").unwrap_or("").to_owned();
    let (operation, words) = match fields.get("action") {
        "reboot" => (Operation::Reboot { reason }, "The appliance reboots"),
        "shutdown" => (
            Operation::Shutdown { reason },
            "The appliance switches itself off",
        ),
        other => return Err(Problem::bad_form(format!("there is no action {other:?}"))),
    };
    let is_reboot = matches!(operation, Operation::Reboot { .. });
    visitor.ask(operation).await?;
    let main = html! {
        div id="leaving" data-return=[is_reboot.then_some(firmware::PAGE)] {
            (notice(Weight::Information, &html! {
                p { b { (words) "." } }
                @if is_reboot {
                    p { "This page follows the reboot and comes back by itself. Without JavaScript, load it again after a minute." }
                    p { a href="/boot" { "Boot page" } }
                }
            }))
        }
    };
    Ok(layout::page(&visitor, &main).into_response())
}

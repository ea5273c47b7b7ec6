//! *Version details*: which firmware runs, and why an upgrade was taken back.

use axum::Extension;
use axum::response::Response;
use maud::{Markup, html};
use sps_admin::{FirmwareIdentity, Request as Operation, Response as Answer, Rollback, Status, text};

use super::parts::{Weight, card, facts, notice, sentence, state};
use super::time::Zone;
use super::{Visitor, layout};
use crate::http::reply::Problem;

/// Path of the page.
pub(crate) const PAGE: &str = "/basic-settings/system/version-details";

/// `GET` of the page.
pub(crate) async fn page(Extension(visitor): Extension<Visitor>) -> Result<Response, Problem> {
    let Answer::Status(status) = visitor.ask(Operation::Status).await? else {
        return Err(Problem::not_understood());
    };
    let zone = visitor.zone();
    let main = html! {
        @if let Some(rollback) = &status.rollback { (rolled_back(rollback, &status.firmware, &zone)) }
        (card("version", "Running firmware", &running(&status, &zone)))
        (card("next", "After reboot", &next(&status)))
    };
    Ok(layout::page(&visitor, &main))
}

fn running(status: &Status, zone: &Zone) -> Markup {
    let firmware = &status.firmware;
    facts(&[
        (
            "Version",
            html! { b { (firmware.version) } " " span class="muted" { (firmware.channel) } },
        ),
        ("Build", html! { code { (firmware.build) } }),
        (
            "Signed with",
            html! { @if firmware.development { "the published development key" } @else { "the maker's key" } },
        ),
        (
            "Slot",
            html! { (status.slot.map_or_else(|| "–".to_owned(), |slot| slot.to_string())) },
        ),
        (
            "Running since",
            html! { (text::duration(status.uptime)) " (now " (zone.moment(status.time)) ")" },
        ),
    ])
}

fn next(status: &Status) -> Markup {
    let same = status.slot == status.after_reboot;
    let version = status.after_reboot_version.as_deref().unwrap_or("unknown");
    html! {
        p {
            @if same {
                (state("healthy", "The same version"))
            } @else {
                (state("running", &format!("Version {version} boots at the next reboot")))
            }
        }
    }
}

fn rolled_back(rollback: &Rollback, running: &FirmwareIdentity, zone: &Zone) -> Markup {
    let phase = rollback.phase.as_ref().map_or_else(
        || "It did not get as far as its first phase.".to_owned(),
        |phase| format!("It got as far as the phase {phase}."),
    );
    let body = html! {
        p { b { "Version " (rollback.version) " was left and version " (running.version) " runs again." } }
        p { (sentence(&rollback.reason)) " " (phase) " Noticed at " (zone.moment(rollback.time)) "." }
        (excerpt("How its log ended", &rollback.log))
        (excerpt("The kernel's last words", &rollback.kernel))
    };
    notice(Weight::Error, &body)
}

fn excerpt(title: &str, lines: &[String]) -> Markup {
    html! {
        @if !lines.is_empty() {
            details open[lines.len() <= 12] {
                summary { (title) }
                pre tabindex="0" { @for line in lines { (line) "\n" } }
            }
        }
    }
}

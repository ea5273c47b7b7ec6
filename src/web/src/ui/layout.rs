//! The frame of every page.

use axum::response::Response;
use maud::{Markup, html};
use sps_admin::JobState;

use super::navigation::{self, SECTIONS, is_below};
use super::{Visitor, login, parts};
use crate::assets::Pages;
use crate::boot::content::ApplianceInfo;
use crate::boot::page::{answer, development_banner};
use crate::boot::view::Shown;
use crate::markup::{Script, document, icon, sprite};
use crate::router::Site;

/// Seconds after which a page with something under way loads itself again, where scripts do not run.
const RELOAD_SECONDS: u32 = 5;

/// A page behind the login. `main` is what stands below the heading.
pub(crate) fn page(visitor: &Visitor, main: &Markup) -> Response {
    let (section, title) = navigation::place(&visitor.path).unwrap_or(("Safeguard", "Page"));
    titled(visitor, section, title, main)
}

/// A page that stands in no navigation.
pub(crate) fn titled(visitor: &Visitor, section: &str, title: &str, main: &Markup) -> Response {
    let info = &visitor.site.content.info;
    let host_name = (visitor.administration.host_name)();
    let body = html! {
        body class="app" data-boot=(visitor.site.content.boot_id) data-version=(info.version)
            data-logout-seconds=(visitor.administration.gate.left(&visitor.signed_in.token).as_secs()) {
            (sprite())
            a class="skip" href="#main" { "Skip to the content" }
            (top(visitor, &host_name))
            @if info.development { (development_banner()) }
            div class="frame" {
                (navigation(visitor))
                main id="main" tabindex="-1" {
                    header class="heading" { p class="muted" { (section) } h1 { (title) } }
                    (main)
                }
            }
            p id="announce" class="unseen" role="status" {}
        }
    };
    let title = format!("{title} – {host_name} – {}", info.product);
    let script = if is_busy(visitor) {
        Script::OrReload(RELOAD_SECONDS)
    } else {
        Script::Run
    };
    answer(document(Pages::App, &title, script, &body))
}

/// A page before the login.
pub(crate) fn door(site: &Site, title: &str, main: &Markup) -> Response {
    let info = &site.content.info;
    let body = html! {
        body class="app door" data-boot=(site.content.boot_id) {
            (sprite())
            (plain_top(info))
            @if info.development { (development_banner()) }
            main id="main" { (main) }
        }
    };
    let title = format!("{title} – {}", info.product);
    answer(document(Pages::App, &title, Script::Run, &body))
}

fn is_busy(visitor: &Visitor) -> bool {
    let jobs = visitor.administration.jobs.list();
    jobs.iter().any(|job| job.state == JobState::Running)
}

fn plain_top(info: &ApplianceInfo) -> Markup {
    html! {
        header class="top" {
            svg class="mark" aria-hidden="true" focusable="false" { use href="#i-mark" {} }
            div class="names" { p class="product" { (info.product) } }
            p class="version" { "Version " b { (info.version) } span class="channel" { (info.channel) } }
        }
    }
}

fn top(visitor: &Visitor, host_name: &str) -> Markup {
    let info = &visitor.site.content.info;
    let status = visitor.site.content.status.borrow().clone();
    let shown = Shown::of(&status);
    let word = status.health.word();
    html! {
        header class="top" {
            svg class="mark" aria-hidden="true" focusable="false" { use href="#i-mark" {} }
            div class="names" {
                p class="product" { (info.product) }
                p class="host" { (host_name) }
            }
            a id="health" class="health" data-state=(word) href="/boot" data-live title="Boot page and log" {
                (icon(word)) span { (shown.headline) }
            }
            p class="version" { "Version " b { (info.version) } span class="channel" { (info.channel) } }
            div class="who" {
                span { (visitor.signed_in.session.user) }
                (parts::action(visitor, login::LOGOUT, "log-out", "Log out"))
            }
        }
    }
}

fn navigation(visitor: &Visitor) -> Markup {
    let sections = html! {
        @for section in SECTIONS {
            h2 { (section.title) }
            ul {
                @for entry in section.entries {
                    @let here = is_below(&visitor.path, entry.path);
                    li { a href=(entry.path) aria-current=[here.then_some("page")] { (entry.title) } }
                }
            }
        }
    };
    html! {
        nav class="menu" aria-label="Main" { (sections) }
        details class="menu-small" {
            summary { "Menu" }
            nav aria-label="Main, small" { (sections) }
        }
    }
}

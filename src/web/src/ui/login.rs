//! Login and logout.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Query, Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use maud::html;
use serde::Deserialize;
use sps_access::Kind;
use sps_config::Secret;

use super::forms::Fields;
use super::parts::{Field, Weight, notice, sentence};
use super::{Visitor, firmware, layout, setup};
use crate::access::{Attempt, LoginRefusal, clear, session_cookie, shown_token};
use crate::boot::bundle::Peer;
use crate::http::reply::Problem;
use crate::router::Site;

/// Path of the page.
pub(crate) const PAGE: &str = "/login";
/// Path of the logout.
pub(crate) const LOGOUT: &str = "/logout";
/// Longest path that is led back to, bytes.
const NEXT_BYTES: usize = 512;

/// Query of the page.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asked {
    /// The page to go to afterwards.
    #[serde(default)]
    next: String,
    /// That the person has just logged out.
    out: Option<String>,
}

/// `GET`: the form.
pub(crate) async fn page(State(site): State<Arc<Site>>, Query(asked): Query<Asked>) -> Response {
    let set_up = site
        .administration
        .as_ref()
        .is_some_and(|own| own.operations.standing().set_up);
    if !set_up {
        return Redirect::to(setup::PAGE).into_response();
    }
    let words = asked
        .out
        .is_some()
        .then_some((Weight::Success, "You are logged out."));
    form(&site, &asked.next, "", words)
}

fn form(site: &Site, next: &str, user: &str, words: Option<(Weight, &str)>) -> Response {
    let user = Field {
        name: "user",
        label: "User name",
        value: user,
        required: true,
        autocomplete: "username",
        ..Field::default()
    };
    let password = Field {
        name: "password",
        label: "Password",
        kind: "password",
        required: true,
        autocomplete: "current-password",
        ..Field::default()
    };
    let main = html! {
        section class="card narrow" aria-labelledby="login-title" {
            h1 id="login-title" { "Log in" }
            @if let Some((weight, words)) = words { (notice(weight, &html! { (words) })) }
            form method="post" action=(PAGE) class="stack" {
                input type="hidden" name="next" value=(local(next));
                (user.markup())
                (password.markup())
                button type="submit" class="primary" { "Log in" }
            }
        }
    };
    layout::door(site, "Log in", &main)
}

/// `POST`: judges it.
pub(crate) async fn log_in(
    State(site): State<Arc<Site>>,
    Extension(Peer(address)): Extension<Peer>,
    request: Request,
) -> Result<Response, Problem> {
    let Some(own) = site.administration.clone() else {
        return Ok(Redirect::to("/").into_response());
    };
    let before = shown_token(request.headers()).map(|token| token.hash());
    let fields = Fields::read(request, &site.limits).await?;
    let user = fields.text("user").unwrap_or("").to_owned();
    let attempt = Attempt {
        user: &user,
        password: Secret::from(fields.get("password").to_owned()),
        address,
        before: before.as_ref(),
    };
    let token = match own.gate.log_in(&own.operations, attempt, Kind::Web).await {
        Ok(token) => token,
        Err(refusal) => return Ok(again(&site, fields.get("next"), &user, &refusal)),
    };
    let cookie = session_cookie(&token).ok_or_else(|| Problem::failed("no session could be begun".into()))?;
    let to = Redirect::to(&local(fields.get("next")));
    Ok(([(header::SET_COOKIE, cookie)], to).into_response())
}

fn again(site: &Site, next: &str, user: &str, refusal: &LoginRefusal) -> Response {
    let words = words(refusal);
    let mut response = form(site, next, user, Some((Weight::Error, &words)));
    *response.status_mut() = refusal.status();
    response
}

/// A refusal for people.
pub(crate) fn words(refusal: &LoginRefusal) -> String {
    match refusal {
        LoginRefusal::Wrong => "User name and password do not fit together.".into(),
        LoginRefusal::Wait(seconds) => {
            format!("Too many wrong passwords: try again in {seconds} seconds.")
        }
        LoginRefusal::Busy => "Many people are logging in at this moment: try again.".into(),
        LoginRefusal::Refused(why) => sentence(why),
    }
}

/// `POST`: ends the session.
pub(crate) async fn log_out(
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Result<Response, Problem> {
    let _checked = Fields::of(&visitor, request).await?;
    visitor
        .administration
        .gate
        .log_out(&visitor.signed_in.token)
        .await;
    let to = Redirect::to(&format!("{PAGE}?out=1"));
    Ok(([(header::SET_COOKIE, clear())], to).into_response())
}

/// A path on this appliance that was asked for; its first page for anything that leads elsewhere.
fn local(next: &str) -> String {
    let plain = next.len() <= NEXT_BYTES
        && next.starts_with('/')
        && !next.starts_with("//")
        && next
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte));
    if plain {
        next.to_owned()
    } else {
        firmware::PAGE.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_leads_to_pages_of_the_appliance_only() {
        assert_eq!(
            local("/basic-settings/system/version-details"),
            "/basic-settings/system/version-details"
        );
        for foreign in [
            "",
            "https://evil.example.net/",
            "//evil.example.net",
            "/\\evil.example.net",
            "/a?b",
            "/a\r\nset-cookie: x",
            "javascript:alert(1)",
            &format!("/{}", "a".repeat(NEXT_BYTES)),
        ] {
            assert_eq!(local(foreign), firmware::PAGE, "{foreign}");
        }
    }
}

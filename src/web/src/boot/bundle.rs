//! Support bundles for whoever knows the password: the form on the boot page, and its answer.
//!
//! No session and no cookie: the password comes with the request that it allows, so no other site can send one for a person who
//! happens to be here. One bundle is made at a time, which is also one guess at a time.

use std::fmt;
use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use axum::Form;
use axum::extract::{FromRequest as _, Request, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use tokio::time::timeout;
use zeroize::{Zeroize as _, Zeroizing};

use crate::http::reply::Problem;
use crate::router::{BUNDLE, Site};

/// An answer that comes later.
pub type Later<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A finished bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// Its file name: letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// Why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoBundle {
    /// The password is not the one.
    WrongPassword,
    /// It is not given out, in words.
    Refused(String),
    /// It could not be made, in words.
    Failed(String),
}

/// Who makes support bundles.
pub trait Bundles: fmt::Debug + Send + Sync + 'static {
    /// Why none is given out now, from memory.
    fn why_not(&self) -> Option<&'static str>;

    /// Makes a bundle if this is the password. Whoever guesses is to be slowed down here.
    fn make(&self, password: Zeroizing<String>, from: IpAddr) -> Later<Result<Bundle, NoBundle>>;
}

/// The other side of a connection, found in every request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

#[derive(Deserialize)]
struct Fields {
    password: String,
}

impl Drop for Fields {
    fn drop(&mut self) {
        self.password.zeroize();
    }
}

/// `POST` of the form.
pub(crate) async fn download(State(site): State<Arc<Site>>, request: Request) -> Result<Response, Problem> {
    let peer = request.extensions().get::<Peer>().copied();
    let (Some(bundles), Some(Peer(from))) = (&site.content.bundles, peer) else {
        return Err(Problem::not_found(request.uri()));
    };
    if let Some(why_not) = bundles.why_not() {
        return Err(Problem::refused(why_not.to_owned()));
    }
    let form = timeout(site.limits.head, Form::<Fields>::from_request(request, &())).await;
    let form = form.map_err(|_| Problem::bad_form("the password did not arrive".into()))?;
    let Form(mut fields) = form.map_err(|rejection| Problem::bad_form(rejection.body_text()))?;
    let password = Zeroizing::new(std::mem::take(&mut fields.password));
    let _place = site.bundle_place()?;
    let bundle = bundles.make(password, from).await.map_err(|none| match none {
        NoBundle::WrongPassword => {
            Problem::refused("that is not the console password: go back and type it again".into())
        }
        NoBundle::Refused(why) => Problem::refused(why),
        NoBundle::Failed(why) => Problem::failed(why),
    })?;
    let disposition = format!("attachment; filename=\"{}\"", bundle.name);
    let headers = [
        (header::CONTENT_TYPE, "application/zstd"),
        (header::CONTENT_DISPOSITION, disposition.as_str()),
    ];
    Ok((headers, bundle.bytes).into_response())
}

/// `GET` of the same address, as after a refusal: the form is on the boot page.
pub(crate) async fn to_the_form() -> Redirect {
    Redirect::to("/")
}

/// The form, or why there is none; nothing where bundles are not given out at all.
pub(crate) fn form(site: &Site) -> Markup {
    let Some(bundles) = &site.content.bundles else {
        return html! {};
    };
    html! {
        section id="bundle" class="card" aria-labelledby="bundle-title" {
            h2 id="bundle-title" { "Support bundle" }
            p class="muted" { "Logs, status and configuration without secrets, as one file for support." }
            @if let Some(why_not) = bundles.why_not() {
                p { "Not from here: " (why_not) "." }
            } @else {
                form method="post" action=(BUNDLE) {
                    label for="bundle-password" { "Console password" }
                    input id="bundle-password" name="password" type="password" required
                        autocomplete="current-password" maxlength="1024";
                    button type="submit" { "Download bundle" }
                }
            }
        }
    }
}

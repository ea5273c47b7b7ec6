//! *License*: for whom the appliance is licensed, for how much and how long, and a place for another file. The page has the
//! spelling of SPS, everything else that of the house.

use axum::Extension;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use sps_admin::{Failure, Licence, LicenceFile, Licensing, Request as Operation, Response as Answer};

use super::forms::Fields;
use super::parts::{Weight, card, empty, facts, notice, sentence, state};
use super::{Visitor, layout};
use crate::http::reply::Problem;

/// Path of the page.
pub(crate) const PAGE: &str = "/basic-settings/system/license";
/// Path that takes a licence file.
pub(crate) const UPLOAD: &str = "/basic-settings/system/license/upload";
/// Name of the field of a form that holds the file.
pub(crate) const FIELD: &str = "license";

/// `GET` of the page.
pub(crate) async fn page(Extension(visitor): Extension<Visitor>) -> Result<Response, Problem> {
    let licensing = licensing(&visitor).await?;
    Ok(layout::page(&visitor, &main(&visitor, &licensing, None)))
}

/// `POST` of a licence file; what is refused is said on the page.
pub(crate) async fn upload(
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Result<Response, Problem> {
    let fields = Fields::of(&visitor, request).await?;
    let taken = match file(&fields) {
        Ok(Some(file)) => visitor.ask(Operation::LicenceSet { file }).await,
        Ok(None) => Err(Failure::invalid(
            "choose the licence file first; nothing was done",
        )),
        Err(failure) => Err(failure),
    };
    let Err(failure) = taken else {
        return Ok(Redirect::to(PAGE).into_response());
    };
    let problem = Problem::of_failure(&failure);
    let licensing = licensing(&visitor).await?;
    let mut response = layout::page(&visitor, &main(&visitor, &licensing, Some(&problem.details)));
    *response.status_mut() = if problem.status == StatusCode::BAD_REQUEST {
        StatusCode::UNPROCESSABLE_ENTITY
    } else {
        problem.status
    };
    Ok(response)
}

/// The licence file of a form, if somebody chose one.
pub(crate) fn file(fields: &Fields) -> Result<Option<LicenceFile>, Failure> {
    let bytes = fields.file(FIELD).filter(|bytes| !bytes.is_empty());
    bytes.map(|bytes| LicenceFile::new(bytes.to_vec())).transpose()
}

/// What the appliance is licensed for.
pub(crate) async fn licensing(visitor: &Visitor) -> Result<Licensing, Problem> {
    match visitor.ask(Operation::LicenceShow).await? {
        Answer::Licence(licensing) => Ok(licensing),
        _ => Err(Problem::not_understood()),
    }
}

fn main(visitor: &Visitor, licensing: &Licensing, problem: Option<&str>) -> Markup {
    html! {
        @if let Some(why) = problem { (notice(Weight::Error, &html! { (sentence(why)) })) }
        @for problem in &licensing.problems { (notice(Weight::Warning, &html! { (sentence(problem)) })) }
        (card("license", "License", &shown(licensing)))
        (upload_form(visitor))
    }
}

fn shown(licensing: &Licensing) -> Markup {
    match &licensing.licence {
        Some(licence) => licensed(licensing, licence),
        None => html! {
            (empty("There is no license: this appliance is a demo. Every feature is on, without end; upload a license below for more."))
            (facts(&limits(licensing)))
        },
    }
}

fn limits(licensing: &Licensing) -> [(&'static str, Markup); 2] {
    [
        ("Limit type", html! { (licensing.limit_type) }),
        ("Limit", html! { (licensing.limit) }),
    ]
}

fn licensed(licensing: &Licensing, licence: &Licence) -> Markup {
    let lts: Vec<String> = licence.lts.iter().map(u32::to_string).collect();
    let [limit_type, limit] = limits(licensing);
    facts(&[
        ("Customer", html! { (licence.customer) }),
        ("Serial", html! { code { (licence.serial) } }),
        limit_type,
        limit,
        ("Valid", html! { (licence.validity()) }),
        (
            "LTS covered",
            html! {
                (lts.join(", ")) " "
                @if licence.lts_covered {
                    (state("healthy", "The running firmware is among them"))
                } @else {
                    (state("degraded", "The running firmware is not among them"))
                }
            },
        ),
        (
            "Features",
            html! {
                @if licence.features.is_empty() { "None" }
                @else { ul class="plain" { @for feature in &licence.features { li { (feature.title) } } } }
            },
        ),
    ])
}

fn upload_form(visitor: &Visitor) -> Markup {
    html! {
        section class="card" aria-labelledby="upload-title" {
            h2 id="upload-title" { "Upload a license" }
            p class="muted" { "It takes the place of the one above. A file that is damaged, expired or made for somebody else's product is refused, and the license above stays." }
            form method="post" action=(UPLOAD) enctype="multipart/form-data" class="upload" {
                input type="hidden" name="form" value=(visitor.signed_in.form_secret);
                div class="field" {
                    label for="license-file" { "License file" }
                    input id="license-file" name=(FIELD) type="file" required;
                }
                button type="submit" class="primary" { "Upload" }
            }
        }
    }
}

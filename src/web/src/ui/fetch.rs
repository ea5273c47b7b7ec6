//! Fetching firmware from a server: the form on the page *Firmwares*, and the job that comes of it.

use axum::Extension;
use axum::extract::Request;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use sps_admin::{Failure, Request as Operation};

use super::forms::Fields;
use super::parts::{Field, form};
use super::{Visitor, firmware, receive};
use crate::http::reply::Problem;

/// Path that takes the form.
pub(crate) const PATH: &str = "/basic-settings/system/firmwares/fetch";

/// The form.
pub(super) fn fetch_form(visitor: &Visitor) -> Markup {
    let field = |name, label, hint| Field {
        name,
        label,
        hint,
        required: true,
        ..Field::default()
    };
    let body = html! {
        (field("url", "URL", "Of the ISO file, http or https, without user name and password.").markup())
        (field("sha256", "SHA-256", "64 digits, from the file beside the ISO. What arrives is compared with it, then verified like an upload.").markup())
        button type="submit" { "Fetch" }
    };
    html! {
        section class="card" aria-labelledby="fetch-title" {
            h2 id="fetch-title" { "Fetch firmware from a server" }
            (form(visitor, PATH, "stack", &body))
        }
    }
}

/// `POST` of the form.
pub(crate) async fn fetch(
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Result<Response, Problem> {
    let fields = Fields::of(&visitor, request).await?;
    let operation = Operation::FirmwareFetch {
        url: fields.get("url").trim().to_owned(),
        sha256: fields.get("sha256").trim().to_owned(),
    };
    begin_fetch(&visitor, operation, String::new())?;
    Ok(Redirect::to(firmware::PAGE).into_response())
}

/// Begins to fetch and returns the job's number; what can be told of a mistake is told at once.
pub(crate) fn begin_fetch(visitor: &Visitor, operation: Operation, message: String) -> Result<u64, Failure> {
    let call = visitor.call(operation, message);
    let own = &visitor.administration;
    own.operations.judge(&call)?;
    Ok(own.jobs.start(&own.operations, call, receive::added))
}

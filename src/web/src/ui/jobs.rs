//! One job as a page: for whoever follows it without JavaScript, or by its address.

use axum::Extension;
use axum::extract::{Path, Request};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use maud::html;

use super::forms::Fields;
use super::parts::{card, job};
use super::{Visitor, firmware, layout};
use crate::http::reply::Problem;

/// Path of the page.
pub(crate) const PAGE: &str = "/jobs/{id}";

/// Path that calls a job off.
pub(crate) const CANCEL: &str = "/jobs/{id}/cancel";

/// `GET` of the page.
pub(crate) async fn page(
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<u64>,
) -> Result<Response, Problem> {
    let found = visitor.administration.jobs.get(id).ok_or_else(|| Problem {
        status: StatusCode::NOT_FOUND,
        kind: "ResourceNotFound",
        details: format!("there is no job {id} any more; jobs are remembered until the next reboot"),
    })?;
    let body = html! { ul class="jobs" { (job(&visitor, &found, &visitor.zone())) } };
    Ok(layout::titled(
        &visitor,
        "Jobs",
        "Job",
        &card("job", &found.title, &body),
    ))
}

/// `POST`: calls the job off.
pub(crate) async fn cancel(
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<u64>,
    request: Request,
) -> Result<Response, Problem> {
    Fields::of(&visitor, request).await?;
    visitor.administration.jobs.call_off(id, &visitor.origin())?;
    Ok(Redirect::to(firmware::PAGE).into_response())
}

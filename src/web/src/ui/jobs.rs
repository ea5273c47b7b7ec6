//! One job as a page: for whoever follows it without JavaScript, or by its address.

use axum::Extension;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use maud::html;

use super::parts::{card, job};
use super::{Visitor, layout};
use crate::http::reply::Problem;

/// Path of the page.
pub(crate) const PAGE: &str = "/jobs/{id}";

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
    let body = html! { ul class="jobs" { (job(&found, &visitor.zone())) } };
    Ok(layout::titled(
        &visitor,
        "Jobs",
        "Job",
        &card("job", &found.title, &body),
    ))
}

//! `/api/license` and `/api/upload/license`.

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{FromRequest as _, Request};
use axum::http::{StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};
use sps_admin::{LicenceFile, Licensing, Request as Operation, Response as Answer};

use super::access::ROOT;
use super::envelope::{Place, answer, object};
use crate::http::reply::Problem;
use crate::ui::{Fields, Visitor, licence_file, licensing};

/// Path of the licence.
pub(super) const LICENSE: &str = "/api/license";
/// Path that takes a licence file.
pub(crate) const UPLOAD: &str = "/api/upload/license";

/// `GET` of the licence.
pub(super) async fn show(Extension(visitor): Extension<Visitor>) -> Result<Response, Problem> {
    let licensing = licensing(&visitor).await?;
    Ok(answer(StatusCode::OK, &licence_object(&licensing)))
}

/// `POST` of a licence file, raw or as the field `license` of a form.
pub(super) async fn upload(
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Result<Response, Problem> {
    let file = given(&visitor, request).await?;
    match visitor.ask(Operation::LicenceSet { file }).await? {
        Answer::Licence(licensing) => Ok(answer(StatusCode::CREATED, &licence_object(&licensing))),
        _ => Err(Problem::not_understood()),
    }
}

async fn given(visitor: &Visitor, request: Request) -> Result<LicenceFile, Problem> {
    let kind = request.headers().get(header::CONTENT_TYPE);
    let is_form = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"multipart/form-data"));
    if is_form {
        let fields = Fields::read(request, &visitor.site.limits).await?;
        let file = licence_file(&fields)?;
        return file.ok_or_else(|| {
            Problem::bad_form("there is no file in the form; its field is called license".into())
        });
    }
    let limit = visitor.site.limits.head;
    let body = tokio::time::timeout(limit, Bytes::from_request(request, &())).await;
    let body =
        body.map_err(|_| Problem::bad_form("the file did not arrive in time; send it again".into()))?;
    let bytes = body.map_err(|_| LicenceFile::too_long())?;
    Ok(LicenceFile::new(bytes.to_vec())?)
}

fn licence_object(licensing: &Licensing) -> Value {
    let limits = json!({
        "status": if licensing.licence.is_some() { "licensed" } else { "demo" },
        "limit_type": licensing.limit_type,
        "limit": licensing.limit,
        "problems": licensing.problems,
    });
    let mut body = licensing
        .licence
        .as_ref()
        .map_or_else(|| json!({}), |licence| json!(licence));
    if let (Value::Object(body), Value::Object(limits)) = (&mut body, limits) {
        body.extend(limits);
    }
    let place = Place {
        href: LICENSE,
        parent: ROOT,
    };
    object("license", &body, place, json!({}))
}

//! What comes back from a form.

use axum::Form;
use axum::body::Bytes;
use axum::extract::multipart::MultipartError;
use axum::extract::{FromRequest as _, Multipart, Request};
use axum::http::{StatusCode, header};
use sps_admin::{Failure, LicenceFile};
use tokio::time::timeout;
use zeroize::Zeroize as _;

use super::Visitor;
use crate::http::limits::Limits;
use crate::http::reply::Problem;

/// The fields of a form. They may hold passwords: they are wiped when they go.
#[derive(Default)]
pub(crate) struct Fields {
    texts: Vec<(String, String)>,
    /// Files that fit into memory: licences, exported configurations.
    files: Vec<(String, Bytes)>,
}

impl Fields {
    /// Reads the body of a request, within the time a request may take.
    pub(crate) async fn read(request: Request, limits: &Limits) -> Result<Self, Problem> {
        Self::read_files(request, limits, &LicenceFile::too_long()).await
    }

    /// The same for a form with a file; `too_long` says what is wrong with one that is larger than the route takes.
    async fn read_files(request: Request, limits: &Limits, too_long: &Failure) -> Result<Self, Problem> {
        let form = timeout(limits.head, Self::read_body(request, too_long)).await;
        form.map_err(|_| Problem::bad_form("the form did not arrive in time; send it again".into()))?
    }

    async fn read_body(request: Request, too_long: &Failure) -> Result<Self, Problem> {
        let kind = request.headers().get(header::CONTENT_TYPE);
        if kind.is_some_and(|kind| kind.as_bytes().starts_with(b"multipart/form-data")) {
            return Self::read_parts(request, too_long).await;
        }
        let Form(texts) = Form::from_request(request, &())
            .await
            .map_err(|rejection| Problem::bad_form(rejection.body_text()))?;
        Ok(Self {
            texts,
            files: Vec::new(),
        })
    }

    /// Reads a form that may bring files, all of it into memory: the route bounds it.
    async fn read_parts(request: Request, too_long: &Failure) -> Result<Self, Problem> {
        let parts = Multipart::from_request(request, &()).await;
        let mut parts = parts.map_err(|rejection| Problem::bad_form(rejection.body_text()))?;
        let mut own = Self::default();
        while let Some(part) = parts
            .next_field()
            .await
            .map_err(|error| unread(&error, too_long))?
        {
            let name = part.name().unwrap_or("").to_owned();
            let is_file = part.file_name().is_some();
            let bytes = part.bytes().await.map_err(|error| unread(&error, too_long))?;
            if is_file {
                own.files.push((name, bytes));
            } else {
                let text = String::from_utf8(bytes.to_vec())
                    .map_err(|_| Problem::bad_form("a field of the form is no text".into()))?;
                own.texts.push((name, text));
            }
        }
        Ok(own)
    }

    /// Reads a form that must carry the visitor's secret.
    pub(crate) async fn of(visitor: &Visitor, request: Request) -> Result<Self, Problem> {
        let fields = Self::read(request, &visitor.site.limits).await?;
        visitor.check_form(fields.get("form"))?;
        Ok(fields)
    }

    /// The same for a form with a file that is no licence.
    pub(crate) async fn of_files(
        visitor: &Visitor,
        request: Request,
        too_long: &Failure,
    ) -> Result<Self, Problem> {
        let fields = Self::read_files(request, &visitor.site.limits, too_long).await?;
        visitor.check_form(fields.get("form"))?;
        Ok(fields)
    }

    /// Fields that a test sends.
    #[cfg(test)]
    pub(crate) const fn of_texts(texts: Vec<(String, String)>) -> Self {
        Self {
            texts,
            files: Vec::new(),
        }
    }

    /// Whether a field was sent.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.texts.iter().any(|(known, _)| known == name)
    }

    /// Every value of a field that may be sent several times.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let fields = self.texts.iter().filter(|(known, _)| known == name);
        fields.map(|(_, value)| value.as_str()).collect()
    }

    /// A field; empty when it was not sent.
    pub(crate) fn get(&self, name: &str) -> &str {
        let field = self.texts.iter().find(|(known, _)| known == name);
        field.map_or("", |(_, value)| value.as_str())
    }

    /// The content of a file.
    pub(crate) fn file(&self, name: &str) -> Option<&[u8]> {
        let file = self.files.iter().find(|(known, _)| known == name);
        file.map(|(_, bytes)| bytes.as_ref())
    }

    /// A field without spaces around it; nothing when it is empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        Some(self.get(name).trim()).filter(|text| !text.is_empty())
    }

    /// The words of a field that lists several.
    pub(crate) fn words(&self, name: &str) -> Vec<&str> {
        let separators = |c: char| c == ',' || c.is_whitespace();
        self.get(name)
            .split(separators)
            .filter(|word| !word.is_empty())
            .collect()
    }
}

impl Drop for Fields {
    fn drop(&mut self) {
        self.texts.iter_mut().for_each(|(_, value)| value.zeroize());
    }
}

/// Why a form with files was not read.
fn unread(error: &MultipartError, too_long: &Failure) -> Problem {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Problem {
            status: error.status(),
            kind: "RequestBodyTooLarge",
            details: too_long.message.clone(),
        };
    }
    Problem::bad_form("the form did not arrive whole; nothing was done, send it again".into())
}

impl Visitor {
    /// Whether a form comes from a page of this session.
    pub(crate) fn check_form(&self, secret: &str) -> Result<(), Problem> {
        let own = self.signed_in.form_secret.as_bytes();
        // However much of it is right, it takes the same time.
        let differences = own
            .iter()
            .zip(secret.as_bytes())
            .fold(0, |sum, (a, b)| sum | (a ^ b));
        if own.len() == secret.len() && differences == 0 {
            Ok(())
        } else {
            Err(Problem::bad_form(
                "this form is of another session; load the page again and repeat it".into(),
            ))
        }
    }
}

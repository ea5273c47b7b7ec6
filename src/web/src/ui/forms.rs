//! What comes back from a form.

use axum::Form;
use axum::extract::{FromRequest as _, Request};
use tokio::time::timeout;
use zeroize::Zeroize as _;

use super::Visitor;
use crate::http::limits::Limits;
use crate::http::reply::Problem;

/// The fields of a form. They may hold passwords: they are wiped when they go.
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Reads the body of a request, within the time a request may take.
    pub(crate) async fn read(request: Request, limits: &Limits) -> Result<Self, Problem> {
        let form = timeout(limits.head, Form::from_request(request, &())).await;
        let form =
            form.map_err(|_| Problem::bad_form("the form did not arrive in time; send it again".into()))?;
        let Form(fields) = form.map_err(|rejection| Problem::bad_form(rejection.body_text()))?;
        Ok(Self(fields))
    }

    /// Reads a form that must carry the visitor's secret.
    pub(crate) async fn of(visitor: &Visitor, request: Request) -> Result<Self, Problem> {
        let fields = Self::read(request, &visitor.site.limits).await?;
        visitor.check_form(fields.get("form"))?;
        Ok(fields)
    }

    /// A field; empty when it was not sent.
    pub(crate) fn get(&self, name: &str) -> &str {
        let field = self.0.iter().find(|(known, _)| known == name);
        field.map_or("", |(_, value)| value.as_str())
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
        self.0.iter_mut().for_each(|(_, value)| value.zeroize());
    }
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

//! *Export and import*: all settings as a file, encrypted with a password or without secrets, and the way in, with a preview.

use axum::Extension;
use axum::extract::Request;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use sps_admin::{ConfigurationFile, ConfigurationImport, Failure, Request as Operation, Response as Answer};
use sps_config::Secret;

use super::forms::Fields;
use super::history::differences;
use super::parts::{self, Field, Weight, card, notice, sentence};
use super::{Visitor, layout};
use crate::http::reply::Problem;

/// Path of the page.
pub(crate) const PAGE: &str = "/basic-settings/system/export-import";
/// Path that gives the file.
pub(crate) const EXPORT: &str = "/basic-settings/system/export-import/export";
/// Path that takes a file.
pub(crate) const IMPORT: &str = "/basic-settings/system/export-import/import";
/// Name of the field with the file.
const FILE: &str = "file";
/// Name of the field with the text of a file that was looked at.
const TEXT: &str = "text";

/// `GET` of the page.
pub(crate) async fn page(Extension(visitor): Extension<Visitor>) -> Response {
    layout::page(&visitor, &forms(&visitor, None))
}

fn forms(visitor: &Visitor, problem: Option<&str>) -> Markup {
    html! {
        @if let Some(why) = problem { (notice(Weight::Error, &html! { p { (sentence(why)) } p { "Nothing was changed." } })) }
        (export_form(visitor))
        (import_form(visitor))
    }
}

fn export_form(visitor: &Visitor) -> Markup {
    let body = html! {
        p class="muted" { "With a password the file holds everything, secrets too, and nobody reads it without the password. Without one secrets are left out." }
        (Field { name: "password", label: "Password", kind: "password", hint: "Eight characters at least; keep it: it cannot be found out.", autocomplete: "new-password", ..Field::default() }.markup())
        (Field { name: "again", label: "The same password again", kind: "password", autocomplete: "new-password", ..Field::default() }.markup())
        div class="buttons" {
            button type="submit" class="primary" name="action" value="encrypted" { "Export" }
            button type="submit" name="action" value="plain" { "Export without secrets" }
        }
    };
    html! {
        section class="card" aria-labelledby="export-title" {
            h2 id="export-title" { "Export" }
            (parts::form(visitor, EXPORT, "stack", &body))
        }
    }
}

fn import_form(visitor: &Visitor) -> Markup {
    html! {
        section class="card" aria-labelledby="import-title" {
            h2 id="import-title" { "Import" }
            p class="muted" { "It takes the place of all settings. What would change is shown first; exports of earlier versions are migrated." }
            form method="post" action=(IMPORT) enctype="multipart/form-data" class="upload" {
                input type="hidden" name="form" value=(visitor.signed_in.form_secret);
                div class="field" {
                    label for="import-file" { "Exported configuration" }
                    input id="import-file" name=(FILE) type="file" required;
                }
                (Field { name: "import-password", label: "Password", kind: "password", hint: "Empty for an export without secrets.", ..Field::default() }.markup())
                button type="submit" class="primary" name="action" value="look" { "Preview" }
            }
        }
    }
}

/// `POST`: the file.
pub(crate) async fn export(
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Result<Response, Problem> {
    let fields = Fields::of(&visitor, request).await?;
    let password = match fields.get("action") {
        "plain" => None,
        _ if fields.get("password") != fields.get("again") => {
            return Ok(refused(
                &visitor,
                &Failure::invalid("the two passwords are not the same"),
            ));
        }
        _ => Some(Secret::from(fields.get("password").to_owned())),
    };
    match visitor.ask(Operation::ConfigurationExport { password }).await {
        Ok(Answer::Exported(export)) => {
            let headers = [
                (header::CONTENT_TYPE, "application/json".to_owned()),
                (
                    header::CONTENT_DISPOSITION,
                    format!("attachment; filename=\"{}\"", export.name),
                ),
            ];
            Ok((headers, String::from(export.file)).into_response())
        }
        Ok(_) => Err(Problem::not_understood()),
        Err(failure) => Ok(refused(&visitor, &failure)),
    }
}

/// The page with what is wrong.
fn refused(visitor: &Visitor, failure: &Failure) -> Response {
    let mut response = layout::page(visitor, &forms(visitor, Some(&failure.message)));
    *response.status_mut() = Problem::of_failure(failure).of_page().status;
    response
}

/// `POST` of a file: shows what it would change, or takes it.
pub(crate) async fn import(
    Extension(visitor): Extension<Visitor>,
    request: Request,
) -> Result<Response, Problem> {
    let fields = Fields::of_files(&visitor, request, &ConfigurationFile::too_long()).await?;
    let preview = fields.get("action") != "take";
    let file = match given(&fields) {
        Ok(file) => file,
        Err(failure) => return Ok(refused(&visitor, &failure)),
    };
    let password = Some(fields.get("import-password")).filter(|password| !password.is_empty());
    let operation = Operation::ConfigurationImport {
        file: file.clone(),
        password: password.map(|password| Secret::from(password.to_owned())),
        preview,
        expected: fields.get("revision").parse().ok(),
    };
    let message = fields.text("message").unwrap_or_default().to_owned();
    match visitor.ask_because(operation, message).await {
        Ok(Answer::Imported(found)) => {
            let main = looked_at(&visitor, &found, &file, password.is_some());
            Ok(layout::page(&visitor, &main))
        }
        Ok(_) => Err(Problem::not_understood()),
        Err(failure) => Ok(refused(&visitor, &failure)),
    }
}

/// The file that was chosen, or that was looked at before.
fn given(fields: &Fields) -> Result<ConfigurationFile, Failure> {
    let chosen = fields.file(FILE).filter(|bytes| !bytes.is_empty());
    let bytes = chosen.unwrap_or_else(|| fields.get(TEXT).as_bytes());
    if bytes.is_empty() {
        return Err(Failure::invalid("choose the exported file first"));
    }
    ConfigurationFile::new(bytes.to_vec())
}

fn looked_at(
    visitor: &Visitor,
    found: &ConfigurationImport,
    file: &ConfigurationFile,
    encrypted: bool,
) -> Markup {
    let facts = parts::facts(&[
        ("Made by version", html! { (found.product) }),
        ("Its revision", html! { (found.revision) }),
    ]);
    html! {
        @if let Some(revision) = found.changes.to {
            (notice(Weight::Success, &html! { p { "The configuration was imported: it is revision " (revision) "." } }))
        } @else {
            (notice(Weight::Information, &html! { p { "This is a preview: nothing has changed yet." } }))
        }
        (card("file", "The file", &facts))
        @if !found.left_out.is_empty() {
            (card("secrets", "Secrets to enter again", &html! {
                p { "They are not in the file." }
                ul class="paths" { @for path in &found.left_out { li { code { (path) } } } }
            }))
        }
        @if !found.changes.notes.is_empty() {
            (card("notes", "To be known", &html! { ul { @for note in &found.changes.notes { li { (sentence(note)) } } } }))
        }
        (card("differences", "What changes", &differences(&found.changes)))
        @if found.changes.to.is_none() { (take_form(visitor, found, file, encrypted)) }
    }
}

/// The file once more, and the password: the appliance keeps neither meanwhile.
fn take_form(
    visitor: &Visitor,
    found: &ConfigurationImport,
    file: &ConfigurationFile,
    encrypted: bool,
) -> Markup {
    html! {
        section class="card" aria-labelledby="take-title" {
            h2 id="take-title" { "Take it" }
            form method="post" action=(IMPORT) enctype="multipart/form-data" class="upload" {
                input type="hidden" name="form" value=(visitor.signed_in.form_secret);
                input type="hidden" name="revision" value=(found.changes.from);
                textarea name=(TEXT) hidden { "\n" (file.text()) }
                @if encrypted {
                    (Field { name: "import-password", label: "Password, once more", kind: "password", required: true, ..Field::default() }.markup())
                }
                (Field { name: "message", label: "Why", ..Field::default() }.markup())
                div class="buttons" {
                    button type="submit" class="danger" name="action" value="take" { "Import" }
                    a class="button" href=(PAGE) { "Cancel" }
                }
            }
        }
    }
}

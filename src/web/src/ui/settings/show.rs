//! Pages of settings: cards with forms, tables of collections.

use maud::{Markup, html};
use serde_json::Value;
use sps_admin::ConfigurationPart;

use super::form::Form;
use super::{Failed, SETTINGS, VALUE, Visitor, address, at, named, segment};
use crate::settings::{Field, GROUPS, Group, Kind, RESOURCES, Resource, Shape};
use crate::ui::history;
use crate::ui::parts::{self, Weight, empty, notice, sentence, table};

/// Longest text in a cell of a table.
const CELL: usize = 80;

/// What a page is made from.
pub(super) struct Shown<'a> {
    pub(super) visitor: &'a Visitor,
    pub(super) part: &'a ConfigurationPart,
    pub(super) form: Form,
    /// The revision that came of the form before.
    pub(super) saved: Option<u64>,
    pub(super) failed: Option<Failed>,
}

impl Shown<'_> {
    /// Every resource of a page.
    pub(super) fn group(&self, group: &Group) -> Markup {
        let all: Vec<&Resource> = RESOURCES
            .iter()
            .filter(|resource| resource.is_in(group))
            .collect();
        html! {
            (self.head())
            @for resource in all {
                @match &resource.shape {
                    Shape::One(_) => (self.one_card(resource)),
                    Shape::Many { .. } => (self.table_card(resource, true)),
                }
            }
        }
    }

    pub(super) fn one(&self, resource: &Resource) -> Markup {
        html! { (up(resource)) (self.head()) (self.one_card(resource)) }
    }

    pub(super) fn all(&self, resource: &Resource) -> Markup {
        html! { (up(resource)) (self.head()) (self.table_card(resource, false)) (self.add_card(resource)) }
    }

    /// One of a collection; nothing when there is none of this name.
    pub(super) fn item(&self, resource: &Resource, key: &str) -> Option<Markup> {
        let collection = at(&self.part.value, resource.path);
        let (_, value) = named(collection).find(|(name, _)| *name == key)?;
        Some(html! { (up(resource)) (self.head()) (self.item_card(resource, key, value)) })
    }

    /// The form that was refused.
    pub(super) fn again(&self) -> Markup {
        let Some(failed) = &self.failed else {
            return html! {};
        };
        let resource = failed.resource;
        let is_item = failed.key.as_ref().filter(|key| {
            let collection = at(&self.part.value, resource.path);
            named(collection).any(|(name, _)| name == key.as_str())
        });
        html! {
            (up(resource))
            (self.head())
            @match (&resource.shape, is_item) {
                (Shape::One(_), _) => (self.one_card(resource)),
                (_, Some(key)) => (self.item_card(resource, key, &failed.value)),
                _ => (self.add_card(resource)),
            }
        }
    }

    /// What happened, and what is missing.
    fn head(&self) -> Markup {
        let lost = &self.part.lost;
        html! {
            @if let Some(failed) = &self.failed {
                (notice(Weight::Error, &html! {
                    p { (sentence(&failed.problem.details)) }
                    p { "Nothing was changed. Secrets have to be entered again." }
                }))
            }
            @if let Some(revision) = self.saved {
                (notice(Weight::Success, &html! {
                    p { "Saved: " a href={ (history::PAGE) "/" (revision) } { "revision " (revision) } "." }
                }))
            }
            @if !lost.is_empty() {
                (notice(Weight::Warning, &html! {
                    p { "Some secrets cannot be used and have to be entered again." }
                    details { summary { "Which" } ul class="paths" { @for words in lost { li { (words) } } } }
                }))
            }
        }
    }

    fn one_card(&self, resource: &Resource) -> Markup {
        let Shape::One(kind) = &resource.shape else {
            return html! {};
        };
        let typed = self
            .failed
            .as_ref()
            .filter(|failed| failed.resource.name == resource.name && !failed.value.is_null());
        let value = typed.map_or(at(&self.part.value, resource.path), |failed| &failed.value);
        let body = html! { (self.form.value(VALUE, kind, value)) (self.end(false)) };
        self.card(resource, resource.title, &address(resource), &body)
    }

    fn add_card(&self, resource: &Resource) -> Markup {
        let Shape::Many { each, .. } = &resource.shape else {
            return html! {};
        };
        let failed = self.failed.as_ref();
        let name = failed
            .and_then(|failed| failed.key.as_deref())
            .unwrap_or_default();
        let value = failed.map_or(&Value::Null, |failed| &failed.value);
        let problem = self.form.problem.as_ref().filter(|(at, _)| at == "name");
        let body = html! {
            (parts::Field { name: "name", label: "Name", value: name, required: true, ..parts::Field::default() }.markup())
            @if let Some((_, why)) = problem { p class="problem" { (sentence(why)) } }
            (self.form.value(VALUE, each, value))
            (self.end(false))
        };
        self.card(resource, "Add one", &address(resource), &body)
    }

    fn item_card(&self, resource: &Resource, key: &str, value: &Value) -> Markup {
        let Shape::Many { each, .. } = &resource.shape else {
            return html! {};
        };
        let address = format!("{}/{}", address(resource), segment(key));
        let body = html! { (self.form.value(VALUE, each, value)) (self.end(true)) };
        self.card(resource, &format!("{}: {key}", resource.title), &address, &body)
    }

    /// A form in a card of its own, which the script leaves alone while somebody types.
    fn card(&self, resource: &Resource, title: &str, action: &str, body: &Markup) -> Markup {
        let id = resource.name.replace('/', "-");
        html! {
            section id=(id) class="card" aria-labelledby={ (id) "-title" } {
                h2 id={ (id) "-title" } { (title) }
                (parts::form(self.visitor, action, "stack settings", body))
            }
        }
    }

    /// Why, and the buttons.
    fn end(&self, can_be_deleted: bool) -> Markup {
        let required = self.part.message_required;
        html! {
            input type="hidden" name="revision" value=(self.part.revision);
            label class="why" {
                span { "Why" @if !required { " (may be empty)" } }
                input name="message" type="text" maxlength="500" autocomplete="off" required[required];
            }
            div class="buttons" {
                button type="submit" class="primary" name="action" value="save" { "Commit" }
                @if can_be_deleted {
                    button type="submit" class="danger" name="action" value="delete" formnovalidate[!required] { "Delete" }
                }
            }
        }
    }

    fn table_card(&self, resource: &Resource, with_link: bool) -> Markup {
        let Shape::Many { each, columns, .. } = &resource.shape else {
            return html! {};
        };
        let fields: Vec<&Field> = match each {
            Kind::Object(fields) => columns
                .iter()
                .filter_map(|column| fields.iter().find(|field| field.name == *column))
                .collect(),
            _ => Vec::new(),
        };
        let mut headings = vec!["Name"];
        headings.extend(fields.iter().map(|field| field.label));
        let all = named(at(&self.part.value, resource.path));
        let rows: Vec<Vec<Markup>> = all
            .map(|(name, value)| {
                let link = html! { a href={ (address(resource)) "/" (segment(name)) } { (name) } };
                let cells = fields
                    .iter()
                    .map(|field| html! { (cell(&field.kind, &value[field.name])) });
                std::iter::once(link).chain(cells).collect()
            })
            .collect();
        let id = resource.name.replace('/', "-");
        html! {
            section id=(id) class="card" aria-labelledby={ (id) "-title" } {
                h2 id={ (id) "-title" } { (resource.title) }
                @if rows.is_empty() { (empty("There is none yet.")) } @else { (table(resource.title, &headings, &rows)) }
                @if with_link { p { a href=(address(resource)) { "Add one" } } }
            }
        }
    }
}

/// The way to the page of a resource.
fn up(resource: &Resource) -> Markup {
    let group = GROUPS.iter().find(|group| resource.is_in(group));
    html! { @if let Some(group) = group { p { a href={ (SETTINGS) (group.name) } { "All of " (group.title) } } } }
}

/// A value in a few words.
fn cell(kind: &Kind, value: &Value) -> String {
    let label = |word: &str| match kind {
        Kind::Choice(words) | Kind::Choices(words) => {
            let found = words.iter().find(|(name, _)| *name == word);
            found.map_or(word, |(_, label)| *label).to_owned()
        }
        _ => word.to_owned(),
    };
    let words = match value {
        Value::Null => "–".to_owned(),
        Value::Bool(true) => "Yes".into(),
        Value::Bool(false) => "No".into(),
        Value::String(text) => label(text),
        Value::Array(list) => {
            let texts: Vec<String> = list.iter().filter_map(Value::as_str).map(label).collect();
            texts.join(", ")
        }
        other => other.to_string(),
    };
    match words.char_indices().nth(CELL) {
        Some((cut, _)) => format!("{}…", &words[..cut]),
        None => words,
    }
}

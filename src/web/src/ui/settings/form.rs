//! A form of any value, by its description: what is set is filled in, what is not described is shown as it is kept. Complete without
//! JavaScript; style hides what does not belong to the choice that was made.
//!
//! A secret is never filled in: its field is empty, and stays as it is when nothing is typed.

use std::collections::BTreeMap;

use maud::{Markup, html};
use serde_json::{Map, Value};
use sps_config::REDACTED;

use crate::settings::{Field, Kind, Variant};
use crate::ui::parts::sentence;

/// Longest text of one line.
const LINE: &str = "1024";
/// Fewest and most rows of a field for texts of several lines.
const ROWS: (usize, usize) = (3, 14);
/// Union of a kind that is not described.
pub(super) const AS_KEPT: &str = "as-kept";

/// What a form is made with.
#[derive(Debug, Default)]
pub(super) struct Form {
    /// Names that may be chosen, by the path of the document they lie under.
    pub(super) names: BTreeMap<&'static str, Vec<String>>,
    /// The field in which something is wrong, and what.
    pub(super) problem: Option<(String, String)>,
}

/// Where a value is in the form, and how it is called.
#[derive(Clone, Copy, Debug)]
struct At<'a> {
    name: &'a str,
    label: &'a str,
    hint: &'a str,
}

impl Form {
    /// The fields of a value. `name` is what their names begin with.
    pub(super) fn value(&self, name: &str, kind: &Kind, value: &Value) -> Markup {
        match kind {
            Kind::Object(fields) => self.fields(name, fields, value),
            _ => {
                let at = At {
                    name,
                    label: "",
                    hint: "",
                };
                self.input(at, kind, value)
            }
        }
    }

    fn fields(&self, name: &str, fields: &[Field], value: &Value) -> Markup {
        let known =
            |key: &String| fields.iter().any(|field| field.name == key) || key == "kind" || key == "name";
        let empty = Map::new();
        let more: Vec<_> = value.as_object().unwrap_or(&empty).iter().collect();
        let more: Vec<_> = more.into_iter().filter(|(key, _)| !known(key)).collect();
        html! {
            @for field in fields {
                @let inner = format!("{name}.{}", field.name);
                (self.input(At { name: &inner, label: field.label, hint: field.hint }, &field.kind, &value[field.name]))
            }
            @if !more.is_empty() {
                @let keys: Vec<&str> = more.iter().map(|(key, _)| key.as_str()).collect();
                input type="hidden" name={ (name) ".more" } value=(keys.join(" "));
                @for (key, value) in &more { (self.json(&format!("{name}.more.{key}"), key, value)) }
            }
        }
    }

    fn input(&self, at: At<'_>, kind: &Kind, value: &Value) -> Markup {
        match kind {
            Kind::Text => self.line(at, "text", value.as_str().unwrap_or_default(), &html! {}),
            Kind::Number(..) => self.number(at, kind, value),
            Kind::Block => self.area(at, value.as_str().unwrap_or_default(), &html! {}),
            Kind::Lines => self.area(at, &texts(value).join("\n"), &html! {}),
            Kind::Blocks => self.area(at, &blocks(value), &html! {}),
            Kind::Switch => switch(at, value.as_bool() == Some(true)),
            Kind::Choice(words) => self.choice(at, words, value, false),
            Kind::Choices(words) => choices(at, words, value),
            Kind::Reference(path) => self.reference(at, path, value, false),
            Kind::Secret | Kind::SecretBlock => self.secret(at, kind, value, false),
            Kind::Object(fields) => group(at, &self.fields(at.name, fields, value)),
            Kind::Union(variants) => self.union(at, variants, value),
            Kind::List(each) => self.list(at, each, value),
            Kind::Names(each) => self.by_name(at, each, value),
            Kind::Optional(inner) => self.optional(at, inner, value),
        }
    }

    fn optional(&self, at: At<'_>, kind: &Kind, value: &Value) -> Markup {
        match kind {
            Kind::Choice(words) => self.choice(at, words, value, true),
            Kind::Reference(path) => self.reference(at, path, value, true),
            Kind::Secret | Kind::SecretBlock => self.secret(at, kind, value, true),
            Kind::Object(_) | Kind::Union(_) | Kind::List(_) | Kind::Names(_) => {
                let inner = At {
                    label: "",
                    hint: "",
                    ..at
                };
                let inner = match kind {
                    Kind::Object(fields) => self.fields(at.name, fields, value),
                    _ => self.input(inner, kind, value),
                };
                let on = format!("{}.on", at.name);
                group(
                    at,
                    &html! {
                        div class="check" {
                            input id=(on) name=(on) type="checkbox" value="on" checked[!value.is_null()];
                            label for=(on) { "Set" }
                        }
                        div class="when-set" { (inner) }
                    },
                )
            }
            _ => self.input(at, kind, value),
        }
    }

    /// Label, what is typed into, hint, and what is wrong.
    fn around(&self, at: At<'_>, input: &Markup) -> Markup {
        let problem = self.problem_at(at.name);
        html! {
            div class="field" {
                @if !at.label.is_empty() { label for=(at.name) { (at.label) } }
                (input)
                @if let Some(words) = problem { p class="problem" id={ (at.name) "-problem" } { (sentence(words)) } }
                @if !at.hint.is_empty() { p class="hint" id={ (at.name) "-hint" } { (at.hint) } }
            }
        }
    }

    fn problem_at(&self, name: &str) -> Option<&str> {
        let (at, words) = self.problem.as_ref()?;
        (at == name).then_some(words.as_str())
    }

    fn line(&self, at: At<'_>, kind: &str, value: &str, before: &Markup) -> Markup {
        let wrong = self.problem_at(at.name).map(|_| "true");
        self.around(
            at,
            &html! {
                (before)
                input id=(at.name) name=(at.name) type=(kind) value=(value) maxlength=(LINE) autocomplete="off" spellcheck="false"
                    autocapitalize="off" aria-label=[unlabelled(at)] aria-invalid=[wrong] aria-describedby=[hinted(at)];
            },
        )
    }

    fn number(&self, at: At<'_>, kind: &Kind, value: &Value) -> Markup {
        let Kind::Number(least, most) = kind else {
            return html! {};
        };
        let shown = value.as_u64().map(|number| number.to_string());
        let wrong = self.problem_at(at.name).map(|_| "true");
        self.around(
            at,
            &html! {
                input id=(at.name) name=(at.name) type="number" min=(least) max=(most) value=[shown] autocomplete="off"
                    aria-label=[unlabelled(at)] aria-invalid=[wrong] aria-describedby=[hinted(at)];
            },
        )
    }

    fn area(&self, at: At<'_>, value: &str, before: &Markup) -> Markup {
        let rows = (value.lines().count() + 1).clamp(ROWS.0, ROWS.1);
        let wrong = self.problem_at(at.name).map(|_| "true");
        self.around(
            at,
            &html! {
                (before)
                textarea id=(at.name) name=(at.name) rows=(rows) autocomplete="off" spellcheck="false" autocapitalize="off"
                    aria-label=[unlabelled(at)] aria-invalid=[wrong] aria-describedby=[hinted(at)] { "\n" (value) }
            },
        )
    }

    /// A value that nobody described, as it is kept.
    fn json(&self, name: &str, key: &str, value: &Value) -> Markup {
        let text = serde_json::to_string_pretty(value).unwrap_or_default();
        let at = At {
            name,
            label: key,
            hint: "As it is kept: JSON",
        };
        self.area(at, &text, &html! {})
    }

    fn choice(&self, at: At<'_>, words: &[(&str, &str)], value: &Value, may_be_none: bool) -> Markup {
        let now = value.as_str().unwrap_or_default();
        let options: Vec<(String, String)> = words
            .iter()
            .map(|(word, label)| ((*word).to_owned(), (*label).to_owned()))
            .collect();
        self.select(at, &options, now, may_be_none)
    }

    fn reference(&self, at: At<'_>, path: &str, value: &Value, may_be_none: bool) -> Markup {
        let now = value.as_str().unwrap_or_default();
        let names = self.names.get(path).map_or(&[][..], Vec::as_slice);
        let options: Vec<(String, String)> = names.iter().map(|name| (name.clone(), name.clone())).collect();
        self.select(at, &options, now, may_be_none)
    }

    fn select(&self, at: At<'_>, options: &[(String, String)], now: &str, may_be_none: bool) -> Markup {
        let unknown = !now.is_empty() && !options.iter().any(|(word, _)| word == now);
        let input = html! {
            select id=(at.name) name=(at.name) aria-label=[unlabelled(at)] aria-describedby=[hinted(at)] {
                @if may_be_none || now.is_empty() { option value="" { "–" } }
                @if unknown { option value=(now) selected { (now) } }
                @for (word, label) in options { option value=(word) selected[word == now] { (label) } }
            }
        };
        self.around(at, &input)
    }

    fn secret(&self, at: At<'_>, kind: &Kind, value: &Value, may_be_none: bool) -> Markup {
        let is_set = value.as_str() == Some(REDACTED) || value.is_object();
        let words = if is_set {
            "Set; empty: it stays as it is"
        } else {
            "Not set"
        };
        let hint = [at.hint, words].into_iter().filter(|part| !part.is_empty());
        let hint = hint.collect::<Vec<_>>().join(". ");
        let inner = At { hint: &hint, ..at };
        let had = html! { @if is_set { input type="hidden" name={ (at.name) ".had" } value="on"; } };
        html! {
            @if matches!(kind, Kind::SecretBlock) { (self.area(inner, "", &had)) } @else { (self.password(inner, &had)) }
            @if may_be_none && is_set {
                div class="check" {
                    input id={ (at.name) ".none" } name={ (at.name) ".none" } type="checkbox" value="on";
                    label for={ (at.name) ".none" } { "Remove " (at.label.to_lowercase()) }
                }
            }
        }
    }

    fn password(&self, at: At<'_>, before: &Markup) -> Markup {
        self.around(
            at,
            &html! {
                (before)
                input id=(at.name) name=(at.name) type="password" value="" maxlength=(LINE) autocomplete="new-password"
                    aria-label=[unlabelled(at)] aria-describedby=[hinted(at)];
            },
        )
    }

    fn union(&self, at: At<'_>, variants: &[Variant], value: &Value) -> Markup {
        let now = value["kind"].as_str().unwrap_or_default();
        let strange = !now.is_empty() && !variants.iter().any(|variant| variant.name == now);
        let name = format!("{}.kind", at.name);
        group(
            at,
            &html! {
                @for variant in variants {
                    @let id = format!("{name}.{}", variant.name);
                    div class="variant" {
                        div class="check" {
                            input id=(id) name=(name) type="radio" value=(variant.name) required checked[variant.name == now];
                            label for=(id) { (variant.label) }
                        }
                        @if !variant.fields.is_empty() {
                            @let inner = if variant.name == now { value } else { &Value::Null };
                            div class="inner" { (self.fields(&format!("{}.{}", at.name, variant.name), variant.fields, inner)) }
                        }
                    }
                }
                @if strange {
                    @let id = format!("{name}.{AS_KEPT}");
                    div class="variant" {
                        div class="check" {
                            input id=(id) name=(name) type="radio" value=(AS_KEPT) checked;
                            label for=(id) { (now) }
                        }
                        div class="inner" { (self.json(&format!("{}.{AS_KEPT}", at.name), now, value)) }
                    }
                }
            },
        )
    }

    fn list(&self, at: At<'_>, each: &Kind, value: &Value) -> Markup {
        let items = value.as_array().map_or(&[][..], Vec::as_slice);
        group(
            at,
            &html! {
                input type="hidden" name={ (at.name) ".count" } value=(items.len());
                @for (number, item) in items.iter().enumerate() {
                    @let inner = format!("{}.{number}", at.name);
                    fieldset class="item" {
                        legend { (number + 1) }
                        (self.value(&inner, each, item))
                        (tick(&format!("{inner}.remove"), "Remove"))
                    }
                }
                (self.one_more(at, each, items.len(), false))
            },
        )
    }

    fn by_name(&self, at: At<'_>, each: &Kind, value: &Value) -> Markup {
        let empty = Map::new();
        let items = value.as_object().unwrap_or(&empty);
        group(
            at,
            &html! {
                input type="hidden" name={ (at.name) ".count" } value=(items.len());
                @for (number, (key, item)) in items.iter().enumerate() {
                    @let inner = format!("{}.{number}", at.name);
                    fieldset class="item" {
                        legend { (key) }
                        input type="hidden" name={ (inner) ".name" } value=(key);
                        (self.value(&format!("{inner}.value"), each, item))
                        (tick(&format!("{inner}.remove"), "Remove"))
                    }
                }
                (self.one_more(at, each, items.len(), true))
            },
        )
    }

    /// An empty one that is taken when its box is ticked.
    fn one_more(&self, at: At<'_>, each: &Kind, number: usize, has_name: bool) -> Markup {
        let inner = format!("{}.{number}", at.name);
        let name = format!("{inner}.name");
        html! {
            details class="more" {
                summary { "Add one" }
                fieldset class="item" {
                    @if has_name {
                        (self.line(At { name: &name, label: "Name", hint: "" }, "text", "", &html! {}))
                        (self.value(&format!("{inner}.value"), each, &Value::Null))
                    } @else {
                        (self.value(&inner, each, &Value::Null))
                    }
                    (tick(&format!("{inner}.add"), "Add this one"))
                }
            }
        }
    }
}

fn hinted(at: At<'_>) -> Option<String> {
    (!at.hint.is_empty()).then(|| format!("{}-hint", at.name))
}

/// What a field is called where it has no label.
fn unlabelled<'a>(at: At<'a>) -> Option<&'a str> {
    at.label.is_empty().then_some("Value")
}

fn group(at: At<'_>, body: &Markup) -> Markup {
    html! {
        @if at.label.is_empty() {
            (body)
        } @else {
            fieldset class="group" {
                legend { (at.label) }
                @if !at.hint.is_empty() { p class="hint" { (at.hint) } }
                (body)
            }
        }
    }
}

fn tick(name: &str, words: &str) -> Markup {
    html! { div class="check" { input id=(name) name=(name) type="checkbox" value="on"; label for=(name) { (words) } } }
}

fn switch(at: At<'_>, on: bool) -> Markup {
    html! {
        div class="field" {
            div class="check" {
                input id=(at.name) name=(at.name) type="checkbox" value="on" checked[on] aria-describedby=[hinted(at)];
                label for=(at.name) { (at.label) }
            }
            @if !at.hint.is_empty() { p class="hint" id={ (at.name) "-hint" } { (at.hint) } }
        }
    }
}

fn choices(at: At<'_>, words: &[(&str, &str)], value: &Value) -> Markup {
    let now = texts(value);
    let body = html! {
        @for (word, label) in words {
            @let id = format!("{}.{word}", at.name);
            div class="check" {
                input id=(id) name=(at.name) type="checkbox" value=(word) checked[now.contains(word)];
                label for=(id) { (label) }
            }
        }
    };
    group(at, &body)
}

/// The texts of a list.
fn texts(value: &Value) -> Vec<&str> {
    let list = value.as_array().map_or(&[][..], Vec::as_slice);
    list.iter().filter_map(Value::as_str).collect()
}

fn blocks(value: &Value) -> String {
    let trimmed: Vec<&str> = texts(value).into_iter().map(str::trim_end).collect();
    trimmed.join("\n")
}

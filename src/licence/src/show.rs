//! The licence for people, in the words of the licence page.

use crate::feature::Feature;
use crate::licence::Licence;

/// A line a field: Customer, Serial, Limit type, Limit, Valid, LTS, Features.
#[must_use]
pub fn table(licence: &Licence) -> String {
    let numbers: Vec<String> = licence.lts.iter().map(u32::to_string).collect();
    let features: Vec<&str> = licence.features.iter().map(Feature::name).collect();
    let features = if features.is_empty() {
        "-".to_owned()
    } else {
        features.join(", ")
    };
    let rows = [
        ("Customer", licence.customer.clone()),
        ("Serial", licence.serial.clone()),
        ("Limit type", licence.limit_type.to_string()),
        ("Limit", licence.limit.to_string()),
        ("Valid", validity(licence)),
        ("LTS", numbers.join(", ")),
        ("Features", features),
    ];
    rows.map(|(title, value)| format!("{title:<11} {}\n", value.escape_debug()))
        .concat()
}

/// `2026-01-01 - 2027-05-31`, or `from 2026-01-01` without an end.
#[must_use]
pub fn validity(licence: &Licence) -> String {
    match licence.valid_until {
        Some(until) => format!("{} - {until}", licence.valid_from),
        None => format!("from {}", licence.valid_from),
    }
}

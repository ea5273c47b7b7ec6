//! The licence in words.

use super::{WIDTH, clean, pairs, wrap};
use crate::licence::Licensing;

/// The licence, or that there is none, and what to see to.
#[must_use]
pub fn licence(licensing: &Licensing) -> String {
    let limit = [
        ("Limit type", licensing.limit_type.clone()),
        ("Limit", licensing.limit.to_string()),
    ];
    let mut text = match &licensing.licence {
        None => {
            "There is no licence: the appliance is a demo with every feature.\n".to_owned() + &pairs(&limit)
        }
        Some(licence) => {
            let lts: Vec<String> = licence.lts.iter().map(u32::to_string).collect();
            let features: Vec<&str> = licence
                .features
                .iter()
                .map(|feature| feature.name.as_str())
                .collect();
            let [limit_type, limit] = limit;
            pairs(&[
                ("Customer", licence.customer.clone()),
                ("Serial", licence.serial.clone()),
                limit_type,
                limit,
                ("Valid", licence.validity()),
                ("LTS covered", lts.join(", ")),
                (
                    "Features",
                    if features.is_empty() {
                        "-".into()
                    } else {
                        features.join(", ")
                    },
                ),
            ])
        }
    };
    for problem in &licensing.problems {
        text.extend(
            wrap(&clean(problem), WIDTH)
                .iter()
                .map(|line| format!("{line}\n")),
        );
    }
    text
}

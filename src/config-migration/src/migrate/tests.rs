//! Chains of migrations.

use serde_json::{Value, json};

use super::*;
use crate::testing::document;
use crate::{FIRST, LATEST, validate};

#[test]
fn a_document_goes_over_every_layout_and_is_valid_in_each() {
    for layout in FIRST..=LATEST {
        validate(&document(layout), layout).unwrap();
        for other in (FIRST..=LATEST).filter(|other| *other != layout) {
            assert!(validate(&document(layout), other).is_err(), "{layout} as {other}");
        }
    }
}

#[test]
fn what_was_migrated_is_not_migrated_again() {
    for layout in FIRST..LATEST {
        let after = migrate(&document(layout), layout, layout + 1).unwrap().document;
        assert!(
            matches!(
                migrate(&after, layout, layout + 1),
                Err(MigrateError::Shape { .. })
            ),
            "{layout}"
        );
    }
}

#[test]
fn refusals_name_path_and_mend() {
    let mut strange = document(3);
    strange["management"]["coffee"] = json!(true);
    let mut wrong = document(3);
    wrong["management"]["disk_fill_up_prevention"]["used_space_ratio_limit"] = json!("80");
    let mut gone = document(3);
    gone["network"].as_object_mut().unwrap().remove("domain");
    let mut taken = document(3);
    taken["connections"]["rdp"]["settings"] =
        json!({"default": crate::testing::rdp_settings(), "legacy_default": crate::testing::rdp_settings()});
    let told: Vec<String> = [
        migrate(&document(1), 0, 2),
        migrate(&document(1), 1, 6),
        migrate(&document(5), 5, 4),
        migrate(&strange, 3, 4),
        migrate(&wrong, 3, 4),
        migrate(&gone, 3, 4),
        migrate(&taken, 3, 4),
        migrate(&Value::Null, 1, 1),
    ]
    .into_iter()
    .map(|result| result.unwrap_err().to_string())
    .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn nothing_changes_on_the_way_to_the_same_layout() {
    for layout in FIRST..=LATEST {
        let document = document(layout);
        assert_eq!(
            migrate(&document, layout, layout).unwrap(),
            Migrated {
                document,
                notes: Vec::new()
            }
        );
    }
}

mod seeded {
    use super::*;
    use crate::{empty, random, sample};

    /// The chain equals the steps, and whatever is at random is valid in every layout.
    fn chain_equals_steps(first: &Value, seed: u64) {
        let (mut document, mut notes) = (first.clone(), Vec::new());
        for layout in FIRST..LATEST {
            let step =
                migrate(&document, layout, layout + 1).unwrap_or_else(|error| panic!("seed {seed}: {error}"));
            document = step.document;
            notes.extend(step.notes);
            let chain = migrate(first, FIRST, layout + 1).unwrap();
            assert_eq!(
                (&chain.document, &chain.notes),
                (&document, &notes),
                "seed {seed}"
            );
        }
        validate(&document, LATEST).unwrap();
    }

    #[test]
    fn random_documents_migrate_and_the_chain_equals_the_steps() {
        for seed in 0..100 {
            chain_equals_steps(&random(FIRST, seed).unwrap(), seed);
            chain_equals_steps(&sample(FIRST, seed).unwrap(), seed);
        }
        assert_ne!(random(FIRST, 1), random(FIRST, 2));
        assert_eq!(sample(LATEST, 1), sample(LATEST, 1));
        validate(&empty(LATEST).unwrap(), LATEST).unwrap();
    }

    #[test]
    fn secrets_that_are_left_out_change_nothing() {
        let first = sample(FIRST, 3).unwrap();
        let text = serde_json::to_string(&first).unwrap();
        let pieces: Vec<&str> = text.split("{\"encrypted\":\"").collect();
        let redacted: Vec<String> = pieces[1..]
            .iter()
            .map(|piece| format!("\"[redacted]\"{}", piece.split_once("\"}").unwrap().1))
            .collect();
        let redacted: Value = serde_json::from_str(&format!("{}{}", pieces[0], redacted.concat())).unwrap();
        assert!(pieces.len() > 5);
        assert_eq!(
            migrate(&redacted, FIRST, LATEST).unwrap().notes,
            migrate(&first, FIRST, LATEST).unwrap().notes
        );
    }

    #[test]
    fn a_sample_has_nothing_that_blocks() {
        for seed in 0..50 {
            let found = crate::check(&sample(FIRST, seed).unwrap(), FIRST, LATEST);
            assert!(
                found
                    .iter()
                    .all(|finding| finding.severity > crate::Severity::Blocks),
                "seed {seed}: {found:?}"
            );
        }
    }
}

//! Audit trails are encrypted with AES-128-GCM; there is nothing to choose.
//!
//! Source: upgrade guide of 5.9: since 5 F4.

use crate::edit::{Edit, take};
use crate::error::MigrateError;

const AUDIT: &str = "policies.audit";
/// The cipher there is.
const CIPHER: &str = "aes-128-gcm";

pub(super) fn apply(edit: &mut Edit<'_>) -> Result<(), MigrateError> {
    let name = edit.name();
    let mut others = Vec::new();
    for (policy, value) in edit.object(AUDIT)?.iter_mut() {
        let Some(value) = value.as_object_mut() else {
            continue;
        };
        let cipher = take(name, value, &format!("{AUDIT}.{policy}"), "cipher")?;
        if cipher.as_str() != Some(CIPHER) {
            others.push(policy.clone());
        }
    }
    for policy in others {
        edit.warn(
            format!("Policies > Audit Policies > {policy}"),
            "new audit trails are encrypted with AES-128-GCM, whatever cipher was chosen; trails that exist stay as they are",
            "upgrade external indexers and the desktop player, earlier ones cannot read the new trails",
        );
    }
    Ok(())
}

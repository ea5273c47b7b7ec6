//! Components as a CycloneDX document (ECMA-424, version 1.6).

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::Component;

/// The document. It names no time and no serial number: both would differ between equal builds.
pub(super) fn document(version: &str, components: &[Component]) -> Result<Vec<u8>> {
    let document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "firmware",
                "bom-ref": "firmware",
                "name": "sps-firmware",
                "version": version,
                "licenses": [{ "expression": "Apache-2.0" }],
            },
        },
        "components": components.iter().map(component).collect::<Vec<_>>(),
    });
    let mut text = serde_json::to_vec_pretty(&document).context("write the bill of materials")?;
    text.push(b'\n');
    Ok(text)
}

fn component(component: &Component) -> Value {
    let mut value = json!({
        "type": component.kind,
        "bom-ref": component.purl,
        "name": component.name,
        "version": component.version,
        "purl": component.purl,
    });
    if let Some(description) = &component.description {
        value["description"] = json!(description);
    }
    if let Some(licence) = &component.licence {
        value["licenses"] = json!([{ "expression": licence }]);
    }
    if let Some(sha256) = &component.sha256 {
        value["hashes"] = json!([{ "alg": "SHA-256", "content": sha256 }]);
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_has_what_the_format_demands_and_nothing_that_changes() {
        let part = Component {
            kind: "library",
            name: "a".into(),
            version: "1".into(),
            description: None,
            licence: Some("MIT".into()),
            purl: "pkg:cargo/a@1".into(),
            sha256: Some("00".into()),
        };
        let text = document("0.1.0", std::slice::from_ref(&part)).expect("written");
        assert_eq!(text, document("0.1.0", &[part]).expect("written"));
        let value: Value = serde_json::from_slice(&text).expect("JSON");
        assert_eq!(
            (&value["bomFormat"], &value["specVersion"]),
            (&json!("CycloneDX"), &json!("1.6"))
        );
        assert_eq!(value["components"][0]["licenses"][0]["expression"], "MIT");
        assert_eq!(value["components"][0]["hashes"][0]["alg"], "SHA-256");
        assert!(value.get("serialNumber").is_none() && value["metadata"].get("timestamp").is_none());
    }
}

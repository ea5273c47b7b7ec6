//! The shipped parts of Debian packages as components.

use anyhow::Result;

use super::Component;
use crate::shipped::{self, Installed, Shipped};

/// Components for everything in [`shipped::SHIPPED`].
pub(super) fn shipped() -> Result<Vec<Component>> {
    Ok(shipped::installed()?
        .iter()
        .map(|(shipped, installed)| component(shipped, installed))
        .collect())
}

fn component(shipped: &Shipped, installed: &Installed) -> Component {
    let kind = match shipped.package {
        "linux-source-6.12" => "operating-system",
        name if name.ends_with("-microcode") || name.starts_with("grub-") => "firmware",
        _ => "library",
    };
    let version = installed.version.replace(':', "%3A").replace('+', "%2B");
    let (package, architecture) = (shipped.package, &installed.architecture);
    Component {
        kind,
        name: package.to_owned(),
        version: installed.version.clone(),
        description: Some(shipped.part.to_owned()),
        licence: Some(shipped.licence.to_owned()),
        purl: format!("pkg:deb/debian/{package}@{version}?arch={architecture}"),
        sha256: None,
    }
}

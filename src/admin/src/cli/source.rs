//! Where a firmware file is, as people write it.

use std::path::Path;

use crate::firmware::FirmwareSource;

/// A device, a file on a device, or a file; a relative file is taken from `folder`.
pub(super) fn parse(text: &str, folder: &Path) -> FirmwareSource {
    if let Some(device) = text.strip_prefix("/dev/").filter(|name| is_device(name)) {
        return FirmwareSource::Device(device.into());
    }
    match text.split_once(":/") {
        Some((device, path)) if is_device(device.trim_start_matches("/dev/")) => FirmwareSource::OnMedium {
            device: device.trim_start_matches("/dev/").into(),
            path: format!("/{path}"),
        },
        _ => FirmwareSource::File(folder.join(text).to_string_lossy().into_owned()),
    }
}

fn is_device(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_and_files_are_told_apart() {
        let parsed = |text| parse(text, Path::new("/here")).to_string();
        assert_eq!(parsed("/dev/sr0"), "medium in sr0");
        assert_eq!(parsed("sdb1:/a/b.iso"), "/a/b.iso on sdb1");
        assert_eq!(parsed("/dev/sdb1:/b.iso"), "/b.iso on sdb1");
        assert_eq!(parsed("b.iso"), "/here/b.iso");
        assert_eq!(parsed("/a/b.iso"), "/a/b.iso");
    }
}

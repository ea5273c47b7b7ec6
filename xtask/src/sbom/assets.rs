//! What is in the firmware and comes from npm: unchanged files beside the code that shows them.

use super::Component;

/// The player of recordings: `src/trail/assets/player/ABOUT.md`.
pub(super) fn player() -> Component {
    let (name, version) = ("asciinema-player", "3.18.0");
    Component {
        kind: "library",
        name: name.to_owned(),
        version: version.to_owned(),
        description: Some("player of recordings in a browser; inside is solid-js (MIT)".to_owned()),
        licence: Some("Apache-2.0".to_owned()),
        purl: format!("pkg:npm/{name}@{version}"),
        sha256: Some(PLAYER_SHA256.to_owned()),
    }
}

/// SHA-256 of the package as npm serves it.
const PLAYER_SHA256: &str = "18d9703510fae9209da9e26ce3d13c59f083b4abcff003a3bba958e03918a862";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest;

    #[test]
    fn the_player_is_the_published_one() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let folder = root.join("src/trail/assets/player");
        let about = std::fs::read_to_string(folder.join("ABOUT.md")).expect("ABOUT.md");
        for name in ["asciinema-player.min.js", "asciinema-player.css"] {
            let found = digest::file(&folder.join(name)).expect(name);
            assert!(about.contains(&format!("| `{name}` | `{found}` |")), "{name}");
        }
        assert!(about.contains(PLAYER_SHA256));
    }
}

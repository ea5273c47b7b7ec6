//! `sps image verify|show` as a person sees them: text and exit status.

use std::path::Path;

use crate::forge::{image, release_key, with_manifest};
use clap::Parser;
use sps_image::cli::{self, ShowArgs, VerifyArgs};
use sps_image::keyfile;

#[derive(Parser)]
enum Command {
    Verify(VerifyArgs),
    Show(ShowArgs),
}

/// Runs a command line in `folder`; the folder's name does not appear in what is returned.
fn run(folder: &Path, words: &[&str]) -> String {
    let path = |word: &&str| {
        if word.contains('.') {
            folder.join(word).display().to_string()
        } else {
            (*word).to_owned()
        }
    };
    let words: Vec<String> = std::iter::once("image".to_owned())
        .chain(words.iter().map(path))
        .collect();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let status = match Command::try_parse_from(words).unwrap() {
        Command::Verify(arguments) => cli::verify(&arguments, &mut out, &mut err).unwrap(),
        Command::Show(arguments) => cli::show(&arguments, &mut out, &mut err).unwrap(),
    };
    let text = |bytes: Vec<u8>| {
        String::from_utf8(bytes)
            .unwrap()
            .replace(&format!("{}/", folder.display()), "")
    };
    format!(
        "exit status {status}\n--- out\n{}--- err\n{}",
        text(out),
        text(err)
    )
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("good.iso", image());
    let mut broken = image().to_vec();
    let middle = broken.len() / 2;
    broken[middle] ^= 1;
    write("broken.iso", &broken);
    write("release.iso", &with_manifest(&release_key(), |_| ()));
    write("short.iso", &image()[..100_000]);
    keyfile::save_public(&folder.path().join("release.pub"), &release_key().public()).unwrap();
    folder
}

#[test]
fn verify() {
    let folder = folder();
    let run = |words: &[&str]| run(folder.path(), words);
    insta::assert_snapshot!(
        [
            run(&["verify", "good.iso"]),
            run(&["verify", "broken.iso"]),
            run(&["verify", "release.iso"]),
            run(&["verify", "good.iso", "--key", "release.pub"]),
            run(&["verify", "short.iso"]),
            run(&["verify", "absent.iso"]),
            run(&["verify", "good.iso", "--key", "absent.pub"]),
            run(&["verify", "good.iso", "--key", "good.iso"]),
        ]
        .join("\n")
    );
}

#[test]
fn show() {
    let folder = folder();
    let run = |words: &[&str]| run(folder.path(), words);
    insta::assert_snapshot!(
        [
            run(&["show", "good.iso"]),
            run(&["show", "release.iso"]),
            run(&["show", "good.iso", "--json"]),
            run(&["show", "short.iso"]),
        ]
        .join("\n")
    );
}

#[test]
fn control_characters_of_an_image_do_not_reach_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    for (field, value) in [
        ("hardware", serde_json::json!(["\u{1b}[2Jowned"])),
        ("upgrade_notes", serde_json::json!("a\u{9b}2J\nb")),
        ("product", serde_json::json!("\u{1b}[2J")),
        ("\u{1b}[2J", serde_json::json!(1)),
        ("version", serde_json::json!("1\u{1b}[2J")),
        (
            "payloads",
            serde_json::json!([{ "name": "\u{1b}[2J", "size": 1, "sha256": "00".repeat(32) }]),
        ),
    ] {
        let evil = with_manifest(&crate::forge::development(), |manifest| manifest[field] = value);
        std::fs::write(folder.path().join("evil.iso"), evil).unwrap();
        for words in [
            &["show", "evil.iso"][..],
            &["show", "evil.iso", "--json"],
            &["verify", "evil.iso"],
        ] {
            let text = run(folder.path(), words);
            assert!(
                !text.contains(|c: char| c.is_control() && c != '\n'),
                "{field:?}: {text:?}"
            );
            assert!(text.starts_with("exit status 1"), "{field:?}: {text}");
        }
    }
}

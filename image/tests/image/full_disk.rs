//! A disk without room: the build says so and leaves nothing half written.

use std::path::Path;
use std::process::Command;

use sps_image::build::publish;

use crate::forge::image;

/// Set for the child process: the folder it publishes into.
const FOLDER: &str = "SPS_TEST_PUBLISH_INTO";

/// The child's part: publishes the image and prints why it could not. Without the variable there is nothing to do.
#[test]
fn child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let files: [(&str, &[u8]); 2] = [("small", b"new"), ("image.iso", image())];
    let error = publish::publish(Path::new(&folder), &files).expect_err("the disk is not full");
    println!("error: {error}");
}

#[test]
fn nothing_half_written_stays() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("small"), "old").unwrap();
    let own = std::env::current_exe().unwrap();
    // A limit of 100 KiB for any file stands for the full disk; the image has six times that. The signal that
    // comes with the limit is ignored, so that the write fails as it does on a full disk.
    let script = "trap '' XFSZ; ulimit -f 200; exec \"$0\" --exact full_disk::child --nocapture";
    let output = Command::new("dash")
        .arg("-c")
        .arg(script)
        .arg(own)
        .env(FOLDER, folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("image.iso") && text.contains("make room"), "{text}");
    let names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["small"]);
    assert_eq!(
        std::fs::read_to_string(folder.path().join("small")).unwrap(),
        "old"
    );
}

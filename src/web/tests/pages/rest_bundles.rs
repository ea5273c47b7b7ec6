//! Support bundles and core files by REST, and core files on their page.

use crate::common::{Appliance, core};
use crate::lab::{Person, start};
use crate::rest::log_in;
use crate::rest_settings::expect;

const BUNDLES: &str = "/api/troubleshooting/support-bundle";

#[tokio::test]
async fn a_bundle_is_asked_for_polled_fetched_and_deleted() {
    let server = start(&Appliance::ready()).await;
    let program = log_in(&server).await;
    let begun = expect(&server, &program, ("POST", BUNDLES, ""), 202).await;
    assert_eq!(begun["body"]["status"], "in-progress");
    let href = begun["meta"]["href"].as_str().unwrap();
    let download = format!("{href}/download");
    let early = expect(&server, &program, ("GET", &download, ""), 409).await;
    assert_eq!(early["error"]["type"], "NotFinished");
    let finished = expect(&server, &program, ("GET", href, ""), 200).await;
    assert_eq!(finished["body"]["status"], "finished");
    let page = program.get(&server, &download).await;
    assert_eq!(page.header("content-type"), "application/zstd");
    assert_eq!(page.header("content-length"), "8");
    let disposition = page.header("content-disposition");
    assert_eq!(disposition, "attachment; filename=\"debug_info-gate.tar.zst\"");
    assert_eq!(page.text, "a bundle");
    let all = expect(&server, &program, ("GET", BUNDLES, ""), 200).await;
    assert_eq!(all["items"].as_array().unwrap().len(), 1);
    expect(&server, &program, ("DELETE", href, ""), 204).await;
    for (method, path) in [("GET", href), ("DELETE", href), ("GET", &download)] {
        expect(&server, &program, (method, path, ""), 404).await;
    }
    server.stop().await;
}

#[tokio::test]
async fn core_files_are_listed_fetched_and_deleted() {
    let appliance = Appliance::ready();
    appliance.state.lock().unwrap().cores = vec![core()];
    let server = start(&appliance).await;
    let program = log_in(&server).await;
    let all = expect(
        &server,
        &program,
        ("GET", "/api/troubleshooting/core_files", ""),
        200,
    )
    .await;
    assert_eq!(all["items"][0]["body"]["tree"], "layout-4.0");
    let href = all["items"][0]["meta"]["href"].as_str().unwrap();
    let page = program.get(&server, &format!("{href}/download")).await;
    assert_eq!((page.header("content-length"), page.text.as_str()), ("4", "dump"));
    let disposition = page.header("content-disposition");
    assert_eq!(disposition, "attachment; filename=\"core._b__x_.1234\"");
    let person = Person::inside(&server).await;
    let shown = person.get(&server, "/basic-settings/troubleshooting").await.text;
    assert!(
        shown.contains("core.&lt;b&gt;") && shown.contains(&format!("{href}/download")),
        "{shown}"
    );
    let fields = [("action", "delete-core"), ("key", "0123456789abcdef")];
    person
        .submit(&server, "/basic-settings/troubleshooting", &fields)
        .await;
    let shown = person.get(&server, "/basic-settings/troubleshooting").await.text;
    assert!(shown.contains("No program has left a core file."));
    for (method, path) in [("GET", href), ("DELETE", href)] {
        expect(&server, &program, (method, path, ""), 404).await;
    }
    server.stop().await;
}

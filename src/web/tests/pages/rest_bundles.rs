//! Support bundles by REST.

use crate::common::Appliance;
use crate::lab::start;
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

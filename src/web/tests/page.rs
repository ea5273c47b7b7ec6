//! The boot page in a real browser: it shows the log, follows it, survives restarts, and breaks no rule of its own
//! content security policy.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test ends at the first surprise"
)]

#[path = "common/browser.rs"]
mod browser;
mod common;

use browser::Browser;
use common::{Setup, TestServer, soon};
use serde_json::json;
use sps_bootlog::{BootLog, Level};
use sps_web::{Health, Phase, PhaseState, Progress, Service, ServiceState, TlsIdentity};

const LINES: &str = "[...document.querySelectorAll('#log .line')].map((line) => line.textContent)";
const SHOWN: &str =
    "[...document.querySelectorAll('#log .line')].filter((line) => line.checkVisibility()).length";
const LIVE: &str = "document.querySelector('#connection').dataset.state === 'live'";
const AT_END: &str = "document.querySelector('#log').scrollTop + document.querySelector('#log').clientHeight
    >= document.querySelector('#log').scrollHeight - 2";
/// What people read of the status, without the times of running phases.
const STATUS: &str =
    "[document.title, ...['#headline', '#summary', '#progress', '#problems', '#phases', '#services']
    .map((part) => document.querySelector(part).innerText)]";

fn console_lines(log: &BootLog) -> serde_json::Value {
    log.after(0).entries.iter().map(ToString::to_string).collect()
}

/// Waits until the page shows the newest entry, and compares all lines with the console's.
async fn assert_follows(browser: &Browser, log: &BootLog) {
    let newest = *log.subscribe().borrow();
    browser
        .until(&format!("document.querySelector('#log [data-seq=\"{newest}\"]')"))
        .await;
    assert_eq!(browser.evaluate(LINES).await, console_lines(log));
}

async fn open(server: &TestServer, browser: &Browser) {
    soon(browser.client.goto(&format!("https://{}/", server.https)))
        .await
        .unwrap();
}

/// Another server on the same port with the same certificate.
async fn restart(port: u16, identity: &TlsIdentity, setup: Setup) -> TestServer {
    Setup {
        https_port: port,
        identity: Some(identity.clone()),
        ..setup
    }
    .start()
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_appears_and_follows_and_survives_restarts() {
    let server = TestServer::start().await;
    let (port, identity) = (server.https.port(), server.identity.clone());
    server.write(30);
    let browser = Browser::start(true).await;
    open(&server, &browser).await;
    browser.until(LIVE).await;
    assert_follows(&browser, &server.log).await;
    server.log.enter_phase("network");
    server
        .log
        .push(Level::Warning, "net", "<b>no</b> markup & no \"loss\"");
    assert_follows(&browser, &server.log).await;
    assert_eq!(browser.console().await, [""; 0]);

    let log = server.log.clone();
    server.stop().await;
    browser
        .until("document.querySelector('#connection').dataset.state === 'lost'")
        .await;
    assert_eq!(
        browser.evaluate(LINES).await,
        console_lines(&log),
        "what was read stays"
    );
    log.push(Level::Info, "test", "written while nobody listened");
    let server = restart(
        port,
        &identity,
        Setup {
            log,
            ..Setup::default()
        },
    )
    .await;
    browser.until(LIVE).await;
    server.write(3);
    assert_follows(&browser, &server.log).await;
    server.stop().await;

    let other_boot = Setup {
        boot_id: "boot-2".into(),
        ..Setup::default()
    };
    other_boot.log.push(Level::Info, "init", "another boot");
    let server = restart(port, &identity, other_boot).await;
    browser
        .until("document.querySelector('#notice').innerText.startsWith('The appliance restarted at')")
        .await;
    assert_follows(&browser, &server.log).await;
    server.stop().await;

    let other_version = Setup {
        boot_id: "boot-3".into(),
        version: "0.2.0".into(),
        ..Setup::default()
    };
    other_version.log.push(Level::Info, "init", "another version");
    let server = restart(port, &identity, other_version).await;
    browser
        .until("document.querySelector('#notice')?.innerText.endsWith('now runs version 0.2.0.')")
        .await;
    browser.until(LIVE).await;
    assert_follows(&browser, &server.log).await;
    let unexpected: Vec<_> = browser
        .console()
        .await
        .into_iter()
        .filter(|message| !message.contains("net::ERR_"))
        .collect();
    assert_eq!(
        unexpected, [""; 0],
        "only failures to connect while the server was away"
    );
    browser.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_can_be_followed_and_searched() {
    let server = TestServer::start().await;
    server.write(300);
    let browser = Browser::start(true).await;
    open(&server, &browser).await;
    browser.until(&format!("{LIVE} && {AT_END}")).await;
    server.write(50);
    assert_follows(&browser, &server.log).await;
    browser.until(AT_END).await;

    browser
        .evaluate("document.querySelector('#log').scrollTo(0, 40)")
        .await;
    browser
        .until("document.querySelector('#follow').getAttribute('aria-pressed') === 'false'")
        .await;
    server.write(10);
    assert_follows(&browser, &server.log).await;
    assert_eq!(
        browser.evaluate("document.querySelector('#log').scrollTop").await,
        40,
        "reading is not disturbed"
    );
    browser
        .client
        .find(fantoccini::Locator::Id("follow"))
        .await
        .unwrap()
        .click()
        .await
        .unwrap();
    browser.until(AT_END).await;

    server.log.push(Level::Debug, "test", "detail");
    server.log.push(Level::Error, "test", "needle in the log");
    assert_follows(&browser, &server.log).await;
    assert_eq!(
        browser.evaluate(SHOWN).await,
        361,
        "debug is hidden as on the console"
    );
    let level = browser
        .client
        .find(fantoccini::Locator::Id("level"))
        .await
        .unwrap();
    level.select_by_value("error").await.unwrap();
    assert_eq!(browser.evaluate(SHOWN).await, 1);
    level.select_by_value("debug").await.unwrap();
    assert_eq!(browser.evaluate(SHOWN).await, 362);
    browser
        .client
        .find(fantoccini::Locator::Id("search"))
        .await
        .unwrap()
        .send_keys("NEEDLE")
        .await
        .unwrap();
    assert_eq!(browser.evaluate(SHOWN).await, 1);
    server.log.push(Level::Info, "test", "another needle");
    server.log.push(Level::Info, "test", "hay");
    assert_follows(&browser, &server.log).await;
    assert_eq!(browser.evaluate(SHOWN).await, 2);
    assert_eq!(
        browser
            .evaluate("document.querySelector('#count').innerText")
            .await,
        "2 of 364 lines"
    );
    assert_eq!(browser.console().await, [""; 0]);
    browser.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_is_live_and_the_same_as_the_server_writes() {
    let server = TestServer::start().await;
    let browser = Browser::start(true).await;
    open(&server, &browser).await;
    browser.until(LIVE).await;
    let phase = |name: &str, state, started_ms, finished_ms| Phase {
        name: name.into(),
        title: format!("Phase {name}"),
        state,
        started_ms,
        finished_ms,
    };
    server.status.send_modify(|status| {
        status.phases = vec![
            phase("one", PhaseState::Done, Some(10), Some(75_010)),
            phase("two", PhaseState::Failed, Some(75_010), Some(87_654)),
            phase("three", PhaseState::Waiting, None, None),
        ];
        status.progress = Some(Progress {
            what: "Moving trails".into(),
            done: 5 << 20,
            total: 20 << 20,
            unit: "bytes".into(),
            rate: Some(1e6),
            seconds_left: Some(15),
        });
    });
    browser
        .until("document.querySelector('#progress-text').innerText.startsWith('25 %')")
        .await;
    server.status.send_modify(|status| {
        status.health = Health::Degraded;
        status.problems = vec!["eth1 has no link".into(), "<i>no markup</i>".into()];
        status.services = vec![
            Service {
                name: "ntp".into(),
                state: ServiceState::Restarting,
                detail: "no server".into(),
            },
            Service {
                name: "web".into(),
                state: ServiceState::Healthy,
                detail: String::new(),
            },
        ];
    });
    browser
        .until("document.querySelectorAll('#services li').length === 2")
        .await;
    let live = browser.evaluate(STATUS).await;
    let parts = live.to_string();
    for part in [
        "1 min 15 s",
        "12.6 s",
        "5.0 MiB of 20.0 MiB",
        "restarting",
        "<i>no markup</i>",
        "Degraded – box",
    ] {
        assert!(parts.contains(part), "{part} is missing in {parts}");
    }
    soon(browser.client.refresh()).await.unwrap();
    browser.until(LIVE).await;
    assert_eq!(
        browser.evaluate(STATUS).await,
        live,
        "script and server say the same"
    );
    assert_eq!(
        browser
            .evaluate("document.querySelectorAll('#phases li i, #problems li i').length")
            .await,
        json!(0)
    );
    assert_eq!(browser.console().await, [""; 0]);
    browser.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_scripts_the_page_is_complete_and_reloads_itself() {
    let server = TestServer::start().await;
    server.write(5);
    let browser = Browser::start(false).await;
    open(&server, &browser).await;
    let lines = soon(browser.client.find_all(fantoccini::Locator::Css("#log .line")))
        .await
        .unwrap();
    assert_eq!(lines.len(), 5);
    assert_eq!(
        lines[4].text().await.unwrap(),
        server.log.after(4).entries[0].to_string()
    );
    let told = soon(
        browser
            .client
            .find(fantoccini::Locator::Css("#overview noscript")),
    )
    .await
    .unwrap();
    assert!(told.text().await.unwrap().contains("reloads"));
    let controls = soon(browser.client.find(fantoccini::Locator::Id("controls")))
        .await
        .unwrap();
    assert!(
        !controls.is_displayed().await.unwrap(),
        "what would not work is not shown"
    );
    server.write(1);
    let sixth = fantoccini::Locator::Css("#log [data-seq='6']");
    browser
        .client
        .wait()
        .at_most(common::BOUND)
        .for_element(sixth)
        .await
        .unwrap();
    assert_eq!(browser.console().await, [""; 0]);
    browser.stop().await;
}

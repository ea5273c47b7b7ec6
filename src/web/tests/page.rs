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
use common::{Appliance, PASSWORD, Setup, TestServer, record, soon};
use fantoccini::Locator;
use sps_bootlog::{BootLog, Level};
use sps_web::{Gate, Health, Phase, PhaseState, Progress, Service, ServiceState, TlsIdentity};

const LINES: &str = "[...document.querySelectorAll('#log .line')].map((line) => line.textContent)";
const SHOWN: &str =
    "[...document.querySelectorAll('#log .line')].filter((line) => line.checkVisibility()).length";
const LIVE: &str = "document.querySelector('#connection').dataset.state === 'live'";
const LOST: &str = "document.querySelector('#connection').dataset.state === 'lost'";
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
    let newest = log.newest();
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

/// Opens the page of a server in a new browser and waits until it follows.
async fn follow(server: &TestServer) -> Browser {
    let browser = Browser::start(true).await;
    open(server, &browser).await;
    browser.until(&format!("{LIVE} && {AT_END}")).await;
    browser
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_appears_and_follows_and_survives_a_restart_of_the_server() {
    let server = TestServer::start().await;
    let (port, identity) = (server.https.port(), server.identity.clone());
    server.write(30);
    let browser = follow(&server).await;
    assert_follows(&browser, &server.log).await;
    server.log.enter_phase("network");
    let text = "<b>no</b> markup & no \"loss\"";
    server.log.push(Level::Warning, "net", text);
    assert_follows(&browser, &server.log).await;
    assert_eq!(browser.console().await, [""; 0]);

    let log = server.log.clone();
    server.stop().await;
    browser.until(LOST).await;
    assert_eq!(
        browser.evaluate(LINES).await,
        console_lines(&log),
        "what was read stays"
    );
    log.push(Level::Info, "test", "written while nobody listened");
    let same_boot = Setup {
        log,
        ..Setup::default()
    };
    let server = restart(port, &identity, same_boot).await;
    browser.until(LIVE).await;
    server.write(3);
    assert_follows(&browser, &server.log).await;
    assert_console_of_a_restart(&browser).await;
    browser.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_boot_begins_afresh_and_another_version_brings_its_own_page() {
    let server = TestServer::start().await;
    let (port, identity) = (server.https.port(), server.identity.clone());
    server.write(30);
    let browser = follow(&server).await;
    server.stop().await;

    let other_boot = Setup {
        boot_id: "boot-2".into(),
        ..Setup::default()
    };
    other_boot.log.push(Level::Info, "init", "another boot");
    let server = restart(port, &identity, other_boot).await;
    browser
        .until(&notice("startsWith('The appliance restarted at')"))
        .await;
    assert_follows(&browser, &server.log).await;
    server.stop().await;

    let boot_id = "boot-3".into();
    let other_version = Setup {
        boot_id,
        version: "0.2.0".into(),
        ..Setup::default()
    };
    other_version.log.push(Level::Info, "init", "another version");
    let server = restart(port, &identity, other_version).await;
    browser
        .until(&notice("endsWith('now runs version 0.2.0.')"))
        .await;
    browser.until(LIVE).await;
    assert_follows(&browser, &server.log).await;
    assert_console_of_a_restart(&browser).await;
    browser.stop().await;
}

fn notice(says: &str) -> String {
    format!("document.querySelector('#notice')?.innerText.{says}")
}

/// While the server is away the browser may say that it cannot be reached, and nothing else.
async fn assert_console_of_a_restart(browser: &Browser) {
    let mut messages = browser.console().await;
    messages.retain(|message| !message.contains("net::ERR_"));
    assert_eq!(messages, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn following_stops_for_readers_and_goes_on_when_told() {
    let server = TestServer::start().await;
    server.write(300);
    let browser = follow(&server).await;
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
    let position = browser.evaluate("document.querySelector('#log').scrollTop").await;
    assert_eq!(position, 40, "reading is not disturbed");
    browser.find("#follow").await.click().await.unwrap();
    browser.until(AT_END).await;
    assert_eq!(browser.console().await, [""; 0]);
    browser.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_can_be_searched_and_narrowed_to_levels() {
    let server = TestServer::start().await;
    server.write(10);
    let browser = follow(&server).await;
    server.log.push(Level::Debug, "test", "detail");
    server.log.push(Level::Error, "test", "needle in the log");
    assert_follows(&browser, &server.log).await;
    assert_eq!(
        browser.evaluate(SHOWN).await,
        11,
        "debug is hidden as on the console"
    );
    let level = browser.find("#level").await;
    for (name, shown) in [("error", 1), ("warning", 1), ("info", 11), ("debug", 12)] {
        level.select_by_value(name).await.unwrap();
        assert_eq!(browser.evaluate(SHOWN).await, shown, "{name}");
    }
    browser.find("#search").await.send_keys("NEEDLE").await.unwrap();
    assert_eq!(browser.evaluate(SHOWN).await, 1);
    server.log.push(Level::Info, "test", "another needle");
    server.log.push(Level::Info, "test", "hay");
    assert_follows(&browser, &server.log).await;
    assert_eq!(browser.evaluate(SHOWN).await, 2);
    let count = browser
        .evaluate("document.querySelector('#count').innerText")
        .await;
    assert_eq!(count, "2 of 14 lines");
    assert_eq!(browser.console().await, [""; 0]);
    browser.stop().await;
}

fn phase(name: &str, state: PhaseState, started_ms: Option<u64>, finished_ms: Option<u64>) -> Phase {
    let (name, title) = (name.to_owned(), format!("Phase {name}"));
    Phase {
        name,
        title,
        state,
        started_ms,
        finished_ms,
    }
}

fn service(name: &str, state: ServiceState, detail: &str) -> Service {
    Service {
        name: name.into(),
        state,
        detail: detail.into(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_is_live_and_the_same_as_the_server_writes() {
    let server = TestServer::start().await;
    let browser = follow(&server).await;
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
            service("ntp", ServiceState::Restarting, "no server"),
            service("web", ServiceState::Healthy, ""),
        ];
    });
    browser
        .until("document.querySelectorAll('#services li').length === 2")
        .await;
    let live = browser.evaluate(STATUS).await;
    let all = live.to_string();
    for part in [
        "1 min 15 s",
        "12.6 s",
        "5.0 MiB of 20.0 MiB",
        "restarting",
        "<i>no",
        "Degraded – box",
    ] {
        assert!(all.contains(part), "{part} is missing in {all}");
    }
    soon(browser.client.refresh()).await.unwrap();
    browser.until(LIVE).await;
    assert_eq!(
        browser.evaluate(STATUS).await,
        live,
        "script and server say the same"
    );
    assert_eq!(
        browser.evaluate("document.querySelectorAll('li i').length").await,
        0
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
    let fifth = browser.find("#log [data-seq='5']").await;
    assert_eq!(
        fifth.text().await.unwrap(),
        server.log.after(4).entries[0].to_string()
    );
    let told = browser.find("#overview noscript").await.text().await.unwrap();
    assert!(told.contains("reloads"), "{told}");
    let controls = browser.find("#controls").await;
    assert!(
        !controls.is_displayed().await.unwrap(),
        "what would not work is not shown"
    );
    server.write(1);
    let sixth = Locator::Css("#log [data-seq='6']");
    let wait = browser.client.wait().at_most(common::BOUND);
    wait.for_element(sixth).await.unwrap();
    assert_eq!(browser.console().await, [""; 0]);
    browser.stop().await;
}

/// An appliance behind the server, and a browser with or without scripts that has logged in.
async fn logged_in(appliance: &Appliance, scripts: bool) -> (TestServer, Browser) {
    let setup = Setup {
        administration: Some(appliance.administration(Gate::new(None))),
        ..Setup::default()
    };
    let server = setup.start().await;
    let browser = Browser::start(scripts).await;
    go(&server, &browser, "/login").await;
    browser
        .find("[name=user]")
        .await
        .send_keys("admin")
        .await
        .unwrap();
    browser
        .find("[name=password]")
        .await
        .send_keys(PASSWORD)
        .await
        .unwrap();
    browser.find("main form button").await.click().await.unwrap();
    (server, browser)
}

async fn go(server: &TestServer, browser: &Browser, path: &str) {
    soon(browser.client.goto(&format!("https://{}{path}", server.https)))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_are_set_without_scripts_and_only_what_was_chosen_is_seen() {
    let appliance = Appliance::ready();
    let (server, browser) = logged_in(&appliance, false).await;
    go(&server, &browser, "/settings/policies/backup_policies").await;
    let seen = async |selector: &str| {
        let expression = format!("document.querySelector({selector:?}).checkVisibility()");
        browser.evaluate(&expression).await == true
    };
    let (share, path) = ("[name='v.target.smb.share']", "[name='v.target.nfs.path']");
    assert!(!seen(share).await && !seen(path).await, "nothing is chosen yet");
    browser.find("[value=nfs]").await.click().await.unwrap();
    assert!(!seen(share).await && seen(path).await);
    for (selector, text) in [
        ("[name=name]", "nightly"),
        ("[name='v.start']", "03:00"),
        ("[name='v.target.nfs.server']", "backup.example.net"),
        (path, "/sps"),
    ] {
        browser.find(selector).await.send_keys(text).await.unwrap();
    }
    browser.find("button[value=save]").await.click().await.unwrap();
    browser.until("location.search === '?saved=1'").await;
    let backup = {
        let cluster = appliance.cluster();
        let store = cluster.store.lock().unwrap();
        serde_json::to_value(&store.document().policies.backup["nightly"]).unwrap()
    };
    assert_eq!(backup["target"]["path"], "/sps");
    let wide = "document.documentElement.scrollWidth > window.innerWidth";
    for (width, height) in [(360, 800), (1280, 900)] {
        browser.client.set_window_size(width, height).await.unwrap();
        for page in [
            "/settings/management",
            "/settings/policies/backup_policies/nightly",
            "/settings/ssh",
        ] {
            go(&server, &browser, page).await;
            assert_eq!(browser.evaluate(wide).await, false, "{page} at {width}");
        }
    }
    let mut messages = browser.console().await;
    // Chromium would like every secret to be a login, and every login a form of its own.
    let hints = ["Password forms should have", "Multiple forms should be contained"];
    messages.retain(|message| !hints.iter().any(|hint| message.contains(hint)));
    assert_eq!(messages, [""; 0]);
    browser.stop().await;
    server.stop().await;
}

/// The search that was asked for last, and how many were.
fn searched(appliance: &Appliance) -> (usize, sps_admin::SessionSearch) {
    let asked = appliance.asked().into_iter();
    let searches: Vec<_> = asked
        .filter_map(|request| match request {
            sps_admin::Request::SessionSearch { search } => Some(*search),
            _ => None,
        })
        .collect();
    (searches.len(), searches.last().unwrap().clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_live_refresh_of_the_search_keeps_its_conditions_its_page_and_the_place() {
    let appliance = Appliance::ready();
    appliance.state.lock().unwrap().sessions = (0..300).map(record).collect();
    let (server, browser) = logged_in(&appliance, true).await;
    browser
        .until("document.body.dataset.boot && !document.querySelector('[name=password]')")
        .await;
    let address = "/search/sessions?user=alice&trail=yes&sort=target&order=rising&cursor=50";
    go(&server, &browser, address).await;
    let matching = "document.querySelector('main').innerText.match(/(\\d+) sessions match/)[1]";
    let before = browser.evaluate(matching).await;
    browser
        .find("[name=target]")
        .await
        .send_keys("db1")
        .await
        .unwrap();
    browser
        .evaluate("document.activeElement.blur() || scrollTo(0, 400)")
        .await;
    let place =
        "[location.pathname + location.search, scrollY, document.querySelector('[name=target]').value]";
    let was = browser.evaluate(place).await;
    assert_eq!(was[0], address);
    assert_eq!(
        (was[1].as_f64(), &was[2]),
        (Some(400.0), &serde_json::json!("db1"))
    );
    let (count, search) = searched(&appliance);
    assert_eq!(search.filter.gateway_user.as_deref(), Some("alice"));
    assert_eq!(
        (search.filter.has_trail, search.cursor.as_deref()),
        (Some(true), Some("50"))
    );
    // More sessions end, and something of the appliance changes.
    appliance.state.lock().unwrap().sessions = (0..420).map(record).collect();
    server
        .status
        .send_modify(|status| status.health = Health::Degraded);
    browser
        .until(&format!("{matching} !== '{}'", before.as_str().unwrap()))
        .await;
    assert_eq!(
        browser.evaluate(place).await,
        was,
        "who reads stays where they are"
    );
    let (now, again) = searched(&appliance);
    assert!(now > count);
    assert_eq!(again, search, "the same is asked for");
    assert_eq!(browser.console().await, [""; 0]);
    browser.stop().await;
    server.stop().await;
}

//! Headless Chromium, driven over WebDriver (Debian packages `chromium` and `chromium-driver`).

use std::process::Stdio;

use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

use crate::common::{BOUND, soon};

const FLAGS: [&str; 10] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--ignore-certificate-errors",
    "--window-size=1280,900",
];

/// A browser with a profile of its own; both end with it.
pub(crate) struct Browser {
    pub(crate) client: Client,
    _driver: Child,
    _profile: tempfile::TempDir,
}

impl Browser {
    pub(crate) async fn start(scripts: bool) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let (driver, port) = start_driver().await;
        let mut flags: Vec<String> = FLAGS.iter().map(ToString::to_string).collect();
        flags.push(format!("--user-data-dir={}", profile.path().display()));
        // Content setting 2 is "block".
        let preferences = match scripts {
            true => json!({}),
            false => json!({ "profile.managed_default_content_settings.javascript": 2 }),
        };
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": { "binary": "/usr/bin/chromium", "args": flags, "prefs": preferences },
            "goog:loggingPrefs": { "browser": "ALL" },
            "timeouts": { "script": BOUND.as_millis() as u64 },
        });
        let mut builder = ClientBuilder::new(hyper_util::client::legacy::connect::HttpConnector::new());
        builder.capabilities(capabilities.as_object().unwrap().clone());
        let client = soon(builder.connect(&format!("http://127.0.0.1:{port}")))
            .await
            .unwrap();
        Self {
            client,
            _driver: driver,
            _profile: profile,
        }
    }

    /// The element that a selector names.
    pub(crate) async fn find(&self, selector: &str) -> Element {
        let found = soon(self.client.find(Locator::Css(selector))).await;
        found.unwrap_or_else(|error| panic!("{selector}: {error}"))
    }

    /// Evaluates an expression in the page.
    pub(crate) async fn evaluate(&self, expression: &str) -> Value {
        let script = format!("return ({expression});");
        soon(self.client.execute(&script, vec![]))
            .await
            .unwrap_or_else(|error| panic!("{expression}: {error}"))
    }

    /// Waits until an expression is true, looking at it whenever the page changes. A page that is left meanwhile is
    /// followed to the next.
    pub(crate) async fn until(&self, expression: &str) {
        let script = format!(
            "const done = arguments[0];
             const look = () => {{ if ({expression}) {{ watch.disconnect(); done(true); }} }};
             const watch = new MutationObserver(look);
             const all = {{ subtree: true, childList: true, attributes: true, characterData: true }};
             watch.observe(document, all);
             document.addEventListener('scroll', look, true);
             look();"
        );
        let wait = async {
            loop {
                match self.client.execute_async(&script, vec![]).await {
                    Ok(_) => return,
                    Err(error) if left_the_page(&error) => {}
                    Err(error) => panic!("{expression} did not come true: {error}"),
                }
            }
        };
        if tokio::time::timeout(BOUND, wait).await.is_err() {
            panic!(
                "{expression} did not come true; the page says: {}",
                self.evaluate("document.body.innerText").await
            );
        }
    }

    /// Messages of the browser's console since the last call: errors of scripts, of the content security policy, of
    /// loading.
    pub(crate) async fn console(&self) -> Vec<String> {
        let entries = soon(self.client.issue_cmd(ConsoleLog)).await.unwrap();
        let message = |entry: &Value| entry["message"].as_str().unwrap_or_default().to_owned();
        entries.as_array().unwrap().iter().map(message).collect()
    }

    pub(crate) async fn stop(self) {
        soon(self.client.close()).await.unwrap();
    }
}

fn left_the_page(error: &CmdError) -> bool {
    let text = error.to_string();
    ["document unloaded", "script timeout"]
        .iter()
        .any(|part| text.contains(part))
}

/// Starts the driver on a port of its choice and reads which.
async fn start_driver() -> (Child, u16) {
    let mut driver = Command::new("chromedriver")
        .arg("--port=0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("chromedriver (Debian package chromium-driver): {error}"));
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
    loop {
        let line = soon(lines.next_line())
            .await
            .unwrap()
            .expect("chromedriver ended");
        if let Some((_, port)) = line.split_once("successfully on port ") {
            let port = port.trim_end_matches('.').parse().unwrap();
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return (driver, port);
        }
    }
}

/// Chromium's own WebDriver command for the console.
#[derive(Debug)]
struct ConsoleLog;

impl WebDriverCompatibleCommand for ConsoleLog {
    fn endpoint(&self, base: &url::Url, session: Option<&str>) -> Result<url::Url, url::ParseError> {
        base.join(&format!("session/{}/se/log", session.unwrap_or_default()))
    }

    fn method_and_body(&self, _url: &url::Url) -> (Method, Option<String>) {
        (Method::POST, Some(json!({ "type": "browser" }).to_string()))
    }
}

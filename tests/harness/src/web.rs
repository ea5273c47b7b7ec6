//! A browser for tests: pages and live events of a guest, over the ports QEMU forwards.
//!
//! Certificates are not checked: a fresh appliance signs its own. Redirects are not followed, so that a test
//! sees them. A guest that is not there yet is an error at once; waiting for it is the serial line's business.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use ureq::Agent;
use ureq::tls::{TlsConfig, TlsProvider};

/// Longest wait for a page: TLS under emulation takes a few hundred milliseconds on an idle machine.
const PAGE: Duration = Duration::from_secs(60);
/// Longest life of an event stream.
const STREAM: Duration = Duration::from_secs(600);
/// Largest page read.
const MAX_PAGE: u64 = 16 << 20;
/// Events read ahead of the test.
const QUEUE: usize = 1024;

/// One guest's web server.
#[derive(Debug)]
pub struct Web {
    agent: Agent,
    base: String,
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Page {
    /// Status code.
    pub status: u16,
    /// The header `Location`, empty when there is none.
    pub location: String,
    /// The body as text.
    pub body: String,
}

/// A server-sent event (HTML Standard, section 9.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Its name; empty stands for `message`.
    pub name: String,
    /// Its number, empty when it has none.
    pub id: String,
    /// Its data; several lines are joined by line feeds.
    pub data: String,
}

/// A stream of events being read.
#[derive(Debug)]
pub struct Events {
    arrived: Receiver<std::io::Result<Event>>,
}

impl Web {
    /// The server at `address`, over TLS when `tls`.
    #[must_use]
    pub fn new(address: SocketAddr, tls: bool) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let trust_all = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(provider)
            .disable_verification(true)
            .build();
        let config = Agent::config_builder()
            .tls_config(trust_all)
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .build();
        let scheme = if tls { "https" } else { "http" };
        Self {
            agent: config.into(),
            base: format!("{scheme}://{address}"),
        }
    }

    /// Fetches `path`.
    ///
    /// # Errors
    /// When there is no answer within a minute; any status is an answer.
    pub fn get(&self, path: &str) -> Result<Page> {
        self.get_as(path, "")
    }

    /// The same, with a header `Authorization`.
    ///
    /// # Errors
    /// See [`Self::get`].
    pub fn get_as(&self, path: &str, authorization: &str) -> Result<Page> {
        let url = format!("{}{path}", self.base);
        let mut request = self.agent.get(&url);
        if !authorization.is_empty() {
            request = request.header("authorization", authorization);
        }
        let request = request.config().timeout_global(Some(PAGE)).build();
        let mut answer = request.call().with_context(|| format!("fetch {url}"))?;
        let location = answer
            .headers()
            .get("location")
            .and_then(|value| value.to_str().ok());
        let location = location.unwrap_or_default().to_owned();
        let body = answer
            .body_mut()
            .with_config()
            .limit(MAX_PAGE)
            .lossy_utf8(true)
            .read_to_string();
        let body = body.with_context(|| format!("read {url}"))?;
        Ok(Page {
            status: answer.status().as_u16(),
            location,
            body,
        })
    }

    /// Fetches `path`, which must answer 200 with JSON.
    ///
    /// # Errors
    /// When it does not.
    pub fn json(&self, path: &str) -> Result<serde_json::Value> {
        let page = self.get(path)?;
        if page.status != 200 {
            bail!("{path} answered {}: {}", page.status, page.body);
        }
        serde_json::from_str(&page.body).with_context(|| format!("{path} is no JSON: {}", page.body))
    }

    /// Opens the event stream `path`; `last` is the number of the last event seen before, if any.
    ///
    /// # Errors
    /// When there is no answer within a minute or it is no event stream.
    pub fn events(&self, path: &str, last: Option<&str>) -> Result<Events> {
        let url = format!("{}{path}", self.base);
        let mut request = self.agent.get(&url).header("accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let request = request
            .config()
            .timeout_recv_response(Some(PAGE))
            .timeout_global(Some(STREAM))
            .build();
        let answer = request.call().with_context(|| format!("open {url}"))?;
        if answer.status() != 200 || answer.body().mime_type() != Some("text/event-stream") {
            bail!("{url} is no event stream: {}", answer.status());
        }
        let (send, arrived) = mpsc::sync_channel(QUEUE);
        let mut reader = EventReader(BufReader::new(answer.into_body().into_reader()));
        thread::spawn(move || {
            // Ends with the stream, or when the test no longer listens.
            while let Some(event) = reader.next()
                && send.send(event).is_ok()
            {}
        });
        Ok(Events { arrived })
    }
}

impl Events {
    /// The next event.
    ///
    /// # Errors
    /// When none comes within `timeout` or the stream ends.
    pub fn next(&self, timeout: Duration) -> Result<Event> {
        match self.arrived.recv_timeout(timeout) {
            Ok(event) => event.context("read the event stream"),
            Err(RecvTimeoutError::Timeout) => bail!("no event within {timeout:?}"),
            Err(RecvTimeoutError::Disconnected) => bail!("the event stream ended"),
        }
    }

    /// The next event that `wanted` accepts; others are skipped.
    ///
    /// # Errors
    /// When none comes within `timeout` or the stream ends.
    pub fn find(&self, timeout: Duration, wanted: impl Fn(&Event) -> bool) -> Result<Event> {
        let deadline = Instant::now() + timeout;
        loop {
            let event = self.next(deadline.saturating_duration_since(Instant::now()))?;
            if wanted(&event) {
                return Ok(event);
            }
        }
    }
}

#[derive(Debug)]
struct EventReader<R>(R);

impl<R: BufRead> EventReader<R> {
    fn next(&mut self) -> Option<std::io::Result<Event>> {
        next_event(&mut self.0)
    }
}

/// Reads up to the blank line that ends an event; an event cut off by the stream's end is dropped.
fn next_event(reader: &mut impl BufRead) -> Option<std::io::Result<Event>> {
    let mut event = Event::default();
    let mut data: Vec<String> = Vec::new();
    loop {
        let mut line = String::new();
        match reader.read_line(&mut line) {
            Ok(0) => return None,
            Ok(_) => {}
            Err(error) => return Some(Err(error)),
        }
        let line = line.trim_end_matches(['\r', '\n']);
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
        match field {
            "" if line.is_empty() && !data.is_empty() => {
                event.data = data.join("\n");
                return Some(Ok(event));
            }
            "" if line.is_empty() => event = Event::default(),
            "event" => event.name = value,
            "id" => event.id = value,
            "data" => data.push(value),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn events_have_names_numbers_and_data() {
        let text =
            "retry: 2000\n: hi\n\nevent: log\nid: 7\ndata: {\"a\":\ndata:1}\n\ndata: x\r\n\r\ndata: cut";
        let mut reader = text.as_bytes();
        let mut next = || next_event(&mut reader);
        let log = next().unwrap().unwrap();
        assert_eq!(
            (log.name.as_str(), log.id.as_str(), log.data.as_str()),
            ("log", "7", "{\"a\":\n1}")
        );
        assert_eq!(next().unwrap().unwrap().data, "x");
        assert!(next().is_none());
    }

    /// A server that answers one request with `answer` and keeps the connection until the test is over.
    fn serve(answer: &'static str) -> (Web, thread::JoinHandle<(String, TcpStream)>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let web = Web::new(listener.local_addr().unwrap(), false);
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let count = stream.read(&mut request).unwrap();
            stream.write_all(answer.as_bytes()).unwrap();
            (
                String::from_utf8_lossy(&request[..count]).to_ascii_lowercase(),
                stream,
            )
        });
        (web, server)
    }

    #[test]
    fn a_redirect_is_seen_and_not_followed() {
        let (web, _server) =
            serve("HTTP/1.1 308 Permanent Redirect\r\nLocation: https://a/\r\nContent-Length: 2\r\n\r\nhi");
        let page = web.get("/").unwrap();
        assert_eq!(
            (page.status, page.location.as_str(), page.body.as_str()),
            (308, "https://a/", "hi")
        );
    }

    #[test]
    fn a_silent_stream_is_not_waited_for() {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\nevent: log\ndata: one\n\n";
        let (web, server) = serve(head);
        let events = web.events("/events", Some("41")).unwrap();
        let (request, _open) = server.join().unwrap();
        assert!(request.contains("last-event-id: 41"), "{request}");
        assert_eq!(
            events.find(PAGE, |event| event.name == "log").unwrap().data,
            "one"
        );
        assert!(events.next(Duration::from_millis(20)).is_err());
    }
}

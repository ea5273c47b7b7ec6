//! Clients: a hyper connection, an answer, an event stream.

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::SendRequest;
use hyper::{Request, Response, StatusCode};
use serde_json::Value;

use super::server::soon;

/// A hyper connection.
pub(crate) struct Client {
    pub(crate) sender: SendRequest<Full<Bytes>>,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: hyper::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Client {
    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> Response<Incoming> {
        soon(self.sender.ready()).await.unwrap();
        soon(self.sender.send_request(request)).await.unwrap()
    }

    pub(crate) async fn open(mut self, path: &str, headers: &[(&str, &str)]) -> Response<Incoming> {
        self.send(request("GET", path, headers)).await
    }

    pub(crate) async fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.request("GET", path, headers).await
    }

    /// Sends a form as a browser does; the answer may be anything.
    pub(crate) async fn post(&mut self, path: &str, form: &str) -> (StatusCode, hyper::HeaderMap, Bytes) {
        let content = ("content-type", "application/x-www-form-urlencoded");
        let mut request = request("POST", path, &[content, ("accept", "text/html")]);
        *request.body_mut() = Full::from(form.to_owned());
        let (parts, body) = self.send(request).await.into_parts();
        let body = soon(body.collect()).await.unwrap().to_bytes();
        (parts.status, parts.headers, body)
    }

    pub(crate) async fn request(&mut self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let response = self.send(request(method, path, headers)).await;
        let (parts, body) = response.into_parts();
        let body = soon(body.collect()).await.unwrap().to_bytes();
        let text = String::from_utf8(body.to_vec()).unwrap();
        Answer {
            status: parts.status,
            headers: parts.headers,
            text,
        }
    }
}

fn request(method: &str, path: &str, headers: &[(&str, &str)]) -> Request<Full<Bytes>> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "box.example");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Full::default()).unwrap()
}

/// One server-sent event; comments have the name `comment`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) id: Option<u64>,
    pub(crate) data: Value,
}

/// An open event stream.
pub(crate) struct Events {
    body: Incoming,
    buffer: String,
}

impl Events {
    pub(crate) fn of(response: Response<Incoming>) -> Self {
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self {
            body: response.into_body(),
            buffer: String::new(),
        }
    }

    /// The next event, `None` at the end of the stream.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some((block, rest)) = self.buffer.split_once("\n\n") {
                let event = parse(block);
                self.buffer = rest.to_owned();
                return Some(event);
            }
            let frame = soon(self.body.frame()).await?.ok()?;
            self.buffer
                .push_str(std::str::from_utf8(frame.data_ref()?).unwrap());
        }
    }

    /// The next event called `name`; others are passed over.
    pub(crate) async fn next_of(&mut self, name: &str) -> Event {
        loop {
            let event = self
                .next()
                .await
                .unwrap_or_else(|| panic!("the stream ended before {name}"));
            if event.name == name {
                return event;
            }
        }
    }
}

fn parse(block: &str) -> Event {
    let mut event = Event {
        name: String::new(),
        id: None,
        data: Value::Null,
    };
    for line in block.lines() {
        match line.split_once(": ").unwrap() {
            ("event", name) => event.name = name.to_owned(),
            ("id", id) => event.id = Some(id.parse().unwrap()),
            ("data", data) => event.data = serde_json::from_str(data).unwrap(),
            ("retry", _) | ("", _) => {}
            other => panic!("unexpected line {other:?}"),
        }
    }
    event
}

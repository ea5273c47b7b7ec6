//! A server with an appliance behind it, and a person with a browser's habits.

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::{HeaderMap, Request, StatusCode};
use sps_access::Store;
use sps_web::{Gate, Health, Limits};

use crate::common::{Appliance, PASSWORD, Setup, TestServer, soon};

pub(crate) const FIRMWARES: &str = "/basic-settings/system/firmwares";
pub(crate) const UPLOAD: &str = "/basic-settings/system/firmwares/upload";

/// A server whose sessions end with it.
pub(crate) async fn start(appliance: &Appliance) -> TestServer {
    start_with(appliance, Limits::default()).await
}

/// A server with other bounds.
pub(crate) async fn start_with(appliance: &Appliance, limits: Limits) -> TestServer {
    serve(appliance, Gate::new(None), limits).await
}

/// A server that keeps its sessions in `folder`.
pub(crate) async fn start_keeping(appliance: &Appliance, folder: &std::path::Path) -> TestServer {
    serve(appliance, Gate::new(Some(Store::new(folder))), Limits::default()).await
}

async fn serve(appliance: &Appliance, gate: Gate, limits: Limits) -> TestServer {
    let setup = Setup {
        administration: Some(appliance.administration(gate)),
        limits,
        ..Setup::default()
    };
    let server = setup.start().await;
    server
        .status
        .send_modify(|status| status.health = Health::Healthy);
    server
}

/// An answer.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Page {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// Somebody with a browser: keeps its cookie and the secret of its forms.
#[derive(Clone, Debug, Default)]
pub(crate) struct Person {
    pub(crate) cookie: String,
    pub(crate) secret: String,
}

impl Person {
    /// Somebody who has logged in.
    pub(crate) async fn inside(server: &TestServer) -> Self {
        let mut person = Self::default();
        let page = person.log_in(server, PASSWORD).await;
        assert_eq!(page.status, StatusCode::SEE_OTHER, "{}", page.text);
        let page = person.get(server, FIRMWARES).await;
        person.secret = attribute(&page.text, "data-form");
        person
    }

    pub(crate) async fn log_in(&mut self, server: &TestServer, password: &str) -> Page {
        let page = self
            .post(server, "/login", &[("user", "admin"), ("password", password)])
            .await;
        if let Some(cookie) = page.headers.get("set-cookie") {
            let text = cookie.to_str().unwrap();
            self.cookie = text.split(';').next().unwrap().to_owned();
        }
        page
    }

    pub(crate) async fn get(&self, server: &TestServer, path: &str) -> Page {
        self.send(server, "GET", path, &[], "").await
    }

    /// Sends a form with the secret of this person's pages.
    pub(crate) async fn submit(&self, server: &TestServer, path: &str, fields: &[(&str, &str)]) -> Page {
        let mut all = vec![("form", self.secret.as_str())];
        all.extend_from_slice(fields);
        self.post(server, path, &all).await
    }

    pub(crate) async fn post(&self, server: &TestServer, path: &str, fields: &[(&str, &str)]) -> Page {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let headers = [("content-type", "application/x-www-form-urlencoded")];
        self.send(server, "POST", path, &headers, &body).await
    }

    pub(crate) async fn send(
        &self,
        server: &TestServer,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Page {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "box.example")
            .header("accept", "text/html");
        if !self.cookie.is_empty() {
            request = request.header("cookie", &self.cookie);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::<Bytes>::from(body.to_owned())).unwrap();
        let response = server.client().await.send(request).await;
        let (parts, body) = response.into_parts();
        let bytes = soon(body.collect()).await.unwrap().to_bytes();
        let file = parts.headers.get("content-type");
        let is_file = file.is_some_and(|kind| kind == "application/octet-stream");
        Page {
            status: parts.status,
            headers: parts.headers,
            // Of a file what is text, for a look; everything else is text.
            text: String::from_utf8(bytes.to_vec()).unwrap_or_else(|error| {
                assert!(is_file, "{error}");
                String::from_utf8_lossy(error.as_bytes()).into_owned()
            }),
        }
    }
}

/// The first value of an attribute in a page.
pub(crate) fn attribute(page: &str, name: &str) -> String {
    let from = page.split_once(&format!("{name}=\"")).map(|(_, rest)| rest);
    let value = from.and_then(|rest| rest.split_once('"')).map(|(value, _)| value);
    value.unwrap_or_else(|| panic!("no {name} in {page}")).to_owned()
}

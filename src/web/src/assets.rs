//! Style, script and icon, inside the binary, under names that change with their content.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::Uri;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::http::reply::Problem;

/// Since the name changes with the content, a browser never needs to ask again.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Bytes of the hash in the name: 64 bits tell versions apart.
const HASH_BYTES: usize = 8;

struct Asset {
    name: String,
    path: String,
    media_type: &'static str,
    content: &'static [u8],
}

static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "boot",
        "css",
        "text/css; charset=utf-8",
        include_bytes!("../assets/boot.css"),
    )
});
static SCRIPT: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "boot",
        "js",
        "text/javascript; charset=utf-8",
        include_bytes!("../assets/boot.js"),
    )
});
static ICON: LazyLock<Asset> = LazyLock::new(|| {
    Asset::new(
        "icon",
        "svg",
        "image/svg+xml",
        include_bytes!("../assets/icon.svg"),
    )
});

impl Asset {
    fn new(stem: &str, extension: &str, media_type: &'static str, content: &'static [u8]) -> Self {
        let hash: String = Sha256::digest(content)
            .iter()
            .take(HASH_BYTES)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let name = format!("{stem}-{hash}.{extension}");
        Self {
            path: format!("/assets/{name}"),
            name,
            media_type,
            content,
        }
    }
}

/// Path of the style sheet.
pub(crate) fn style() -> &'static str {
    &STYLE.path
}

/// Path of the script.
pub(crate) fn script() -> &'static str {
    &SCRIPT.path
}

/// Path of the icon.
pub(crate) fn icon() -> &'static str {
    &ICON.path
}

/// `GET` of an asset.
pub(crate) async fn asset(Path(name): Path<String>, uri: Uri) -> Response {
    let Some(asset) = [&STYLE, &SCRIPT, &ICON]
        .into_iter()
        .find(|asset| asset.name == name)
    else {
        return Problem::not_found(&uri).into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, asset.media_type),
        (header::CACHE_CONTROL, FOR_EVER),
    ];
    (headers, asset.content).into_response()
}

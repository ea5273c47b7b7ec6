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

macro_rules! asset {
    ($name:ident, $stem:literal, $extension:literal, $media_type:literal) => {
        static $name: LazyLock<Asset> = LazyLock::new(|| {
            Asset::new(
                $stem,
                $extension,
                $media_type,
                include_bytes!(concat!("../assets/", $stem, ".", $extension)),
            )
        });
    };
}

asset!(BASE_STYLE, "base", "css", "text/css; charset=utf-8");
asset!(BOOT_STYLE, "boot", "css", "text/css; charset=utf-8");
asset!(APP_STYLE, "app", "css", "text/css; charset=utf-8");
asset!(BOOT_SCRIPT, "boot", "js", "text/javascript; charset=utf-8");
asset!(APP_SCRIPT, "app", "js", "text/javascript; charset=utf-8");
asset!(ICON, "icon", "svg", "image/svg+xml");

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

/// Which pages it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pages {
    /// The boot page.
    Boot,
    /// The pages behind the login, and login and wizard.
    App,
}

impl Pages {
    /// Paths of the style sheets, in their order.
    pub(crate) fn styles(self) -> [&'static str; 2] {
        let own = match self {
            Self::Boot => &BOOT_STYLE,
            Self::App => &APP_STYLE,
        };
        [&BASE_STYLE.path, &own.path]
    }

    /// Path of the script.
    pub(crate) fn script(self) -> &'static str {
        match self {
            Self::Boot => &BOOT_SCRIPT.path,
            Self::App => &APP_SCRIPT.path,
        }
    }
}

/// Path of the icon.
pub(crate) fn icon() -> &'static str {
    &ICON.path
}

/// `GET` of an asset.
pub(crate) async fn asset(Path(name): Path<String>, uri: Uri) -> Response {
    let all = [
        &BASE_STYLE,
        &BOOT_STYLE,
        &APP_STYLE,
        &BOOT_SCRIPT,
        &APP_SCRIPT,
        &ICON,
    ];
    let Some(asset) = all.into_iter().find(|asset| asset.name == name) else {
        return Problem::not_found(&uri).into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, asset.media_type),
        (header::CACHE_CONTROL, FOR_EVER),
    ];
    (headers, asset.content).into_response()
}

//! What pages load: in the program, under names that change with the content and so may be kept for ever.

use std::sync::LazyLock;

use actix_web::HttpResponse;
use actix_web::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A file in the program.
pub struct Asset {
    stem: &'static str,
    extension: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
    hash: LazyLock<String>,
}

macro_rules! asset {
    ($(#[$doc:meta])* $name:ident, $stem:literal, $extension:literal, $content_type:literal) => {
        $(#[$doc])*
        pub static $name: Asset = Asset {
            stem: $stem,
            extension: $extension,
            content_type: $content_type,
            bytes: include_bytes!(concat!("../../../assets/", $stem, ".", $extension)),
            hash: LazyLock::new(|| {
                hash(include_bytes!(concat!("../../../assets/", $stem, ".", $extension)))
            }),
        };
    };
}

asset! {
    /// The stylesheet.
    STYLESHEET, "console", "css", "text/css; charset=utf-8"
}
asset! {
    /// The script. No page needs it.
    SCRIPT, "console", "js", "text/javascript; charset=utf-8"
}
asset! {
    /// The icon in the browser's tab.
    ICON, "icon", "svg", "image/svg+xml"
}

fn hash(bytes: &[u8]) -> String {
    let whole = digest(&SHA256, bytes);
    URL_SAFE_NO_PAD.encode(whole.as_ref().first_chunk::<9>().unwrap_or(&[0; 9]))
}

/// The asset of an address.
pub fn find(path: &str) -> Option<&'static Asset> {
    if !path.starts_with("/assets/") {
        return None;
    }
    [&STYLESHEET, &SCRIPT, &ICON].into_iter().find(|asset| asset.address() == path)
}

impl Asset {
    /// Its address.
    pub fn address(&self) -> String {
        format!("/assets/{}-{}.{}", self.stem, *self.hash, self.extension)
    }

    /// As a response.
    pub fn answer(&self, method: &str) -> HttpResponse {
        if !matches!(method, "GET" | "HEAD") {
            return HttpResponse::MethodNotAllowed().insert_header((ALLOW, "GET, HEAD")).finish();
        }
        HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, HeaderValue::from_static(self.content_type)))
            .insert_header((CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")))
            .insert_header((X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")))
            .body(self.bytes)
    }
}

//! The browser that asks: its cookies, and whether a form comes from a page of the console.
//!
//! Cookies bear the prefix `__Host-` (RFC 6265bis §4.1.3.2): sent over TLS or to this machine only, never to or from
//! another host.

use actix_web::HttpRequest;
use actix_web::http::header::{COOKIE, HeaderMap, ORIGIN, USER_AGENT};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::ids;
use crate::model::Slug;

use super::answer::Flash;
use super::refusal::Refusal;

/// The signed-in session.
pub const SESSION: &str = "__Host-muster-session";
/// What a browser is marked with before anybody signs in.
const MARK: &str = "__Host-muster-browser";
/// What the next page is to say.
const FLASH: &str = "__Host-muster-said";
/// The theme somebody chose.
const THEME: &str = "__Host-muster-theme";
/// An attempt to sign in by an identity provider.
const ATTEMPT: &str = "__Host-muster-attempt";
/// The organization somebody signed in to last, by its identity provider.
const ORGANIZATION: &str = "__Host-muster-organization";

/// What is known of a browser.
#[derive(Debug, Clone)]
pub struct Browser {
    /// The secret of its session.
    pub session: Option<String>,
    /// What it is marked with.
    pub mark: String,
    /// Whether it was marked just now, and must be told.
    newly_marked: bool,
    /// What it is to be told once.
    pub flash: Option<Flash>,
    /// `light`, `dark` or `auto`.
    pub theme: &'static str,
    /// What it calls itself.
    pub client: String,
    /// An attempt to sign in that is under way.
    pub attempt: Option<String>,
    /// The slug of the organization it signed in to last.
    pub organization: Option<Slug>,
    /// Whether a page of another site has led it here.
    pub is_led: bool,
}

impl Browser {
    /// Reads what a request tells.
    pub fn of(request: &HttpRequest) -> Self {
        let cookie = |name: &str| cookie(request.headers(), name);
        let known = cookie(MARK).filter(|mark| mark.len() == 43 && URL_SAFE_NO_PAD.decode(mark).is_ok());
        let newly_marked = known.is_none();
        let fresh = || ids::random::<32>().map(|bytes| URL_SAFE_NO_PAD.encode(bytes)).unwrap_or_default();
        let client = request.headers().get(USER_AGENT).and_then(|value| value.to_str().ok());
        Self {
            session: cookie(SESSION),
            mark: known.unwrap_or_else(fresh),
            newly_marked,
            flash: cookie(FLASH).and_then(|text| Flash::read(&text)),
            theme: theme(cookie(THEME).as_deref().unwrap_or_default()),
            client: client.unwrap_or_default().to_owned(),
            attempt: cookie(ATTEMPT),
            organization: cookie(ORGANIZATION).and_then(|text| text.parse().ok()),
            is_led: request
                .headers()
                .get("sec-fetch-site")
                .is_some_and(|site| site == "cross-site" || site == "same-site"),
        }
    }

    /// The token of forms before anybody signs in.
    pub fn form_token(&self) -> String {
        let marked = [b"form of ".as_slice(), self.mark.as_bytes()].concat();
        URL_SAFE_NO_PAD.encode(digest(&SHA256, &marked))
    }

    /// A form must come from a page of the console: what the browser says of its origin is compared with the public URL.
    ///
    /// # Errors
    /// 403.
    pub fn require_same_origin(headers: &HeaderMap, public_url: &str) -> Result<(), Refusal> {
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
        let ours = url::Url::parse(public_url).map(|url| url.origin().ascii_serialization()).unwrap_or_default();
        let site = text("sec-fetch-site");
        let origin = headers.get(ORIGIN).map(|value| value.to_str().unwrap_or("unreadable"));
        let site_fits = site.is_none_or(|site| site == "same-origin" || site == "none");
        let origin_fits = origin.is_none_or(|origin| origin == ours);
        // A browser that says neither is none.
        if site_fits && origin_fits && (site.is_some() || origin.is_some()) {
            return Ok(());
        }
        Err(Refusal::ForeignForm)
    }

    /// The cookie that marks a browser that was not marked yet.
    pub fn marking(&mut self) -> Option<SetCookie> {
        std::mem::take(&mut self.newly_marked).then(|| SetCookie::lasting(MARK, &self.mark))
    }
}

/// The value of a cookie (RFC 6265 §4.2.1). Of several of one name none counts: one of them is not ours.
fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let texts = headers.get_all(COOKIE).filter_map(|value| value.to_str().ok());
    let pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut values = pairs.filter(|(given, _)| *given == name).map(|(_, value)| value);
    let value = values.next()?;
    values.next().is_none().then(|| value.to_owned())
}

/// The value of a header `Set-Cookie` (RFC 6265 §4.1).
#[derive(Debug)]
pub struct SetCookie(String);

impl SetCookie {
    /// Until the browser is closed. `value` is of base64url or a word.
    fn lasting(name: &str, value: &str) -> Self {
        Self(format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax"))
    }

    fn for_a_year(name: &str, value: &str) -> Self {
        let Self(cookie) = Self::lasting(name, value);
        Self(format!("{cookie}; Max-Age=31536000"))
    }

    fn gone(name: &str) -> Self {
        Self(format!("{name}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0"))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A theme by its name; by the system where it is none.
pub fn theme(name: &str) -> &'static str {
    match name {
        "light" => "light",
        "dark" => "dark",
        _ => "auto",
    }
}

/// Whether a form bears the token expected; takes the same time whichever byte differs.
pub fn is_token(given: &str, expected: &str) -> bool {
    !expected.is_empty() && verify_slices_are_equal(given.as_bytes(), expected.as_bytes()).is_ok()
}

/// The cookie of a session.
pub fn session_cookie(secret: &str) -> SetCookie {
    SetCookie::lasting(SESSION, secret)
}

/// Takes the cookie of a session away.
pub fn no_session() -> SetCookie {
    SetCookie::gone(SESSION)
}

/// What the next page is to say.
pub fn flash_cookie(flash: &Flash) -> SetCookie {
    SetCookie::lasting(FLASH, &flash.text())
}

/// It was said.
pub fn no_flash() -> SetCookie {
    SetCookie::gone(FLASH)
}

/// The theme, for a year.
pub fn theme_cookie(theme: &'static str) -> SetCookie {
    SetCookie::for_a_year(THEME, theme)
}

/// An attempt to sign in.
pub fn attempt_cookie(sealed: &str) -> SetCookie {
    SetCookie::lasting(ATTEMPT, sealed)
}

/// It is over.
pub fn no_attempt() -> SetCookie {
    SetCookie::gone(ATTEMPT)
}

/// The organization somebody signed in to, for a year.
pub fn organization_cookie(slug: &str) -> SetCookie {
    SetCookie::for_a_year(ORGANIZATION, slug)
}

//! What a page answers.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HeaderValue, LOCATION, REFRESH, SET_COOKIE};
use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::browser::{self, Browser, SetCookie};
use super::refusal::Refusal;

/// Said once, on the next page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flash {
    /// `ok`, `warn` or `bad`.
    pub tone: &'static str,
    /// The sentence.
    pub text: String,
}

/// The longest sentence that fits into a cookie, in characters.
const FLASH_CHARACTERS: usize = 600;

impl Flash {
    /// Something was done.
    pub fn done(text: impl Into<String>) -> Self {
        Self { tone: "ok", text: text.into() }
    }

    /// Something was done in part, or needs a look.
    pub fn mind(text: impl Into<String>) -> Self {
        Self { tone: "warn", text: text.into() }
    }

    /// As it stands in a cookie.
    pub fn text(&self) -> String {
        let text: String = self.text.chars().take(FLASH_CHARACTERS).collect();
        URL_SAFE_NO_PAD.encode(format!("{} {text}", self.tone))
    }

    /// Reads a cookie.
    pub fn read(text: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let (tone, text) = text.split_once(' ')?;
        let tone = ["ok", "warn", "bad"].into_iter().find(|known| *known == tone)?;
        Some(Self { tone, text: text.to_owned() })
    }
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    status: StatusCode,
    body: String,
    location: Option<String>,
    download: Option<(String, &'static str)>,
    cookies: Vec<SetCookie>,
    /// After how many seconds the browser looks again.
    again: Option<u32>,
    /// Whether what was to be said once was said by this answer.
    says_flash: bool,
}

impl Answer {
    /// A page.
    ///
    /// # Errors
    /// A fault if it cannot be rendered.
    pub fn page(template: &impl Template) -> Result<Self, Refusal> {
        Self::page_with(StatusCode::OK, template)
    }

    /// A page that says a form cannot be carried out as it is.
    ///
    /// # Errors
    /// A fault if it cannot be rendered.
    pub fn invalid(template: &impl Template) -> Result<Self, Refusal> {
        Self::page_with(StatusCode::UNPROCESSABLE_ENTITY, template)
    }

    /// A page with a status of its own.
    ///
    /// # Errors
    /// A fault if it cannot be rendered.
    pub fn page_with(status: StatusCode, template: &impl Template) -> Result<Self, Refusal> {
        let body = template.render().map_err(|error| {
            tracing::error!(error = %error, "a page cannot be rendered");
            Refusal::Fault
        })?;
        Ok(Self { status, body, location: None, download: None, cookies: Vec::new(), again: None, says_flash: true })
    }

    /// To another page: what a form answers.
    pub fn see_other(location: impl Into<String>) -> Self {
        Self {
            status: StatusCode::SEE_OTHER,
            body: String::new(),
            location: Some(location.into()),
            download: None,
            cookies: Vec::new(),
            again: None,
            says_flash: false,
        }
    }

    /// A file to be kept.
    pub fn download(name: impl Into<String>, content_type: &'static str, body: String) -> Self {
        Self {
            status: StatusCode::OK,
            body,
            location: None,
            download: Some((name.into(), content_type)),
            cookies: Vec::new(),
            again: None,
            says_flash: false,
        }
    }

    /// Besides looks again after so many seconds, script or none.
    #[must_use]
    pub const fn looking_again(mut self, seconds: u32) -> Self {
        self.again = Some(seconds);
        self
    }

    /// Besides says this on the next page.
    #[must_use]
    pub fn saying(self, flash: &Flash) -> Self {
        self.with(browser::flash_cookie(flash))
    }

    /// Besides sets this cookie.
    #[must_use]
    pub fn with(mut self, cookie: SetCookie) -> Self {
        self.cookies.push(cookie);
        self
    }

    /// As a response.
    pub fn into_response(self, browser: &mut Browser) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        if let Some(location) = self.location {
            response.insert_header((LOCATION, location));
        }
        if let Some((name, content_type)) = self.download {
            let plain: String = name.chars().filter(|c| c.is_ascii_alphanumeric() || "-._".contains(*c)).collect();
            response.insert_header((CONTENT_TYPE, HeaderValue::from_static(content_type)));
            response.insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{plain}\"")));
        }
        if let Some(seconds) = self.again {
            response.insert_header((REFRESH, seconds.to_string()));
        }
        for cookie in self.cookies.into_iter().chain(browser.marking()) {
            response.append_header((SET_COOKIE, cookie.as_str()));
        }
        if self.says_flash && browser.flash.is_some() {
            response.append_header((SET_COOKIE, browser::no_flash().as_str()));
        }
        response.body(self.body)
    }
}

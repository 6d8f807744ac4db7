//! What is answered when something is refused: a page that says what happened and what to do.

use actix_web::http::StatusCode;
use askama::Template;

use crate::scim::ScimError;
use crate::service::ServiceError;
use crate::service::administration::AdministrationError;

use super::answer::Answer;
use super::browser;
use super::frame::Frame;

/// Why a page is not shown or a form not carried out.
#[derive(Debug)]
pub enum Refusal {
    /// There is nothing at this address, or nothing this visitor may know of.
    NotFound,
    /// The address is asked by another method.
    WrongMethod,
    /// Nobody is signed in.
    SignIn,
    /// Signed in too long ago for this; where to do it again, if that is known.
    SignInAgain(Option<String>),
    /// A right is missing.
    Forbidden,
    /// The form comes from another site.
    ForeignForm,
    /// The form's token is not the browser's.
    StaleForm,
    /// The form is too large.
    TooLarge,
    /// The request makes no sense.
    Bad(String),
    /// The use case refuses.
    Refused(StatusCode, String),
    /// It cannot be done or judged now.
    Unavailable,
    /// A fault of this server.
    Fault,
}

impl Refusal {
    /// A request that makes no sense.
    pub fn bad(text: impl Into<String>) -> Self {
        Self::Bad(text.into())
    }

    /// What a use case says, if it is about what was asked and not about the server: to be shown beside the form.
    ///
    /// # Errors
    /// Itself, for everything else.
    pub fn about_the_form(self) -> Result<String, Self> {
        match self {
            Self::Refused(status, text) if status.is_client_error() && status != StatusCode::NOT_FOUND => Ok(text),
            other => Err(other),
        }
    }

    /// Whether it says that something was changed by somebody else meanwhile.
    pub fn is_stale(&self) -> bool {
        matches!(self, Self::Refused(StatusCode::PRECONDITION_FAILED, _))
    }

    fn told(&self) -> (StatusCode, &'static str, String, &'static str) {
        let text = str::to_owned;
        match self {
            Self::NotFound => (
                StatusCode::NOT_FOUND,
                "There is nothing here",
                text("The address may be mistyped, or what it led to is gone, or it is not yours to see."),
                "Go to the start page and look from there.",
            ),
            Self::WrongMethod => (
                StatusCode::METHOD_NOT_ALLOWED,
                "This page cannot be asked that way",
                text("It is the answer to a form, or a page without one."),
                "Go to the start page and look from there.",
            ),
            Self::SignIn => (StatusCode::SEE_OTHER, "Sign in", String::new(), ""),
            Self::SignInAgain(_) => (
                StatusCode::FORBIDDEN,
                "Sign in again to do this",
                text("Tokens, mappings and exports need a sign-in of the last 30 minutes. Yours is older."),
                "Sign in again and come back here. Nothing was changed.",
            ),
            Self::Forbidden => (
                StatusCode::FORBIDDEN,
                "This needs a right you do not have",
                text("You are signed in, but your roles do not allow this. Nothing was changed."),
                "Ask an administrator of this organization for the role, or open your own profile.",
            ),
            Self::ForeignForm => (
                StatusCode::FORBIDDEN,
                "This form did not come from the console",
                text("The browser says it was sent by another site, or does not say from where. Nothing was changed."),
                "Open the page here and send the form from it.",
            ),
            Self::StaleForm => (
                StatusCode::FORBIDDEN,
                "This form is from another sign-in",
                text("You signed in or out since the page was opened. Nothing was changed."),
                "Go back, load the page again and repeat what you entered.",
            ),
            Self::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "This form is too large",
                text("At most 5 MiB are taken at once. Nothing was changed."),
                "Send it in several parts.",
            ),
            Self::Bad(problem) => (
                StatusCode::BAD_REQUEST,
                "This cannot be read",
                problem.clone(),
                "Go back and try again. Nothing was changed.",
            ),
            Self::Refused(StatusCode::NOT_FOUND, problem) => {
                (StatusCode::NOT_FOUND, "There is nothing here", sentence(problem), "Go back and look again.")
            }
            Self::Refused(status, problem) => {
                (*status, "This was refused", sentence(problem), "Go back and change it. Nothing was changed.")
            }
            Self::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                "This cannot be done right now",
                text("The server cannot reach its database, or may be behind and does not guess."),
                "Wait a moment and load the page again.",
            ),
            Self::Fault => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "Something went wrong on the server",
                text("It was written to the server's log under the request's number, in the header X-Request-Id."),
                "Try again; if it happens again, tell whoever runs this server.",
            ),
        }
    }

    /// As an answer. `frame` is what stands around it, without a title; `start` where to begin again, empty for nowhere in
    /// particular.
    pub fn answer(&self, mut frame: Frame, start: &str) -> Answer {
        if matches!(self, Self::SignIn) {
            return Answer::see_other("/sign-in").with(browser::no_session());
        }
        let (status, title, problem, next) = self.told();
        title.clone_into(&mut frame.title);
        let again = if let Self::SignInAgain(Some(again)) = self { again.clone() } else { String::new() };
        let start = if start.is_empty() { "/".to_owned() } else { start.to_owned() };
        let page = RefusalPage { frame, problem, next, again, start };
        Answer::page_with(status, &page).unwrap_or_else(|_fault| Answer::see_other("/"))
    }
}

/// The text of an error as a sentence. What it says to whoever sits at a command line is left out: in a browser nobody does.
pub fn sentence(text: &str) -> String {
    let mut parts: Vec<&str> = text.split("; ").collect();
    while parts.len() > 1 && parts.last().is_some_and(|part| part.contains("`muster ")) {
        parts.pop();
    }
    let text = parts.join("; ");
    let mut letters = text.chars();
    let first: String = letters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    let end = if text.ends_with(['.', '?', '!']) { "" } else { "." };
    format!("{first}{}{end}", letters.as_str())
}

#[derive(Template)]
#[template(path = "refusal.html")]
struct RefusalPage {
    frame: Frame,
    problem: String,
    next: &'static str,
    /// Where to sign in again; empty for nowhere.
    again: String,
    /// Where to begin.
    start: String,
}

impl Refusal {
    /// Whether what was asked for is not there.
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound | Self::Refused(StatusCode::NOT_FOUND, _))
    }
}

impl From<ServiceError> for Refusal {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Scim(error) => error.into(),
            ServiceError::Unauthorized => Self::SignIn,
            ServiceError::Unavailable(why) => {
                tracing::warn!(error = %why, "not available");
                Self::Unavailable
            }
            ServiceError::Internal(why) => {
                tracing::error!(error = %why, "internal fault");
                Self::Fault
            }
        }
    }
}

impl From<ScimError> for Refusal {
    fn from(error: ScimError) -> Self {
        let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::BAD_REQUEST);
        Self::Refused(status, error.to_string())
    }
}

impl From<AdministrationError> for Refusal {
    fn from(error: AdministrationError) -> Self {
        ServiceError::from(error).into()
    }
}

#[cfg(test)]
mod tests {
    use super::sentence;

    #[test]
    fn a_sentence_names_things_and_no_commands() {
        assert_eq!(sentence("there is no user `kim`; `muster user list` shows them"), "There is no user `kim`.");
        assert_eq!(sentence("no connection yet; make one with `muster connection create`"), "No connection yet.");
        assert_eq!(sentence("it is gone; ask an administrator"), "It is gone; ask an administrator.");
        assert_eq!(sentence("really?"), "Really?");
    }
}

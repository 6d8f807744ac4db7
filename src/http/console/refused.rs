//! The page of a link, or of a sign-in, that leads nowhere.

use actix_web::http::StatusCode;
use askama::Template;

use super::answer::Answer;
use super::frame::Frame;
use super::refusal::Refusal;
use super::visit::Visit;

#[derive(Template)]
#[template(path = "console/link_refused.html")]
struct RefusedPage {
    frame: Frame,
    problem: &'static str,
    next: &'static str,
}

/// The status, then what the page says: its title, why, and what to do.
pub(super) type Words = (StatusCode, &'static str, &'static str, &'static str);

/// Says so.
pub(super) fn page(visit: &Visit, (status, title, problem, next): Words) -> Result<Answer, Refusal> {
    Answer::page_with(status, &RefusedPage { frame: visit.frame(title, "").alone(), problem, next })
}

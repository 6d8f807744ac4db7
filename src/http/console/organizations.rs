//! The organizations somebody belongs to.

use askama::Template;

use super::answer::Answer;
use super::frame::Frame;
use super::refusal::Refusal;
use super::route::{Needs, Page};
use super::visit::Visit;

pub(super) const PAGES: &[Page] = &[Page::get("/o", Needs::SignIn, list)];

#[derive(Template)]
#[template(path = "console/organizations.html")]
struct OrganizationsPage {
    frame: Frame,
    organizations: Vec<Line>,
}

struct Line {
    name: String,
    slug: String,
    is_recovery: bool,
}

fn list(visit: &Visit) -> Result<Answer, Refusal> {
    let belongings = &visit.signed_in()?.belongings;
    let organizations = belongings
        .iter()
        .map(|one| Line { name: one.name.clone(), slug: one.slug.clone(), is_recovery: one.user.is_none() })
        .collect();
    Answer::page(&OrganizationsPage { frame: visit.frame("Your organizations", "").wide(), organizations })
}

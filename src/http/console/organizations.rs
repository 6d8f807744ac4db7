//! The organizations somebody belongs to; a new one, made by a recovery administrator; what one is called.

use askama::Template;

use crate::model::{Name, Slug};

use super::answer::{Answer, Flash};
use super::frame::Frame;
use super::refusal::{Refusal, sentence};
use super::route::{Needs, Page};
use super::visit::Visit;

pub(super) const PAGES: &[Page] = &[
    Page::get("/o", Needs::SignIn, list),
    Page::post("/o", Needs::SignIn, create),
    Page::post("/o/{organization}/settings/name", Needs::Right("organization:manage-connections"), rename),
];

#[derive(Template)]
#[template(path = "console/organizations.html")]
struct OrganizationsPage {
    frame: Frame,
    organizations: Vec<Line>,
    /// Whether another can be made: only whoever has the way back into one makes others.
    may_create: bool,
    new_name: String,
    new_slug: String,
    problem: String,
}

struct Line {
    name: String,
    slug: String,
    is_recovery: bool,
}

fn page(visit: &Visit, (name, slug): (&str, &str), problem: String) -> Result<OrganizationsPage, Refusal> {
    let belongings = &visit.signed_in()?.belongings;
    let title = if problem.is_empty() { "Your organizations" } else { "Error: Your organizations" };
    Ok(OrganizationsPage {
        organizations: belongings
            .iter()
            .map(|one| Line { name: one.name.clone(), slug: one.slug.clone(), is_recovery: one.user.is_none() })
            .collect(),
        may_create: belongings.iter().any(|one| one.user.is_none()),
        frame: visit.frame(title, "").wide(),
        new_name: name.to_owned(),
        new_slug: slug.to_owned(),
        problem,
    })
}

fn list(visit: &Visit) -> Result<Answer, Refusal> {
    Answer::page(&page(visit, ("", ""), String::new())?)
}

fn create(visit: &Visit) -> Result<Answer, Refusal> {
    let signed_in = visit.signed_in()?;
    let Some(home) = signed_in.belongings.iter().find(|one| one.user.is_none()) else { return Err(Refusal::Forbidden) };
    if !visit.services.is_fresh(&signed_in.session) {
        return Err(Refusal::SignInAgain(None));
    }
    let given = (visit.form.text("name")?, visit.form.text("slug")?);
    let refused = |problem: &str| Answer::invalid(&page(visit, given, sentence(problem))?);
    let slug: Slug = match given.1.parse() {
        Ok(slug) => slug,
        Err(error) => return refused(&format!("the address: {error}")),
    };
    let name: Name = match if given.0.is_empty() { Ok(Name::from(slug.clone())) } else { given.0.parse() } {
        Ok(name) => name,
        Err(error) => return refused(&format!("the name: {error}")),
    };
    let caller = visit.caller_in(home.organization)?;
    let made = visit.services.administration(&caller).create_organization_of(&slug, &name, signed_in.account.id);
    match made {
        Ok(made) => Ok(Answer::see_other(format!("/o/{}", made.slug))
            .saying(&Flash::done(format!("{} was made. Connect an identity provider, or invite people.", made.name)))),
        Err(error) => refused(&Refusal::from(error).about_the_form()?),
    }
}

fn rename(visit: &Visit) -> Result<Answer, Refusal> {
    let back = visit.address("/settings")?;
    let name: Name = match visit.form.text("name")?.parse() {
        Ok(name) => name,
        Err(error) => return Err(Refusal::bad(sentence(&format!("the name: {error}")))),
    };
    let before = visit.form.text("before")?;
    visit.administration()?.rename_organization(visit.organization()?, before, &name)?;
    Ok(Answer::see_other(back).saying(&Flash::done(format!("The organization is called {name} now."))))
}

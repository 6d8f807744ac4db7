//! Light or dark.

use super::answer::Answer;
use super::browser;
use super::refusal::Refusal;
use super::route::{self, Needs, Page};
use super::visit::Visit;

pub(super) const PAGES: &[Page] = &[Page::post("/theme", Needs::Nothing, choose)];

fn choose(visit: &Visit) -> Result<Answer, Refusal> {
    let back = visit.form.text("back")?;
    // A page of the console that can be looked at, never another site's nor the answer to a form.
    let path = back.split('?').next().unwrap_or_default();
    let is_plain = back.chars().all(|letter| letter.is_ascii_graphic() && letter != '\\');
    let ours =
        is_plain && back.starts_with('/') && !back.starts_with("//") && matches!(route::find("GET", path), Ok(Some(_)));
    let theme = browser::theme_cookie(browser::theme(visit.form.text("theme")?));
    Ok(Answer::see_other(if ours { back } else { "/" }).with(theme))
}

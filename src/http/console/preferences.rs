//! Light or dark.

use super::answer::Answer;
use super::browser;
use super::refusal::Refusal;
use super::route::{Needs, Page};
use super::visit::Visit;

pub(super) const PAGES: &[Page] = &[Page::post("/theme", Needs::Nothing, choose)];

fn choose(visit: &Visit) -> Result<Answer, Refusal> {
    let back = visit.form.text("back")?;
    // An address of the console, never another site's.
    let ours = super::is_meant(back) && !back.starts_with("//") && !back.contains('\\');
    let theme = browser::theme_cookie(browser::theme(visit.form.text("theme")?));
    Ok(Answer::see_other(if ours { back } else { "/" }).with(theme))
}

//! The table of pages, and who may see which.

use std::borrow::Cow;

use super::super::path::segments;
use super::PAGES;
use super::answer::Answer;
use super::refusal::Refusal;
use super::visit::Visit;

/// What a page does with a visit.
pub type Handler = fn(&Visit) -> Result<Answer, Refusal>;

/// What a page is asked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// It is looked at; nothing changes.
    Get,
    /// A form of it is sent.
    Post,
}

/// Who may see a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needs {
    /// Anybody.
    Nothing,
    /// Whoever is signed in.
    SignIn,
    /// Whoever is signed in and belongs to the organization the address names.
    Member,
    /// A member with this permission of administration.
    Right(&'static str),
    /// A member with this permission who signed in a short while ago: for what is grave.
    Fresh(&'static str),
}

/// A page, or a form of it.
pub struct Page {
    /// By what it is asked.
    pub method: Method,
    /// Its address; `{organization}` and other names in braces stand for one segment each.
    pub path: &'static str,
    /// Who may see it.
    pub needs: Needs,
    /// What it does.
    pub handle: Handler,
}

impl Page {
    /// A page to look at.
    pub const fn get(path: &'static str, needs: Needs, handle: Handler) -> Self {
        Self { method: Method::Get, path, needs, handle }
    }

    /// A form.
    pub const fn post(path: &'static str, needs: Needs, handle: Handler) -> Self {
        Self { method: Method::Post, path, needs, handle }
    }
}

/// Finds the page of a path as sent, with the values of the names in braces.
///
/// # Errors
/// 405 where there is a page, asked by another method.
pub fn find(method: &str, path: &str) -> Result<Option<(&'static Page, Vec<String>)>, Refusal> {
    let Some(segments) = segments(path) else { return Ok(None) };
    // No name holds it, and PostgreSQL does not even look for one that does.
    if segments.iter().any(|segment| segment.contains('\0')) {
        return Ok(None);
    }
    let all = PAGES.iter().copied().flatten();
    let there: Vec<_> = all.filter_map(|page| Some((page, values(page.path, &segments)?))).collect();
    let sought = match method {
        "GET" | "HEAD" => Some(Method::Get),
        "POST" => Some(Method::Post),
        _ => None,
    };
    if there.is_empty() {
        return Ok(None);
    }
    let fitting = there.into_iter().filter(|(page, _)| Some(page.method) == sought);
    // A path that names more of its segments stands before one that takes them for values.
    fitting.min_by_key(|(_, values)| values.len()).map(Some).ok_or(Refusal::WrongMethod)
}

/// The values in a path, if it is of this pattern.
fn values(pattern: &str, path: &[Cow<'_, str>]) -> Option<Vec<String>> {
    let wanted: Vec<&str> = pattern.split('/').filter(|segment| !segment.is_empty()).collect();
    if wanted.len() != path.len() {
        return None;
    }
    let mut values = Vec::new();
    for (wanted, given) in wanted.into_iter().zip(path) {
        if wanted.starts_with('{') {
            values.push(given.clone().into_owned());
        } else if wanted != given {
            return None;
        }
    }
    Some(values)
}

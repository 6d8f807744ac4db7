//! Things known by a name instead of an id: in paths, and in lists paged by name.

use std::fmt::Display;
use std::str::FromStr;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use utoipa::ToSchema;

use super::answer::Reply;
use super::call::Call;
use super::page::{Page, Paging};
use super::problem::Problem;

/// The name at a place of the path, of something that is there.
///
/// # Errors
/// 404: what can be no such name names nothing.
pub fn of<T: FromStr>(call: &Call, place: usize) -> Result<T, Problem> {
    call.id(place)
}

/// The name at a place of the path, of something that is to be there.
///
/// # Errors
/// 400 for a text that can be no such name.
pub fn wanted<T: FromStr<Err: Display>>(call: &Call, place: usize) -> Result<T, Problem> {
    read(call.ids.get(place).map_or("", String::as_str))
}

/// Reads a name, or anything else that stands in a body as text.
///
/// # Errors
/// 400.
pub fn read<T: FromStr<Err: Display>>(text: &str) -> Result<T, Problem> {
    text.parse().map_err(|error: T::Err| Problem::bad_request(error.to_string()))
}

/// The same where nothing may be said.
///
/// # Errors
/// 400.
pub fn read_optional<T: FromStr<Err: Display>>(text: Option<&str>) -> Result<Option<T>, Problem> {
    text.map(read).transpose()
}

/// Which part of a list in the order of names is asked for, read.
pub struct Stretch {
    /// What comes after this name; empty, which nothing is called, at first.
    pub after: String,
    limit: usize,
    binding: Vec<u8>,
}

impl Stretch {
    /// Reads `limit` and `cursor`.
    ///
    /// # Errors
    /// 400, and for the cursor of another list.
    pub fn read(call: &Call, list: &str) -> Result<Self, Problem> {
        let asked: Paging = call.query()?;
        let limit = super::page::limit(asked.limit.as_deref())?;
        let binding = binding(call, list);
        let after = match asked.cursor.as_deref() {
            None => String::new(),
            Some(cursor) => after(&binding, cursor).ok_or_else(super::page::foreign_cursor)?,
        };
        Ok(Self { after, limit, binding })
    }

    /// How many to read: one more than are shown tells whether there is another page.
    pub const fn rows(&self) -> usize {
        self.limit.saturating_add(1)
    }

    /// The page, of at most one item more than fit on it.
    ///
    /// # Errors
    /// A fault, if it cannot be written as JSON.
    pub fn page<T: Serialize + ToSchema>(
        &self,
        mut items: Vec<T>,
        name: impl Fn(&T) -> &str,
    ) -> Result<Reply, Problem> {
        let more = items.len() > self.limit;
        items.truncate(self.limit);
        let last = items.last().filter(|_| more);
        let next_cursor = last.map(|last| URL_SAFE_NO_PAD.encode([&self.binding, name(last).as_bytes()].concat()));
        Reply::ok(&Page { items, next_cursor })
    }
}

/// The page that is asked for, of a list in the order of names and short enough to be held in memory as a whole.
///
/// # Errors
/// 400.
pub fn page<T: Serialize + ToSchema>(
    call: &Call,
    list: &str,
    mut all: Vec<T>,
    name: impl Fn(&T) -> &str,
) -> Result<Reply, Problem> {
    let stretch = Stretch::read(call, list)?;
    all.retain(|one| name(one) > stretch.after.as_str());
    stretch.page(all, name)
}

fn after(binding: &[u8], cursor: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    String::from_utf8(bytes.strip_prefix(binding)?.to_vec()).ok()
}

fn binding(call: &Call, list: &str) -> Vec<u8> {
    let named = [call.organization().as_bytes().as_slice(), list.as_bytes()].concat();
    digest(&SHA256, &named).as_ref().iter().take(8).copied().collect()
}

/// The entity tag of something that has no version of its own: it changes with what is shown.
///
/// # Errors
/// A fault, if it cannot be written as JSON.
pub fn tag(shown: &impl Serialize) -> Result<String, Problem> {
    let text = serde_json::to_string(shown).map_err(|error| Problem::Fault(error.to_string()))?;
    let bytes: Vec<u8> = digest(&SHA256, text.as_bytes()).as_ref().iter().take(12).copied().collect();
    Ok(format!("W/\"{}\"", URL_SAFE_NO_PAD.encode(bytes)))
}

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
    let asked: Paging = call.query()?;
    let limit = super::page::limit(asked.limit.as_deref())?;
    if let Some(cursor) = asked.cursor.as_deref() {
        let after = after(call, list, cursor).ok_or_else(super::page::foreign_cursor)?;
        all.retain(|one| name(one) > after.as_str());
    }
    let more = all.len() > limit;
    all.truncate(limit);
    let last = all.last().filter(|_| more);
    let next_cursor = last.map(|last| URL_SAFE_NO_PAD.encode([&binding(call, list), name(last).as_bytes()].concat()));
    Reply::ok(&Page { items: all, next_cursor })
}

fn after(call: &Call, list: &str, cursor: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let name = bytes.strip_prefix(binding(call, list).as_slice())?;
    String::from_utf8(name.to_vec()).ok()
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

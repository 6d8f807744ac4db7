//! The people of an organization, page by page, narrowed by words and standing.

use serde_json::Value;

use crate::db::users;
use crate::model::{Caller, ResourceId, fold, limits};
use crate::service::{ServiceError, Services};

use super::{Person, Standing, managers};

/// Rows read in one statement.
const BATCH: usize = 500;

/// Whom to look for.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// Part of the userName, of a name or of an e-mail address, in any letter case.
    pub text: Option<String>,
    /// Only those of this standing.
    pub standing: Option<Standing>,
}

/// A page of what was found.
#[derive(Debug)]
pub struct Found<T> {
    /// In the order of their ids, which is that of their creation.
    pub items: Vec<T>,
    /// Where to go on, if there may be more.
    pub next: Option<ResourceId>,
}

impl Search {
    fn finds(&self, person: &Person, folded: Option<&str>) -> bool {
        self.standing.is_none_or(|standing| person.standing() == standing)
            && folded.is_none_or(|sought| texts(person).any(|text| fold(text).contains(sought)))
    }
}

/// What a person is searched by.
fn texts(person: &Person) -> impl Iterator<Item = &str> {
    let name = person.attributes.get("name").and_then(Value::as_object);
    let names = name.into_iter().flat_map(|name| name.values().filter_map(Value::as_str));
    let emails = person.attributes.get("emails").and_then(Value::as_array).into_iter().flatten();
    ["userName", "displayName"]
        .into_iter()
        .map(|attribute| person.text(attribute))
        .chain(names)
        .chain(emails.filter_map(|email| email.get("value").and_then(Value::as_str)))
}

/// Looks at the people after `after`, until `limit` are found or [`limits::SCANNED_RESOURCES`] were looked at: then the
/// page is shorter and still tells where to go on.
///
/// # Errors
/// [`ServiceError`].
pub fn search(
    services: &Services,
    caller: &Caller,
    after: ResourceId,
    limit: usize,
    search: &Search,
) -> Result<Found<Person>, ServiceError> {
    let folded = search.text.as_deref().map(fold).filter(|text| !text.is_empty());
    services.live.read(|tx| {
        let managers = managers(tx, caller.organization)?;
        let (mut items, mut last, mut seen) = (Vec::new(), after, 0_usize);
        loop {
            let rows =
                users::page_after(tx, caller.organization, last.into(), i64::try_from(BATCH).unwrap_or(i64::MAX))?;
            let whole = rows.len() == BATCH;
            seen = seen.saturating_add(rows.len());
            for row in rows {
                if items.len() == limit {
                    return Ok(Found { items, next: Some(last) });
                }
                last = row.id.into();
                let person = Person::new(row, &managers)?;
                if search.finds(&person, folded.as_deref()) {
                    items.push(person);
                }
            }
            if !whole {
                return Ok(Found { items, next: None });
            }
            if items.len() == limit || seen >= limits::SCANNED_RESOURCES {
                return Ok(Found { items, next: Some(last) });
            }
        }
    })
}

//! What a server says of itself in `/ServiceProviderConfig` (RFC 7643 §5, RFC 9865 §4), and whether it is true.

use std::fmt;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::Client;
use crate::exchange::Request;
use crate::outcome::Stop;
use crate::session::Session;

/// Something a server may do without, if it says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Feature {
    /// PATCH (RFC 7644 §3.5.2).
    Patch,
    /// `/Bulk` (RFC 7644 §3.7).
    Bulk,
    /// Filters (RFC 7644 §3.4.2.2).
    Filter,
    /// Sorting (RFC 7644 §3.4.2.3).
    Sort,
    /// Entity tags and preconditions (RFC 7644 §3.14).
    Etag,
    /// Cursor pagination (RFC 9865).
    Cursor,
}

impl fmt::Display for Feature {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Patch => "PATCH",
            Self::Bulk => "bulk",
            Self::Filter => "filtering",
            Self::Sort => "sorting",
            Self::Etag => "entity tags",
            Self::Cursor => "cursor pagination",
        })
    }
}

/// The document, or null if there is none to be read.
#[derive(Debug, Clone)]
pub struct Announcement {
    document: Value,
}

impl Announcement {
    /// Asks for it.
    ///
    /// # Errors
    /// A failure if the server does not answer at all.
    pub fn read(client: &Client) -> Result<Self, Stop> {
        let answer = client.send(&Request::new("GET", "/ServiceProviderConfig"))?;
        Ok(Self { document: if answer.status == 200 { answer.body } else { Value::Null } })
    }

    /// Whether it says that it has this feature. Who says nothing at all is taken to have what the RFCs of 2015 know.
    pub fn has(&self, feature: Feature) -> bool {
        let name = match feature {
            Feature::Patch => "patch",
            Feature::Bulk => "bulk",
            Feature::Filter => "filter",
            Feature::Sort => "sort",
            Feature::Etag => "etag",
            Feature::Cursor => return self.document["pagination"]["cursor"] == true,
        };
        self.document[name]["supported"] != false
    }

    /// A number of the document, `/bulk/maxOperations` for instance.
    pub fn number(&self, pointer: &str) -> Option<usize> {
        self.document.pointer(pointer)?.as_u64()?.try_into().ok()
    }
}

impl Feature {
    /// Whether it works, although the server says that it is missing.
    ///
    /// # Errors
    /// A failure if what is needed to find out cannot be made.
    pub fn works(self, session: &Session) -> Result<bool, Stop> {
        match self {
            Self::Patch => patches(session),
            Self::Bulk => {
                let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [
                    { "method": "POST", "path": "/Users", "bulkId": "one", "data": session.user_body(&json!({})) } ] });
                let answer = session.post("/Bulk", &body)?;
                Ok(answer.status == 200 && answer.at("/Operations/0/location").is_string())
            }
            Self::Filter => {
                let (name, other) = (session.name("filtered"), session.name("nobody"));
                let somebody = session.user(&json!({ "userName": name }))?.id()?;
                let found = session.filter("/Users", &format!("userName eq \"{name}\""))?;
                let nobody = session.filter("/Users", &format!("userName eq \"{other}\""))?;
                Ok(found.ids() == [somebody] && nobody.status == 200 && nobody.ids().is_empty())
            }
            Self::Sort => sorts(session),
            Self::Etag => {
                let user = session.user(&json!({}))?;
                let tag = user.header("ETag").to_owned();
                let request = Request::new("GET", &format!("/Users/{}", user.id()?)).header("If-None-Match", &tag);
                // A web framework may make tags of its own, which are no versions of a resource.
                let versioned = !tag.is_empty() && user.body["meta"]["version"] == tag.as_str();
                Ok(versioned && session.send(&request)?.status == 304)
            }
            Self::Cursor => {
                session.people(2)?;
                Ok(session.get("/Users?cursor=&count=1")?.body["nextCursor"].is_string())
            }
        }
    }
}

fn patches(session: &Session) -> Result<bool, Stop> {
    let path = session.user_path(&json!({}))?;
    let answer = session.patch(&path, &json!([{ "op": "add", "path": "title", "value": "T" }]))?;
    Ok([200, 204].contains(&answer.status) && session.read(&path)?.body["title"] == "T")
}

/// Only if both orders come back as asked for is there sorting; a server may ignore `sortBy`.
fn sorts(session: &Session) -> Result<bool, Stop> {
    let family = session.name("sorted");
    for letter in ["b", "c", "a"] {
        session.user(&json!({ "userName": format!("{family}-{letter}") }))?;
    }
    let mut orders = Vec::new();
    for order in ["ascending", "descending"] {
        let answer =
            session.get(&format!("/Users?filter=userName%20sw%20%22{family}%22&sortBy=userName&sortOrder={order}"))?;
        orders.push(answer.ids());
    }
    let [ascending, descending] = orders.as_mut_slice() else { return Ok(false) };
    descending.reverse();
    Ok(ascending.len() == 3 && ascending == descending)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_said_to_be_missing_is_missing_except_cursors() {
        let said = Announcement {
            document: json!({ "sort": { "supported": false }, "bulk": { "supported": true, "maxOperations": 7 } }),
        };
        assert!(
            !said.has(Feature::Sort)
                && said.has(Feature::Bulk)
                && said.has(Feature::Patch)
                && !said.has(Feature::Cursor)
        );
        assert_eq!((said.number("/bulk/maxOperations"), said.number("/bulk/maxPayloadSize")), (Some(7), None));
        let silent = Announcement { document: Value::Null };
        assert!(silent.has(Feature::Sort) && !silent.has(Feature::Cursor));
        assert!(Announcement { document: json!({ "pagination": { "cursor": true } }) }.has(Feature::Cursor));
    }
}

//! Whom an event is about, in the form a receiver knows people by (RFC 9493).

use serde_json::{Value, json};

use crate::model::{GroupId, ResourceId, UserId};

/// How a receiver knows people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectFormat {
    /// By issuer and subject.
    IssSub,
    /// By an e-mail address.
    Email,
    /// By the id of the SCIM resource.
    Opaque,
}

impl SubjectFormat {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::IssSub, Self::Email, Self::Opaque];

    /// Its name (RFC 9493 §3.2).
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IssSub => "iss_sub",
            Self::Email => "email",
            Self::Opaque => "opaque",
        }
    }

    /// Reads the name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == name)
    }
}

/// A person or a group, as far as receivers need to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The id of the SCIM resource.
    pub id: ResourceId,
    endpoint: &'static str,
    /// The id the identity provider gave.
    pub external_id: Option<String>,
    /// An address.
    pub email: Option<String>,
}

impl Subject {
    /// From the document of a user: the primary address, else the first, else a userName that is one.
    pub fn of(user: UserId, document: &serde_json::Map<String, Value>) -> Self {
        let text = |name: &str| document.get(name).and_then(Value::as_str).map(str::to_owned);
        let emails = document.get("emails").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let primary = emails.iter().find(|email| email.get("primary") == Some(&Value::Bool(true)));
        let email = primary.or_else(|| emails.first()).and_then(|email| email.get("value")).and_then(Value::as_str);
        let email = email.map(str::to_owned).or_else(|| text("userName").filter(|name| name.contains('@')));
        Self { id: user.into(), endpoint: "/Users", external_id: text("externalId"), email }
    }

    /// From the document of a group.
    pub fn of_group(group: GroupId, document: &serde_json::Map<String, Value>) -> Self {
        let external_id = document.get("externalId").and_then(Value::as_str).map(str::to_owned);
        Self { id: group.into(), endpoint: "/Groups", external_id, email: None }
    }

    /// As RFC 9967 §2.1 names it.
    pub fn scim(&self) -> Value {
        let mut subject = json!({ "format": "scim", "uri": format!("{}/{}", self.endpoint, self.id) });
        if let (Some(external), Some(members)) = (&self.external_id, subject.as_object_mut()) {
            members.insert("externalId".to_owned(), external.as_str().into());
        }
        subject
    }

    /// As a receiver knows it. `issuer` is the one whose subjects it knows people by: then the subject is what that
    /// issuer calls externalId; without one this server is the issuer, which whoever sends fills in. Whoever lacks what
    /// the format needs is named by id.
    pub fn identifier(&self, format: SubjectFormat, issuer: Option<&str>) -> Value {
        match (format, issuer, &self.external_id, &self.email) {
            (SubjectFormat::Email, _, _, Some(email)) => json!({ "format": "email", "email": email }),
            (SubjectFormat::IssSub, Some(issuer), Some(external), _) => {
                json!({ "format": "iss_sub", "iss": issuer, "sub": external })
            }
            (SubjectFormat::Opaque, ..) => json!({ "format": "opaque", "id": self.id.to_string() }),
            _ => json!({ "format": "iss_sub", "sub": self.id.to_string() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subject(document: &Value) -> Subject {
        let id = "0192f0c1-2b3c-7d4e-8f5a-6b7c8d9e0f1a".parse().unwrap();
        Subject::of(id, document.as_object().unwrap())
    }

    #[test]
    fn a_person_is_named_as_the_receiver_knows_people() {
        let emails = json!([{ "value": "a@example.com" }, { "value": "b@example.com", "primary": true }]);
        let known = subject(&json!({ "userName": "ann", "externalId": "00u1", "emails": emails }));
        let named = |format, issuer| known.identifier(format, issuer);
        assert_eq!(named(SubjectFormat::Email, None), json!({ "format": "email", "email": "b@example.com" }));
        assert_eq!(
            named(SubjectFormat::IssSub, Some("https://idp.example")),
            json!({ "format": "iss_sub", "iss": "https://idp.example", "sub": "00u1" })
        );
        assert_eq!(named(SubjectFormat::Opaque, None)["id"], known.id.to_string());
        assert_eq!(known.scim()["externalId"], "00u1");
    }

    #[test]
    fn whoever_lacks_what_the_format_needs_is_named_by_id() {
        let bare = subject(&json!({ "userName": "ann" }));
        for format in [SubjectFormat::Email, SubjectFormat::IssSub] {
            let named = bare.identifier(format, Some("https://idp.example"));
            assert_eq!(named, json!({ "format": "iss_sub", "sub": bare.id.to_string() }));
        }
        assert_eq!(subject(&json!({ "userName": "ann@example.com" })).email.as_deref(), Some("ann@example.com"));
    }
}

//! The attributes of a user that stand in columns beside its document, because they are unique, looked up or decided on.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::db::users::UserSortKeys;
use crate::model::{SortKey, fold};
use crate::scim::ScimError;
use crate::service::provisioning::check_key;

/// What a user can be found by, and whether it may act.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserKeys {
    /// Folded userName.
    pub user_name_key: String,
    /// What lists are sorted by.
    pub sort_keys: UserSortKeys,
    /// externalId as sent.
    pub external_id: Option<String>,
    /// Folded e-mail addresses.
    pub emails: BTreeSet<String>,
    /// Whether the user may act. Without the attribute: no.
    pub active: bool,
}

impl UserKeys {
    /// Reads them off a stored document.
    pub fn of(document: &Map<String, Value>) -> Self {
        let text = |name: &str| document.get(name).and_then(Value::as_str);
        let name = |part: &str| document.get("name").and_then(|name| name.get(part)).and_then(Value::as_str);
        let addresses = document.get("emails").and_then(Value::as_array).into_iter().flatten();
        Self {
            user_name_key: text("userName").map(fold).unwrap_or_default(),
            sort_keys: UserSortKeys {
                display_name: sort_key(text("displayName")),
                family_name: sort_key(name("familyName")),
            },
            external_id: text("externalId").map(str::to_owned),
            emails: addresses
                .filter_map(|email| email.get("value").and_then(Value::as_str))
                .map(fold)
                .filter(|key| !key.is_empty())
                .collect(),
            active: document.get("active").and_then(Value::as_bool).unwrap_or_default(),
        }
    }

    /// Reads them off a document that is to be stored.
    ///
    /// # Errors
    /// 400 `invalidValue` without a userName, and for one that no index holds.
    pub fn checked(document: &Map<String, Value>) -> Result<Self, ScimError> {
        let keys = Self::of(document);
        if keys.user_name_key.is_empty() {
            return Err(ScimError::invalid_value("`userName` is required and must not be empty"));
        }
        check_key("userName", &keys.user_name_key)?;
        keys.external_id.iter().try_for_each(|key| check_key("externalId", key))?;
        keys.emails.iter().try_for_each(|key| check_key("emails.value", key))?;
        Ok(keys)
    }

    /// Whether a subject is looked up by other keys than before.
    pub fn identifies_otherwise_than(&self, before: &Self) -> bool {
        self.user_name_key != before.user_name_key
            || self.external_id != before.external_id
            || self.emails != before.emails
    }
}

fn sort_key(value: Option<&str>) -> SortKey {
    value.map_or_else(SortKey::missing, |value| SortKey::text(value, false))
}

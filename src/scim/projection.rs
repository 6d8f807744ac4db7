//! Which attributes a client asked for or asked to leave out (RFC 7644 §3.9), on every answer that holds a resource.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::ScimError;
use super::path::AttributePath;
use super::schema::{Attribute, Mutability, ResourceType, Returned, Schema};

/// What to return of a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Projection {
    asked: Asked,
    /// Whether a stored document may hold what is not returned unasked.
    hides: bool,
    /// What the client itself has just sent of that.
    sent: Selection,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Asked {
    Nothing,
    Only(Selection),
    AllBut(Selection),
}

/// The attributes a parameter named, by their canonical names.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Selection {
    base: BTreeMap<String, Part>,
    /// By the extension's canonical URN.
    extensions: BTreeMap<String, BTreeMap<String, Part>>,
}

/// How much of an attribute was named.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Whole,
    SubAttributes(BTreeSet<String>),
}

impl Projection {
    /// From the query parameters `attributes` and `excludedAttributes`: lists of names with commas between, each
    /// `userName`, `name.givenName`, either behind the URN of its schema and a colon, or a URN alone for all of that
    /// schema. Letter case does not count; unknown names are ignored.
    ///
    /// # Errors
    /// `invalidValue` if both are given.
    pub fn parse(
        attributes: Option<&str>,
        excluded: Option<&str>,
        resource_type: &ResourceType,
    ) -> Result<Self, ScimError> {
        let given = |list: &&str| !list.trim().is_empty();
        let asked = match (attributes.filter(given), excluded.filter(given)) {
            (None, None) => Asked::Nothing,
            (Some(attributes), None) => Asked::Only(Selection::parse(attributes, resource_type)),
            (None, Some(excluded)) => Asked::AllBut(Selection::parse(excluded, resource_type)),
            (Some(_), Some(_)) => {
                return Err(ScimError::invalid_value(
                    "`attributes` and `excludedAttributes` are mutually exclusive; send one of them",
                ));
            }
        };
        Ok(Self { asked, hides: hides(resource_type), sent: Selection::default() })
    }

    /// For the answer to a write: what is returned on request is returned when the client sent it, too (RFC 7643 §7).
    #[must_use]
    pub fn after_writing(mut self, body: &Value, resource_type: &ResourceType) -> Self {
        if self.hides {
            self.sent.add_sent(body, resource_type);
        }
        self
    }

    /// Whether a stored document can be returned as it stands.
    pub const fn is_everything(&self) -> bool {
        matches!(self.asked, Asked::Nothing) && !self.hides
    }

    /// Whether the answer may hold `attribute` of the base schema, one returned by default; if not, it need not be loaded.
    pub fn includes(&self, attribute: &str) -> bool {
        match &self.asked {
            Asked::Nothing => true,
            Asked::Only(selection) => selection.part(attribute).is_some(),
            Asked::AllBut(selection) => selection.part(attribute) != Some(&Part::Whole),
        }
    }

    /// Whether something of an extension was asked for by name.
    pub fn asks_for_extension(&self, urn: &str) -> bool {
        matches!(&self.asked, Asked::Only(selection) if selection.extensions.contains_key(urn))
    }

    /// The resource with what is to be returned of it (RFC 7643 §7, `returned`). What no schema defines is taken as
    /// returned by default.
    pub fn apply(&self, resource_type: &ResourceType, resource: Value) -> Value {
        let Value::Object(members) = resource else { return resource };
        let mut kept = Map::new();
        for (name, value) in members {
            let value = match (resource_type.extension(&name), value) {
                (Some(extension), Value::Object(values)) => {
                    self.extension(&extension.schema, values).map(Value::Object)
                }
                (_, value) => {
                    let sent = self.sent.part(&name).is_some();
                    self.attribute(resource_type.attribute(&name), self.part(None, &name), sent, value)
                }
            };
            if let Some(value) = value {
                kept.insert(name, value);
            }
        }
        Value::Object(kept)
    }

    fn extension(&self, schema: &Schema, values: Map<String, Value>) -> Option<Map<String, Value>> {
        let mut kept = Map::new();
        for (name, value) in values {
            let part = self.part(Some(&schema.id), &name);
            let sent = self.sent.extensions.get(&schema.id).is_some_and(|names| find(names, &name).is_some());
            if let Some(value) = self.attribute(schema.attribute(&name), part, sent, value) {
                kept.insert(name, value);
            }
        }
        (!kept.is_empty()).then_some(kept)
    }

    fn part(&self, urn: Option<&str>, name: &str) -> Option<&Part> {
        let (Asked::Only(selection) | Asked::AllBut(selection)) = &self.asked else { return None };
        match urn {
            None => selection.part(name),
            Some(urn) => selection.extensions.get(urn).and_then(|names| find(names, name)),
        }
    }

    fn attribute(&self, attribute: Option<&Attribute>, part: Option<&Part>, sent: bool, value: Value) -> Option<Value> {
        let on_request = attribute.is_some_and(|attribute| attribute.returned == Returned::Request);
        let just_sent = sent && on_request && !self.leaves_out(part);
        if !just_sent && !self.keeps(attribute, part) {
            return None;
        }
        match attribute {
            Some(attribute) if !attribute.sub_attributes.is_empty() => self.complex(attribute, part, value),
            _ => Some(value),
        }
    }

    /// Whether something of the attribute is returned.
    fn keeps(&self, attribute: Option<&Attribute>, part: Option<&Part>) -> bool {
        match attribute.map_or(Returned::Default, |attribute| attribute.returned) {
            Returned::Always => true,
            Returned::Never => false,
            Returned::Request => matches!(self.asked, Asked::Only(_)) && part.is_some(),
            Returned::Default => match self.asked {
                Asked::Nothing => true,
                Asked::Only(_) => part.is_some(),
                Asked::AllBut(_) => part != Some(&Part::Whole),
            },
        }
    }

    fn leaves_out(&self, part: Option<&Part>) -> bool {
        match self.asked {
            Asked::Nothing => false,
            Asked::Only(_) => part.is_none(),
            Asked::AllBut(_) => part == Some(&Part::Whole),
        }
    }

    /// The value of a complex attribute, or each of its values, with the sub-attributes to return.
    fn complex(&self, attribute: &Attribute, part: Option<&Part>, value: Value) -> Option<Value> {
        match value {
            Value::Array(values) if values.is_empty() => Some(Value::Array(values)),
            Value::Array(values) => {
                let kept: Vec<Value> =
                    values.into_iter().filter_map(|value| self.complex(attribute, part, value)).collect();
                (!kept.is_empty()).then_some(Value::Array(kept))
            }
            Value::Object(members) => {
                let kept: Map<String, Value> =
                    members.into_iter().filter(|(name, _)| self.keeps_sub_attribute(attribute, part, name)).collect();
                (!kept.is_empty()).then_some(Value::Object(kept))
            }
            value => Some(value),
        }
    }

    fn keeps_sub_attribute(&self, attribute: &Attribute, part: Option<&Part>, name: &str) -> bool {
        let named = match part {
            Some(Part::SubAttributes(names)) => Some(names.iter().any(|one| one.eq_ignore_ascii_case(name))),
            _ => None,
        };
        let only = matches!(self.asked, Asked::Only(_));
        match attribute.sub_attribute(name).map_or(Returned::Default, |sub_attribute| sub_attribute.returned) {
            Returned::Always => true,
            Returned::Never => false,
            Returned::Request => only && named == Some(true),
            Returned::Default if attribute.returned == Returned::Always => true,
            // `Only` keeps what was named, `AllBut` the rest.
            Returned::Default => named.is_none_or(|named| named == only),
        }
    }
}

impl Selection {
    fn parse(list: &str, resource_type: &ResourceType) -> Self {
        let mut selection = Self::default();
        for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            selection.add(name, resource_type);
        }
        selection
    }

    fn add(&mut self, name: &str, resource_type: &ResourceType) {
        let Ok(path) = AttributePath::parse(name) else { return };
        if let Some(schema) = path.base_schema(resource_type) {
            self.base.extend(whole(schema));
        } else if let Some(extension) = path.extension(resource_type) {
            self.extensions.entry(extension.schema.id.clone()).or_default().extend(whole(&extension.schema));
        } else if let Some(target) = path.resolve(resource_type) {
            let names = match target.extension {
                Some(extension) => self.extensions.entry(extension.schema.id.clone()).or_default(),
                None => &mut self.base,
            };
            let name = target.attribute.name.clone();
            let Some(sub_attribute) = target.sub_attribute else {
                names.insert(name, Part::Whole);
                return;
            };
            let part = names.entry(name).or_insert_with(|| Part::SubAttributes(BTreeSet::new()));
            if let Part::SubAttributes(sub_names) = part {
                sub_names.insert(sub_attribute.name.clone());
            }
        }
    }

    /// The attributes that the body of a write names: as members, under their URN, or in the paths of a PATCH.
    fn add_sent(&mut self, body: &Value, resource_type: &ResourceType) {
        let members = |value: &Value| value.as_object().cloned().unwrap_or_default();
        for (name, value) in members(body) {
            if name.eq_ignore_ascii_case("Operations") {
                for operation in value.as_array().into_iter().flatten().map(members) {
                    let member = |name: &str| operation.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
                    match (member("path").and_then(|(_, path)| path.as_str()), member("value")) {
                        (Some(path), value) => {
                            let path = path.split('[').next().unwrap_or_default();
                            self.add_sent(
                                &Value::from_iter([(path, value.map_or(Value::Null, |(_, value)| value.clone()))]),
                                resource_type,
                            );
                        }
                        (None, Some((_, value))) => self.add_sent(value, resource_type),
                        (None, None) => {}
                    }
                }
            } else if resource_type.extension(&name).is_some() {
                members(&value).keys().for_each(|inner| self.add(&format!("{name}:{inner}"), resource_type));
            } else {
                self.add(&name, resource_type);
            }
        }
    }

    fn part(&self, name: &str) -> Option<&Part> {
        find(&self.base, name)
    }
}

/// Every attribute of a schema, each as a whole.
fn whole(schema: &Schema) -> impl Iterator<Item = (String, Part)> {
    schema.attributes.iter().map(|attribute| (attribute.name.clone(), Part::Whole))
}

fn find<'a>(names: &'a BTreeMap<String, Part>, name: &str) -> Option<&'a Part> {
    names
        .get(name)
        .or_else(|| names.iter().find(|(canonical, _)| canonical.eq_ignore_ascii_case(name)).map(|(_, part)| part))
}

/// Whether clients may store what is not returned unasked. What is readOnly or writeOnly is in no document.
fn hides(resource_type: &ResourceType) -> bool {
    fn hidden(attribute: &Attribute) -> bool {
        let stored = matches!(attribute.mutability, Mutability::ReadWrite | Mutability::Immutable);
        let unasked = matches!(attribute.returned, Returned::Always | Returned::Default);
        stored && (!unasked || attribute.sub_attributes.iter().any(hidden))
    }
    *resource_type.hides.get_or_init(|| resource_type.schemas().flat_map(|schema| &schema.attributes).any(hidden))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::schema::ResourceTypes;
    use super::*;

    const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

    fn user_type() -> std::sync::Arc<ResourceType> {
        ResourceTypes::builtin().unwrap().user
    }

    fn user() -> Value {
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
            "id": "1",
            "userName": "bjensen",
            "password": "never stored, never shown",
            "name": {"givenName": "Barbara", "familyName": "Jensen"},
            "emails": [{"value": "a@x", "type": "work"}, {"value": "b@x", "type": "home"}, {"type": "other"}],
            "groups": [],
            ENTERPRISE: {"department": "A", "manager": {"value": "2", "displayName": "M"}},
            "meta": {"resourceType": "User", "location": "https://host/Users/1"},
        })
    }

    fn only(attributes: &str) -> Value {
        Projection::parse(Some(attributes), None, &user_type()).unwrap().apply(&user_type(), user())
    }

    fn all_but(excluded: &str) -> Value {
        Projection::parse(None, Some(excluded), &user_type()).unwrap().apply(&user_type(), user())
    }

    fn without(names: &[&str]) -> Value {
        let mut user = user();
        for name in ["password"].iter().chain(names) {
            user.as_object_mut().unwrap().remove(*name);
        }
        user
    }

    fn minimum_and(name: &str, value: &Value) -> Value {
        json!({"schemas": user()["schemas"], "id": "1", name: value})
    }

    // Requirement 10
    #[test]
    fn nothing_asked_is_everything_but_what_is_never_returned() {
        let projection = Projection::parse(None, Some(" "), &user_type()).unwrap();
        assert!(projection.is_everything() && projection.includes("groups"));
        assert_eq!(projection.apply(&user_type(), user()), without(&[]));
        assert_eq!(only("password"), json!({"schemas": user()["schemas"], "id": "1"}));
    }

    // Requirements 2, 40
    #[test]
    fn attributes_are_named_in_every_way_the_protocol_has() {
        for (attributes, name, expected) in [
            ("USERNAME", "userName", json!("bjensen")),
            ("urn:ietf:params:scim:schemas:core:2.0:User:userName", "userName", json!("bjensen")),
            ("name.GivenName", "name", json!({"givenName": "Barbara"})),
            ("name.givenName,name", "name", user()["name"].clone()),
            (" name , name.givenName,", "name", user()["name"].clone()),
            ("emails.value", "emails", json!([{"value": "a@x"}, {"value": "b@x"}])),
            ("meta.location", "meta", json!({"location": "https://host/Users/1"})),
            ("groups", "groups", json!([])),
            ("department", ENTERPRISE, json!({"department": "A"})),
            ("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", ENTERPRISE, user()[ENTERPRISE].clone()),
            (
                "URN:ietf:params:scim:schemas:extension:enterprise:2.0:user:Manager.displayName",
                ENTERPRISE,
                json!({"manager": {"displayName": "M"}}),
            ),
        ] {
            assert_eq!(only(attributes), minimum_and(name, &expected), "{attributes}");
        }
    }

    #[test]
    fn unknown_names_are_ignored_and_leave_the_minimum() {
        for unknown in
            ["nickname.x", "shoeSize", "emails[type eq \"work\"]", "urn:x:y", ENTERPRISE.get(..20).unwrap(), "🦀"]
        {
            assert_eq!(only(unknown), json!({"schemas": user()["schemas"], "id": "1"}), "{unknown}");
            assert_eq!(all_but(unknown), without(&[]), "{unknown}");
        }
    }

    // Requirement 40
    #[test]
    fn what_is_excluded_is_left_out_but_never_the_minimum() {
        assert_eq!(all_but("id,schemas,Groups,emails"), without(&["groups", "emails"]));
        assert_eq!(all_but("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"), without(&[ENTERPRISE]));
        let mut expected = without(&["name"]);
        expected["emails"] = json!([{"type": "work"}, {"type": "home"}, {"type": "other"}]);
        expected[ENTERPRISE]["manager"] = json!({"value": "2"});
        let excluded = format!("emails.value,name.givenName,name.familyName,{ENTERPRISE}:manager.displayName");
        assert_eq!(all_but(&excluded), expected);
    }

    // Requirement 40
    #[test]
    fn members_that_are_not_asked_for_need_not_be_loaded() {
        let group = ResourceTypes::builtin().unwrap().group;
        let includes = |attributes, excluded| {
            let projection = Projection::parse(attributes, excluded, &group).unwrap();
            assert!(!projection.is_everything());
            projection.includes("members")
        };
        assert!(!includes(None, Some("members")));
        assert!(!includes(None, Some("urn:ietf:params:scim:schemas:core:2.0:Group:MEMBERS")));
        assert!(includes(None, Some("members.$ref")));
        assert!(!includes(Some("id,displayName"), None));
        assert!(includes(Some("members.value"), None));
    }

    #[test]
    fn both_parameters_together_are_refused() {
        let error = Projection::parse(Some("a"), Some("b"), &user_type()).unwrap_err();
        assert_eq!(
            error,
            ScimError::invalid_value("`attributes` and `excludedAttributes` are mutually exclusive; send one of them")
        );
    }

    // Requirement 10
    #[test]
    fn what_is_returned_on_request_is_returned_only_when_named() {
        let mut user_type = user_type();
        let schema = r#"{"id":"urn:x","name":"X","description":"","attributes":[
            {"name":"badge","description":"","returned":"request"},{"name":"secret","description":"","returned":"never"}]}"#;
        std::sync::Arc::make_mut(&mut user_type).extend(Schema::from_json(schema).unwrap(), false).unwrap();
        let resource = json!({"id": "1", "urn:x": {"badge": "b", "secret": "s"}});
        let project = |attributes, excluded| {
            let projection = Projection::parse(attributes, excluded, &user_type).unwrap();
            assert!(!projection.is_everything());
            projection.apply(&user_type, resource.clone())
        };
        assert_eq!(project(None, None), json!({"id": "1"}));
        assert_eq!(project(None, Some("userName")), json!({"id": "1"}));
        assert_eq!(project(Some("urn:x:badge,urn:x:secret"), None), json!({"id": "1", "urn:x": {"badge": "b"}}));
    }

    // Requirement 10
    #[test]
    fn what_is_returned_on_request_is_returned_to_whoever_has_just_sent_it() {
        let mut user_type = user_type();
        let schema = r#"{"id":"urn:x","name":"X","description":"","attributes":[
            {"name":"badge","description":"","returned":"request"},{"name":"door","description":"","returned":"request"}]}"#;
        std::sync::Arc::make_mut(&mut user_type).extend(Schema::from_json(schema).unwrap(), false).unwrap();
        let resource = json!({"id": "1", "urn:x": {"badge": "b", "door": "d"}});
        let project = |excluded, body: Value| {
            let projection = Projection::parse(None, excluded, &user_type).unwrap();
            projection.after_writing(&body, &user_type).apply(&user_type, resource.clone())
        };
        let shown = json!({"id": "1", "urn:x": {"badge": "b"}});
        for body in [
            json!({"URN:X": {"BADGE": "b"}}),
            json!({"urn:x:badge": "b"}),
            json!({"operations": [{"op": "add", "path": "urn:x:badge", "value": "b"}]}),
            json!({"Operations": [{"op": "add", "path": "urn:x", "value": {"badge": "b"}}]}),
            json!({"Operations": [{"op": "add", "value": {"urn:x": {"badge": "b"}}}]}),
        ] {
            assert_eq!(project(None, body.clone()), shown, "{body}");
            assert_eq!(project(Some("urn:x"), body.clone()), json!({"id": "1"}), "{body}");
        }
        assert_eq!(project(None, json!({"userName": "x"})), json!({"id": "1"}));
    }

    proptest! {
        #[test]
        fn the_minimum_survives_and_the_password_does_not(
            names in prop::collection::vec(prop_oneof![
                Just("id".to_owned()), Just("schemas".to_owned()), Just("password".to_owned()), Just("emails.value".to_owned()),
                Just(ENTERPRISE.to_owned()), Just(format!("{ENTERPRISE}:manager")), Just("name".to_owned()), any::<String>(),
            ], 0..8),
            exclude in any::<bool>(),
        ) {
            let list = names.join(",");
            let projected = if exclude { all_but(&list) } else { only(&list) };
            prop_assert_eq!(&projected["id"], "1");
            prop_assert_eq!(&projected["schemas"], &user()["schemas"]);
            prop_assert!(projected.get("password").is_none());
        }
    }
}

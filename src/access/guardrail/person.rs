//! What guardrails may read of a person, out of the SCIM resource.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::access::graph::Facts;
use crate::model::{Fact, fold};

use super::vocabulary::{COMPUTED, KNOWN_AS, PERSON_ATTRIBUTES, is_attribute_name};

/// The attributes of [`PERSON_ATTRIBUTES`] a document has, and its entitlements by their types: one of type `clearance`
/// and value `2027-01-31` is the attribute `clearance`, which guardrails may read once it is declared. Besides, what the
/// person is known by ([`KNOWN_AS`]).
pub fn person_facts(document: &Map<String, Value>) -> Facts {
    let mut facts: Facts = PERSON_ATTRIBUTES
        .iter()
        .filter_map(|attribute| Some((attribute.name.to_owned(), Fact::Text(standard(document, attribute.path)?))))
        .collect();
    let mut typed: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for entitlement in elements(document, "entitlements") {
        let text = |name| entitlement.get(name).and_then(Value::as_str);
        if let (Some(name), Some(value)) = (text("type"), text("value")) {
            let known = PERSON_ATTRIBUTES.iter().any(|attribute| attribute.name == name) || COMPUTED.contains(&name);
            if is_attribute_name(name) && !known {
                typed.entry(name).or_default().insert(value.to_owned());
            }
        }
    }
    for (name, mut values) in typed {
        let fact = match (values.pop_first(), values.is_empty()) {
            (Some(only), true) => Fact::Text(only),
            (Some(first), false) => {
                values.insert(first);
                Fact::Texts(values)
            }
            (None, _) => continue,
        };
        facts.insert(name.to_owned(), fact);
    }
    let known_as = known_as(document);
    if !known_as.is_empty() {
        facts.insert(KNOWN_AS.to_owned(), Fact::Texts(known_as));
    }
    facts
}

fn known_as(document: &Map<String, Value>) -> BTreeSet<String> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned);
    let addresses = elements(document, "emails").filter_map(|email| text(email.get("value")));
    let folded = addresses.chain(text(document.get("userName"))).map(|name| fold(&name));
    folded.chain(text(document.get("externalId"))).collect()
}

fn standard(document: &Map<String, Value>, path: &str) -> Option<String> {
    let value = match path.rsplit_once(':') {
        Some((schema, attribute)) => document.get(schema)?.get(attribute)?,
        None => match path.split_once('.') {
            Some((list, part)) => preferred(document, list)?.get(part)?,
            None => document.get(path)?,
        },
    };
    value.as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

/// The primary element, else the one for work, else the only one: of several that say nothing of themselves none counts.
fn preferred<'a>(document: &'a Map<String, Value>, list: &str) -> Option<&'a Value> {
    let is_primary = |element: &&Value| element.get("primary").and_then(Value::as_bool).unwrap_or_default();
    let is_work = |element: &&Value| element.get("type").and_then(Value::as_str) == Some("work");
    let mut all = elements(document, list);
    let primary = elements(document, list).find(is_primary).or_else(|| elements(document, list).find(is_work));
    primary.or_else(|| all.next().filter(|_| all.next().is_none()))
}

fn elements<'a>(document: &'a Map<String, Value>, list: &str) -> impl Iterator<Item = &'a Value> {
    document.get(list).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn facts(document: Value) -> Facts {
        person_facts(document.as_object().unwrap())
    }

    fn country(addresses: Value) -> Option<Fact> {
        facts(json!({ "addresses": addresses })).remove("country")
    }

    #[test]
    fn attributes_are_read_where_scim_has_them() {
        let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
        let read = facts(json!({ "userType": "Employee", "title": "", "nickName": "x",
            enterprise: { "department": "IT", "manager": { "value": "1" } } }));
        let text = |text: &str| Fact::Text(text.to_owned());
        let expected = [("userType".to_owned(), text("Employee")), ("department".to_owned(), text("IT"))];
        assert_eq!(read, Facts::from(expected));
    }

    #[test]
    fn of_several_addresses_the_primary_one_counts_and_none_where_nothing_is_said() {
        let text = |text: &str| Some(Fact::Text(text.to_owned()));
        assert_eq!(country(json!([{ "country": "DE" }])), text("DE"));
        assert_eq!(country(json!([{ "country": "DE" }, { "country": "FR", "primary": true }])), text("FR"));
        assert_eq!(country(json!([{ "country": "DE" }, { "country": "FR", "type": "work" }])), text("FR"));
        assert_eq!(country(json!([{ "country": "DE" }, { "country": "FR" }])), None);
    }

    #[test]
    fn entitlements_are_attributes_by_their_type_and_never_take_the_name_of_another() {
        let read = facts(json!({ "entitlements": [{ "type": "clearance", "value": "2027-01-31" },
            { "type": "team", "value": "b" }, { "type": "team", "value": "a" }, { "type": "roles", "value": "admin" },
            { "type": "department", "value": "IT" }, { "type": "known_as", "value": "root" }, { "value": "plain" }, { "type": "no name", "value": "x" }] }));
        let teams = Fact::Texts(["a".to_owned(), "b".to_owned()].into());
        let clearance = Fact::Text("2027-01-31".to_owned());
        assert_eq!(read, Facts::from([("clearance".to_owned(), clearance), ("team".to_owned(), teams)]));
    }
}

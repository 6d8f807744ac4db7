//! Filters and users made from few words, so that they often meet.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};

const WORDS: [&str; 6] = ["a", "A", "b", "ab", " a", ""];
const PATHS: [&str; 9] =
    ["userName", "externalId", "title", "emails", "emails.type", "groups.value", "groups", "manager", "groups.display"];
const OPERATORS: [&str; 9] = ["eq", "eq", "eq", "ne", "co", "sw", "ew", "eq", "eq"];

fn word() -> impl Strategy<Value = &'static str> {
    select(WORDS.to_vec())
}

fn within_brackets() -> impl Strategy<Value = String> {
    (select(vec!["type", "value", "display"]), select(OPERATORS.to_vec()), word())
        .prop_map(|(name, operator, word)| format!("{name} {operator} \"{word}\""))
}

fn term() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => (select(PATHS.to_vec()), select(OPERATORS.to_vec()), word())
            .prop_map(|(path, operator, word)| format!("{path} {operator} \"{word}\"")),
        1 => select(PATHS.to_vec()).prop_map(|path| format!("{path} pr")),
        1 => any::<bool>().prop_map(|active| format!("active eq {active}")),
        4 => (select(vec!["emails", "groups"]), logic(within_brackets()))
            .prop_map(|(path, filter)| format!("{path}[{filter}]")),
    ]
}

fn logic(leaf: impl Strategy<Value = String> + 'static) -> impl Strategy<Value = String> {
    leaf.prop_recursive(3, 10, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(|terms| format!("({})", terms.join(" and "))),
            vec(inner.clone(), 2..4).prop_map(|terms| format!("({})", terms.join(" or "))),
            inner.prop_map(|term| format!("not ({term})")),
        ]
    })
}

/// A filter on users.
pub(super) fn filter() -> impl Strategy<Value = String> {
    logic(term())
}

fn elements() -> impl Strategy<Value = Vec<Value>> {
    let element = (option::of(word()), option::of(word()), option::of(word()))
        .prop_map(|(value, kind, display)| json!({"value": value, "type": kind, "display": display}));
    vec(element, 0..4)
}

/// A user.
pub(super) fn user() -> impl Strategy<Value = Value> {
    let single = (word(), option::of(word()), option::of(word()), option::of(any::<bool>()), option::of(word()));
    (single, elements(), elements()).prop_map(|((user_name, external_id, title, active, manager), emails, groups)| {
        json!({
            "userName": user_name, "externalId": external_id, "title": title, "active": active,
            "emails": emails, "groups": groups,
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"manager": {"value": manager}},
        })
    })
}

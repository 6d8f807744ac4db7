//! What must hold of any operations at all.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::scim::resource::create;

const NAMES: [&str; 34] = [
    "userName",
    "USERNAME",
    "externalId",
    "active",
    "password",
    "title",
    "name",
    "name.givenName",
    "emails",
    "Emails",
    "emails.value",
    "emails.primary",
    "value",
    "type",
    "primary",
    "display",
    "displayName",
    "$ref",
    "givenName",
    "locality",
    "addresses",
    "roles",
    "manager",
    "department",
    "id",
    "meta",
    "meta.version",
    "groups",
    "schemas",
    "members",
    "x509Certificates",
    CORE,
    ENTERPRISE,
    "urn:x",
];

/// Attributes that clients must not reach, columns of tables, and other things a path could be taken for (A22).
const FORBIDDEN: [&str; 26] = [
    "id",
    "ID",
    "meta",
    "meta.created",
    "meta.lastModified",
    "meta.version",
    "meta.location",
    "meta.resourceType",
    "groups",
    "groups[value eq \"g\"]",
    "__proto__",
    "constructor.prototype",
    "organization_id",
    "tenant",
    "folded_user_name",
    "document",
    "revision",
    "deleted",
    "managed_by",
    "urn:ietf:params:scim:schemas:core:2.0:User:id",
    "URN:IETF:PARAMS:SCIM:SCHEMAS:CORE:2.0:USER:META.CREATED",
    "urn:ietf:params:scim:schemas:core:2.0:Group:displayName",
    "urn:ietf:params:scim:schemas:core:2.0:User.id",
    "urn:x:y",
    "schemas.x",
    "$ref",
];

fn value() -> impl Strategy<Value = Value> {
    let text = proptest::sample::select(vec![
        "",
        "work",
        "WORK",
        "home",
        "True",
        "false",
        "a@b",
        "A@b",
        "m1",
        "{\"value\":\"q\",\"displayName\":\"Q\"}",
        "{",
        "AAAA",
        "é",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let name = proptest::sample::select(NAMES.to_vec()).prop_map(ToOwned::to_owned);
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(name, inner, 0..5).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// Values that mostly fit, so that operations succeed.
fn fitting() -> impl Strategy<Value = Value> {
    let part = proptest::sample::select(vec!["work", "WORK", "home", "a@b", "b@work", "m1"]);
    let primary = prop_oneof![Just(json!(null)), Just(json!("True")), any::<bool>().prop_map(Value::from)];
    let element = (part.clone(), part.clone(), primary)
        .prop_map(|(kind, value, primary)| json!({"type": kind, "value": value, "primary": primary}));
    let text = part.clone().prop_map(Value::from);
    prop_oneof![3 => text, 2 => element.clone(), 2 => proptest::collection::vec(element, 0..3).prop_map(Value::from), 1 => value()]
}

fn path() -> impl Strategy<Value = Option<String>> {
    let filter = proptest::sample::select(vec![
        "type eq \"work\"",
        "type eq \"WORK\"",
        "type eq \"new\"",
        "value eq \"a@b\" and type eq \"home\"",
        "primary eq \"True\"",
        "not (type eq \"work\")",
        "value pr",
        "type eq null",
        "display ne \"x\"",
        "primary eq false or value co \"b\"",
    ]);
    let after = proptest::sample::select(vec!["", ".value", ".value", ".type", ".primary", ".display"]);
    let before = proptest::sample::select(vec!["emails", "addresses", "roles", "phoneNumbers", "name", "manager"]);
    let names = NAMES.into_iter().chain(FORBIDDEN).collect::<Vec<_>>();
    prop_oneof![
        1 => Just(None),
        3 => proptest::sample::select(names).prop_map(|name| Some(name.to_owned())),
        5 => (before, filter, after).prop_map(|(before, filter, after)| Some(format!("{before}[{filter}]{after}"))),
        1 => "\\PC{0,20}".prop_map(Some),
    ]
}

fn operation(verb: impl Strategy<Value = Verb>) -> impl Strategy<Value = Operation> {
    (verb, path(), fitting()).prop_map(|(verb, path, value)| Operation { verb, path, value: Some(value) })
}

fn verb() -> impl Strategy<Value = Verb> {
    prop_oneof![Just(Verb::Add), Just(Verb::Remove), Just(Verb::Replace)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    // Requirements 1, 2, 5, 7, 8, 9, 10
    #[test]
    fn whatever_the_operations_the_document_stays_in_stored_form(operations in proptest::collection::vec(operation(verb()), 1..6)) {
        if let Ok(patched) = apply(&Switches::DEFAULT, &types().user, &barbara(), &operations) {
            let read_again = create(&Switches::DEFAULT, &types().user, Value::Object(patched.document.clone())).unwrap().document;
            prop_assert_eq!(&read_again, &patched.document);
            prop_assert_eq!(patched.changed, patched.document != barbara());
        }
    }

    // Requirement 46
    #[test]
    fn an_operation_that_fails_takes_the_others_with_it(operations in proptest::collection::vec(operation(verb()), 0..4)) {
        let failing = Operation { verb: Verb::Remove, path: Some("id".into()), value: None };
        let operations: Vec<Operation> = operations.into_iter().chain([failing]).collect();
        prop_assert!(apply(&Switches::DEFAULT, &types().user, &barbara(), &operations).is_err());
    }

    // Requirement 49
    #[test]
    fn adding_twice_and_replacing_twice_are_as_good_as_once(operation in operation(prop_oneof![Just(Verb::Add), Just(Verb::Replace)])) {
        if let Ok(once) = apply(&Switches::DEFAULT, &types().user, &barbara(), std::slice::from_ref(&operation)) {
            // The second may find nothing any more: `replace emails[type eq "work"].type` by something else.
            if let Ok(twice) = apply(&Switches::DEFAULT, &types().user, &once.document, &[operation]) {
                prop_assert_eq!(twice.document, once.document);
                prop_assert!(!twice.changed);
            }
        }
    }

    // Requirements 5, 52
    #[test]
    fn what_only_the_server_writes_is_out_of_reach(
        name in proptest::sample::select(FORBIDDEN.to_vec()),
        verb in verb(),
        value in value(),
    ) {
        let with_path = Operation { verb, path: Some(name.to_owned()), value: Some(value.clone()) };
        prop_assert!(apply(&Switches::DEFAULT, &types().user, &barbara(), &[with_path]).is_err());
        let without = Operation { verb: Verb::Replace, path: None, value: Some(json!({name: value})) };
        prop_assert_eq!(apply(&Switches::DEFAULT, &types().user, &barbara(), &[without]).map(|patched| patched.document), Ok(barbara()));
    }

    #[test]
    fn any_body_is_read_or_refused(body in value()) {
        if let Ok(operations) = parse(&Switches::DEFAULT, body) {
            prop_assert!(!operations.is_empty());
        }
    }
}

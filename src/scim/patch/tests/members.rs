//! Every spelling of a membership change becomes the same few changes of rows.

use serde_json::json;

use super::*;

fn group() -> Map<String, Value> {
    let group = json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Tour Guides"});
    group.as_object().unwrap().clone()
}

fn rows(operations: Value) -> Result<Vec<RowsChange>, ScimError> {
    let patched = apply(&Switches::DEFAULT, &types().group, &group(), &parse(&Switches::DEFAULT, operations)?)?;
    assert_eq!((patched.document, patched.changed), (group(), false));
    Ok(patched.rows)
}

fn row(value: &str) -> Row {
    Row { value: value.to_owned(), kind: None }
}

fn add(values: &[&str]) -> RowsChange {
    RowsChange::Add(values.iter().map(|value| row(value)).collect())
}

fn replace(values: &[&str]) -> RowsChange {
    RowsChange::Replace(values.iter().map(|value| row(value)).collect())
}

fn remove(values: &[&str]) -> RowsChange {
    RowsChange::Remove(values.iter().map(|value| (*value).to_owned()).collect())
}

// Requirements 2, 48, 53, 54, 55, 57
#[test]
fn every_spelling_of_a_membership_change_is_understood() {
    for (operation, expected) in [
        (op("Add", "members", json!([{"$ref": null, "value": "a"}])), vec![add(&["a"])]),
        (op("add", "Members", json!([{"value": "a", "display": "A"}, {"value": "a"}])), vec![add(&["a"])]),
        (op("add", "members", json!({"value": "a"})), vec![add(&["a"])]),
        (op("add", "members", json!("a")), vec![add(&["a"])]),
        (op("add", "members", json!(["a", "b"])), vec![add(&["a", "b"])]),
        (op("add", "members", json!([])), vec![]),
        (op("add", "members", json!(null)), vec![]),
        (op("add", "urn:ietf:params:scim:schemas:core:2.0:Group:members", json!(["a"])), vec![add(&["a"])]),
        (op("add", "members[value eq \"a\"]", json!([{"value": "a"}])), vec![add(&["a"])]),
        (op("add", "members[value eq \"a\"]", json!({})), vec![add(&["a"])]),
        (op("replace", "members", json!([{"value": "a"}, {"value": "b"}])), vec![replace(&["a", "b"])]),
        (op("replace", "members", json!([])), vec![replace(&[])]),
        (op("replace", "members", json!(null)), vec![replace(&[])]),
        (op("replace", "members[value eq \"a\"]", json!({"value": "b"})), vec![remove(&["a"]), add(&["b"])]),
        (json!({"op": "remove", "path": "members"}), vec![RowsChange::Clear]),
        (op("remove", "members", json!(null)), vec![RowsChange::Clear]),
        (op("Remove", "members", json!([{"$ref": null, "value": "a"}])), vec![remove(&["a"])]),
        (op("remove", "members", json!("a")), vec![remove(&["a"])]),
        (op("remove", "members", json!({"value": "a"})), vec![remove(&["a"])]),
        (op("remove", "members", json!([])), vec![]),
        (op("remove", "members[value eq \"a\"]", json!(null)), vec![remove(&["a"])]),
        (op("remove", "MEMBERS[VALUE EQ \"a\" or value eq \"b\"]", json!(null)), vec![remove(&["a", "b"])]),
        (op("remove", "members[value eq\"a\"]", json!(null)), vec![remove(&["a"])]),
        (json!({"op": "replace", "value": {"members": [{"value": "a"}]}}), vec![replace(&["a"])]),
        (json!({"op": "add", "value": {"Members": [{"value": "a"}], "id": "g"}}), vec![add(&["a"])]),
        (json!({"op": "replace", "value": {"id": "g", "displayName": "Tour Guides"}}), vec![]),
    ] {
        assert_eq!(rows(json!([operation])), Ok(expected), "{operation}");
    }
}

#[test]
fn the_kind_of_a_member_is_kept_in_canonical_spelling() {
    let kind = |kind: &str| RowsChange::Add(vec![Row { value: "a".into(), kind: Some(kind.into()) }]);
    assert_eq!(rows(json!([op("add", "members", json!([{"value": "a", "type": "group"}]))])), Ok(vec![kind("Group")]));
    assert_eq!(
        rows(json!([op("add", "members", json!([{"value": "a"}, {"value": "a", "type": "User"}]))])),
        Ok(vec![kind("User")])
    );
}

#[test]
fn a_filter_that_asks_more_than_ids_is_left_to_whoever_holds_the_members() {
    for path in
        ["members[type eq \"Group\"]", "members[value eq \"a\" and type eq \"User\"]", "members[not (value eq \"a\")]"]
    {
        match rows(json!([op("remove", path, json!(null))])).unwrap().as_slice() {
            [RowsChange::RemoveWhere(condition)] => {
                let holds = |member| crate::scim::filter::eval(condition, &member);
                assert_ne!(
                    holds(json!({"value": "a", "type": "User"})),
                    holds(json!({"value": "b", "type": "Group"})),
                    "{path}"
                );
            }
            other => panic!("{path}: {other:?}"),
        }
    }
}

#[test]
fn changes_stay_in_order_and_neighbours_of_one_kind_are_one() {
    let operations = json!([
        op("add", "members", json!([{"value": "a"}])),
        op("add", "members", json!([{"value": "b"}, {"value": "a"}])),
        op("remove", "members", json!([{"value": "c"}])),
        op("remove", "members[value eq \"c\"]", json!(null)),
        op("remove", "members[value eq \"d\"]", json!(null)),
        op("add", "members", json!([{"value": "c"}])),
        op("remove", "members", json!(null)),
    ]);
    assert_eq!(rows(operations), Ok(vec![add(&["a", "b"]), remove(&["c", "d"]), add(&["c"]), RowsChange::Clear]));
}

// Requirement 53
#[test]
fn what_a_member_is_cannot_change() {
    for (operation, kind) in [
        (op("replace", "members[value eq \"a\"].type", json!("Group")), ScimType::Mutability),
        (op("replace", "members.type", json!("User")), ScimType::Mutability),
        (op("add", "members", json!([{"display": "A"}])), ScimType::InvalidValue),
        (op("add", "members", json!([5])), ScimType::InvalidValue),
        (op("add", "members", json!([{"value": ""}])), ScimType::InvalidValue),
        (op("remove", "members", json!([{"value": 5}])), ScimType::InvalidValue),
        (op("add", "members", json!([{"value": "a", "type": "Robot"}])), ScimType::InvalidValue),
        (op("remove", "members[shoe eq \"a\"]", json!(null)), ScimType::InvalidFilter),
    ] {
        match rows(json!([operation])) {
            Err(ScimError::BadRequest(found, _)) => assert_eq!(found, kind, "{operation}"),
            other => panic!("{operation}: {other:?}"),
        }
    }
}

#[test]
fn ten_thousand_operations_with_one_member_each_are_one_change() {
    let operations: Vec<Value> = (0..10_000).map(|n| op("add", "members", json!([{"value": n.to_string()}]))).collect();
    match rows(json!(operations)).unwrap().as_slice() {
        [RowsChange::Add(rows)] => assert_eq!(rows.len(), 10_000),
        other => panic!("{} changes", other.len()),
    }
}

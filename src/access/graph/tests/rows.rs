//! Rows in few words.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::model::*;

use super::super::*;

pub const NOW: Moment = Moment::from_micros(1_000_000_000);
pub const ROOT: Resource<'static> = Resource { resource_type: "organization", id: "/" };

fn uuid(kind: u128, number: u32) -> Uuid {
    Uuid::from_u128((kind << 64) | u128::from(number))
}

pub fn user_id(number: u32) -> UserId {
    UserId::new(uuid(1, number))
}

pub fn group_id(number: u32) -> GroupId {
    GroupId::new(uuid(2, number))
}

pub fn user_subject(number: u32) -> Subject {
    Subject::User(user_id(number))
}

pub fn user_principal(number: u32) -> Principal {
    Principal::User(user_id(number))
}

pub fn group(number: u32) -> Principal {
    Principal::Group(group_id(number))
}

pub fn user(number: u32) -> Change {
    Change::User { subject: user_subject(number), standing: Standing::Active }
}

fn user_member(number: u32) -> Member {
    Member { id: user_id(number).into(), kind: MemberKind::User }
}

fn group_member(number: u32) -> Member {
    Member { id: group_id(number).into(), kind: MemberKind::Group }
}

pub fn joined(group: u32, user: u32) -> Change {
    Change::Joined(group_id(group), user_member(user))
}

pub fn left(group: u32, user: u32) -> Change {
    Change::Left(group_id(group), user_member(user))
}

pub fn nested(outer: u32, inner: u32) -> Change {
    Change::Joined(group_id(outer), group_member(inner))
}

pub fn unnested(outer: u32, inner: u32) -> Change {
    Change::Left(group_id(outer), group_member(inner))
}

pub fn scope_of(path: &str) -> Scope {
    Scope { path: path.parse().unwrap(), production: false, gates: BTreeMap::new(), description: None }
}

pub fn scope(path: &str) -> Change {
    Change::Scope(Box::new(scope_of(path)))
}

pub fn leaf(resource_type: &str, id: &str, scope: &str) -> Change {
    Change::Leaf(Box::new(Leaf {
        resource_type: resource_type.parse().unwrap(),
        id: id.parse().unwrap(),
        scope: scope.parse().unwrap(),
        facts: BTreeMap::new(),
    }))
}

pub fn role(name: &str, number: u32, permissions: &[&str]) -> Change {
    let permissions = permissions.iter().map(|permission| permission.parse().unwrap()).collect();
    Change::Role(Box::new(RoleVersion { role: name.parse().unwrap(), number, permissions }))
}

pub fn assignment_id(number: u32) -> AssignmentId {
    AssignmentId::new(uuid(3, number))
}

pub fn assignment(number: u32, role: &str, scope: &str, principal: Principal) -> Assignment {
    Assignment {
        id: assignment_id(number),
        role: role.parse().unwrap(),
        scope: scope.parse().unwrap(),
        principal,
        validity: Validity::new(Moment::from_micros(0), None).unwrap(),
        source: AssignmentSource::Administrator,
        approver: None,
        reason: None,
    }
}

pub fn assigned(number: u32, role: &str, scope: &str, principal: Principal) -> Change {
    Change::Assigned(Box::new(assignment(number, role, scope, principal)))
}

pub fn service(number: u32, owner: UserId, expires_at: Moment) -> Service {
    Service {
        id: ServiceId::new(uuid(4, number)),
        name: format!("service {number}").parse().unwrap(),
        owner,
        successor: None,
        expires_at,
        stopped_at: None,
    }
}

pub fn identifiers(number: u32, identifiers: &[Identifier]) -> Change {
    Change::Identifiers { subject: user_subject(number), identifiers: identifiers.to_vec() }
}

pub fn graph(rows: impl IntoIterator<Item = Change>) -> Graph {
    let mut graph = Graph::empty();
    for row in rows {
        graph.apply(row);
    }
    graph
}

pub fn place(path: &str) -> Resource<'_> {
    let kind = path.parse::<ScopePath>().unwrap().kind();
    Resource { resource_type: kind.as_str(), id: path }
}

pub fn denial(graph: &Graph, user: u32, permission: &str, path: &str) -> Option<Denial> {
    graph.may(user_subject(user), permission, place(path), NOW).outcome.err()
}

pub fn allows(graph: &Graph, user: u32, permission: &str, path: &str) -> bool {
    denial(graph, user, permission, path).is_none()
}

pub fn who(graph: &Graph, permission: &str, path: &str) -> Vec<Subject> {
    graph.subjects_who_may("user", permission, place(path), NOW, None, usize::MAX)
}

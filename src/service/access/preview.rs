//! What a change of access would come to, before it is made.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Value, json};

use crate::access::decide::Rules;
use crate::access::difference::{Difference, Right, Touched, difference as compare};
use crate::access::graph::{Change as Row, Graph, Identifier, Lifetimes, Standing, Subject};
use crate::access::guardrail::{Guardrail, Guardrails, Vocabulary, person_facts};
use crate::db::access::{AccessRow, guardrails};
use crate::db::users::UserRow;
use crate::live;
use crate::model::{Catalogue, Permission, Principal, ResourceId, Scope};

use super::{AdministrationError, Change, Result, principals};

/// What a change would come to.
#[derive(Debug, Clone)]
pub struct Preview {
    /// What would be put on record: what is done, and to what.
    pub changes: Vec<(String, Value)>,
    /// Who gains, who loses, what breaks.
    pub difference: Difference,
    /// What people and services are called.
    pub names: BTreeMap<ResourceId, String>,
    /// Stands for the result: a change that comes to the same has the same.
    pub fingerprint: String,
}

impl Preview {
    /// The preview as lines of text, person by person.
    pub fn lines(&self) -> Vec<String> {
        let name =
            |subject: &Subject| self.names.get(&subject.id()).cloned().unwrap_or_else(|| subject.id().to_string());
        let mut lines: Vec<String> =
            self.changes.iter().map(|(action, details)| format!("* {action} {details}")).collect();
        let told = |sign: &str, people: &BTreeMap<Subject, BTreeSet<Right>>| -> Vec<String> {
            let all = people.iter().flat_map(|(subject, rights)| {
                let who = name(subject);
                rights.iter().map(move |(scope, permission)| format!("{who} {permission} at {scope}"))
            });
            let mut all: Vec<String> = all.map(|text| format!("{sign} {text}")).collect();
            all.sort();
            all
        };
        lines.extend(told("+", &self.difference.gains));
        lines.extend(told("-", &self.difference.losses));
        for conflict in &self.difference.conflicts {
            let roles: Vec<&str> = conflict.roles.iter().map(crate::model::RoleName::as_str).collect();
            let who = name(&conflict.subject);
            lines.push(format!("! {who} would hold {} at {}", roles.join(" and "), conflict.scope));
        }
        for gate in &self.difference.closed {
            lines.push(format!("! nobody could pass {} at {} any more", gate.permission, gate.scope));
        }
        for gate in &self.difference.starved {
            let (passing, least) = (gate.passing, gate.bounds.minimum());
            lines.push(format!("! {passing} could pass {} at {}, {least} must", gate.permission, gate.scope));
        }
        lines.push(format!("administrators left: {}", self.difference.administrators));
        lines
    }
}

/// Works out what a change would come to. The change can then only be written at the revision that was looked at.
pub(super) fn of(change: &mut Change<'_, '_>) -> Result<Preview> {
    let (graph, held, revision) = live::rules(change.tx, change.organization)?;
    change.only_at = Some(revision);
    let (tried, rules) = tried(change, &graph, &held)?;
    let with = |graph, guardrails| Rules { graph, guardrails, lifetimes: Lifetimes::default() };
    let touched = touched(change, &graph, &tried);
    let difference = compare(&with(&graph, &held), &with(&tried, &rules), &touched, change.now);
    let subjects = difference.gains.keys().chain(difference.losses.keys());
    let subjects = subjects.chain(difference.conflicts.iter().map(|conflict| &conflict.subject));
    let named = subjects.map(|subject| match subject {
        Subject::User(id) => Principal::User(*id),
        Subject::Service(id) => Principal::Service(*id),
    });
    let mut names = principals::names(change.tx, change.organization, named)?;
    names.extend(change.people.users_created.iter().map(|user| (user.id.into(), user.user_name_key.clone())));
    let fingerprint = fingerprint(&difference, &names);
    let people = change.people.users_created.iter();
    let people = people.map(|user| ("user.created".to_owned(), json!({ "userName": user.user_name_key })));
    let events = change.events.iter().map(|(action, _, details)| ((*action).to_owned(), details.clone()));
    let changes = people.chain(events).collect();
    Ok(Preview { changes, difference, names, fingerprint })
}

/// Everything that decides as it would be.
fn tried(change: &mut Change<'_, '_>, graph: &Graph, held: &Guardrails) -> Result<(Graph, Guardrails)> {
    let mut graph = graph.clone();
    for user in &change.people.users_created {
        newcomer(&mut graph, user)?;
    }
    let mut catalogue = graph.catalogue().clone();
    let mut attributes = guardrails::attributes(change.tx, change.organization)?;
    let mut types: BTreeSet<_> = held.vocabulary().leaf_types().cloned().collect();
    let mut all: BTreeMap<_, Guardrail> = held.iter().map(|one| (one.id().clone(), one.clone())).collect();
    let corrupt = |error: String| AdministrationError::Unfitting(error);
    for row in change.rows.iter().filter(|row| row.ends()) {
        match row {
            AccessRow::PermissionEnds(name) => {
                catalogue.remove(name);
                if let Some(entry) = Catalogue::default().get(name) {
                    catalogue.declare(name.clone(), entry.clone()).map_err(|error| corrupt(error.to_string()))?;
                }
            }
            AccessRow::RoleEnds(name) => graph.apply(Row::RoleRemoved(name.clone())),
            // A scope that only changes keeps what is assigned at it.
            AccessRow::ScopeEnds(path) if !stays(&change.rows, path) => graph.apply(Row::ScopeRemoved(path.clone())),
            AccessRow::GateEnds(path, permission) => {
                if let Some(mut scope) = graph.scope(path).cloned() {
                    scope.gates.remove(permission);
                    graph.apply(Row::Scope(Box::new(scope)));
                }
            }
            AccessRow::AssignmentEnds(id) => graph.apply(Row::Unassigned(*id)),
            AccessRow::LeafEnds(kind, id) => graph.apply(Row::LeafRemoved(kind.clone(), id.clone())),
            AccessRow::AttributeEnds(owner, name) => attributes.retain(|one| one.owner != *owner || one.name != *name),
            AccessRow::GuardrailEnds(id) => drop(all.remove(id)),
            _ => {}
        }
    }
    for row in change.rows.iter().filter(|row| !row.ends()) {
        match row {
            AccessRow::Permission(row) => {
                catalogue.declare(row.name.clone(), row.entry.clone()).map_err(|error| corrupt(error.to_string()))?;
            }
            AccessRow::Role(row) => graph.apply(Row::Role(Box::new(row.version.clone()))),
            AccessRow::Scope(row) => {
                let gates = graph.scope(&row.path).map(|scope| scope.gates.clone()).unwrap_or_default();
                let (path, description) = (row.path.clone(), row.description.clone());
                graph.apply(Row::Scope(Box::new(Scope { path, production: row.production, gates, description })));
            }
            AccessRow::Assignment(row) => graph.apply(Row::Assigned(Box::new(row.assignment.clone()))),
            AccessRow::Service(row) => graph.apply(Row::Service(Box::new(row.service.clone()))),
            AccessRow::Leaf(row) => {
                types.insert(row.leaf.resource_type.clone());
                graph.apply(Row::Leaf(Box::new(row.leaf.clone())));
            }
            AccessRow::Attribute(attribute) => attributes.push(attribute.clone()),
            AccessRow::Guardrail(row) => {
                let read = Guardrail::read(&row.text).map_err(|error| corrupt(error.to_string()))?;
                all.insert(row.id.clone(), read);
            }
            _ => {}
        }
    }
    for row in &change.rows {
        if let AccessRow::Gate(row) = row
            && let Some(mut scope) = graph.scope(&row.scope).cloned()
        {
            scope.gates.insert(row.permission.clone(), row.bounds);
            graph.apply(Row::Scope(Box::new(scope)));
        }
    }
    graph.apply(Row::Catalogue(Box::new(catalogue.clone())));
    let mut vocabulary = Vocabulary::new(&catalogue);
    for attribute in &attributes {
        vocabulary.declare(attribute).map_err(|error| corrupt(error.to_string()))?;
    }
    for kind in types {
        vocabulary.declare_type(kind);
    }
    Ok((graph, Guardrails::new(all.into_values(), vocabulary)))
}

fn newcomer(graph: &mut Graph, user: &UserRow) -> Result<()> {
    let document = serde_json::from_str(&user.document)
        .map_err(|error| AdministrationError::Unfitting(format!("a user cannot be read: {error}")))?;
    let subject = Subject::User(user.id);
    let standing = if user.active { Standing::Active } else { Standing::Inactive };
    graph.apply(Row::User { subject, standing });
    graph.apply(Row::Identifiers { subject, identifiers: vec![Identifier::name(&user.user_name_key)] });
    graph.apply(Row::Facts { subject, facts: Box::new(person_facts(&document)) });
    Ok(())
}

fn stays(rows: &[AccessRow], path: &crate::model::ScopePath) -> bool {
    rows.iter().any(|row| matches!(row, AccessRow::Scope(scope) if scope.path == *path))
}

/// What the rows can touch: an assignment the permissions of its role where it is, all else anything anywhere.
fn touched(change: &Change<'_, '_>, before: &Graph, after: &Graph) -> Touched {
    let (mut permissions, mut scopes): (BTreeSet<Permission>, BTreeSet<_>) = (BTreeSet::new(), BTreeSet::new());
    for row in &change.rows {
        let assignment = match row {
            AccessRow::Assignment(row) => Some(&row.assignment),
            AccessRow::AssignmentEnds(id) => before.assignment(*id),
            _ => return Touched::default(),
        };
        let Some(assignment) = assignment else { continue };
        scopes.insert(assignment.scope.clone());
        for graph in [before, after] {
            let Some(role) = graph.role(&assignment.role) else { continue };
            let held = graph.catalogue().permissions().map(|(name, _)| name).filter(|name| role.allows(name));
            permissions.extend(held.cloned());
        }
        // Roles that must be kept apart bar what neither of them is for.
        permissions
            .extend(after.catalogue().permissions().map(|(name, _)| name).filter(|name| !name.is_reserved()).cloned());
    }
    Touched { permissions: Some(permissions), scopes: Some(scopes) }
}

fn fingerprint(difference: &Difference, names: &BTreeMap<ResourceId, String>) -> String {
    // Whoever is new has an id only once it is made: a name stands for it.
    let who = |subject: &Subject| names.get(&subject.id()).cloned().unwrap_or_else(|| subject.id().to_string());
    let rights = |people: &BTreeMap<Subject, BTreeSet<Right>>| -> Vec<Value> {
        let texts = |rights: &BTreeSet<Right>| -> Vec<String> {
            rights.iter().map(|(scope, permission)| format!("{permission} {scope}")).collect()
        };
        people.iter().map(|(subject, rights)| json!([who(subject), texts(rights)])).collect()
    };
    let conflicts: Vec<Value> = difference
        .conflicts
        .iter()
        .map(|one| {
            json!([
                who(&one.subject),
                one.scope.as_str(),
                one.roles.iter().map(crate::model::RoleName::as_str).collect::<Vec<_>>()
            ])
        })
        .collect();
    let closed: Vec<String> =
        difference.closed.iter().map(|gate| format!("{} {}", gate.permission, gate.scope)).collect();
    let starved = difference.starved.iter().map(|gate| format!("{} {} {}", gate.permission, gate.scope, gate.passing));
    let starved: Vec<String> = starved.collect();
    let (gains, losses) = (rights(&difference.gains), rights(&difference.losses));
    let whole = json!([gains, losses, conflicts, closed, starved, difference.administrators]);
    let sum = digest(&SHA256, whole.to_string().as_bytes());
    sum.as_ref().iter().take(16).fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

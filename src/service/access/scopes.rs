//! Scopes: create with what lies around them, change, list, remove.

use std::collections::BTreeMap;

use serde_json::json;

use crate::db::Tx;
use crate::db::access::scopes::{self, ScopeRow};
use crate::db::access::{AccessRow, assignments, leaves};
use crate::model::{Moment, OrganizationId, Permission, Reason, Scope, ScopePath};

use super::{Administration, AdministrationError, Change, Result, offers};

/// A scope to make.
#[derive(Debug, Clone)]
pub struct NewScope {
    /// Where.
    pub path: ScopePath,
    /// Whether it is production.
    pub production: bool,
    /// What it is for.
    pub description: Option<Reason>,
}

/// What is to be different about a scope; `None` stays.
#[derive(Debug, Clone, Default)]
pub struct ScopeChange {
    /// Whether it is production.
    pub production: Option<bool>,
    /// What it is for, or that nothing is said of it any more.
    pub description: Option<Option<Reason>>,
}

impl Administration {
    /// Makes a scope, and the project around an environment where it is missing. Making one that is there as wanted
    /// changes nothing.
    ///
    /// # Errors
    /// [`AdministrationError::Taken`] when it is there and is something else.
    pub fn create_scope(&self, organization: OrganizationId, wanted: &NewScope) -> Result<Scope> {
        self.change_access(organization, |change| {
            if let Some((scope, _)) = scopes::by_path(change.tx, organization, &wanted.path)? {
                let same = scope.production == wanted.production
                    && (wanted.description.is_none() || scope.description == wanted.description);
                return if same { Ok(scope) } else { Err(exists(&scope)) };
            }
            for path in wanted.path.ancestors().filter(|path| *path != wanted.path) {
                if scopes::by_path(change.tx, organization, &path)?.is_none() {
                    begin(change, Scope { path, production: false, gates: BTreeMap::new(), description: None });
                }
            }
            let scope = Scope {
                path: wanted.path.clone(),
                production: wanted.production,
                gates: BTreeMap::new(),
                description: wanted.description.clone(),
            };
            begin(change, scope.clone());
            Ok(scope)
        })
    }

    /// Changes a scope. Guardrails may read whether it is production, so every change may take access.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`].
    pub fn change_scope(&self, organization: OrganizationId, path: &ScopePath, wanted: &ScopeChange) -> Result<Scope> {
        self.change_access(organization, |change| {
            let (mut scope, created_at) = stored(change.tx, organization, path)?;
            let before = scope.clone();
            scope.production = wanted.production.unwrap_or(scope.production);
            if let Some(description) = &wanted.description {
                scope.description.clone_from(description);
            }
            if scope != before {
                if created_at.is_some() {
                    change.rows.push(AccessRow::ScopeEnds(path.clone()));
                }
                change.rows.push(AccessRow::Scope(row(&scope, created_at.unwrap_or(change.now))));
                change.takes_access = true;
                change.event(
                    "scope.changed",
                    organization,
                    json!({ "scope": path.as_str(),
                    "before": { "production": before.production }, "after": { "production": scope.production } }),
                );
            }
            Ok(scope)
        })
    }

    /// Removes a scope with its gates. Assignments whose time is over go with it.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`], and [`AdministrationError::InUse`] while scopes or resources lie in it or
    /// roles are assigned at it.
    pub fn remove_scope(&self, organization: OrganizationId, path: &ScopePath) -> Result<()> {
        self.change_access(organization, |change| {
            if *path == ScopePath::root() {
                return Err(AdministrationError::InUse("`/` is the organization itself and stays".to_owned()));
            }
            let scope = found(change.tx, organization, path)?;
            offers::none(change.tx, organization, |offer| offer.scope == *path)?;
            // What lies in it comes first behind its own path and a stroke.
            let next = scopes::page(change.tx, organization, &format!("{path}/"), 1)?;
            if let Some(inner) = next.into_iter().map(|scope| scope.path).find(|other| path.contains(other)) {
                let message = format!("the scope `{inner}` lies in `{path}`; remove it first");
                return Err(AdministrationError::InUse(message));
            }
            if let Some(leaf) = leaves::list(change.tx, organization)?.into_iter().find(|leaf| leaf.scope == *path) {
                let message = format!("the {} `{}` lies in `{path}`; remove it first", leaf.resource_type, leaf.id);
                return Err(AdministrationError::InUse(message));
            }
            for stored in assignments::at_scope(change.tx, organization, path, i64::MAX)? {
                let assignment = stored.assignment;
                if assignment.validity.until().is_none_or(|until| until > change.now) {
                    let message = format!(
                        "the role `{}` is assigned at `{path}` (assignment `{}`); remove the assignment first",
                        assignment.role, assignment.id
                    );
                    return Err(AdministrationError::InUse(message));
                }
                change.rows.push(AccessRow::AssignmentEnds(assignment.id));
            }
            let gates = scope.gates.into_keys().map(|permission| AccessRow::GateEnds(path.clone(), permission));
            change.rows.extend(gates);
            change.rows.push(AccessRow::ScopeEnds(path.clone()));
            change.takes_access = true;
            change.event("scope.removed", organization, json!({ "scope": path.as_str() }));
            Ok(())
        })
    }

    /// The scopes of an organization by path, `/` among them.
    ///
    /// # Errors
    /// [`AdministrationError::Database`].
    pub fn scopes(&self, organization: OrganizationId) -> Result<Vec<Scope>> {
        Ok(self.live.read(|tx| scopes::complete(tx, organization))?.into_values().collect())
    }

    /// The scopes behind a path, at most `limit`; `/` comes after nothing.
    ///
    /// # Errors
    /// [`AdministrationError::Database`].
    pub fn scopes_after(&self, organization: OrganizationId, after: &str, limit: usize) -> Result<Vec<Scope>> {
        Ok(self.live.read(|tx| scopes::page(tx, organization, after, limit))?)
    }

    /// One scope.
    ///
    /// # Errors
    /// [`AdministrationError::Database`].
    pub fn scope(&self, organization: OrganizationId, path: &ScopePath) -> Result<Option<Scope>> {
        Ok(self.live.read(|tx| scopes::by_path(tx, organization, path))?.map(|(scope, _)| scope))
    }
}

fn exists(scope: &Scope) -> AdministrationError {
    let kind = if scope.production { "production" } else { "not production" };
    AdministrationError::Taken(format!("the scope `{}` exists already and is {kind}; change it instead", scope.path))
}

fn row(scope: &Scope, created_at: Moment) -> ScopeRow {
    let (path, production) = (scope.path.clone(), scope.production);
    ScopeRow { path, production, description: scope.description.clone(), created_at }
}

fn begin(change: &mut Change<'_, '_>, scope: Scope) {
    change.rows.push(AccessRow::Scope(row(&scope, change.now)));
    let details = json!({ "scope": scope.path.as_str(), "production": scope.production });
    change.event("scope.created", change.organization, details);
}

/// A scope that must be there.
pub(super) fn found(tx: &mut Tx<'_>, organization: OrganizationId, path: &ScopePath) -> Result<Scope> {
    stored(tx, organization, path).map(|(scope, _)| scope)
}

/// The same, and since when it is there; `None` for `/` of which nothing was said.
fn stored(tx: &mut Tx<'_>, organization: OrganizationId, path: &ScopePath) -> Result<(Scope, Option<Moment>)> {
    scopes::by_path(tx, organization, path)?.ok_or_else(|| {
        AdministrationError::NotFound(format!(
            "the organization has no scope `{path}`; `muster scope create {path}` makes it"
        ))
    })
}

/// A permission as gates name it, for messages.
pub(super) fn gate_name(path: &ScopePath, permission: &Permission) -> String {
    format!("`{permission}` at `{path}`")
}

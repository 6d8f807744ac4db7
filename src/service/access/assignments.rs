//! Assignments: map a group, a user or a service to a role at a scope; list, end.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::db::access::assignments::listed;
use crate::db::access::{AccessRow, AssignmentRow, assignments, past};
use crate::db::{Tx, organizations};
use crate::ids;
use crate::model::{
    Assignment, AssignmentId, AssignmentSource, GroupId, Moment, OrganizationId, Principal, Reason, ResourceId,
    Revision, RoleName, ScopePath, Validity, role_value,
};

use super::administrators::{self, Taken};
use super::principals::{self, WantedPrincipal};
use super::{Administration, AdministrationError, Result, roles, scopes};

pub use crate::db::access::assignments::listed::Narrowing;

/// An assignment to make.
#[derive(Debug, Clone)]
pub struct NewAssignment {
    /// To whom.
    pub principal: WantedPrincipal,
    /// Which role.
    pub role: RoleName,
    /// Where.
    pub scope: ScopePath,
    /// From when on; now, if nothing is said.
    pub from: Option<Moment>,
    /// Until when; for ever, if nothing is said.
    pub until: Option<Moment>,
    /// Where it comes from.
    pub source: AssignmentSource,
    /// Who approved it.
    pub approver: Option<ResourceId>,
    /// Why.
    pub reason: Option<Reason>,
}

/// An assignment as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownAssignment {
    /// The assignment.
    pub assignment: Assignment,
    /// When it was made.
    pub created_at: Moment,
    /// What the principal is called now; `None`: it is gone.
    pub principal_name: Option<String>,
}

impl Administration {
    /// Assigns a role. Where the same is assigned already for as long, that assignment is the answer.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`] for an unknown role, scope or principal; [`AdministrationError::Unfitting`] for a
    /// name that several bear and a time that is none.
    pub fn assign(&self, organization: OrganizationId, wanted: &NewAssignment) -> Result<Assignment> {
        self.change_access(organization, |change| {
            roles::known(change.tx, organization, &wanted.role)?;
            scopes::found(change.tx, organization, &wanted.scope)?;
            let principal = wanted.principal.find(change.tx, organization)?;
            let validity = Validity::asked(wanted.from, wanted.until, change.now)
                .map_err(|error| AdministrationError::Unfitting(error.to_string()))?;
            let same = assignments::of_role_at(change.tx, organization, &wanted.role, &wanted.scope)?;
            let same = same.into_iter().map(|row| row.assignment).find(|other| {
                other.principal == principal
                    // What a connection gives goes when the connection takes it.
                    && matches!(other.source, AssignmentSource::Connection(_))
                        == matches!(wanted.source, AssignmentSource::Connection(_))
                    && other.validity.from() <= validity.from()
                    && other.validity.until() == validity.until()
            });
            if let Some(same) = same {
                return Ok(same);
            }
            let assignment = Assignment {
                id: ids::assignment(change.now),
                role: wanted.role.clone(),
                scope: wanted.scope.clone(),
                principal,
                validity,
                source: wanted.source,
                approver: wanted.approver,
                reason: wanted.reason.clone(),
            };
            change.rows.push(AccessRow::Assignment(AssignmentRow::new(assignment.clone(), change.now)));
            change.event("assignment.created", assignment.id, details(&assignment));
            Ok(assignment)
        })
    }

    /// Ends an assignment now, or lets it end at another time.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`]; [`AdministrationError::Unfitting`] for a time in the past;
    /// [`AdministrationError::InUse`] when nobody active would be left who is `admin` at `/`, and for what a connection
    /// assigns.
    pub fn end_assignment(&self, organization: OrganizationId, id: AssignmentId, at: Option<Moment>) -> Result<()> {
        self.change_access(organization, |change| {
            let AssignmentRow { assignment, created_at, .. } = assignments::by_id(change.tx, organization, id)?
                .ok_or_else(|| {
                    AdministrationError::NotFound(format!(
                        "the organization has no assignment `{id}`; `muster mapping list` shows them"
                    ))
                })?;
            if at.is_some() && at == assignment.validity.until() {
                return Ok(());
            }
            if let AssignmentSource::Connection(connection) = assignment.source {
                let name = organizations::connection(change.tx, organization, connection)?;
                let name = name.map_or_else(|| connection.to_string(), |connection| connection.name);
                return Err(AdministrationError::InUse(format!(
                    "the connection `{name}` assigns it; take `{}` from the person there, or withdraw the offer",
                    role_value(&assignment.role, &assignment.scope)
                )));
            }
            // What ends later takes nothing away.
            let stays = |until: Moment| at.is_some_and(|at| at > until);
            if !assignment.validity.until().is_some_and(stays) {
                let taken = Taken { assignments: BTreeSet::from([id]), ..Taken::default() };
                change.only_at = administrators::keep_one(change.tx, organization, change.now, &taken)?;
                change.takes_access = true;
            }
            change.rows.push(AccessRow::AssignmentEnds(id));
            let Some(at) = at else {
                change.event("assignment.removed", id, details(&assignment));
                return Ok(());
            };
            if at <= change.now {
                let message = format!("it is to end at {at}, in the past; leave out the time to end it now");
                return Err(AdministrationError::Unfitting(message));
            }
            let validity = Validity::new(assignment.validity.from(), Some(at))
                .map_err(|error| AdministrationError::Unfitting(error.to_string()))?;
            let assignment = Assignment { validity, ..assignment };
            change.event("assignment.changed", id, details(&assignment));
            change.rows.push(AccessRow::Assignment(AssignmentRow::new(assignment, created_at)));
            Ok(())
        })
    }

    /// The assignments of an organization, oldest first, with what their principals are called.
    ///
    /// # Errors
    /// [`AdministrationError::Database`].
    pub fn assignments(&self, organization: OrganizationId) -> Result<Vec<ShownAssignment>> {
        self.live.read(|tx| {
            let rows = assignments::list(tx, organization)?;
            shown(tx, organization, rows)
        })
    }

    /// The assignments behind an id that fit, oldest first, at most `limit`.
    ///
    /// # Errors
    /// [`AdministrationError::Database`].
    pub fn assignments_after(
        &self,
        organization: OrganizationId,
        narrowing: &Narrowing,
        after: ResourceId,
        limit: i64,
    ) -> Result<Vec<ShownAssignment>> {
        self.live.read(|tx| {
            let rows = listed::page(tx, organization, narrowing, after, limit)?;
            shown(tx, organization, rows)
        })
    }

    /// What is assigned to a group, a user or a service itself, oldest first.
    ///
    /// # Errors
    /// [`AdministrationError::Database`].
    pub fn assignments_of(&self, organization: OrganizationId, principal: Principal) -> Result<Vec<ShownAssignment>> {
        self.live.read(|tx| {
            let mut rows = assignments::of_principal(tx, organization, principal.id(), Revision::OPEN)?;
            rows.retain(|row| row.assignment.principal == principal);
            rows.sort_by_key(|row| row.assignment.id);
            shown(tx, organization, rows)
        })
    }

    /// What is assigned to each of these groups itself, oldest first.
    ///
    /// # Errors
    /// [`AdministrationError::Database`].
    pub fn assigned_to_groups(
        &self,
        organization: OrganizationId,
        groups: &[GroupId],
    ) -> Result<BTreeMap<GroupId, Vec<Assignment>>> {
        let groups: Vec<ResourceId> = groups.iter().copied().map(ResourceId::from).collect();
        let mut rows = self.live.read(|tx| {
            let now = organizations::revision(tx, organization)?.unwrap_or_default();
            past::assignments(tx, organization, &groups, now)
        })?;
        rows.sort_by_key(|row| row.assignment.id);
        let mut assigned: BTreeMap<GroupId, Vec<Assignment>> = BTreeMap::new();
        for AssignmentRow { assignment, .. } in rows {
            if let Principal::Group(group) = assignment.principal {
                assigned.entry(group).or_default().push(assignment);
            }
        }
        Ok(assigned)
    }

    /// One assignment.
    ///
    /// # Errors
    /// [`AdministrationError::Database`].
    pub fn assignment(&self, organization: OrganizationId, id: AssignmentId) -> Result<Option<ShownAssignment>> {
        self.live.read(|tx| {
            let found = assignments::by_id(tx, organization, id)?;
            Ok(shown(tx, organization, found.into_iter().collect())?.pop())
        })
    }
}

fn shown(tx: &mut Tx<'_>, organization: OrganizationId, rows: Vec<AssignmentRow>) -> Result<Vec<ShownAssignment>> {
    let names = principals::names(tx, organization, rows.iter().map(|row| row.assignment.principal))?;
    let shown = rows.into_iter().map(|AssignmentRow { assignment, created_at, .. }| ShownAssignment {
        principal_name: names.get(&assignment.principal.id()).cloned(),
        assignment,
        created_at,
    });
    Ok(shown.collect())
}

/// For the log: who by id only.
pub(in crate::service) fn details(assignment: &Assignment) -> Value {
    json!({
        "role": assignment.role.as_str(),
        "scope": assignment.scope.as_str(),
        "principal": { "type": assignment.principal.kind(), "id": assignment.principal.id().to_string() },
        "from": assignment.validity.from().to_string(),
        "until": assignment.validity.until().map(|until| until.to_string()),
        "source": assignment.source.as_str(),
    })
}

//! Gates: how many people must, and may, be able to do something somewhere.

use serde_json::json;

use crate::access::gates::Gate;
use crate::db::access::AccessRow;
use crate::db::access::scopes::GateRow;
use crate::model::{GateBounds, OrganizationId, Permission, ScopePath};

use crate::service::administration::Expected;

use super::{Administration, AdministrationError, Result, catalogue, scopes};

impl Administration {
    /// Every gate with how many users can pass it: those that are set, and deploying and approving at every production
    /// environment.
    ///
    /// # Errors
    /// [`AdministrationError::CannotJudge`] when that cannot be said now.
    pub fn gates(&self, organization: OrganizationId) -> Result<Vec<Gate>> {
        let now = self.clock.now();
        Ok(self.live.judge(organization, |rules, _| rules.gates(now))?)
    }

    /// The gates behind a key, in the order of their keys, at most `limit`; who can pass the others is not asked.
    ///
    /// # Errors
    /// [`AdministrationError::CannotJudge`].
    pub fn gates_after(&self, organization: OrganizationId, after: &str, limit: usize) -> Result<Vec<Gate>> {
        let now = self.clock.now();
        Ok(self.live.judge(organization, |rules, _| {
            let watched = rules.watched_gates().into_iter();
            let behind = watched.filter(|(scope, permission, _)| gate_key(scope, permission).as_str() > after);
            behind.take(limit).map(|watched| rules.gate(watched, now)).collect()
        })?)
    }

    /// One gate.
    ///
    /// # Errors
    /// [`AdministrationError::CannotJudge`].
    pub fn gate(
        &self,
        organization: OrganizationId,
        scope: &ScopePath,
        permission: &Permission,
    ) -> Result<Option<Gate>> {
        let now = self.clock.now();
        Ok(self.live.judge(organization, |rules, _| {
            let mut watched = rules.watched_gates().into_iter();
            let found = watched.find(|(at, what, _)| at == scope && what == permission);
            found.map(|watched| rules.gate(watched, now))
        })?)
    }

    /// Watches a gate, within these bounds from now on, if it is watched as the caller thinks.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`] for a scope or a permission that is not there,
    /// [`AdministrationError::PreconditionFailed`].
    pub fn set_gate(
        &self,
        organization: OrganizationId,
        path: &ScopePath,
        permission: &Permission,
        bounds: GateBounds,
        expected: &Expected<GateBounds>,
    ) -> Result<()> {
        self.change_access(organization, |change| {
            let scope = scopes::found(change.tx, organization, path)?;
            catalogue::known(change.tx, organization, permission)?;
            match scope.gates.get(permission) {
                Some(before) if *before == bounds => return Ok(()),
                before => expected.check(before)?,
            }
            if scope.gates.contains_key(permission) {
                change.rows.push(AccessRow::GateEnds(path.clone(), permission.clone()));
            }
            let gate = GateRow { scope: path.clone(), permission: permission.clone(), bounds };
            change.rows.push(AccessRow::Gate(gate));
            change.event(
                "gate.set",
                organization,
                json!({ "scope": path.as_str(), "permission": permission.as_str(),
                "minimum": bounds.minimum(), "maximum": bounds.maximum() }),
            );
            Ok(())
        })
    }

    /// Watches a gate no more.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`] for one that is not watched.
    pub fn remove_gate(&self, organization: OrganizationId, path: &ScopePath, permission: &Permission) -> Result<()> {
        self.change_access(organization, |change| {
            let scope = scopes::found(change.tx, organization, path)?;
            if !scope.gates.contains_key(permission) {
                let gate = scopes::gate_name(path, permission);
                return Err(AdministrationError::NotFound(format!("the gate {gate} is not watched")));
            }
            change.rows.push(AccessRow::GateEnds(path.clone(), permission.clone()));
            let details = json!({ "scope": path.as_str(), "permission": permission.as_str() });
            change.event("gate.removed", organization, details);
            Ok(())
        })
    }
}

/// What lists of gates are ordered by. No path holds a space, so this is the order of [`Rules::watched_gates`].
///
/// [`Rules::watched_gates`]: crate::access::decide::Rules::watched_gates
pub fn gate_key(scope: &ScopePath, permission: &Permission) -> String {
    format!("{scope} {permission}")
}

//! Roles and to whom they are assigned; gates and who can pass them.

use std::collections::BTreeSet;

use crate::model::{Caller, Moment, UserId};
use crate::service::{ServiceError, Services};

use super::Asked;
use super::making::{Ended, Making};

/// Every assignment that is on record as holding now or later.
pub(super) fn assignments(services: &Services, caller: &Caller, making: &mut Making<'_>) -> Result<(), Ended> {
    let all = services.administration(caller).assignments(caller.organization)?;
    making.expect(all.len());
    making.columns(&[
        "id",
        "assigned to",
        "which is",
        "name",
        "role",
        "scope",
        "from (UTC)",
        "until (UTC)",
        "source",
        "reason",
        "made (UTC)",
    ]);
    for shown in all {
        let one = shown.assignment;
        making.row(&[
            one.id.to_string(),
            one.principal.id().to_string(),
            one.principal.kind().to_owned(),
            shown.principal_name.unwrap_or_default(),
            one.role.to_string(),
            one.scope.to_string(),
            one.validity.from().to_string(),
            one.validity.until().map(|until| until.to_string()).unwrap_or_default(),
            one.source.as_str().to_owned(),
            one.reason.map(|reason| reason.to_string()).unwrap_or_default(),
            shown.created_at.to_string(),
        ])?;
    }
    Ok(())
}

/// Every gate that is watched now, with everybody who can pass it, or could at a moment.
pub(super) fn gates(services: &Services, caller: &Caller, asked: &Asked, making: &mut Making<'_>) -> Result<(), Ended> {
    let (administration, organization) = (services.administration(caller), caller.organization);
    let at: Moment = asked.until.unwrap_or_else(|| services.clock.now());
    making.columns(&["permission", "scope", "at (UTC)", "user id", "user name"]);
    for gate in administration.watched_gates(organization)? {
        let found = administration.passed_at(organization, std::slice::from_ref(&gate), at);
        let passing: BTreeSet<UserId> =
            found.map_err(ServiceError::from)?.passing.into_iter().next().unwrap_or_default();
        let names = administration.named_users(organization, &passing)?;
        let (permission, scope) = gate;
        if passing.is_empty() {
            let nobody = [permission.to_string(), scope.to_string(), at.to_string(), String::new(), String::new()];
            making.row(&nobody)?;
        }
        for user in passing {
            let name = names.get(&user).map(|named| named.name.clone()).unwrap_or_default();
            making.row(&[permission.to_string(), scope.to_string(), at.to_string(), user.to_string(), name])?;
        }
    }
    Ok(())
}

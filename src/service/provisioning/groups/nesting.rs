//! Groups in groups: no cycles, and no deeper than the limit.

use std::collections::BTreeSet;

use crate::db::{DatabaseError, Tx, memberships, organizations};
use crate::model::{GroupId, Member, MemberKind, OrganizationId, ResourceId, Revision, limits};
use crate::scim::ScimError;
use crate::service::ServiceError;

/// Checks groups that join `group`. The answer is the revision the check holds at: the write must happen at that one,
/// or two requests could close a cycle between them. `None`: no group joins, nothing to hold.
///
/// # Errors
/// 400 `invalidValue` for a cycle or too deep a nesting.
pub fn check(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    group: GroupId,
    joined: &[Member],
) -> Result<Option<Revision>, ServiceError> {
    let nested: Vec<ResourceId> =
        joined.iter().filter(|member| member.kind == MemberKind::Group).map(|member| member.id).collect();
    if nested.is_empty() {
        return Ok(None);
    }
    // Read before the graph: a change in between makes the write fail, not the check pass.
    let revision = organizations::revision(tx, organization)?;
    let above = levels(&[group.into()], |ids| {
        Ok(memberships::nested_in(tx, organization, ids)?.into_iter().map(|row| row.group.into()).collect())
    })?;
    if let Some(cycle) = nested.iter().find(|id| above.seen.contains(id)) {
        return Err(ScimError::invalid_value(format!(
            "the group `{cycle}` cannot be a member: this group is, directly or not, a member of it"
        ))
        .into());
    }
    let below = levels(&nested, |ids| {
        Ok(memberships::nested_groups(tx, organization, ids)?.into_iter().map(|row| row.member.id).collect())
    })?;
    if above.count.saturating_add(below.count) > limits::NESTING_DEPTH {
        return Err(ScimError::invalid_value(format!(
            "groups may be nested {} deep, and this one would be deeper",
            limits::NESTING_DEPTH
        ))
        .into());
    }
    Ok(revision)
}

struct Levels {
    seen: BTreeSet<ResourceId>,
    count: usize,
}

/// Everything reachable, and in how many steps at most; stops one step beyond the limit.
fn levels(
    start: &[ResourceId],
    mut next: impl FnMut(&[ResourceId]) -> Result<Vec<ResourceId>, DatabaseError>,
) -> Result<Levels, DatabaseError> {
    let mut seen: BTreeSet<ResourceId> = start.iter().copied().collect();
    let mut edge: Vec<ResourceId> = start.to_vec();
    let mut count = 0_usize;
    while !edge.is_empty() && count <= limits::NESTING_DEPTH {
        count = count.saturating_add(1);
        let mut reached = next(&edge)?;
        reached.sort_unstable();
        reached.dedup();
        seen.extend(reached.iter().copied());
        edge = reached;
    }
    Ok(Levels { seen, count })
}

//! People with what they may do, and groups with their members.

use std::collections::BTreeMap;

use crate::access::decide::{Question, Rules};
use crate::access::graph::{Resource, Subject};
use crate::db::{directory, organizations, sightings, users};
use crate::model::{Caller, ConnectionId, GroupId, MemberKind, Moment, ResourceId, UserId};
use crate::service::people::{self, Person};
use crate::service::{ServiceError, Services};

use super::making::{Ended, Making};

/// Rows read at a time.
const BATCH: i64 = 500;

/// What a person may do, in words.
#[derive(Default)]
struct MayDo {
    roles: Vec<String>,
    gates: Vec<String>,
}

fn may_do(rules: &Rules<'_>, user: UserId, now: Moment) -> MayDo {
    let subject = Subject::User(user);
    let role = |(one, is_direct): (&crate::model::Assignment, bool)| {
        format!("{} at {}{}", one.role, one.scope, if is_direct { "" } else { " through a group" })
    };
    let mut roles: Vec<String> = rules.graph.held_by(subject, now).into_iter().map(role).collect();
    roles.sort_unstable();
    roles.dedup();
    let mut gates = Vec::new();
    for (scope, permission, _) in rules.watched_gates() {
        let resource = Resource { resource_type: scope.kind().as_str(), id: scope.as_str() };
        let asked = Question { subject: Ok(subject), permission: permission.as_str(), resource, circumstances: None };
        if rules.decide(&asked, now).is_allowed() {
            gates.push(format!("{permission} at {scope}"));
        }
    }
    MayDo { roles, gates }
}

/// Everybody, with what they may do.
pub(super) fn people(services: &Services, caller: &Caller, making: &mut Making<'_>) -> Result<(), Ended> {
    let organization = caller.organization;
    making.expect(usize::try_from(people::count(services, caller)?).unwrap_or_default());
    making.columns(&[
        "id",
        "user name",
        "name",
        "state",
        "source",
        "roles",
        "gates",
        "last seen (UTC)",
        "known since (UTC)",
    ]);
    let mut after = UserId::from(ResourceId::FIRST);
    loop {
        let (page, seen) = services.live.read::<_, ServiceError>(|tx| {
            let managers = people::managers(tx, organization)?;
            let page = users::page_after(tx, organization, after, BATCH)?;
            let ids: Vec<ResourceId> = page.iter().map(|user| user.id.into()).collect();
            let seen = sightings::of_ids(tx, organization, &ids)?;
            let page: Result<Vec<Person>, _> = page.into_iter().map(|user| Person::new(user, &managers)).collect();
            Ok((page?, seen))
        })?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.id;
        let now = services.clock.now();
        let all: Vec<MayDo> = services
            .live
            .judge(organization, |rules, _| page.iter().map(|one| may_do(rules, one.id, now)).collect())
            .map_err(ServiceError::from)?;
        for (one, may_do) in page.into_iter().zip(all) {
            making.row(&[
                one.id.to_string(),
                one.text("userName").to_owned(),
                one.text("displayName").to_owned(),
                one.standing().as_str().to_owned(),
                one.manager.as_ref().map_or_else(|| "local".to_owned(), |manager| manager.name.clone()),
                may_do.roles.join("; "),
                may_do.gates.join("; "),
                seen.get(&one.id).map(ToString::to_string).unwrap_or_default(),
                one.created_at.to_string(),
            ])?;
        }
    }
}

/// Every group, with its members; one without any has a row of its own.
pub(super) fn groups(services: &Services, caller: &Caller, making: &mut Making<'_>) -> Result<(), Ended> {
    let organization = caller.organization;
    making.columns(&["group id", "group", "source", "member id", "member", "member is"]);
    let sources: BTreeMap<ConnectionId, String> = services.live.read::<_, ServiceError>(|tx| {
        let all = organizations::connections(tx, organization)?;
        Ok(all.into_iter().map(|connection| (connection.id, connection.name)).collect())
    })?;
    let mut after = GroupId::from(ResourceId::FIRST);
    loop {
        let page =
            services.live.read::<_, ServiceError>(|tx| Ok(directory::groups_after(tx, organization, after, BATCH)?))?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.id;
        for group in page {
            let source = sources.get(&group.connection).cloned().unwrap_or_else(|| "local".to_owned());
            let row = |member: [String; 3]| {
                let [id, name, kind] = member;
                [group.id.to_string(), group.display_name.clone(), source.clone(), id, name, kind]
            };
            let (mut from, mut is_empty) = (ResourceId::FIRST, true);
            loop {
                let members = services.live.read::<_, ServiceError>(|tx| {
                    Ok(directory::members_after(tx, organization, group.id, from, BATCH)?)
                })?;
                let Some(last) = members.last() else { break };
                (from, is_empty) = (last.id, false);
                for member in members {
                    let (name, kind) = match member.kind {
                        MemberKind::User => (user_name(&member.text), "user"),
                        MemberKind::Group => (member.text, "group"),
                    };
                    making.row(&row([member.id.to_string(), name, kind.to_owned()]))?;
                }
            }
            if is_empty {
                making.row(&row([String::new(), String::new(), String::new()]))?;
            }
        }
    }
}

fn user_name(document: &str) -> String {
    let document: serde_json::Value = serde_json::from_str(document).unwrap_or_default();
    document.get("userName").and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}

//! Joining by a link.

use serde_json::{Map, Value, json};

use crate::db::console::ConsoleRow;
use crate::db::console::accounts::{self, AccountLink};
use crate::db::console::invitations::{self, Ending, StoredInvitation};
use crate::db::console::sessions::Reach;
use crate::db::memberships::MembershipChange;
use crate::db::{AdministrationRow, Tx, WriteSet, directory, groups::GroupChange, organizations};
use crate::ids;
use crate::live::{Cause, Decision};
use crate::model::{
    Actor, AssignmentSource, Caller, ConnectionId, GroupId, InvitationId, Member, MemberKind, Moment, RequestId, UserId,
};
use crate::scim::ScimError;
use crate::service::access::{NewAssignment, WantedPrincipal};
use crate::service::accounts::{Secret, SignIn, SignedIn};
use crate::service::people::{check_names, giving};
use crate::service::provisioning::users::NewUser;
use crate::service::{ServiceError, Services};

use super::proof::Proof;
use super::reading::{self, Reading};

/// Why an invitation does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JoinRefusal {
    /// It is no invitation of this organization, or its link was replaced.
    Unknown,
    /// Somebody joined by it.
    Used,
    /// It was taken back.
    Withdrawn,
    /// Its time is over.
    Expired,
    /// Whoever invited may not do so any more.
    InviterGone,
    /// Whoever has the address has left since.
    Left,
}

/// An invitation that opens.
#[derive(Debug, Clone)]
pub struct OpenInvitation {
    /// The address, which cannot be changed.
    pub email: String,
    /// What the organization is called.
    pub organization: String,
}

/// Somebody joined.
#[derive(Debug)]
pub struct Joined {
    /// The session of the browser.
    pub sign_in: SignIn,
    /// The new user.
    pub user: UserId,
    /// What of the invitation could not be given; empty if all could.
    pub missing: String,
}

impl Services {
    /// What an invitation would do; changes nothing. Blocks.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn look_at_invitation(
        &self,
        slug: &str,
        shown: &str,
    ) -> Result<Result<OpenInvitation, JoinRefusal>, ServiceError> {
        let Some(organization) = self.live.read(|tx| organizations::by_slug(tx, slug))? else {
            return Ok(Err(JoinRefusal::Unknown));
        };
        let caller = Caller::local(organization.id, Actor::Server, ids::request(self.clock.now()));
        let found = match self.live.read(|tx| self.invited(tx, &caller, shown))? {
            Ok(found) => found,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if !self.inviter_stands(&caller, &found)? {
            return Ok(Err(JoinRefusal::InviterGone));
        }
        Ok(Ok(OpenInvitation { email: found.invitation.email, organization: organization.name }))
    }

    /// Joins: the new user with its account, memberships and session, and the end of the invitation, in one transaction;
    /// then the role. `signed_in` is who the browser is already. Blocks.
    ///
    /// # Errors
    /// [`ServiceError`]; 409 if the address is somebody's by now.
    pub fn join(
        &self,
        slug: &str,
        shown: &str,
        (given_name, family_name): (&str, &str),
        (signed_in, client): (Option<&SignedIn>, &str),
        request: RequestId,
    ) -> Result<Result<Joined, JoinRefusal>, ServiceError> {
        if let Err(refusal) = self.look_at_invitation(slug, shown)? {
            return Ok(Err(refusal));
        }
        let Some(organization) = self.live.read(|tx| organizations::by_slug(tx, slug))? else {
            return Ok(Err(JoinRefusal::Unknown));
        };
        let services = self.within(organization.id)?;
        let caller = Caller::local(organization.id, Actor::Server, request);
        let cause = Cause::from(&caller);
        let written = services.live.write(&cause, |tx| {
            let found = match services.invited(tx, &caller, shown)? {
                Ok(found) => found,
                Err(refusal) => return Ok(Decision::Unchanged(Err(refusal))),
            };
            let email = found.invitation.email.clone();
            is_free(tx, &caller, &email, services.clock.now())?;
            let attributes = attributes(&email, given_name, family_name);
            check_names(&attributes, |_| "")?;
            let new = NewUser::read(&services, &caller, Value::Object(attributes))?;
            let mut set = WriteSet::new(organization.id);
            new.add_to(&mut set, &services, tx, &cause, ConnectionId::NOBODY)?;
            let now = services.clock.now();
            let console = |row| AdministrationRow::Console(row);
            let proof = Proof::of(&found.invitation, signed_in);
            let known = match proof {
                Proof::None => None,
                _ => accounts::by_email(tx, &found.invitation.email_key)?,
            };
            let account = known.unwrap_or_else(|| {
                let account = proof.new_account(&found.invitation, now);
                set.administration.push(console(ConsoleRow::Account(account.clone())));
                account
            });
            // Whoever was somebody else here before is the new user from now on.
            let belongs = accounts::belongings(tx, account.id)?;
            if belongs.iter().any(|belonging| belonging.organization == organization.id) {
                set.administration.push(console(ConsoleRow::Unlink(account.id)));
            }
            let link = AccountLink { account: account.id, user: Some(new.id), created_at: now };
            set.administration.push(console(ConsoleRow::Link(link)));
            let (mut session, cookie) = services.new_session(account.id, client)?;
            match proof {
                Proof::Mail => {}
                // It is no fresher than the session it goes by, which it takes the place of.
                Proof::Session(before) => {
                    (session.signed_in_at, session.expires_at) = (before.signed_in_at, before.expires_at);
                    set.administration.push(console(ConsoleRow::EndSession(before.id)));
                }
                Proof::None => session.reach = Reach::One(organization.id),
            }
            set.administration.push(console(ConsoleRow::Session(session)));
            let ending = Ending { at: now, outcome: "joined".to_owned(), user: Some(new.id) };
            set.administration.push(console(ConsoleRow::EndInvitation(found.invitation.id, ending)));
            let details = json!({ "user": new.id.to_string() });
            set.events.push(cause.event(now, "invitation.accepted", found.invitation.id.into(), &details));
            let mut missing = 0_usize;
            for group in invited_groups(&found) {
                match directory::group(tx, organization.id, group)? {
                    Some(there) if there.connection.is_nobody() => {
                        let member = Member { id: new.id.into(), kind: MemberKind::User };
                        set.joined.push(MembershipChange { group, member });
                        set.groups_changed.push(GroupChange::Touch { id: group, modified_at: now });
                        set.takes_revision = true;
                        let details = json!({ "joined": [new.id.to_string()], "left": [], "ignored": [] });
                        set.events.push(cause.event(now, "group.members-changed", group.into(), &details));
                    }
                    _ => missing = missing.saturating_add(1),
                }
            }
            let answer = (new.id, cookie, found, missing);
            Ok::<_, ServiceError>(Decision::Write(Box::new(set), Ok(answer)))
        })?;
        let (user, cookie, found, missing) = match written {
            Ok(written) => written,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let mut told = Vec::new();
        if missing > 0 {
            told.push(format!("{missing} groups of the invitation are not there any more"));
        }
        if let Some(problem) = services.give_role(&caller, user, &found) {
            told.push(problem);
        }
        let sign_in = SignIn { cookie, slug: organization.slug };
        Ok(Ok(Joined { sign_in, user, missing: told.join("; ") }))
    }

    fn give_role(&self, caller: &Caller, user: UserId, found: &StoredInvitation) -> Option<String> {
        let (role, scope) = found.invitation.role.as_ref()?;
        let (Ok(named), Ok(place)) = (role.parse(), scope.parse()) else { return None };
        let wanted = NewAssignment {
            principal: WantedPrincipal::User(user.to_string()),
            role: named,
            scope: place,
            from: None,
            until: None,
            source: AssignmentSource::Administrator,
            approver: None,
            reason: None,
        };
        let given = self.administration(caller).assign(caller.organization, &wanted);
        given.err().map(|error| format!("the role {role} at {scope} could not be given: {error}"))
    }

    fn invited(
        &self,
        tx: &mut Tx<'_>,
        caller: &Caller,
        shown: &str,
    ) -> Result<Result<StoredInvitation, JoinRefusal>, ServiceError> {
        let Some(secret) = Secret::parse(shown) else { return Ok(Err(JoinRefusal::Unknown)) };
        let Ok(id) = InvitationId::from_bytes(secret.id()) else { return Ok(Err(JoinRefusal::Unknown)) };
        let Some(found) = invitations::by_id(tx, caller.organization, id)? else {
            return Ok(Err(JoinRefusal::Unknown));
        };
        if !secret.matches(&found.invitation.secret_hash) {
            return Ok(Err(JoinRefusal::Unknown));
        }
        Ok(match &found.ending {
            Some(ending) if ending.outcome == "joined" => Err(JoinRefusal::Used),
            Some(ending) if ending.outcome == "orphaned" => Err(JoinRefusal::InviterGone),
            Some(ending) if ending.outcome == "left" => Err(JoinRefusal::Left),
            Some(_) => Err(JoinRefusal::Withdrawn),
            None if self.clock.now() >= found.invitation.expires_at => Err(JoinRefusal::Expired),
            None => Ok(found),
        })
    }

    /// An invitation dies when whoever made it loses the right to.
    fn inviter_stands(&self, caller: &Caller, found: &StoredInvitation) -> Result<bool, ServiceError> {
        let Some(inviter) = found.invitation.invited_by else { return Ok(true) };
        let belongings = self.live.read::<_, ServiceError>(|tx| Ok(accounts::belongings(tx, inviter)?))?;
        let here = belongings.into_iter().find(|belonging| belonging.organization == caller.organization);
        let Some(here) = here else { return Ok(false) };
        let Some(user) = here.user else { return Ok(true) };
        let Some(rights) = self.rights(caller.organization, user)? else { return Ok(false) };
        if !rights.manage_people() || rights.manage_access() {
            return Ok(rights.manage_people());
        }
        let now = self.clock.now();
        let mut gives = found.invitation.role.is_some();
        for group in invited_groups(found) {
            let read = |tx: &mut Tx<'_>| Ok(giving::gives_something(tx, caller.organization, group, now)?);
            gives |= self.live.read::<_, ServiceError>(read)?;
        }
        Ok(!gives)
    }
}

/// Somebody may have been brought by a connection since, who is not to be here twice; and who was deactivated does not come
/// back by an invitation.
fn is_free(tx: &mut Tx<'_>, caller: &Caller, email: &str, now: Moment) -> Result<(), ServiceError> {
    let Ok(address) = email.parse() else { return Ok(()) };
    match reading::read(tx, caller, &address, &[], now)? {
        Reading::Member(_) | Reading::Deactivated(_) => {
            let detail = "somebody of the organization has this address by now; sign in, or ask an administrator";
            Err(ScimError::Conflict(detail.to_owned()).into())
        }
        _ => Ok(()),
    }
}

pub(super) fn invited_groups(found: &StoredInvitation) -> Vec<GroupId> {
    let ids: Vec<String> = serde_json::from_str(&found.invitation.groups).unwrap_or_default();
    ids.iter().filter_map(|id| id.parse().ok()).collect()
}

fn attributes(email: &str, given_name: &str, family_name: &str) -> Map<String, Value> {
    let mut attributes = Map::new();
    attributes.insert("userName".to_owned(), json!(email));
    attributes.insert("emails".to_owned(), json!([{ "value": email, "type": "work", "primary": true }]));
    let mut name = Map::new();
    for (part, text) in [("givenName", given_name), ("familyName", family_name)] {
        if !text.is_empty() {
            name.insert(part.to_owned(), json!(text));
        }
    }
    let shown = format!("{given_name} {family_name}");
    if !shown.trim().is_empty() {
        attributes.insert("displayName".to_owned(), json!(shown.trim()));
        attributes.insert("name".to_owned(), Value::Object(name));
    }
    attributes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_joins_bears_the_address_invited() {
        let made = attributes("ana@example.com", "Ana", "");
        assert_eq!(made["userName"], "ana@example.com");
        assert_eq!(made["displayName"], "Ana");
        assert_eq!(made["emails"][0]["value"], "ana@example.com");
        assert!(attributes("ana@example.com", "", "").get("name").is_none());
    }
}

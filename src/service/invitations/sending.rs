//! Inviting, sending again, withdrawing.

use serde_json::json;
use zeroize::Zeroizing;

use crate::db::console::ConsoleRow;
use crate::db::console::invitations::{self, Ending, Invitation, SHOWN, Sending, StoredInvitation};
use crate::db::{AdministrationRow, WriteSet, directory, organizations};
use crate::ids;
use crate::live::{Cause, Decision};
use crate::model::{
    AccountId, Actor, Caller, EmailAddress, GroupId, InvitationId, Moment, RoleName, ScopePath, limits,
};
use crate::scim::ScimError;
use crate::service::accounts::Secret;
use crate::service::people::giving;
use crate::service::{ServiceError, Services};

use super::join::invited_groups;
use super::reading::{self, Reading};

/// What an invitation comes with.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Local groups to join.
    pub groups: Vec<GroupId>,
    /// A role to be given, and where.
    pub role: Option<(RoleName, ScopePath)>,
    /// Domains that are allowed, in lower case; empty for all.
    pub domains: Vec<String>,
    /// Whether mail is sent; else links are shown.
    pub sends_mail: bool,
}

/// A link to be sent, or shown where no mail is sent.
#[derive(Debug)]
pub struct InvitationMail {
    /// The invitation.
    pub id: InvitationId,
    /// The address.
    pub to: String,
    /// What the organization is called.
    pub organization: String,
    /// The link.
    pub url: Zeroizing<String>,
    /// When it was made.
    pub sent_at: Moment,
    /// Until when it is good.
    pub expires_at: Moment,
}

/// What became of one address.
#[derive(Debug)]
pub enum Outcome {
    /// It was invited.
    Invited(InvitationMail),
    /// It was not, and nothing was changed.
    Skipped(Reading),
}

impl Services {
    /// Why nobody is invited here; `None` where people may be: where a connection manages the people, it brings them. Blocks.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn refuses_invitations(&self, caller: &Caller) -> Result<Option<String>, ServiceError> {
        let managed = self.administration(caller).activities(caller.organization)?;
        let connections = self.live.read(|tx| organizations::connections(tx, caller.organization))?;
        let active = connections.into_iter().find(|one| !one.paused && managed.contains_key(&one.id));
        Ok(active.map(|one| one.name))
    }

    /// Invites one address, or sends an expired invitation again. Doing so twice changes nothing the second time. Blocks.
    ///
    /// # Errors
    /// [`ServiceError`]; 404 for a group that is not there, 403 for one that a connection made or that gives what the
    /// inviter may not give.
    pub fn invite(&self, caller: &Caller, address: &EmailAddress, wanted: &Wanted) -> Result<Outcome, ServiceError> {
        let may_give = giving::may_give(self, caller)?;
        let cause = Cause::from(caller);
        self.live.write(&cause, |tx| {
            let now = self.clock.now();
            let reading = reading::read(tx, caller, address, &wanted.domains, now)?;
            if !reading.is_good() {
                return Ok(Decision::Unchanged(Outcome::Skipped(reading)));
            }
            for group in &wanted.groups {
                let found = directory::group(tx, caller.organization, *group)?;
                let found = found.ok_or_else(|| ScimError::NotFound(format!("there is no group `{group}`")))?;
                if !found.connection.is_nobody() {
                    let name = &found.display_name;
                    let detail = format!("the group `{name}` belongs to a connection; its members come from there");
                    return Err(ServiceError::from(ScimError::Forbidden(detail)));
                }
                if !may_give && giving::gives_something(tx, caller.organization, *group, now)? {
                    return Err(giving::refused());
                }
            }
            if let Some(open) = invitations::open_by_email(tx, caller.organization, &address.key())? {
                Self::check_gift(tx, caller, &open, may_give, now)?;
                let (row, mail) = self.sent_again(tx, caller, &open, wanted.sends_mail, now)?;
                return Ok(Decision::Write(
                    Box::new(one(&cause, now, row, "invitation.sent-again", mail.id)),
                    Outcome::Invited(mail),
                ));
            }
            let id = ids::invitation(now);
            let (secret, secret_hash) = issue(id)?;
            let groups: Vec<String> = wanted.groups.iter().map(ToString::to_string).collect();
            let invitation = Invitation {
                id,
                email: address.as_str().to_owned(),
                email_key: address.key(),
                secret_hash,
                groups: json!(groups).to_string(),
                role: wanted.role.as_ref().map(|(role, scope)| (role.to_string(), scope.to_string())),
                invited_by: inviter(caller),
                created_at: now,
                sent_at: now,
                expires_at: expiry(now),
                delivery: delivery(wanted.sends_mail),
            };
            let mail = self.mail(tx, caller, &invitation.email, (id, &secret), now)?;
            let row = ConsoleRow::Invitation(invitation);
            Ok(Decision::Write(Box::new(one(&cause, now, row, "invitation.made", id)), Outcome::Invited(mail)))
        })
    }

    /// Makes a new link for an open invitation; the one before opens nothing any more. `seen` is when it was sent last, as
    /// far as the caller knows; `None` where that does not matter. Blocks.
    ///
    /// # Errors
    /// [`ServiceError`]; 404, 409 for one that ended or was sent again since, 403 for one that gives what the caller may not
    /// give: the new link may be shown to the caller.
    pub fn invite_again(
        &self,
        caller: &Caller,
        id: InvitationId,
        seen: Option<Moment>,
        sends_mail: bool,
    ) -> Result<InvitationMail, ServiceError> {
        let may_give = giving::may_give(self, caller)?;
        let cause = Cause::from(caller);
        self.live.write(&cause, |tx| {
            let now = self.clock.now();
            let open = open(tx, caller, id)?;
            Self::check_gift(tx, caller, &open, may_give, now)?;
            if seen.is_some_and(|seen| seen != open.invitation.sent_at) {
                let detail = "a new link was made since you looked, and that one is good".to_owned();
                return Err(ScimError::Conflict(detail).into());
            }
            let (row, mail) = self.sent_again(tx, caller, &open, sends_mail, now)?;
            let set = one(&cause, now, row, "invitation.sent-again", id);
            Ok::<_, ServiceError>(Decision::Write(Box::new(set), mail))
        })
    }

    /// Ends an invitation: its link opens nothing any more. Blocks.
    ///
    /// # Errors
    /// [`ServiceError`]; 404, 409 for one that ended.
    pub fn withdraw_invitation(&self, caller: &Caller, id: InvitationId) -> Result<(), ServiceError> {
        let cause = Cause::from(caller);
        self.live.write(&cause, |tx| {
            open(tx, caller, id)?;
            let now = self.clock.now();
            let row = ConsoleRow::EndInvitation(id, Ending { at: now, outcome: "withdrawn".to_owned(), user: None });
            let set = one(&cause, now, row, "invitation.withdrawn", id);
            Ok::<_, ServiceError>(Decision::Write(Box::new(set), ()))
        })
    }

    /// The invitations made before one, newest first. Blocks.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn invitations(
        &self,
        caller: &Caller,
        before: InvitationId,
        limit: i64,
    ) -> Result<Vec<StoredInvitation>, ServiceError> {
        self.live.read(|tx| Ok(invitations::before(tx, caller.organization, before, limit)?))
    }

    fn check_gift(
        tx: &mut crate::db::Tx<'_>,
        caller: &Caller,
        open: &StoredInvitation,
        may_give: bool,
        now: Moment,
    ) -> Result<(), ServiceError> {
        let mut gives = open.invitation.role.is_some();
        for group in invited_groups(open) {
            gives |= giving::gives_something(tx, caller.organization, group, now)?;
        }
        if gives && !may_give { Err(giving::refused()) } else { Ok(()) }
    }

    fn sent_again(
        &self,
        tx: &mut crate::db::Tx<'_>,
        caller: &Caller,
        open: &StoredInvitation,
        sends_mail: bool,
        now: Moment,
    ) -> Result<(ConsoleRow, InvitationMail), ServiceError> {
        let id = open.invitation.id;
        let (secret, secret_hash) = issue(id)?;
        let sending = Sending { secret_hash, at: now, expires_at: expiry(now), delivery: delivery(sends_mail) };
        let mail = self.mail(tx, caller, &open.invitation.email, (id, &secret), now)?;
        Ok((ConsoleRow::SendAgain(id, sending), mail))
    }

    fn mail(
        &self,
        tx: &mut crate::db::Tx<'_>,
        caller: &Caller,
        to: &str,
        (id, secret): (InvitationId, &str),
        now: Moment,
    ) -> Result<InvitationMail, ServiceError> {
        let organization = organizations::by_id(tx, caller.organization)?;
        let organization = organization.ok_or_else(|| ServiceError::Internal("no organization".to_owned()))?;
        Ok(InvitationMail {
            id,
            to: to.to_owned(),
            url: Zeroizing::new(format!("{}/join/{}/{secret}", self.public_url, organization.slug)),
            organization: organization.name,
            sent_at: now,
            expires_at: expiry(now),
        })
    }
}

fn inviter(caller: &Caller) -> Option<AccountId> {
    match caller.actor {
        Actor::Account(account) => Some(account),
        _ => None,
    }
}

fn issue(id: InvitationId) -> Result<(Zeroizing<String>, Vec<u8>), ServiceError> {
    Secret::issue(id.as_bytes()).map_err(|error| ServiceError::Internal(error.to_string()))
}

fn expiry(now: Moment) -> Moment {
    let hours = i64::try_from(limits::INVITATION_HOURS).unwrap_or_default();
    now.plus_micros(hours.saturating_mul(3_600_000_000))
}

fn delivery(sends_mail: bool) -> String {
    if sends_mail { "waiting" } else { SHOWN }.to_owned()
}

fn open(tx: &mut crate::db::Tx<'_>, caller: &Caller, id: InvitationId) -> Result<StoredInvitation, ServiceError> {
    let found = invitations::by_id(tx, caller.organization, id)?;
    let found = found.ok_or_else(|| ScimError::NotFound("there is no such invitation".to_owned()))?;
    match &found.ending {
        None => Ok(found),
        Some(ending) => {
            let why = match ending.outcome.as_str() {
                "left" => "with whoever it was sent to, who has left",
                "orphaned" => "with whoever made it, who has left",
                "joined" => "when somebody joined by it",
                _ => "when it was withdrawn",
            };
            let detail = format!("the invitation has ended, {why}");
            Err(ScimError::Conflict(detail).into())
        }
    }
}

fn one(cause: &Cause, now: Moment, row: ConsoleRow, action: &'static str, id: InvitationId) -> WriteSet {
    let mut set = WriteSet::new(cause.organization);
    set.administration.push(AdministrationRow::Console(row));
    set.events.push(cause.event(now, action, id.into(), &json!({})));
    set
}

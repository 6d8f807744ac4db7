//! An identity becomes a user's: found once by what a connection provisioned, known by issuer and subject from then on.

use serde_json::json;
use zeroize::Zeroizing;

use crate::db::access::people;
use crate::db::console::accounts::{self, Account, AccountLink};
use crate::db::console::sessions::{Reach, Session};
use crate::db::console::{ConsoleRow, providers, sessions};
use crate::db::users::listed::{self, Key, ListedUser};
use crate::db::users::{self, Status};
use crate::db::{Tx, WriteSet};
use crate::ids;
use crate::live::{Cause, Decision};
use crate::model::{Actor, Caller, ConnectionId, JoinedBy, OrganizationId, RequestId, SessionId, UserId, fold, limits};
use crate::service::{ServiceError, Services};

use super::identity::{IdentityRefusal, Proven, Returned};
use super::links::{SignIn, push};
use super::sessions::{SignedIn, leading_to, minutes};

/// Whom an identity is to be, and what has to be written for it.
struct Joined {
    account: Account,
    is_new: bool,
    /// The user it was before, who is gone.
    replaces: bool,
    user: UserId,
    is_linked: bool,
    /// Where somebody was signed in as the user until now: whoever that was, it is over when the owner comes.
    former: Vec<SessionId>,
}

impl Services {
    /// Signs in a browser that comes back from an identity provider. `signed_in` is who that browser is already. Blocks.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn finish_sign_in(
        &self,
        slug: &str,
        returned: &Returned<'_>,
        signed_in: Option<&SignedIn>,
        client: &str,
        request: RequestId,
    ) -> Result<Result<SignIn, IdentityRefusal>, ServiceError> {
        let proven = match self.proven(slug, returned)? {
            Ok(proven) => proven,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let organization = proven.organization.id;
        let server = Caller::local(organization, Actor::Server, request);
        let written = self.live.write(&Cause::from(&server), |tx| {
            // Settings may have changed while the identity provider was asked, and of one attempt comes one session.
            let stands = providers::by_organization(tx, organization)?
                .is_some_and(|stored| stored.changed_at == proven.stored.changed_at);
            if !stands || sessions::by_attempt(tx, &proven.attempt)?.is_some() {
                return Ok(Decision::Unchanged(Err(IdentityRefusal::Stale)));
            }
            let joined = match self.joined(tx, &proven, signed_in)? {
                Ok(joined) => joined,
                Err(refusal) => return Ok(Decision::Unchanged(Err(refusal))),
            };
            let (set, cookie) = self.signed_in_set(&joined, &proven, signed_in, client, request)?;
            Ok::<_, ServiceError>(Decision::Write(Box::new(set), Ok(cookie)))
        })?;
        Ok(written.map(|cookie| SignIn { cookie, slug: proven.organization.slug }))
    }

    fn signed_in_set(
        &self,
        joined: &Joined,
        proven: &Proven,
        signed_in: Option<&SignedIn>,
        client: &str,
        request: RequestId,
    ) -> Result<(WriteSet, Zeroizing<String>), ServiceError> {
        let organization = proven.organization.id;
        let (now, account) = (self.clock.now(), &joined.account);
        let caller = Caller::local(organization, Actor::Account(account.id), request);
        let cause = Cause::from(&caller);
        let mut set = WriteSet::new(organization);
        if joined.is_new {
            push(&mut set, ConsoleRow::Account(account.clone()));
            set.events.push(cause.event(now, "account.created", account.id.into(), &json!({ "recovery": false })));
        }
        if joined.replaces {
            push(&mut set, ConsoleRow::Unlink(account.id));
        }
        if !joined.is_linked {
            let link = AccountLink { account: account.id, user: Some(joined.user), created_at: now };
            push(&mut set, ConsoleRow::Link(link));
            let by = if proven.connect.is_some() { "own-session" } else { proven.stored.provider.joined_by.as_str() };
            let details = json!({ "user": joined.user.to_string(), "by": by });
            set.events.push(cause.event(now, "account.joined", account.id.into(), &details));
            for former in &joined.former {
                push(&mut set, ConsoleRow::EndSession(*former));
            }
        }
        let (mut session, cookie) = self.new_session(account.id, client)?;
        session.reach = Reach::One(organization);
        session.attempt = Some(proven.attempt.clone());
        // An identity provider may let somebody in who proved long ago who they are; it is as fresh as that proof.
        let unproven = || now.plus_micros(minutes(limits::FRESH_SIGN_IN_MINUTES).saturating_neg());
        session.signed_in_at = proven.believed.proven_at.unwrap_or_else(unproven);
        push(&mut set, ConsoleRow::Session(session));
        // The browser has another from now on.
        let is_own = |before: &&SignedIn| before.account.id == account.id || proven.connect == Some(before.session.id);
        if let Some(before) = signed_in.filter(is_own) {
            push(&mut set, ConsoleRow::EndSession(before.session.id));
        }
        let details = json!({ "by": "identity-provider" });
        set.events.push(cause.event(now, "account.signed-in", account.id.into(), &details));
        Ok((set, cookie))
    }

    fn joined(
        &self,
        tx: &mut Tx<'_>,
        proven: &Proven,
        signed_in: Option<&SignedIn>,
    ) -> Result<Result<Joined, IdentityRefusal>, ServiceError> {
        let organization = proven.organization.id;
        let (issuer, subject) = (&proven.stored.provider.issuer, proven.believed.subject.as_str());
        let known = accounts::by_subject(tx, issuer, subject)?;
        let mut replaces = false;
        if let Some(account) = &known {
            let belongings = accounts::belongings(tx, account.id)?;
            if let Some(here) = belongings.into_iter().find(|belonging| belonging.organization == organization) {
                match here.user {
                    Some(user) if users::by_id(tx, organization, user)?.is_some() => {
                        let (account, is_linked) = (account.clone(), true);
                        let joined = Joined { account, is_new: false, replaces, user, is_linked, former: Vec::new() };
                        return Ok(active(tx, organization, user)?.then_some(joined).ok_or(IdentityRefusal::NotActive));
                    }
                    // Whoever it was is deleted; it may be somebody again.
                    _ => replaces = true,
                }
            }
        }
        let user = match proven.connect {
            Some(_) => self.own_user(organization, proven, signed_in),
            None => found(tx, organization, proven)?,
        };
        let Some(user) = user else { return Ok(Err(IdentityRefusal::NobodyFound)) };
        if !active(tx, organization, user)? {
            return Ok(Err(IdentityRefusal::NotActive));
        }
        // An identifier may have been given to somebody else since: whom one subject was is not another.
        let is_other = |account: &Account| {
            account.subject.as_ref().is_some_and(|(theirs, other)| theirs == issuer && other != subject)
        };
        let others = accounts::of_user(tx, organization, user)?;
        if others.iter().any(is_other) {
            return Ok(Err(IdentityRefusal::OtherIdentity));
        }
        let mut former = Vec::new();
        for other in others.iter().filter(|_| proven.connect.is_none()) {
            // What an account does in other organizations is not this one's to end.
            let is_only_here = accounts::belongings(tx, other.id)?.len() == 1;
            let ends = |session: &Session| is_only_here || session.reach == Reach::One(organization);
            former.extend(sessions::of_account(tx, other.id)?.iter().filter(|one| ends(one)).map(|one| one.id));
        }
        let is_new = known.is_none();
        let account = match known {
            Some(account) => account,
            None => self.new_account(tx, organization, user, (issuer, subject))?,
        };
        Ok(Ok(Joined { account, is_new, replaces, user, is_linked: false, former }))
    }

    fn new_account(
        &self,
        tx: &mut Tx<'_>,
        organization: OrganizationId,
        user: UserId,
        (issuer, subject): (&str, &str),
    ) -> Result<Account, ServiceError> {
        let now = self.clock.now();
        let stored = users::by_id(tx, organization, user)?;
        let document = stored.map(|stored| stored.document).unwrap_or_default();
        Ok(Account {
            id: ids::account(now),
            name: attribute(&document, "userName").unwrap_or_default(),
            email: None,
            email_key: None,
            claimed_key: None,
            subject: Some((issuer.to_owned(), subject.to_owned())),
            created_at: now,
        })
    }

    /// Whom somebody already is who joins an identity to it, having just signed in otherwise.
    fn own_user(&self, organization: OrganizationId, proven: &Proven, signed_in: Option<&SignedIn>) -> Option<UserId> {
        let signed_in = signed_in.filter(|it| Some(it.session.id) == proven.connect && self.is_fresh(&it.session))?;
        let here = signed_in.belongings.iter().find(|belonging| belonging.organization == organization)?;
        here.user
    }

    /// Takes every identity of identity providers from a user, whose sessions of them end. Blocks.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn forget_identities(&self, caller: &Caller, user: UserId) -> Result<usize, ServiceError> {
        let cause = Cause::from(caller);
        self.live.write(&cause, |tx| {
            let all = accounts::of_user(tx, caller.organization, user)?;
            let provided: Vec<Account> = all.into_iter().filter(|account| account.subject.is_some()).collect();
            if provided.is_empty() {
                return Ok(Decision::Unchanged(0));
            }
            let mut set = WriteSet::new(caller.organization);
            for account in &provided {
                push(&mut set, ConsoleRow::Unlink(account.id));
                for session in leading_to(tx, account.id, caller.organization)? {
                    push(&mut set, ConsoleRow::EndSession(session.id));
                }
                let details = json!({ "user": user.to_string() });
                set.events.push(cause.event(self.clock.now(), "account.parted", account.id.into(), &details));
            }
            Ok::<_, ServiceError>(Decision::Write(Box::new(set), provided.len()))
        })
    }
}

fn active(tx: &mut Tx<'_>, organization: OrganizationId, user: UserId) -> Result<bool, ServiceError> {
    let stored = people::by_ids(tx, organization, [user])?;
    Ok(stored.first().is_some_and(|person| person.status == Status::Active))
}

fn attribute(document: &str, name: &str) -> Option<String> {
    let document: serde_json::Value = serde_json::from_str(document).ok()?;
    document.get(name)?.as_str().map(str::to_owned)
}

/// The one user who is what the identity provider says; none where there are two.
fn found(tx: &mut Tx<'_>, organization: OrganizationId, proven: &Proven) -> Result<Option<UserId>, ServiceError> {
    let Some(claim) = &proven.believed.claim else { return Ok(None) };
    let folded = fold(claim);
    let key = match proven.stored.provider.joined_by {
        JoinedBy::ExternalId => Key::ExternalId(claim),
        JoinedBy::UserName => Key::UserName(&folded),
        JoinedBy::Email => Key::Email(&folded),
    };
    let mut all = listed::by_key(tx, organization, ConnectionId::NOBODY, key, 10)?;
    if proven.stored.provider.joined_by == JoinedBy::ExternalId {
        // The index knows the beginning of a long one.
        all.retain(|user: &ListedUser| attribute(&user.document, "externalId").as_ref() == Some(claim));
    }
    all.dedup_by_key(|user| user.id);
    Ok(match all.as_slice() {
        [only] => Some(only.id),
        _ => None,
    })
}

//! Sessions: opened, looked up at every request, ended.

use serde_json::json;
use zeroize::Zeroizing;

use crate::db::console::sessions::{self, Reach, Session};
use crate::db::console::{ConsoleRow, accounts};
use crate::db::{AdministrationRow, Tx, WriteSet};
use crate::ids;
use crate::live::{Cause, Decision};
use crate::model::{AccountId, Caller, Moment, OrganizationId, SessionId, UserId, limits};
use crate::service::{ServiceError, Services};

use super::secret::Secret;
use super::{Account, Belonging};

const MINUTE: i64 = 60 * 1_000_000;
/// After how many minutes a session gets another secret.
const ROTATED_AFTER: i64 = 30 * MINUTE;
/// How long the secret before is good for requests that were on their way.
const FORMER_FOR: i64 = MINUTE;
/// How exactly it is known when a session was last heard of.
const SEEN_EVERY: i64 = MINUTE;
/// Characters kept of what a browser calls itself.
const CLIENT_CHARACTERS: usize = 200;

/// Somebody signed in.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The session.
    pub session: Session,
    /// Who.
    pub account: Account,
    /// Where.
    pub belongings: Vec<Belonging>,
    /// The session's next secret, to be given to the browser.
    pub renewed: Option<Zeroizing<String>>,
}

impl SignedIn {
    /// What the account is called.
    pub fn name(&self) -> &str {
        self.account.email.as_deref().unwrap_or(&self.account.name)
    }
}

/// So many minutes, in microseconds.
pub(super) fn minutes(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX).saturating_mul(MINUTE)
}

/// Whether a session is still one.
fn lasts(session: &Session, now: Moment) -> bool {
    now < session.expires_at && now < session.seen_at.plus_micros(minutes(limits::SESSION_IDLE_MINUTES))
}

/// Whether a session leads into an organization of its account.
fn leads_to(session: &Session, belonging: &Belonging) -> bool {
    session.reach.includes(belonging.organization) && (session.is_provided() || !belonging.is_closed_to_links)
}

/// The sessions of an account that lead into an organization, whatever they lead into besides; also those that are over, and
/// those that lead nowhere else and not here either while links are closed.
pub(super) fn leading_to(
    tx: &mut Tx<'_>,
    account: AccountId,
    organization: OrganizationId,
) -> Result<Vec<Session>, ServiceError> {
    let belongings = accounts::belongings(tx, account)?;
    let Some(here) = belongings.iter().find(|belonging| belonging.organization == organization) else {
        return Ok(Vec::new());
    };
    let mut all = sessions::of_account(tx, account)?;
    all.retain(|session| session.reach == Reach::One(organization) || leads_to(session, here));
    Ok(all)
}

impl Services {
    /// Who shows this secret; `None` for nobody. Blocks.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn signed_in(&self, shown: &str) -> Result<Option<SignedIn>, ServiceError> {
        let Some(secret) = Secret::parse(shown) else { return Ok(None) };
        let Ok(id) = SessionId::from_bytes(secret.id()) else { return Ok(None) };
        let now = self.clock.now();
        let found = self.live.read::<_, ServiceError>(|tx| {
            let Some(session) = sessions::by_id(tx, id)? else { return Ok(None) };
            let former = |hash: &Vec<u8>| now < session.rotated_at.plus_micros(FORMER_FOR) && secret.matches(hash);
            let current = secret.matches(&session.secret_hash);
            if !(current || session.former_hash.as_ref().is_some_and(former)) || !lasts(&session, now) {
                return Ok(None);
            }
            let Some(account) = accounts::by_id(tx, session.account)? else { return Ok(None) };
            let mut belongings = accounts::belongings(tx, account.id)?;
            belongings.retain(|belonging| leads_to(&session, belonging));
            Ok(Some((current, SignedIn { session, account, belongings, renewed: None })))
        })?;
        let Some((current, mut signed_in)) = found else { return Ok(None) };
        if current && now >= signed_in.session.rotated_at.plus_micros(ROTATED_AFTER) {
            let (text, hash) =
                Secret::issue(id.as_bytes()).map_err(|error| ServiceError::Internal(error.to_string()))?;
            let before = &signed_in.session.secret_hash;
            if self.live.note(|tx| sessions::rotate(tx, id, before, &hash, now))? {
                signed_in.renewed = Some(text);
            }
        } else if now >= signed_in.session.seen_at.plus_micros(SEEN_EVERY) {
            self.live.note(|tx| sessions::seen(tx, id, now))?;
        }
        Ok(Some(signed_in))
    }

    /// Whether somebody signed in so recently that what is grave may be done.
    pub fn is_fresh(&self, session: &Session) -> bool {
        self.clock.now() < session.signed_in_at.plus_micros(minutes(limits::FRESH_SIGN_IN_MINUTES))
    }

    /// The sessions of an account that last, newest first. Blocks.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn sessions(&self, account: AccountId) -> Result<Vec<Session>, ServiceError> {
        let now = self.clock.now();
        let all = self.live.read::<_, ServiceError>(|tx| Ok(sessions::of_account(tx, account)?))?;
        Ok(all.into_iter().filter(|session| lasts(session, now)).collect())
    }

    /// Ends a session of an account; one that is over already stays so. Blocks.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn end_session(&self, caller: &Caller, account: AccountId, id: SessionId) -> Result<(), ServiceError> {
        let cause = Cause::from(caller);
        self.live.write(&cause, |tx| {
            if sessions::by_id(tx, id)?.is_none_or(|session| session.account != account) {
                return Ok(Decision::Unchanged(()));
            }
            let mut set = WriteSet::new(caller.organization);
            set.administration.push(AdministrationRow::Console(ConsoleRow::EndSession(id)));
            set.events.push(cause.event(self.clock.now(), "session.ended", account.into(), &json!({})));
            Ok::<_, ServiceError>(Decision::Write(Box::new(set), ()))
        })
    }

    /// When a session began; its sign-in may be older, where an identity provider remembered somebody.
    pub fn began(session: &Session) -> Moment {
        session.expires_at.plus_micros(minutes(limits::SESSION_MINUTES).saturating_neg())
    }

    /// Ends every session of an account but one. Blocks.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn end_other_sessions(&self, caller: &Caller, account: AccountId, kept: SessionId) -> Result<(), ServiceError> {
        let cause = Cause::from(caller);
        self.live.write(&cause, |tx| {
            if sessions::of_account(tx, account)?.iter().all(|session| session.id == kept) {
                return Ok(Decision::Unchanged(()));
            }
            let mut set = WriteSet::new(caller.organization);
            let row = ConsoleRow::EndOtherSessions(account, Some(kept));
            set.administration.push(AdministrationRow::Console(row));
            set.events.push(cause.event(self.clock.now(), "session.others-ended", account.into(), &json!({})));
            Ok::<_, ServiceError>(Decision::Write(Box::new(set), ()))
        })
    }

    /// The sessions that last and lead here of the accounts a user signs in by, newest first. Blocks.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn sessions_of_user(
        &self,
        caller: &Caller,
        user: UserId,
    ) -> Result<(Vec<Account>, Vec<Session>), ServiceError> {
        let now = self.clock.now();
        self.live.read(|tx| {
            let owners = accounts::of_user(tx, caller.organization, user)?;
            let mut all = Vec::new();
            for owner in &owners {
                all.extend(leading_to(tx, owner.id, caller.organization)?);
            }
            all.retain(|session| lasts(session, now));
            all.sort_unstable_by_key(|session| std::cmp::Reverse(session.id));
            Ok((owners, all))
        })
    }

    /// Ends the sessions of a user that lead here: one, or all. Blocks.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn end_sessions_of_user(
        &self,
        caller: &Caller,
        user: UserId,
        only: Option<SessionId>,
    ) -> Result<usize, ServiceError> {
        let cause = Cause::from(caller);
        self.live.write(&cause, |tx| {
            let mut ended = Vec::new();
            for owner in accounts::of_user(tx, caller.organization, user)? {
                let all = leading_to(tx, owner.id, caller.organization)?;
                ended.extend(all.into_iter().filter(|session| only.is_none_or(|only| only == session.id)));
            }
            if ended.is_empty() {
                return Ok(Decision::Unchanged(0));
            }
            let mut set = WriteSet::new(caller.organization);
            for session in &ended {
                set.administration.push(AdministrationRow::Console(ConsoleRow::EndSession(session.id)));
                let details = json!({ "user": user.to_string() });
                let event = cause.event(self.clock.now(), "session.ended", session.account.into(), &details);
                set.events.push(event);
            }
            Ok::<_, ServiceError>(Decision::Write(Box::new(set), ended.len()))
        })
    }

    /// A new session, to be written with what opens it, and what the browser is given.
    pub(in crate::service) fn new_session(
        &self,
        account: AccountId,
        client: &str,
    ) -> Result<(Session, Zeroizing<String>), ServiceError> {
        let failed = |error: ids::RandomError| ServiceError::Internal(error.to_string());
        let now = self.clock.now();
        let id = ids::session(now);
        let (text, secret_hash) = Secret::issue(id.as_bytes()).map_err(failed)?;
        let session = Session {
            id,
            account,
            secret_hash,
            former_hash: None,
            rotated_at: now,
            form_key: ids::random::<32>().map_err(failed)?.to_vec(),
            client: client.chars().filter(|c| !c.is_control()).take(CLIENT_CHARACTERS).collect(),
            signed_in_at: now,
            seen_at: now,
            expires_at: now.plus_micros(minutes(limits::SESSION_MINUTES)),
            reach: Reach::All,
            attempt: None,
        };
        Ok((session, text))
    }
}

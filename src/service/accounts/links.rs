//! Links that sign in once, for ten minutes.
//!
//! Looking at a link uses nothing up, since programs that scan mail look at every link: only the form behind it does. A
//! link that was asked for in a browser works in that browser alone, and is mailed: whoever opens it has the address. Any other
//! was shown to somebody, and opens the one organization it is of; a recovery administrator's opens all that are theirs.

use serde_json::json;
use zeroize::Zeroizing;

use crate::db::console::ConsoleRow;
use crate::db::console::accounts::{self, Account, AccountLink};
use crate::db::console::links::{self, SignInLink, StoredLink};
use crate::db::console::sessions::Reach;
use crate::db::{AdministrationRow, Tx, WriteSet, organizations};
use crate::ids;
use crate::live::{Cause, Decision};
use crate::model::{Actor, Caller, EmailAddress, RequestId, SignInLinkId, UserId, limits};
use crate::service::{ServiceError, Services};

use super::secret::{self, Secret};

/// Why a link does not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkRefusal {
    /// It is no link of this server.
    Unknown,
    /// It was used.
    Used,
    /// Its time is over.
    Expired,
    /// It was asked for in another browser.
    OtherBrowser,
    /// Whoever it is for may not act.
    NotActive,
    /// The organization's people sign in by its identity provider alone.
    Closed,
}

/// A link that opens.
#[derive(Debug, Clone)]
pub struct OpenLink {
    /// Whom it signs in.
    pub account: Account,
    /// The slug of the organization it leads to.
    pub slug: String,
    /// What the organization is called.
    pub organization: String,
}

/// A browser that was signed in.
#[derive(Debug)]
pub struct SignIn {
    /// What the browser is given.
    pub cookie: Zeroizing<String>,
    /// The slug of the organization it goes to.
    pub slug: String,
}

/// A link to be sent.
#[derive(Debug)]
pub struct LinkMail {
    /// The stored address.
    pub to: String,
    /// The link.
    pub url: Zeroizing<String>,
}

impl Services {
    /// A link for the recovery administrator of an organization, who is made if there is none yet. Blocks.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn recovery_link(&self, caller: &Caller) -> Result<Zeroizing<String>, ServiceError> {
        self.new_link(caller, None, |tx| Ok(accounts::of_recovery(tx, caller.organization)?.into_iter().next()))
    }

    /// A link for a user, whose account is made if there is none yet. It is shown, and leads here alone. Blocks.
    ///
    /// # Errors
    /// [`ServiceError`]; 404.
    pub fn user_link(&self, caller: &Caller, user: UserId) -> Result<Zeroizing<String>, ServiceError> {
        let (person, _) = crate::service::people::read(self, caller, user)?;
        let named = person.text("userName").to_owned();
        let make = Some((user, named));
        self.new_link(caller, make, |tx| Ok(accounts::of_user(tx, caller.organization, user)?.into_iter().next()))
    }

    fn new_link(
        &self,
        caller: &Caller,
        user: Option<(UserId, String)>,
        find: impl Fn(&mut Tx<'_>) -> Result<Option<Account>, ServiceError>,
    ) -> Result<Zeroizing<String>, ServiceError> {
        let cause = Cause::from(caller);
        self.live.write(&cause, |tx| {
            let now = self.clock.now();
            let mut set = WriteSet::new(caller.organization);
            let account = if let Some(account) = find(tx)? {
                account
            } else {
                let name = user.as_ref().map_or_else(|| "Recovery administrator".to_owned(), |(_, name)| name.clone());
                let account = Account {
                    id: ids::account(now),
                    name,
                    email: None,
                    email_key: None,
                    claimed_key: None,
                    subject: None,
                    created_at: now,
                };
                let link = AccountLink { account: account.id, user: user.as_ref().map(|(id, _)| *id), created_at: now };
                push(&mut set, ConsoleRow::Account(account.clone()));
                push(&mut set, ConsoleRow::Link(link));
                let details = json!({ "recovery": user.is_none() });
                set.events.push(cause.event(now, "account.created", account.id.into(), &details));
                account
            };
            let (link, url) = self.link(&account, None)?;
            push(&mut set, ConsoleRow::SignInLink(link));
            set.events.push(cause.event(now, "sign-in-link.made", account.id.into(), &json!({})));
            Ok::<_, ServiceError>(Decision::Write(Box::new(set), url))
        })
    }

    /// A link for whoever has this address, to be sent there; `None` for nobody who may act. `browser` is what the browser
    /// that asks was marked with. Blocks.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn ask_link(
        &self,
        address: &EmailAddress,
        browser: &str,
        request: RequestId,
    ) -> Result<Option<LinkMail>, ServiceError> {
        let found = self.live.read::<_, ServiceError>(|tx| {
            let mut known: Vec<Account> = accounts::by_email(tx, &address.key())?.into_iter().collect();
            known.extend(accounts::by_claimed(tx, &address.key())?);
            let mut found = Vec::new();
            for account in known {
                let belongings = accounts::belongings(tx, account.id)?;
                found.extend(belongings.into_iter().map(|belonging| (account.clone(), belonging)));
            }
            Ok(found)
        })?;
        let mut home = None;
        for (account, belonging) in found {
            let acts = match belonging.user {
                None => true,
                Some(_) if belonging.is_closed_to_links => false,
                Some(user) => self.rights(belonging.organization, user)?.is_some(),
            };
            if acts && home.is_none() {
                home = Some((account, belonging));
            }
        }
        let Some((account, home)) = home else { return Ok(None) };
        // To the stored address, never to the one typed.
        let Some(to) = account.address().map(str::to_owned) else { return Ok(None) };
        let caller = Caller::local(home.organization, Actor::Server, request);
        let cause = Cause::from(&caller);
        let url = self.live.write(&cause, |_tx| {
            let (link, url) = self.link(&account, Some(secret::hash(browser.as_bytes())))?;
            let mut set = WriteSet::new(home.organization);
            push(&mut set, ConsoleRow::SignInLink(link));
            set.events.push(cause.event(self.clock.now(), "sign-in-link.made", account.id.into(), &json!({})));
            Ok::<_, ServiceError>(Decision::Write(Box::new(set), url))
        })?;
        Ok(Some(LinkMail { to, url }))
    }

    fn link(
        &self,
        account: &Account,
        browser_hash: Option<Vec<u8>>,
    ) -> Result<(SignInLink, Zeroizing<String>), ServiceError> {
        let now = self.clock.now();
        let id = ids::sign_in_link(now);
        let (text, secret_hash) =
            Secret::issue(id.as_bytes()).map_err(|error| ServiceError::Internal(error.to_string()))?;
        let minutes = i64::try_from(limits::SIGN_IN_LINK_MINUTES).unwrap_or_default();
        let expires_at = now.plus_micros(minutes.saturating_mul(60_000_000));
        let link = SignInLink { id, account: account.id, secret_hash, browser_hash, created_at: now, expires_at };
        Ok((link, Zeroizing::new(format!("{}/link/{}", self.public_url, *text))))
    }

    /// What a link would do; changes nothing. `browser` is what the browser that shows it was marked with. Blocks.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn look_at_link(
        &self,
        shown: &str,
        browser: Option<&str>,
    ) -> Result<Result<OpenLink, LinkRefusal>, ServiceError> {
        let looked = self.live.read::<_, ServiceError>(|tx| self.looked_up(tx, shown, browser))?;
        let (stored, account, open, user) = match looked {
            Ok(found) => found,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if let Some(user) = user
            && self.rights(stored.organization, user)?.is_none()
        {
            return Ok(Err(LinkRefusal::NotActive));
        }
        Ok(Ok(OpenLink { account, ..open }))
    }

    /// Signs a browser in by a link, which is used up. Blocks.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn use_link(
        &self,
        shown: &str,
        browser: Option<&str>,
        client: &str,
        request: RequestId,
    ) -> Result<Result<SignIn, LinkRefusal>, ServiceError> {
        let open = match self.look_at_link(shown, browser)? {
            Ok(open) => open,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let organization = self.live.read::<_, ServiceError>(|tx| {
            Ok(organizations::by_slug(tx, &open.slug)?.map(|organization| organization.id))
        })?;
        let Some(organization) = organization else { return Ok(Err(LinkRefusal::Unknown)) };
        let caller = Caller::local(organization, Actor::Account(open.account.id), request);
        let cause = Cause::from(&caller);
        let written = self.live.write(&cause, |tx| {
            // Again: of two browsers that use it at once the second finds it used.
            let (stored, account, user) = match self.looked_up(tx, shown, browser)? {
                Ok((stored, account, _, user)) => (stored, account, user),
                Err(refusal) => return Ok(Decision::Unchanged(Err(refusal))),
            };
            let now = self.clock.now();
            let (mut session, cookie) = self.new_session(account.id, client)?;
            let mut set = WriteSet::new(organization);
            push(&mut set, ConsoleRow::UseSignInLink { id: stored.link.id, at: now });
            // What was asked for in a browser came by mail; any other link was shown to somebody, and is no proof of whose
            // address it is.
            let is_mailed = stored.link.browser_hash.is_some();
            let is_claim_proven = match &account.claimed_key {
                Some(key) if is_mailed => accounts::by_email(tx, key)?.is_none(),
                _ => false,
            };
            if is_claim_proven {
                push(&mut set, ConsoleRow::ProveAddress(account.id));
                push(&mut set, ConsoleRow::EndOtherSessions(account.id, None));
                set.events.push(cause.event(now, "account.address-proven", account.id.into(), &json!({})));
            }
            let is_proven = is_mailed && (account.claimed_key.is_none() || is_claim_proven);
            if user.is_some() && !is_proven {
                session.reach = Reach::One(organization);
            }
            push(&mut set, ConsoleRow::Session(session));
            set.events.push(cause.event(now, "account.signed-in", open.account.id.into(), &json!({ "by": "link" })));
            Ok::<_, ServiceError>(Decision::Write(Box::new(set), Ok(cookie)))
        })?;
        Ok(written.map(|cookie| SignIn { cookie, slug: open.slug }))
    }

    #[expect(clippy::type_complexity, reason = "private, and taken apart at once")]
    fn looked_up(
        &self,
        tx: &mut Tx<'_>,
        shown: &str,
        browser: Option<&str>,
    ) -> Result<Result<(StoredLink, Account, OpenLink, Option<UserId>), LinkRefusal>, ServiceError> {
        let Some(secret) = Secret::parse(shown) else { return Ok(Err(LinkRefusal::Unknown)) };
        let Ok(id) = SignInLinkId::from_bytes(secret.id()) else { return Ok(Err(LinkRefusal::Unknown)) };
        let Some(stored) = links::by_id(tx, id)? else { return Ok(Err(LinkRefusal::Unknown)) };
        if !secret.matches(&stored.link.secret_hash) {
            return Ok(Err(LinkRefusal::Unknown));
        }
        if stored.used_at.is_some() {
            return Ok(Err(LinkRefusal::Used));
        }
        if self.clock.now() >= stored.link.expires_at {
            return Ok(Err(LinkRefusal::Expired));
        }
        if let Some(bound_to) = &stored.link.browser_hash
            && browser.is_none_or(|browser| secret::hash(browser.as_bytes()) != *bound_to)
        {
            return Ok(Err(LinkRefusal::OtherBrowser));
        }
        let Some(account) = accounts::by_id(tx, stored.link.account)? else { return Ok(Err(LinkRefusal::Unknown)) };
        let belongings = accounts::belongings(tx, account.id)?;
        let home = belongings.into_iter().find(|belonging| belonging.organization == stored.organization);
        let Some(home) = home else { return Ok(Err(LinkRefusal::NotActive)) };
        if home.is_closed_to_links {
            return Ok(Err(LinkRefusal::Closed));
        }
        let open = OpenLink { account: account.clone(), slug: home.slug, organization: home.name };
        Ok(Ok((stored, account, open, home.user)))
    }
}

/// The organization of a row of the console.
pub(in crate::service) fn push(set: &mut WriteSet, row: ConsoleRow) {
    set.administration.push(AdministrationRow::Console(row));
}

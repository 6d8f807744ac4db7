//! The console's own tables: accounts, sessions, links that sign in, invitations.

pub mod accounts;
pub mod ended;
pub mod exports;
pub mod invitations;
pub mod links;
pub mod providers;
pub mod sessions;

use crate::model::{AccountId, InvitationId, Moment, OrganizationId, SessionId, SignInLinkId, UserId};

use super::pipeline::Pipeline;
use super::sql::Statement;
use super::users::{EmailRow, Status, StatusChange};
use super::{DatabaseError, Tx, WriteError};

use accounts::{Account, AccountLink};
use exports::Export;
use invitations::{Ending, Invitation, Sending};
use links::SignInLink;
use providers::StoredProvider;
use sessions::Session;

/// Every statement of these table groups.
pub(super) const STATEMENTS: &[&[&Statement]] = &[
    accounts::STATEMENTS,
    ended::STATEMENTS,
    sessions::STATEMENTS,
    links::STATEMENTS,
    providers::STATEMENTS,
    invitations::STATEMENTS,
    exports::STATEMENTS,
];

/// Rows of the console: rare, written one by one.
#[derive(Debug, Clone)]
pub enum ConsoleRow {
    /// A new account.
    Account(Account),
    /// Whoever claimed an address has had a link there by mail: it is the account's.
    ProveAddress(AccountId),
    /// An account belongs to the organization from now on.
    Link(AccountLink),
    /// An account belongs to the organization no more.
    Unlink(AccountId),
    /// A browser is signed in.
    Session(Session),
    /// A session ends.
    EndSession(SessionId),
    /// Every session of an account ends, but for one.
    EndOtherSessions(AccountId, Option<SessionId>),
    /// Every session ends that the organization's identity provider opened.
    EndProvidedSessions,
    /// Every session of the deployment ends.
    EndEverySession,
    /// People sign in by this identity provider from now on.
    Provider(Box<StoredProvider>),
    /// By none.
    RemoveProvider,
    /// A new link that signs in.
    SignInLink(SignInLink),
    /// Such a link was used; only once.
    UseSignInLink {
        /// Which.
        id: SignInLinkId,
        /// When.
        at: Moment,
    },
    /// A new invitation.
    Invitation(Invitation),
    /// An open invitation gets a new link.
    SendAgain(InvitationId, Sending),
    /// An open invitation ends.
    EndInvitation(InvitationId, Ending),
    /// Every open invitation is withdrawn.
    EndOpenInvitations(Moment),
    /// Somebody asked for a file.
    Export(Export),
}

impl ConsoleRow {
    /// Writes the row; answers how many rows were touched.
    pub(super) fn write(&self, tx: &mut Tx<'_>, organization: OrganizationId) -> diesel::QueryResult<usize> {
        match self {
            Self::Account(account) => accounts::insert(tx, account),
            Self::ProveAddress(account) => accounts::prove(tx, *account),
            Self::Link(link) => accounts::insert_link(tx, organization, link),
            Self::Unlink(account) => accounts::delete_link(tx, organization, *account),
            Self::Session(session) => sessions::insert(tx, session),
            Self::EndSession(id) => sessions::end(tx, *id),
            Self::EndOtherSessions(account, kept) => sessions::end_others(tx, *account, *kept),
            Self::EndProvidedSessions => sessions::end_provided(tx, organization),
            Self::EndEverySession => sessions::end_every(tx),
            Self::Provider(stored) => providers::set(tx, organization, stored),
            Self::RemoveProvider => providers::remove(tx, organization),
            Self::SignInLink(link) => links::insert(tx, organization, link),
            Self::UseSignInLink { id, at } => links::set_used(tx, *id, *at),
            Self::Invitation(invitation) => invitations::insert(tx, organization, invitation),
            Self::SendAgain(id, sending) => invitations::set_sent(tx, organization, *id, sending),
            Self::EndInvitation(id, ending) => invitations::set_ended(tx, organization, *id, ending),
            Self::EndOpenInvitations(at) => invitations::end_open(tx, organization, *at),
            Self::Export(export) => exports::insert(tx, export),
        }
    }
}

/// Ends what admits people who cease to be active, in the transaction that says so.
pub(super) fn end_credentials_of_leavers<'a>(
    pipeline: &mut Pipeline<'_, '_, 'a>,
    organization: &'a OrganizationId,
    changes: &'a [StatusChange],
    addresses: &'a [EmailRow],
) -> Result<(), WriteError> {
    let leavers: Vec<&UserId> =
        changes.iter().filter(|change| change.status != Status::Active).map(|change| &change.user).collect();
    match changes.first() {
        Some(change) if !leavers.is_empty() => ended::end(pipeline, organization, (&leavers, addresses), change.since),
        _ => Ok(()),
    }
}

/// An id as it stands in a column that belongs to `table`.
fn corrupt(table: &'static str) -> impl Fn(crate::model::IdError) -> DatabaseError {
    move |error| DatabaseError::Corrupt { table, problem: error.to_string() }
}

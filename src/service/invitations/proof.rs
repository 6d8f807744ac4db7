//! Whose address an invitation was sent to: known of whoever reads mail there, and of nobody else.
//!
//! An account at the address may be known to other organizations, now or later: whoever was shown a link does not become who
//! that is.

use crate::db::console::accounts::Account;
use crate::db::console::invitations::Invitation;
use crate::db::console::sessions::{Reach, Session};
use crate::ids;
use crate::model::Moment;
use crate::service::accounts::SignedIn;

/// What shows that whoever joins has the address of the invitation.
#[derive(Debug, Clone, Copy)]
pub(super) enum Proof<'a> {
    /// The link came there by mail.
    Mail,
    /// The browser was signed in by a link that did.
    Session(&'a Session),
    /// None: the link was shown to whoever invited.
    None,
}

impl<'a> Proof<'a> {
    /// Of a browser in which somebody is signed in, or nobody.
    pub(super) fn of(invitation: &Invitation, signed_in: Option<&'a SignedIn>) -> Self {
        if !invitation.is_shown() {
            return Self::Mail;
        }
        let is_theirs = |signed_in: &&SignedIn| {
            signed_in.session.reach == Reach::All && signed_in.account.email_key.as_ref() == Some(&invitation.email_key)
        };
        signed_in.filter(is_theirs).map_or(Self::None, |signed_in| Self::Session(&signed_in.session))
    }

    /// An account at the address, proven or claimed.
    pub(super) fn new_account(self, invitation: &Invitation, now: Moment) -> Account {
        let (email, key) = (invitation.email.clone(), invitation.email_key.clone());
        let is_proven = !matches!(self, Self::None);
        Account {
            id: ids::account(now),
            name: email.clone(),
            email: is_proven.then_some(email),
            email_key: is_proven.then(|| key.clone()),
            claimed_key: (!is_proven).then_some(key),
            subject: None,
            created_at: now,
        }
    }
}

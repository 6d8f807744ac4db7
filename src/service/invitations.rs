//! Invitations: people without an identity provider join by a link in a mail.
//!
//! Only the hash of a link's secret is kept. Looking at a link uses nothing up; joining does, once, together with the new
//! user, its account and its memberships, in one transaction. The address is the one invited: whoever joins cannot choose
//! another.

mod join;
mod proof;
mod reading;
mod sending;

pub use crate::db::console::invitations::{Ending, Invitation, StoredInvitation};
pub use join::{JoinRefusal, Joined, OpenInvitation};
pub use reading::{Line, Reading, readings, split};
pub use sending::{InvitationMail, Outcome, Wanted};

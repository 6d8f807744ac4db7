//! The one place that makes identifiers and random bytes.

use std::sync::Mutex;

use uuid::{ContextV7, Timestamp, Uuid};

use crate::model::{
    AccountId, AssignmentId, ConnectionId, CredentialId, EventId, GroupId, InvitationId, Moment, OrganizationId,
    RequestId, ResourceId, ServiceId, SessionId, SignInLinkId, UserId,
};

/// The operating system gave no random bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct RandomError;

// The counter inside keeps ids of one process in order within a millisecond.
static CONTEXT: Mutex<ContextV7> = Mutex::new(ContextV7::new());

/// A new UUIDv7 that sorts by `now`, which keeps new rows at the end of every index.
fn fresh(now: Moment) -> Uuid {
    let micros = u64::try_from(now.as_micros()).unwrap_or_default();
    let nanos = u32::try_from((micros % 1_000_000) * 1_000).unwrap_or_default();
    let context = CONTEXT.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    Uuid::new_v7(Timestamp::from_unix(&*context, micros / 1_000_000, nanos))
}

macro_rules! makers {
    ($($(#[$doc:meta])* $function:ident -> $id:ident),+ $(,)?) => {
        $($(#[$doc])* pub fn $function(now: Moment) -> $id { $id::new(fresh(now)) })+
    };
}

makers! {
    /// A new organization.
    organization -> OrganizationId,
    /// A new connection.
    connection -> ConnectionId,
    /// A new credential.
    credential -> CredentialId,
    /// A new user.
    user -> UserId,
    /// A new group.
    group -> GroupId,
    /// A new service.
    service -> ServiceId,
    /// A new assignment.
    assignment -> AssignmentId,
    /// A new account.
    account -> AccountId,
    /// A new session of the console.
    session -> SessionId,
    /// A new link that signs in.
    sign_in_link -> SignInLinkId,
    /// A new invitation.
    invitation -> InvitationId,
    /// A new event.
    event -> EventId,
    /// A new request.
    request -> RequestId,
    /// A new server instance, key or other row without a name of its own.
    resource -> ResourceId,
}

/// Sorts after every event made at `moment` or before, and before those made a millisecond later or more.
pub fn first_event_after(moment: Moment) -> EventId {
    let millis = u64::try_from(moment.as_micros()).unwrap_or_default() / 1_000;
    EventId::new(uuid::Builder::from_unix_timestamp_millis(millis, &[0xff; 10]).into_uuid())
}

/// Random bytes from the operating system.
///
/// # Errors
/// [`RandomError`] when it has none to give.
pub fn random<const N: usize>() -> Result<[u8; N], RandomError> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_unspecified| RandomError)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_made_later_sort_later_even_within_a_millisecond() {
        let now = Moment::from_micros(1_700_000_000_000_000);
        let ids: Vec<_> = (0..100).map(|_| user(now)).collect();
        assert!(ids.is_sorted());
        assert!(ids.last() < Some(&user(now.plus_micros(2_000))));
    }
}

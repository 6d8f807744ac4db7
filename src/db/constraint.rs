//! Which rule a refused row broke: PostgreSQL names the constraint, SQLite only the columns.

use diesel::result::{DatabaseErrorKind, Error};

/// The uniqueness rules of the schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Constraint {
    /// userName is unique in the organization.
    UserName,
    /// displayName of groups is unique in the connection.
    GroupName,
    /// Slugs of organizations are unique.
    OrganizationSlug,
    /// Names of connections are unique in the organization.
    ConnectionName,
    /// Names of services that are not stopped are unique in the organization.
    ServiceName,
    /// Tokens of an outside issuer admit to one credential of the deployment.
    OutsideIssuer,
    /// Somebody is a member once: another request was faster.
    Membership,
    /// A connection has one open quarantine: another server was faster.
    Quarantine,
    /// An account is made once: another request was faster.
    Account,
    /// Of one attempt to sign in comes one session: it was used.
    Attempt,
    /// An address is invited once: another request was faster.
    Invitation,
    /// Any other.
    Other,
}

impl Constraint {
    /// The rule an error speaks of, if it speaks of one.
    pub fn of(error: &Error) -> Option<Self> {
        let Error::DatabaseError(DatabaseErrorKind::UniqueViolation, information) = error else { return None };
        let named = information.constraint_name().unwrap_or_else(|| information.message());
        let rules = [
            ("scim_user_name", "scim_user.organization, scim_user.user_name_key", Self::UserName),
            (
                "scim_group_unique_name",
                "scim_group.organization, scim_group.connection, scim_group.unique_name_key",
                Self::GroupName,
            ),
            ("organization_slug", "organization.slug", Self::OrganizationSlug),
            ("connection_name", "connection.organization, connection.name", Self::ConnectionName),
            ("service_name", "service.organization, service.name_key", Self::ServiceName),
            ("proof_of_issuer", "proof.issuer, proof.audience, proof.claims", Self::OutsideIssuer),
            (
                "membership_current",
                "membership.organization, membership.group_id, membership.member_id, membership.member_kind",
                Self::Membership,
            ),
            ("quarantine_open", "quarantine.organization, quarantine.connection", Self::Quarantine),
            ("account_email", "account.email_key", Self::Account),
            ("account_subject", "account.issuer, account.subject", Self::Account),
            ("account_link_pkey", "account_link.organization, account_link.account", Self::Account),
            ("session_attempt", "session.attempt", Self::Attempt),
            ("invitation_open", "invitation.organization, invitation.email_key", Self::Invitation),
        ];
        let rule = rules.into_iter().find(|(name, columns, _)| {
            named == *name || named.strip_prefix("UNIQUE constraint failed: ") == Some(*columns)
        });
        Some(rule.map_or(Self::Other, |(_, _, constraint)| constraint))
    }
}

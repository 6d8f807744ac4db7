//! What a use case wants written: rows as data, so that waiting requests can share a commit.

use crate::model::{ConnectionId, CredentialId, Moment, OrganizationId, ResourceId, Revision, UserId};

use super::access::{AccessRow, AccessState, FormerFacts};
use super::deleted_groups::DeletedGroupRow;
use super::events::EventRow;
use super::groups::{GroupChange, GroupRow};
use super::leavers::LeaverRow;
use super::memberships::MembershipChange;
use super::signals::SignalRow;
use super::users::{EmailRow, StatusChange, SuspensionChange, UserChange, UserDeletion, UserRestoration, UserRow};

/// Which list a resource is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ResourceKind {
    /// Users: one list an organization.
    User,
    /// Groups: one list a connection.
    Group,
}

impl ResourceKind {
    pub(super) const fn as_i64(self) -> i64 {
        match self {
            Self::User => 1,
            Self::Group => 2,
        }
    }
}

/// One more or one fewer in a list.
#[derive(Debug, Clone, Copy)]
pub struct Count {
    /// The connection whose list it is; nobody for users.
    pub connection: ConnectionId,
    /// Which list.
    pub kind: ResourceKind,
    /// Appeared (1) or went (-1).
    pub present: i64,
    /// How many went, which is what makes remembered page starts stale.
    pub deleted: i64,
}

/// Rows of administration: rare, written one by one.
#[derive(Debug, Clone)]
pub enum AdministrationRow {
    /// A new organization.
    Organization {
        /// Its identifier.
        id: OrganizationId,
        /// Its name in URLs and on the command line.
        slug: String,
        /// Its name for people.
        name: String,
        /// Since when.
        created_at: Moment,
        /// Whether it is for the certification of the Authorization API.
        certification: bool,
    },
    /// Gives the organization another name, while it has the one it is known by.
    RenameOrganization {
        /// The name until now.
        before: String,
        /// The name.
        name: String,
    },
    /// Nobody of the organization is admitted from now on, or everybody again.
    SuspendOrganization {
        /// Since when; `None`: not any more.
        at: Option<Moment>,
    },
    /// A new key.
    Key(super::keyring::KeyRow),
    /// A new connection.
    Connection {
        /// The connection.
        connection: crate::model::Connection,
        /// Since when.
        created_at: Moment,
    },
    /// Pauses a connection or lets it go on.
    PauseConnection {
        /// Which.
        id: ConnectionId,
        /// Whether writes are refused from now on.
        paused: bool,
    },
    /// Whether the `roles` a connection sends are assigned.
    AssignRoles {
        /// Which connection.
        id: ConnectionId,
        /// Whether, from now on.
        on: bool,
    },
    /// Whether the outcome of a connection's requests may be told in events.
    Asynchronous {
        /// Which connection.
        id: ConnectionId,
        /// Whether, from now on.
        on: bool,
    },
    /// A role at a scope that a connection may assign from now on.
    OfferRole(crate::model::RoleOffer),
    /// One that it may assign no more.
    WithdrawRole {
        /// Which offer.
        id: ResourceId,
    },
    /// Gives a connection another name.
    RenameConnection {
        /// Which.
        id: ConnectionId,
        /// The name.
        name: String,
    },
    /// The mass-change brake of a connection, and what it holds.
    Brake(super::brakes::BrakeRow),
    /// What was found of leavers.
    Finding(super::findings::FindingRow),
    /// Downstream systems and what comparing their accounts came to.
    Reconciliation(super::reconciliations::ReconciliationRow),
    /// Systems whose groups are kept as groups of a connection.
    Mirror(super::mirrors::MirrorRow),
    /// What administrators are told.
    Notification(super::notifications::NotificationRow),
    /// A new credential.
    Credential {
        /// The credential.
        credential: crate::model::Credential,
        /// Since when.
        created_at: Moment,
    },
    /// How the caller of a new credential proves who it is.
    Proof(Box<crate::model::Proof>),
    /// A schema for the users or groups of the organization.
    ExtensionSchema {
        /// The schema.
        row: super::extension_schemas::ExtensionSchemaRow,
        /// Since when.
        created_at: Moment,
    },
    /// Removes such a schema.
    RemoveExtensionSchema {
        /// Its URN in lower case.
        urn_key: String,
    },
    /// Rows of the console.
    Console(super::console::ConsoleRow),
    /// Marks an organization as made up.
    Demonstration(super::demonstrations::Demonstration),
    /// A new receiver.
    Receiver(Box<crate::signals::Receiver>),
    /// A receiver as it is now, instead of its version before.
    ReplaceReceiver(Box<crate::signals::Receiver>),
    /// A receiver that is told nothing any more.
    RemoveReceiver {
        /// Which.
        id: ResourceId,
        /// The version the change was worked out from.
        version: i64,
        /// Since when.
        at: Moment,
    },
    /// What waits for a receiver is given up, one signal aside.
    DropSignals {
        /// Which receiver.
        receiver: ResourceId,
        /// Which signal stays.
        but: ResourceId,
        /// When.
        at: Moment,
    },
    /// Somebody more or less a receiver is told about.
    ChosenSubject(super::streams::ChosenSubject),
    /// Ends a credential.
    RevokeCredential {
        /// Which.
        id: CredentialId,
        /// Since when.
        at: Moment,
    },
}

/// Everything one request writes, in one transaction: the change, its intervals, its events.
#[derive(Debug, Clone)]
pub struct WriteSet {
    /// The organization every row belongs to.
    pub organization: OrganizationId,
    /// Whether the change can alter a decision and so takes a revision.
    pub takes_revision: bool,
    /// Whether it takes access away, so that its answer waits for every server.
    pub takes_access: bool,
    /// Only at this revision of the organization; for changes that depend on more than the rows they name.
    pub only_at: Option<Revision>,
    /// New users.
    pub users_created: Vec<UserRow>,
    /// Users replaced, each at an expected version.
    pub users_changed: Vec<UserChange>,
    /// Users deleted, each at an expected version. Ends their memberships too.
    pub users_deleted: Vec<UserDeletion>,
    /// Deleted users who are there again, each at an expected version.
    pub users_restored: Vec<UserRestoration>,
    /// Addresses that appear.
    pub emails_added: Vec<EmailRow>,
    /// Addresses that go.
    pub emails_removed: Vec<EmailRow>,
    /// Users whose status changes.
    pub statuses: Vec<StatusChange>,
    /// Users whom an administrator suspends, or suspends no more.
    pub suspensions: Vec<SuspensionChange>,
    /// Whose access is cut off; only where the change takes a revision.
    pub leavers: Vec<LeaverRow>,
    /// Their addresses: invitations to these end.
    pub addresses_of_leavers: Vec<EmailRow>,
    /// Groups that are deleted; only where the change takes a revision.
    pub groups_deleted: Vec<DeletedGroupRow>,
    /// New groups.
    pub groups_created: Vec<GroupRow>,
    /// Groups replaced or deleted, each at an expected version, or counted up.
    pub groups_changed: Vec<GroupChange>,
    /// Members that join.
    pub joined: Vec<MembershipChange>,
    /// Members that leave.
    pub left: Vec<MembershipChange>,
    /// Lists that grow or shrink.
    pub counts: Vec<Count>,
    /// Rows of administration.
    pub administration: Vec<AdministrationRow>,
    /// What begins and ends of roles, scopes, assignments and the like.
    pub access: Vec<AccessRow>,
    /// The state of the administration of access that the change was worked out from: somebody else's meanwhile makes
    /// the change stale. `None` leaves it as it is; needed where `access` is not empty.
    pub access_state: Option<AccessState>,
    /// Users that are found by other keys than before, or of whom guardrails read something else.
    pub identified: Vec<UserId>,
    /// What receivers are to be told.
    pub signals: Vec<SignalRow>,
    /// What guardrails read of users until now.
    pub former_facts: Vec<FormerFacts>,
    /// What is put on record.
    pub events: Vec<EventRow>,
}

impl WriteSet {
    /// Nothing to write yet.
    pub const fn new(organization: OrganizationId) -> Self {
        Self {
            organization,
            takes_revision: false,
            takes_access: false,
            only_at: None,
            users_created: Vec::new(),
            users_changed: Vec::new(),
            users_deleted: Vec::new(),
            users_restored: Vec::new(),
            emails_added: Vec::new(),
            emails_removed: Vec::new(),
            statuses: Vec::new(),
            suspensions: Vec::new(),
            leavers: Vec::new(),
            addresses_of_leavers: Vec::new(),
            groups_deleted: Vec::new(),
            groups_created: Vec::new(),
            groups_changed: Vec::new(),
            joined: Vec::new(),
            left: Vec::new(),
            counts: Vec::new(),
            administration: Vec::new(),
            access: Vec::new(),
            access_state: None,
            identified: Vec::new(),
            signals: Vec::new(),
            former_facts: Vec::new(),
            events: Vec::new(),
        }
    }
}

//! Somebody signed in, in one organization.

use crate::access::decide::Question;
use crate::access::graph::{Resource, Standing, Subject};
use crate::db::access::people;
use crate::db::console::accounts;
use crate::db::organizations::Organization;
use crate::db::users::Status;
use crate::model::{Actor, Caller, OrganizationId, Permission, RequestId, ScopePath, UserId};
use crate::service::{ServiceError, Services};

use super::{Account, Rights, SignedIn};

/// An account in an organization.
#[derive(Debug, Clone)]
pub struct Member {
    /// The organization.
    pub organization: Organization,
    /// The user the account is there; `None`: the recovery administrator.
    pub user: Option<UserId>,
    /// What it may do.
    pub rights: Rights,
    /// Who acts, for the use cases.
    pub caller: Caller,
}

impl Services {
    /// Somebody signed in, in the organization of a slug. `None` if the account does not belong to it, or its user may not
    /// act. Blocks.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`] when it cannot be judged.
    pub fn member(&self, signed_in: &SignedIn, slug: &str, request: RequestId) -> Result<Option<Member>, ServiceError> {
        let Some(belonging) = signed_in.belongings.iter().find(|belonging| belonging.slug == slug) else {
            return Ok(None);
        };
        let rights = match belonging.user {
            None => Some(Rights::everything()),
            Some(user) => self.rights(belonging.organization, user)?,
        };
        let Some(rights) = rights else { return Ok(None) };
        if let Some(user) = belonging.user {
            self.live.saw(belonging.organization, user);
        }
        let organization = self
            .administration(&Caller::local(belonging.organization, Actor::Account(signed_in.account.id), request))
            .organization(belonging.organization)
            .map_err(ServiceError::from)?;
        let caller = Caller::local(belonging.organization, Actor::Account(signed_in.account.id), request);
        Ok(Some(Member { organization, user: belonging.user, rights, caller }))
    }

    /// The recovery administrators of an organization. Blocks.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn recovery_administrators(&self, organization: OrganizationId) -> Result<Vec<Account>, ServiceError> {
        self.live.read(|tx| Ok(accounts::of_recovery(tx, organization)?))
    }

    /// What a user may do in the console; `None` for one who may not act.
    ///
    /// # Errors
    /// [`ServiceError::Unavailable`] when it cannot be judged.
    pub fn rights(&self, organization: OrganizationId, user: UserId) -> Result<Option<Rights>, ServiceError> {
        let now = self.clock.now();
        let judged = self.live.judge(organization, |rules, _revision| {
            let subject = Subject::User(user);
            match rules.graph.standing(subject) {
                Standing::Active => {}
                // Nothing was ever assigned to somebody new: the graph need not know of them.
                Standing::Unknown => return Err(()),
                _ => return Ok(None),
            }
            let root = ScopePath::root();
            let resource = Resource { resource_type: root.kind().as_str(), id: root.as_str() };
            let question = Question { subject: Ok(subject), permission: "", resource, circumstances: None };
            let held = rules.permissions_at(&question, now, None, usize::MAX);
            Ok(Some(Rights::of(held.into_iter().map(Permission::as_str))))
        })?;
        if let Ok(rights) = judged {
            return Ok(rights);
        }
        let stored = self.live.read::<_, ServiceError>(|tx| Ok(people::by_ids(tx, organization, [user])?))?;
        let is_active = stored.first().is_some_and(|person| person.status == Status::Active);
        Ok(is_active.then(Rights::default))
    }
}

//! The identity provider an organization's people sign in by: set, looked at, removed.

use serde_json::json;
use zeroize::Zeroizing;

use crate::db::console::ConsoleRow;
use crate::db::console::providers::{self, StoredProvider};
use crate::db::{AdministrationRow, WriteSet};
use crate::live::Decision;
use crate::model::{IdentityProvider, Moment, OrganizationId, ResourceId};

use super::{Administration, AdministrationError, Expected};

/// Characters of a secret.
const SECRET_CHARACTERS: usize = 4_096;

/// What becomes of the secret Muster has at an identity provider.
#[derive(Clone)]
pub enum ProviderSecret {
    /// It stays as it is.
    Kept,
    /// There is none: Muster is a public client.
    None,
    /// It is this one from now on.
    New(Zeroizing<String>),
}

impl Administration {
    /// The identity provider of an organization, without its secret.
    ///
    /// # Errors
    /// [`AdministrationError::Database`].
    pub fn identity_provider(
        &self,
        organization: OrganizationId,
    ) -> Result<Option<StoredProvider>, AdministrationError> {
        Ok(self.live.read(|tx| providers::by_organization(tx, organization))?)
    }

    /// Lets an organization's people sign in by an identity provider, if the settings were last changed when the caller
    /// thinks. A secret is kept for the issuer and the client it was
    /// given for alone. Attempts that are under way end; sessions the one before has opened too, if it is another.
    ///
    /// # Errors
    /// [`AdministrationError::Unfitting`], [`AdministrationError::PreconditionFailed`].
    pub fn set_identity_provider(
        &self,
        organization: OrganizationId,
        wanted: &IdentityProvider,
        secret: &ProviderSecret,
        expected: &Expected<Moment>,
    ) -> Result<StoredProvider, AdministrationError> {
        let unfitting = |text: String| AdministrationError::Unfitting(text);
        wanted.check().map_err(|error| unfitting(error.to_string()))?;
        self.permit(&wanted.issuer)?;
        if let ProviderSecret::New(secret) = secret
            && (secret.is_empty() || secret.chars().count() > SECRET_CHARACTERS || secret.contains(char::is_control))
        {
            return Err(unfitting(format!(
                "a secret has 1 to {SECRET_CHARACTERS} characters, none of them control characters"
            )));
        }
        let cause = self.cause(organization);
        let id = ResourceId::from(organization);
        self.live.write(&cause, |tx| {
            let before = providers::by_organization(tx, organization)?;
            expected.check(before.as_ref().map(|before| &before.changed_at))?;
            let is_same = before.as_ref().is_some_and(|before| {
                (&before.provider.issuer, &before.provider.client_id) == (&wanted.issuer, &wanted.client_id)
            });
            let sealed = match (secret, &before) {
                (ProviderSecret::Kept, Some(before)) if is_same || before.secret.is_none() => before.secret.clone(),
                (ProviderSecret::Kept, Some(_)) => {
                    return Err(unfitting(
                        "give the secret again: what is meant for one identity provider is not sent to another"
                            .to_owned(),
                    ));
                }
                (ProviderSecret::Kept | ProviderSecret::None, _) => None,
                (ProviderSecret::New(secret), _) => Some(self.live.seal_secret(tx, organization, id, secret)?),
            };
            // Attempts name the settings they began under by this moment.
            let now = self.clock.now();
            let after = before.as_ref().map_or(now, |before| now.max(before.changed_at.plus_micros(1)));
            let stored = StoredProvider { provider: wanted.clone(), secret: sealed, changed_at: after };
            let mut set = WriteSet::new(organization);
            let row = ConsoleRow::Provider(Box::new(stored.clone()));
            set.administration.push(AdministrationRow::Console(row));
            if before.is_some() && !is_same {
                set.administration.push(AdministrationRow::Console(ConsoleRow::EndProvidedSessions));
            }
            let details = json!({ "issuer": wanted.issuer, "client": wanted.client_id,
                "by": wanted.joined_by.as_str(), "claim": wanted.claim, "required": wanted.required,
                "only": wanted.is_only });
            set.events.push(cause.event(now, "identity-provider.set", id, &details));
            Ok::<_, AdministrationError>(Decision::Write(Box::new(set), stored))
        })
    }

    /// Nobody signs in by an identity provider any more; whoever has is signed out.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`].
    pub fn remove_identity_provider(&self, organization: OrganizationId) -> Result<(), AdministrationError> {
        let cause = self.cause(organization);
        self.live.write(&cause, |tx| {
            if providers::by_organization(tx, organization)?.is_none() {
                return Err(AdministrationError::NotFound("the organization has no identity provider".to_owned()));
            }
            let mut set = WriteSet::new(organization);
            for row in [ConsoleRow::RemoveProvider, ConsoleRow::EndProvidedSessions] {
                set.administration.push(AdministrationRow::Console(row));
            }
            let id = ResourceId::from(organization);
            set.events.push(cause.event(self.clock.now(), "identity-provider.removed", id, &json!({})));
            Ok(Decision::Write(Box::new(set), ()))
        })
    }

    /// Whether an issuer answers as an identity provider Muster can work with. Blocks.
    ///
    /// # Errors
    /// [`AdministrationError::Unfitting`], which says what is wrong.
    pub fn try_identity_provider(&self, issuer: &str) -> Result<(), AdministrationError> {
        self.permit(issuer)?;
        let tried = self.live.discover(issuer, true);
        tried.map(|_discovered| ()).map_err(|error| AdministrationError::Unfitting(error.to_string()))
    }
}

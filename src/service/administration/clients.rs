//! Clients that sign, and outside issuers whose tokens admit: register, list. Both are credentials, and are revoked as
//! such.

use std::collections::BTreeMap;

use url::Url;
use zeroize::Zeroizing;

use serde_json::json;

use crate::db::{AdministrationRow, proofs};
use crate::live::jwt::PublicKeys;
use crate::live::{ClientId, Decision};
use crate::model::{
    Believed, ConnectionId, CredentialId, CredentialKind, Keys, OrganizationId, OutsideIssuer, Proof, ResourceId,
};
use crate::service::oauth;

use super::connections::by_id;
use super::{Administration, AdministrationError, decisive, tokens};

/// Characters of an issuer, an audience, a claim.
const TEXT_CHARACTERS: usize = 1_024;
/// Claims that tokens of an issuer must bear.
const MOST_CLAIMS: usize = 10;

/// A client to register.
#[derive(Debug, Clone)]
pub struct NewClient {
    /// What it is good for: `scim`, `pep` or `receiver`.
    pub kind: CredentialKind,
    /// The connection it provisions for, where the kind is `scim`.
    pub connection: Option<ConnectionId>,
    /// What it signs with; `None`: it is given a secret.
    pub keys: Option<Keys>,
    /// How long it is good, microseconds.
    pub valid_micros: i64,
}

/// An outside issuer to register.
#[derive(Debug, Clone)]
pub struct NewIssuer {
    /// The connection its tokens provision for.
    pub connection: ConnectionId,
    /// Its tokens.
    pub issuer: OutsideIssuer,
    /// Where its keys are published.
    pub keys_url: String,
    /// How long it is good, microseconds.
    pub valid_micros: i64,
}

/// Tokens say nothing of organizations: what admits to one must not admit to another, nor keep it from being admitted.
pub(super) fn taken() -> AdministrationError {
    AdministrationError::Taken(
        "tokens of this issuer and audience admit somebody already; name claims that tell them apart".to_owned(),
    )
}

fn unfitting<T>(message: impl Into<String>) -> Result<T, AdministrationError> {
    Err(AdministrationError::Unfitting(message.into()))
}

impl Administration {
    /// Registers a client; answers its id, and its secret where it was given one, which is shown this once.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`] and [`AdministrationError::Unfitting`].
    pub fn register_client(
        &self,
        organization: OrganizationId,
        wanted: &NewClient,
    ) -> Result<(ClientId, Option<Zeroizing<String>>), AdministrationError> {
        if oauth::scopes_of(wanted.kind).is_empty() {
            return unfitting("clients are of kind `scim`, `pep` or `receiver`");
        }
        match &wanted.keys {
            Some(Keys::Given(keys)) => {
                PublicKeys::parse(keys).map_err(|error| AdministrationError::Unfitting(error.to_string()))?;
            }
            Some(Keys::At(url)) => self.permit(url)?,
            None => {}
        }
        let proof = wanted.keys.clone().map(|keys| (None, keys));
        let connection = match (wanted.kind, wanted.connection) {
            (CredentialKind::Scim, Some(connection)) => connection,
            (CredentialKind::Scim, None) => {
                return unfitting("a client of kind `scim` provisions for a connection; name it");
            }
            (_, None) => ConnectionId::NOBODY,
            (_, Some(_)) => return unfitting("only clients of kind `scim` belong to a connection; name none"),
        };
        let has_secret = proof.is_none();
        let (credential, secret) =
            self.register(organization, (wanted.kind, connection, wanted.valid_micros), proof)?;
        Ok((ClientId { organization, credential }, has_secret.then_some(secret)))
    }

    /// Registers an outside issuer: tokens of it that bear the audience and the claims provision for a connection. Answers
    /// the id of the credential.
    ///
    /// # Errors
    /// [`AdministrationError::NotFound`], [`AdministrationError::Unfitting`], and [`AdministrationError::Taken`] where such
    /// tokens admit somebody already, in whichever organization.
    pub fn register_issuer(
        &self,
        organization: OrganizationId,
        wanted: &NewIssuer,
    ) -> Result<CredentialId, AdministrationError> {
        let OutsideIssuer { issuer, audience, claims } = &wanted.issuer;
        if !Url::parse(issuer).is_ok_and(|url| matches!(url.scheme(), "https" | "http")) {
            return unfitting("the issuer must be the URL that its tokens bear as `iss`");
        }
        if claims.len() > MOST_CLAIMS {
            return unfitting(format!("more than {MOST_CLAIMS} claims are asked for; name fewer"));
        }
        let texts = [issuer, audience].into_iter().chain(claims.iter().flat_map(|(name, value)| [name, value]));
        for text in texts {
            if text.is_empty() || text.chars().count() > TEXT_CHARACTERS || text.contains(char::is_control) {
                let message = format!("an issuer, an audience or a claim has 1 to {TEXT_CHARACTERS} characters");
                return unfitting(message);
            }
        }
        self.permit(&wanted.keys_url)?;
        let proof = (Some(wanted.issuer.clone()), Keys::At(wanted.keys_url.clone()));
        let credential = (CredentialKind::Scim, wanted.connection, wanted.valid_micros);
        Ok(self.register(organization, credential, Some(proof))?.0)
    }

    fn register(
        &self,
        organization: OrganizationId,
        (kind, connection, valid_micros): (CredentialKind, ConnectionId, i64),
        proof: Option<(Option<OutsideIssuer>, Keys)>,
    ) -> Result<(CredentialId, Zeroizing<String>), AdministrationError> {
        let cause = self.cause(organization);
        self.live.write(&cause, |tx| {
            if !connection.is_nobody() {
                by_id(tx, organization, connection)?;
            }
            if let Some((Some(issuer), _)) = &proof {
                let registered = proofs::by_issuer(tx, &issuer.issuer)?;
                if registered.iter().filter_map(|proof| proof.issuer.as_ref()).any(|other| issuer.may_be(other)) {
                    return Err(taken());
                }
            }
            let mut set = decisive(organization, Vec::new());
            let now = self.clock.now();
            let new = (kind, connection, valid_micros);
            // Whoever signs is given no secret: the one made here is known to nobody.
            let (credential, secret) = tokens::add(&mut set, &cause, now, new, Believed::default())?;
            if let Some((issuer, keys)) = proof.clone() {
                let details = json!({
                    "issuer": issuer.as_ref().map(|it| it.issuer.as_str()),
                    "audience": issuer.as_ref().map(|it| it.audience.as_str()),
                    "claims": issuer.as_ref().map(|it| &it.claims),
                });
                set.events.push(cause.event(
                    now,
                    "credential.proof-registered",
                    ResourceId::from(credential),
                    &details,
                ));
                let proof = Proof { organization, credential, issuer, keys };
                set.administration.push(AdministrationRow::Proof(Box::new(proof)));
            }
            Ok(Decision::Write(Box::new(set), (credential, secret)))
        })
    }

    /// How callers of an organization prove who they are that bear no secret: clients that sign, and outside issuers.
    ///
    /// # Errors
    /// [`AdministrationError::Database`].
    pub fn proofs(&self, organization: OrganizationId) -> Result<Vec<Proof>, AdministrationError> {
        Ok(self.live.read(|tx| proofs::list(tx, organization))?)
    }
}

/// Reads claims written `name=value`.
///
/// # Errors
/// What cannot be read.
pub fn claims(texts: &[String]) -> Result<BTreeMap<String, String>, String> {
    let read = |text: &String| match text.split_once('=') {
        Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
        None => Err(format!("`{text}` is no claim; write `name=value`")),
    };
    texts.iter().map(read).collect()
}

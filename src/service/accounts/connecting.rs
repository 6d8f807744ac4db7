//! The intent to join an identity to whoever is signed in: said by a form on the own profile, good in the session that said it,
//! for ten minutes. Nobody who leads a browser to an address can say it for them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::db::console::sessions::Session;
use crate::model::{OrganizationId, SessionId, limits};
use crate::service::{ServiceError, Services};

use super::sessions::{SignedIn, minutes};

/// What intents are sealed for.
const SEALED_FOR: &[u8] = b"intents to join an identity";

#[derive(Serialize, Deserialize)]
struct Intent {
    session: String,
    until: i64,
}

impl Services {
    /// What the way to the identity provider is to show, for the identity to be joined to the user of this session. Blocks.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn intent_to_connect(&self, organization: OrganizationId, session: &Session) -> Result<String, ServiceError> {
        let until = self.clock.now().plus_micros(minutes(limits::SIGN_IN_LINK_MINUTES));
        let intent = Intent { session: session.id.to_string(), until: until.as_micros() };
        let text = serde_json::to_vec(&intent).map_err(|error| ServiceError::Internal(error.to_string()))?;
        let sealed = self
            .live
            .read::<_, ServiceError>(|tx| Ok(self.live.seal_cursor(tx, organization, SEALED_FOR, &text)?))?;
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// The session that meant it, if it is the one that shows it and fresh enough. Blocks.
    pub(super) fn intends(
        &self,
        organization: OrganizationId,
        shown: &str,
        signed_in: Option<&SignedIn>,
    ) -> Result<Option<SessionId>, ServiceError> {
        let Some(signed_in) = signed_in.filter(|signed_in| self.is_fresh(&signed_in.session)) else { return Ok(None) };
        let Ok(sealed) = URL_SAFE_NO_PAD.decode(shown) else { return Ok(None) };
        let opened = self
            .live
            .read::<_, ServiceError>(|tx| Ok(self.live.open_cursor(tx, organization, SEALED_FOR, &sealed)?))?;
        let intent: Option<Intent> = opened.and_then(|text| serde_json::from_slice(&text).ok());
        let own = signed_in.session.id;
        let is_meant =
            |intent: &Intent| intent.session == own.to_string() && self.clock.now().as_micros() < intent.until;
        Ok(intent.filter(is_meant).map(|_intent| own))
    }
}

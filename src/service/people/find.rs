//! A person, as named on the command line: by id or userName.

use crate::db::users::listed::{self, Key};
use crate::model::{Caller, ConnectionId, UserId, fold};
use crate::scim::ScimError;
use crate::service::{ServiceError, Services};

/// The user of an id or a userName.
///
/// # Errors
/// [`ServiceError`]; 404.
pub fn find(services: &Services, caller: &Caller, named: &str) -> Result<UserId, ServiceError> {
    let folded = fold(named);
    services.live.read(|tx| {
        if let Ok(id) = named.parse::<UserId>()
            && crate::db::users::by_id(tx, caller.organization, id)?.is_some()
        {
            return Ok(id);
        }
        let key = Key::UserName(&folded);
        let found = listed::by_key(tx, caller.organization, ConnectionId::NOBODY, key, 1)?;
        let message = || ScimError::NotFound(format!("there is no user `{named}`; `muster user list` shows them"));
        Ok(found.first().map(|user| user.id).ok_or_else(message)?)
    })
}

//! Whom a stream is about: a receiver adds people and removes them (SSF 1.0 §8.1.3).

use serde_json::{Map, Value, json};

use crate::db::access::past;
use crate::db::access::principals::{self, LookUp};
use crate::db::streams::ChosenSubject;
use crate::db::{AdministrationRow, Tx, WriteSet, directory, receivers};
use crate::live::{Cause, Decision};
use crate::model::{Caller, GroupId, OrganizationId, ResourceId, UserId, fold};
use crate::scim::ScimError;
use crate::service::{ServiceError, Services};
use crate::signals::{EventType, Receiver, Subject};

use super::poll::stream;
use super::queue::Telling;

/// Adds somebody to a stream, or removes them. Whom nobody knows is passed over without a word, so that nobody learns
/// who is known.
///
/// # Errors
/// [`ServiceError`]; 404 unless the stream is the caller's, 400 for what is no subject.
pub fn choose_subject(
    services: &Services,
    caller: &Caller,
    id: ResourceId,
    (subject, included): (&Map<String, Value>, bool),
) -> Result<(), ServiceError> {
    stream(services, caller, id)?;
    let cause = Cause::from(caller);
    services.live.write(&cause, |tx| {
        let Some(receiver) = receivers::by_id(tx, caller.organization, id)?.map(|stored| stored.receiver) else {
            return Err(ScimError::NotFound("there is no such stream".to_owned()).into());
        };
        let Some(found) = find(tx, &services.public_url, &receiver, subject)? else {
            return Ok(Decision::Unchanged(()));
        };
        let now = services.clock.now();
        let mut set = WriteSet::new(caller.organization);
        if !receiver.chosen {
            let mut chooses = receiver.clone();
            chooses.chosen = true;
            chooses.version = chooses.version.saturating_add(1);
            // Every server must know it before this is answered.
            (set.takes_revision, set.takes_access) = (true, true);
            set.administration.push(AdministrationRow::ReplaceReceiver(Box::new(chooses)));
        }
        let chosen = ChosenSubject { receiver: id, subject: found.id, included };
        set.administration.push(AdministrationRow::ChosenSubject(chosen));
        let action = if included { "receiver.subject-added" } else { "receiver.subject-removed" };
        set.events.push(cause.event(now, action, id, &json!({ "subject": found.id.to_string() })));
        let event = if included { EventType::FeedAdd } else { EventType::FeedRemove };
        if receiver.wants(event) {
            let telling = Telling::about(&services.live, tx, &cause, found, std::slice::from_ref(&receiver))?;
            set.signals.push(telling.row(&receiver, event, &json!({})));
        }
        Ok::<_, ServiceError>(Decision::Write(Box::new(set), ()))
    })
}

/// The one person or group meant (RFC 9493 §3.2, RFC 9967 §2.1).
fn find(
    tx: &mut Tx<'_>,
    issuer: &str,
    receiver: &Receiver,
    subject: &Map<String, Value>,
) -> Result<Option<Subject>, ServiceError> {
    let text = |name: &str| subject.get(name).and_then(Value::as_str);
    let missing = |name: &str| ScimError::invalid_value(format!("the subject lacks `{name}`"));
    let organization = receiver.organization;
    match text("format").ok_or_else(|| missing("format"))? {
        "email" => {
            let email = text("email").ok_or_else(|| missing("email"))?;
            let found = principals::users(tx, organization, LookUp::Email, &fold(email))?;
            one_of(tx, organization, &found)
        }
        "iss_sub" => {
            let (by, name) = (text("iss").ok_or_else(|| missing("iss"))?, text("sub").ok_or_else(|| missing("sub"))?);
            if by == issuer {
                known(tx, organization, name)
            } else if receiver.subject_issuer.as_deref() == Some(by) {
                let found = principals::users(tx, organization, LookUp::ExternalId, name)?;
                one_of(tx, organization, &found)
            } else {
                Ok(None)
            }
        }
        "opaque" => known(tx, organization, text("id").ok_or_else(|| missing("id"))?),
        "scim" => {
            let uri = text("uri").ok_or_else(|| missing("uri"))?;
            match (uri.strip_prefix("/Users/"), uri.strip_prefix("/Groups/")) {
                (Some(id), _) => known(tx, organization, id),
                (None, Some(id)) => known_group(tx, organization, id),
                (None, None) => Ok(None),
            }
        }
        format => {
            let formats = "`email`, `iss_sub`, `opaque` and `scim` are";
            Err(ScimError::invalid_value(format!("subjects of format `{format}` are not known here; {formats}")).into())
        }
    }
}

fn known(tx: &mut Tx<'_>, organization: OrganizationId, id: &str) -> Result<Option<Subject>, ServiceError> {
    let Ok(id) = id.parse::<UserId>() else { return Ok(None) };
    let document = past::document(tx, organization, id)?;
    let read = |text: String| serde_json::from_str::<Map<String, Value>>(&text).unwrap_or_default();
    Ok(document.map(read).map(|document| Subject::of(id, &document)))
}

fn known_group(tx: &mut Tx<'_>, organization: OrganizationId, id: &str) -> Result<Option<Subject>, ServiceError> {
    let Ok(id) = id.parse::<GroupId>() else { return Ok(None) };
    Ok(directory::group(tx, organization, id)?.map(|_known| Subject::of_group(id, &Map::new())))
}

/// What leads to two leads to neither.
fn one_of(tx: &mut Tx<'_>, organization: OrganizationId, found: &[UserId]) -> Result<Option<Subject>, ServiceError> {
    let [user] = found else { return Ok(None) };
    known(tx, organization, &user.to_string())
}

//! Receivers: who is told what happens to people, and how they fare.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

use crate::live::Algorithm;
use crate::model::{Name, ResourceId};
use crate::service::administration::{NewReceiver, ReceiverChange, StoredReceiver};
use crate::signals::{DefaultSubjects, EventType, Method, Status, SubjectFormat};

use super::answer::Reply;
use super::call::Call;
use super::page::{Page, Paging, Stretch};
use super::problem::Problem;
use super::route::{Resource, Route};

/// Its routes.
pub const RESOURCE: Resource = Resource {
    name: "receivers",
    about: "Downstream systems that are told what happens to people, and whose acknowledgement counts",
    routes: &[
        Route::read::<__path_list>(list),
        Route::change::<__path_create>(create).with_body(),
        Route::read::<__path_read>(read),
        Route::change::<__path_change>(change).with_body(),
        Route::change::<__path_remove>(remove),
        Route::change::<__path_test>(test),
    ],
};

/// A receiver, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Receiver)]
struct Shown {
    /// Its id, which is its `stream_id`
    id: String,
    /// Its name
    name: String,
    /// `push` (RFC 8935), `poll` (RFC 8936) or `webhook`
    #[schema(example = "push")]
    method: &'static str,
    /// Where it is sent to
    url: Option<String>,
    /// What it is told
    events: Vec<&'static str>,
    /// How it knows people: `email`, `iss_sub` or `opaque`
    subject_format: &'static str,
    /// Whose subjects it knows people by
    subject_issuer: Option<String>,
    /// Whom it is told about where it has not chosen: `ALL` or `NONE`
    subjects: &'static str,
    /// The audience of its tokens
    audience: String,
    /// How its tokens are signed
    algorithm: String,
    /// `enabled`, `paused`: what happens is kept for it, or `disabled`
    status: &'static str,
    /// Why it is not told
    reason: Option<String>,
    /// When it was created
    #[schema(format = DateTime)]
    created_at: String,
    /// When it last acknowledged something
    #[schema(format = DateTime)]
    acknowledged_at: Option<String>,
    /// Since when it could not be told
    #[schema(format = DateTime)]
    failing_since: Option<String>,
    /// Why it could not be told
    last_error: Option<String>,
}

impl From<StoredReceiver> for Shown {
    fn from(stored: StoredReceiver) -> Self {
        let receiver = stored.receiver;
        Self {
            id: receiver.id.to_string(),
            name: receiver.name,
            method: receiver.method.as_str(),
            url: receiver.endpoint,
            events: receiver.events.iter().map(|event| event.uri()).collect(),
            subject_format: receiver.subject_format.as_str(),
            subject_issuer: receiver.subject_issuer,
            subjects: receiver.subjects.as_str(),
            audience: receiver.audience,
            algorithm: receiver.algorithm,
            status: receiver.status.as_str(),
            reason: receiver.reason,
            created_at: receiver.created_at.to_string(),
            acknowledged_at: stored.acknowledged_at.map(|at| at.to_string()),
            failing_since: stored.failing_since.map(|at| at.to_string()),
            last_error: stored.last_error,
        }
    }
}

/// A receiver to create.
#[derive(Deserialize, ToSchema)]
#[schema(as = NewReceiver)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// Its name
    name: String,
    /// `push`, `poll` or `webhook`
    method: String,
    /// Where it is sent to, unless it fetches
    url: Option<String>,
    /// The value of `Authorization` that pushes bear
    authorization: Option<String>,
    /// What it is told, by URI or name [default: that people are gone or back]
    events: Option<Vec<String>>,
    /// `email`, `iss_sub` or `opaque` [default: email]
    subject_format: Option<String>,
    /// Whose subjects it knows people by, where that is `iss_sub`
    subject_issuer: Option<String>,
    /// Whom it is told about where it has not chosen: `ALL` or `NONE` [default: ALL]
    subjects: Option<String>,
    /// The audience of its tokens [default: its URL]
    audience: Option<String>,
    /// `RS256` or `ES256` [default: RS256]
    algorithm: Option<String>,
}

/// A receiver just created.
#[derive(Serialize, ToSchema)]
#[schema(as = CreatedReceiver)]
struct Created {
    /// The receiver
    #[serde(flatten)]
    receiver: Shown,
    /// The key of its webhooks, or the token it fetches with; shown this once
    secret: Option<String>,
}

/// What is to be different about a receiver; what is left out stays.
#[derive(Default, Deserialize, ToSchema)]
#[schema(as = ReceiverChange)]
#[serde(deny_unknown_fields)]
struct Change {
    /// Another address; needs `authorization` again where there is one
    url: Option<String>,
    /// The value of `Authorization` that pushes bear
    authorization: Option<String>,
    /// What it is told
    events: Option<Vec<String>>,
    /// `enabled`, `paused` or `disabled`
    status: Option<String>,
}

fn events(names: &[String]) -> Result<Vec<EventType>, Problem> {
    let read = |name: &String| {
        EventType::requested(name)
            .ok_or_else(|| Problem::bad_request(format!("`{name}` is not an event of this server")))
    };
    names.iter().map(read).collect()
}

fn id(call: &Call) -> Result<ResourceId, Problem> {
    call.id(0)
}

/// The receivers, oldest first, and how they fare
#[utoipa::path(get, path = "/api/v1/receivers", operation_id = "list_receivers", params(Paging),
    responses((status = 200, body = Page<Shown>)))]
fn list(call: &Call) -> Result<Reply, Problem> {
    let asked: Paging = call.query()?;
    let stretch = Stretch::read(call, &["receivers"], asked.limit.as_deref(), asked.cursor.as_deref())?;
    let all = call.administration().receivers(call.organization())?;
    Reply::ok(&stretch.page_of_all(all, |stored| stored.receiver.id, Shown::from))
}

/// Creates a receiver and shows its secret this once
#[utoipa::path(post, path = "/api/v1/receivers", operation_id = "create_receiver", request_body = Wanted,
    responses((status = 201, body = Created)))]
fn create(call: &Call) -> Result<Reply, Problem> {
    let wanted: Wanted = call.body()?;
    let name: Name = wanted.name.parse()?;
    let new = NewReceiver {
        name,
        method: Method::from_name(&wanted.method)
            .ok_or_else(|| Problem::bad_request("`method` must be `push`, `poll` or `webhook`"))?,
        endpoint: wanted.url,
        authorization: wanted.authorization.map(Zeroizing::new),
        events: events(&wanted.events.unwrap_or_default())?,
        subject_format: SubjectFormat::from_name(wanted.subject_format.as_deref().unwrap_or("email"))
            .ok_or_else(|| Problem::bad_request("`subject_format` must be `email`, `iss_sub` or `opaque`"))?,
        subject_issuer: wanted.subject_issuer,
        subjects: DefaultSubjects::from_name(wanted.subjects.as_deref().unwrap_or("ALL"))
            .ok_or_else(|| Problem::bad_request("`subjects` must be `ALL` or `NONE`"))?,
        audience: wanted.audience,
        algorithm: Algorithm::from_name(wanted.algorithm.as_deref().unwrap_or("RS256"))
            .ok_or_else(|| Problem::bad_request("`algorithm` must be `RS256` or `ES256`"))?,
        credential: None,
    };
    let administration = call.administration();
    let (receiver, secret) = administration.create_receiver(call.organization(), &new)?;
    let shown = Shown::from(administration.receiver(call.organization(), receiver.id)?);
    let created = Created { receiver: shown, secret: secret.map(|secret| secret.to_string()) };
    Reply::created(call, &created, &format!("receivers/{}", receiver.id), None)
}

/// A receiver and how it fares
#[utoipa::path(get, path = "/api/v1/receivers/{id}", operation_id = "read_receiver",
    params(("id" = String, Path, description = "Its id")), responses((status = 200, body = Shown)))]
fn read(call: &Call) -> Result<Reply, Problem> {
    Reply::ok(&Shown::from(call.administration().receiver(call.organization(), id(call)?)?))
}

/// Changes a receiver; another address needs the authorization again
#[utoipa::path(patch, path = "/api/v1/receivers/{id}", operation_id = "change_receiver", request_body = Change,
    params(("id" = String, Path, description = "Its id")), responses((status = 200, body = Shown)))]
fn change(call: &Call) -> Result<Reply, Problem> {
    let id = id(call)?;
    let wanted: Change = call.body()?;
    let status = match wanted.status.as_deref() {
        None => None,
        Some(name) => Some((
            Status::from_name(name)
                .ok_or_else(|| Problem::bad_request("`status` must be `enabled`, `paused` or `disabled`"))?,
            None,
        )),
    };
    let change = ReceiverChange {
        name: None,
        endpoint: wanted.url,
        authorization: wanted.authorization.map(Zeroizing::new),
        events: wanted.events.as_deref().map(events).transpose()?,
        status,
        by_receiver: false,
    };
    let administration = call.administration();
    administration.change_receiver(call.organization(), id, &change)?;
    Reply::ok(&Shown::from(administration.receiver(call.organization(), id)?))
}

/// Removes a receiver; what it has acknowledged stays on record
#[utoipa::path(delete, path = "/api/v1/receivers/{id}", operation_id = "remove_receiver",
    params(("id" = String, Path, description = "Its id")), responses((status = 204)))]
fn remove(call: &Call) -> Result<Reply, Problem> {
    call.administration().remove_receiver(call.organization(), id(call)?)?;
    Ok(Reply::NoContent)
}

/// Sends a receiver an event that says that its stream works
#[utoipa::path(post, path = "/api/v1/receivers/{id}/test", operation_id = "test_receiver",
    params(("id" = String, Path, description = "Its id")), responses((status = 204)))]
fn test(call: &Call) -> Result<Reply, Problem> {
    call.administration().test_receiver(call.organization(), id(call)?, None)?;
    Ok(Reply::NoContent)
}

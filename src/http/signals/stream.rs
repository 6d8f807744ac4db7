//! Streams: create, read, change, delete, status, verification (SSF 1.0 §8.1).

use std::collections::BTreeSet;

use actix_web::http::StatusCode;
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::live::Algorithm;
use crate::model::{Name, ResourceId};
use crate::service::administration::{NewReceiver, ReceiverChange};
use crate::service::signals::{choose_subject, stream as own};
use crate::signals::{DefaultSubjects, EventType, Method, Receiver, Status, SubjectFormat};

use super::{Answer, Call, Refusal};

/// Pushing (RFC 8935).
pub(super) const PUSH: &str = "urn:ietf:rfc:8935";
/// Fetching (RFC 8936).
pub(super) const POLL: &str = "urn:ietf:rfc:8936";

fn text<'a>(body: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, Refusal> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Refusal::bad_request(format!("`{name}` must be a string"))),
    }
}

/// What is asked for and known here; what is not known is ignored, as the specification says.
fn events(body: &Map<String, Value>) -> Result<Option<Vec<EventType>>, Refusal> {
    let Some(requested) = body.get("events_requested") else { return Ok(None) };
    let wrong = || Refusal::bad_request("`events_requested` must be an array of URIs");
    let mut known = Vec::new();
    for uri in requested.as_array().ok_or_else(wrong)? {
        known.extend(
            EventType::from_uri(uri.as_str().ok_or_else(wrong)?).filter(|e| EventType::REQUESTABLE.contains(e)),
        );
    }
    known.sort_unstable();
    known.dedup();
    if known.is_empty() {
        return Err(Refusal::bad_request("`events_requested` names no event of this transmitter"));
    }
    Ok(Some(known))
}

/// How a stream is to be delivered: without a word, it is fetched (SSF 1.0 §8.1.1.1).
struct Delivery {
    method: Method,
    endpoint: Option<String>,
    authorization: Option<Zeroizing<String>>,
}

fn delivery(body: &Map<String, Value>) -> Result<Option<Delivery>, Refusal> {
    let Some(value) = body.get("delivery") else { return Ok(None) };
    let members = value.as_object().ok_or_else(|| Refusal::bad_request("`delivery` must be an object"))?;
    let method = match text(members, "method")? {
        Some(PUSH) => Method::Push,
        Some(POLL) => Method::Poll,
        _ => return Err(Refusal::bad_request(format!("`delivery.method` must be `{PUSH}` or `{POLL}`"))),
    };
    let endpoint = if method == Method::Push { text(members, "endpoint_url")?.map(str::to_owned) } else { None };
    let authorization = text(members, "authorization_header")?.map(|text| Zeroizing::new(text.to_owned()));
    Ok(Some(Delivery { method, endpoint, authorization }))
}

/// A stream's configuration (SSF 1.0 §8.1.1). What authorizes pushes is not shown again.
fn shown(call: &Call, receiver: &Receiver) -> Value {
    let base = &call.services.public_url;
    let delivery = match receiver.method {
        Method::Poll => json!({ "method": POLL, "endpoint_url": format!("{base}/ssf/poll/{}", receiver.id) }),
        Method::Push | Method::Webhook => json!({ "method": PUSH, "endpoint_url": receiver.endpoint }),
    };
    let delivered: Vec<&str> = receiver.events.iter().map(|event| event.uri()).collect();
    json!({
        "stream_id": receiver.id.to_string(),
        "iss": base,
        "aud": receiver.audience,
        "events_supported": EventType::REQUESTABLE.map(EventType::uri),
        "events_requested": delivered,
        "events_delivered": delivered,
        "delivery": delivery,
        "description": description(&receiver.name),
    })
}

/// Digits at the end of the name of a stream: names are unique, descriptions need not be.
const TAIL: usize = 12;

/// What a receiver called its stream, which is its name without the digits at the end.
fn description(name: &str) -> &str {
    let is_tail = |tail: &str| tail.len() == TAIL && tail.bytes().all(|byte| byte.is_ascii_hexdigit());
    name.rsplit_once(' ').filter(|(_, tail)| is_tail(tail)).map_or(name, |(description, _)| description)
}

/// The name of a stream that a receiver calls so.
fn name(call: &Call, description: Option<&str>) -> Result<Name, Refusal> {
    let description: String = description.unwrap_or("stream").chars().take(60).collect();
    let request = call.caller.request.to_string();
    let name = format!("{} {}", description.trim(), request.rsplit('-').next().unwrap_or_default());
    name.trim().parse().map_err(|error: crate::model::NameError| Refusal::bad_request(error.to_string()))
}

/// What the transmitter says of a stream a receiver may repeat, but not change (SSF 1.0 §8.1.1.3).
fn check_transmitters(call: &Call, receiver: &Receiver) -> Result<(), Refusal> {
    let ours = shown(call, receiver);
    let as_set = |value: &Value| value.as_array().map(|all| all.iter().map(Value::to_string).collect::<BTreeSet<_>>());
    for name in
        ["iss", "aud", "events_supported", "events_delivered", "min_verification_interval", "inactivity_timeout"]
    {
        let (said, is) = (call.body.get(name).filter(|said| !said.is_null()), ours.get(name));
        let same = said.is_none_or(|said| {
            is.is_some_and(|is| is == said || (as_set(said).is_some() && as_set(said) == as_set(is)))
        });
        if !same {
            return Err(Refusal::bad_request(format!("`{name}` is the transmitter's and is not as it says")));
        }
    }
    Ok(())
}

fn named(call: &Call) -> Result<Receiver, Refusal> {
    let in_body = text(&call.body, "stream_id")?;
    let id = in_body.or(call.stream.as_deref()).ok_or_else(|| Refusal::bad_request("`stream_id` is missing"))?;
    let id: ResourceId =
        id.parse().map_err(|_not_ours| Refusal::new(StatusCode::NOT_FOUND, "there is no such stream"))?;
    Ok(own(&call.services, &call.caller, id)?)
}

/// POST (SSF 1.0 §8.1.1.1).
pub(super) fn create(call: &Call) -> Answer {
    let delivery =
        delivery(&call.body)?.unwrap_or(Delivery { method: Method::Poll, endpoint: None, authorization: None });
    let wanted = NewReceiver {
        name: name(call, text(&call.body, "description")?)?,
        method: delivery.method,
        endpoint: delivery.endpoint,
        authorization: delivery.authorization,
        events: events(&call.body)?.unwrap_or_default(),
        subject_format: SubjectFormat::Email,
        subject_issuer: None,
        subjects: DefaultSubjects::All,
        audience: None,
        algorithm: Algorithm::Rs256,
        credential: call.caller.actor.credential(),
    };
    let administration = call.services.administration(&call.caller);
    let (receiver, _no_secret) = administration.create_receiver(call.caller.organization, &wanted)?;
    Ok((StatusCode::CREATED, Some(shown(call, &receiver))))
}

/// GET, of one or of all the caller's (SSF 1.0 §8.1.1.2).
pub(super) fn read(call: &Call) -> Answer {
    if call.stream.is_some() {
        return Ok((StatusCode::OK, Some(shown(call, &named(call)?))));
    }
    let all = call.services.administration(&call.caller).receivers(call.caller.organization)?;
    let own = call.caller.actor.credential();
    let mine = all.iter().map(|stored| &stored.receiver).filter(|it| it.credential.is_some() && it.credential == own);
    Ok((StatusCode::OK, Some(mine.map(|receiver| shown(call, receiver)).collect())))
}

/// PATCH: what is left out stays (SSF 1.0 §8.1.1.3).
pub(super) fn update(call: &Call) -> Answer {
    let events = events(&call.body)?;
    let name = text(&call.body, "description")?.map(|description| name(call, Some(description))).transpose()?;
    change(call, events, name)
}

/// PUT: what is left out is as if it had never been asked for (SSF 1.0 §8.1.1.4).
pub(super) fn replace(call: &Call) -> Answer {
    let events = events(&call.body)?.unwrap_or_else(|| EventType::USUAL.to_vec());
    change(call, Some(events), Some(name(call, text(&call.body, "description")?)?))
}

fn change(call: &Call, events: Option<Vec<EventType>>, name: Option<Name>) -> Answer {
    let receiver = named(call)?;
    check_transmitters(call, &receiver)?;
    // Who calls it the same goes on with the name it has.
    let name = name.filter(|name| description(name.as_str()) != description(&receiver.name));
    let delivery = delivery(&call.body)?;
    if delivery.as_ref().is_some_and(|delivery| delivery.method != receiver.method) {
        return Err(Refusal::bad_request("the delivery method of a stream stays; make another stream"));
    }
    let (endpoint, authorization) = delivery.map_or((None, None), |it| (it.endpoint, it.authorization));
    let change = ReceiverChange { name, endpoint, authorization, events, status: None, by_receiver: true };
    let administration = call.services.administration(&call.caller);
    let changed = administration.change_receiver(receiver.organization, receiver.id, &change)?;
    Ok((StatusCode::OK, Some(shown(call, &changed))))
}

/// DELETE (SSF 1.0 §8.1.1.5).
pub(super) fn delete(call: &Call) -> Answer {
    let receiver = named(call)?;
    call.services.administration(&call.caller).remove_receiver(receiver.organization, receiver.id)?;
    Ok((StatusCode::NO_CONTENT, None))
}

fn status_of(receiver: &Receiver) -> Value {
    let mut status = json!({ "stream_id": receiver.id.to_string(), "status": receiver.status.as_str() });
    if let (Some(reason), Some(members)) = (&receiver.reason, status.as_object_mut()) {
        members.insert("reason".to_owned(), reason.as_str().into());
    }
    status
}

/// GET of the status (SSF 1.0 §8.1.2.1).
pub(super) fn status(call: &Call) -> Answer {
    Ok((StatusCode::OK, Some(status_of(&named(call)?))))
}

/// POST of the status (SSF 1.0 §8.1.2.2).
pub(super) fn change_status(call: &Call) -> Answer {
    let receiver = named(call)?;
    let status = text(&call.body, "status")?.and_then(Status::from_name);
    let status = status.ok_or_else(|| Refusal::bad_request("`status` must be `enabled`, `paused` or `disabled`"))?;
    let reason = text(&call.body, "reason")?.map(|reason| reason.chars().take(300).collect());
    let change = ReceiverChange { status: Some((status, reason)), by_receiver: true, ..ReceiverChange::default() };
    let administration = call.services.administration(&call.caller);
    let changed = administration.change_receiver(receiver.organization, receiver.id, &change)?;
    Ok((StatusCode::OK, Some(status_of(&changed))))
}

/// POST of a verification (SSF 1.0 §8.1.4.2).
pub(super) fn verify(call: &Call) -> Answer {
    let receiver = named(call)?;
    let state = text(&call.body, "state")?;
    call.services.administration(&call.caller).test_receiver(receiver.organization, receiver.id, state)?;
    Ok((StatusCode::NO_CONTENT, None))
}

/// POST of a subject to be told about (SSF 1.0 §8.1.3.2).
pub(super) fn add_subject(call: &Call) -> Answer {
    subject(call, true)?;
    Ok((StatusCode::OK, None))
}

/// POST of a subject to be told about no more (SSF 1.0 §8.1.3.3).
pub(super) fn remove_subject(call: &Call) -> Answer {
    subject(call, false)?;
    Ok((StatusCode::NO_CONTENT, None))
}

fn subject(call: &Call, included: bool) -> Result<(), Refusal> {
    let receiver = named(call)?;
    let subject = call.body.get("subject").and_then(Value::as_object);
    let subject = subject.ok_or_else(|| Refusal::bad_request("`subject` must be a subject identifier (RFC 9493)"))?;
    if call.body.get("verified").is_some_and(|verified| !verified.is_boolean()) {
        return Err(Refusal::bad_request("`verified` must be true or false"));
    }
    Ok(choose_subject(&call.services, &call.caller, receiver.id, (subject, included))?)
}

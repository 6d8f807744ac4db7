//! `Prefer: respond-async` (RFC 9967 §2.5.1.1, RFC 7240 §4.1): what is done is answered 202, and its outcome told in an event.
//!
//! Everything is done before it is answered, so that nothing that was accepted can be lost. What is refused is answered at
//! once, and so is a single request of a client that is ready to wait (`wait`, RFC 7240 §4.3).

use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::web;

use crate::model::{Answering, Caller, RequestId};
use crate::service::{Services, signals};

use super::answer::{Refusal, Reply};
use super::route::{Kind, Operation};

const PREFER: HeaderName = HeaderName::from_static("prefer");

/// Whether a client prefers it, in any letter case and among whatever else it prefers.
pub fn is_preferred(headers: &HeaderMap, operation: Operation) -> bool {
    let all = headers.get_all(PREFER).filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let preferences = all.map(|one| {
        let one = one.split(';').next().unwrap_or_default();
        let (name, value) = one.split_once('=').unwrap_or((one, ""));
        (name.trim().to_ascii_lowercase(), value.trim().trim_matches('"').to_owned())
    });
    let (mut is_asked, mut waits) = (false, false);
    for (name, value) in preferences {
        is_asked |= name == "respond-async";
        waits |= name == "wait" && value.parse::<u64>().is_ok_and(|seconds| seconds > 0);
    }
    is_asked && (!waits || operation == Operation::Bulk)
}

/// What is told of the outcome; nothing where nobody would hear it.
pub async fn answering(
    services: &web::Data<Services>,
    caller: &Caller,
    method: &str,
) -> Result<Option<Answering>, Refusal> {
    let (services, caller, method) = (services.clone(), caller.clone(), method.to_owned());
    let heard = web::block(move || signals::outcomes_are_heard(&services, &caller)).await;
    let heard = heard.map_err(|_panicked| Refusal::Panicked)??;
    Ok(heard.then(|| Answering::to_request(&method)))
}

/// The address of what a request names.
pub fn location(services: &Services, operation: Operation, id: &str) -> Option<String> {
    let (Operation::Replace(kind) | Operation::Patch(kind) | Operation::Delete(kind)) = operation else { return None };
    let endpoint = match kind {
        Kind::User => &services.types.user.endpoint,
        Kind::Group => &services.types.group.endpoint,
    };
    Some(format!("{}{endpoint}/{id}", services.scim_base()))
}

/// What was done, as accepted.
pub fn accepted(reply: Reply, transaction: RequestId, named: Option<String>) -> Reply {
    let location = match reply {
        Reply::Created(resource) | Reply::Resource(resource) => Some(resource.location),
        _ => named,
    };
    Reply::Accepted { transaction, location }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    #[test]
    fn the_preference_may_stand_among_others_and_in_any_letter_case() {
        for (value, alone, in_bulk) in [
            ("respond-async", true, true),
            ("Respond-Async", true, true),
            ("return=minimal, respond-async; x=5", true, true),
            ("respond-async, wait=0", true, true),
            ("respond-async, wait=soon", true, true),
            ("respond-async, wait=10", false, true),
            ("wait=\"10\", respond-async", false, true),
            ("return=minimal", false, false),
            ("respond-asynchronously", false, false),
            ("", false, false),
        ] {
            let mut headers = HeaderMap::new();
            headers.append(PREFER, HeaderValue::from_static(value));
            assert_eq!(is_preferred(&headers, Operation::Create(Kind::User)), alone, "{value}");
            assert_eq!(is_preferred(&headers, Operation::Bulk), in_bulk, "{value}");
        }
    }
}

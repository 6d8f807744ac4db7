//! Tells administrators what they asked to be told: looks for it, and sends what waits.

use std::sync::Arc;
use std::time::Duration;

use ureq::http::Method;
use url::Url;

use crate::outbound::client::{Client, Outgoing};
use crate::service::notifications::{self, Dispatch, Message};
use crate::service::post::Post;
use crate::service::signals::WebhookMessage;
use crate::service::{ServiceError, Services};

use super::Stop;

/// How often is looked for something to tell.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// How soon something that waits is sent.
const SEND_EVERY: Duration = Duration::from_secs(2);
/// The most that is read of an answer, in bytes.
const ANSWER_BYTES: u64 = 4 * 1024;

/// Looks until told to stop. Errors are told and tried again at the next turn.
pub(super) fn look(services: &Services, stop: &Stop) {
    while stop.wait(LOOK_EVERY) {
        if let Err(error) = notifications::look(services, || !stop.is_told()) {
            tracing::warn!(error = %error, "cannot look for what administrators are to be told; tried again later");
        }
    }
}

/// Sends until told to stop.
pub(super) fn send(services: &Services, post: &Arc<Post>, stop: &Stop) {
    let mut client = None;
    while stop.wait(SEND_EVERY) {
        loop {
            let dispatch = match notifications::claim(services) {
                Ok(Some(dispatch)) => dispatch,
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!(error = %error, "notifications cannot be sent; tried again later");
                    break;
                }
            };
            let client = client.get_or_insert_with(|| Client::new(services.live.destinations()));
            if let Err(error) = deliver(services, post, client, &dispatch) {
                tracing::warn!(error = %error, "what became of a notification was not put on record; it is sent again");
            }
            if stop.is_told() {
                return;
            }
        }
    }
}

fn deliver(services: &Services, post: &Post, client: &Client, dispatch: &Dispatch) -> Result<(), ServiceError> {
    match &dispatch.message {
        Message::Nobody => notifications::to_nobody(services, dispatch),
        Message::Mail(letter) => match post.deliver(letter) {
            Ok(()) => notifications::sent(services, dispatch, dispatch.len()),
            Err(why) => notifications::failed(services, dispatch, 0, &why),
        },
        Message::Webhooks(endpoint, messages) => {
            for (count, message) in messages.iter().enumerate() {
                if let Err(why) = post_to(client, endpoint, message) {
                    return notifications::failed(services, dispatch, count, &why);
                }
            }
            notifications::sent(services, dispatch, dispatch.len())
        }
    }
}

fn post_to(client: &Client, endpoint: &str, message: &WebhookMessage) -> Result<(), String> {
    let url = Url::parse(endpoint).map_err(|_not_a_url| "it has no address".to_owned())?;
    let headers = [
        ("Content-Type", "application/json"),
        ("webhook-id", &message.id),
        ("webhook-timestamp", &message.timestamp),
        ("webhook-signature", &message.signature),
    ];
    let outgoing =
        Outgoing { method: Method::POST, url: &url, headers: &headers, body: &message.body, at_most: ANSWER_BYTES };
    let reply = client.send(&outgoing).map_err(|error| error.to_string())?;
    if (200..=299).contains(&reply.status) { Ok(()) } else { Err(format!("it answered {}", reply.status)) }
}

//! Sends to receivers what they are to be told.

use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use serde_json::Value;
use ureq::http::Method;
use url::Url;

use crate::clock::Clock;
use crate::db::signals::{Attempt, Sent, StoredSignal};
use crate::live::Live;
use crate::outbound::client::{Client, Outgoing, Reply};
use crate::service::ServiceError;
use crate::service::signals::{self, Delivery};
use crate::signals::Method as Delivering;

use super::Stop;

/// How soon something that waits is seen.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long a stretch may take before others have their turn; a request more may begin just before.
const STRETCH: Duration = Duration::from_secs(5);
/// Requests to one receiver at the same time, each about other people.
const LANES: u8 = 4;
/// The most that is read of an answer, in bytes.
const ANSWER_BYTES: u64 = 16 * 1024;
/// The most that is kept of why something failed, in characters.
const WHY_CHARACTERS: usize = 300;

/// What the senders share.
#[derive(Default)]
pub(super) struct Senders {
    /// Held by the one that looks for something to send, the others wait for it.
    looking: Mutex<()>,
    /// Whose connections are kept between requests. It is dear, and made when there is first something to send.
    client: OnceLock<Client>,
}

/// Runs until told to stop.
pub(super) fn run(live: &Live, issuer: &str, senders: &Senders, stop: &Stop) {
    while let Some(delivery) = next(live, &senders.looking, stop) {
        let client = senders.client.get_or_init(|| Client::new(live.destinations()));
        let mut delivery = Some(delivery);
        while let Some(current) = delivery {
            // Whoever has sent looks whether more waits without waiting for its turn to look.
            let sent = deliver(live, client, issuer, &current, stop);
            match sent.and_then(|()| if stop.is_told() { Ok(None) } else { signals::claim(live) }) {
                Ok(more) => delivery = more,
                Err(error) => {
                    tracing::error!(error = %error, "what was sent to a receiver is not on record; it is sent again");
                    delivery = None;
                    if !stop.wait(LOOK_EVERY) {
                        return;
                    }
                }
            }
        }
    }
}

/// Waits for something to send; `None` when told to stop.
fn next(live: &Live, looking: &Mutex<()>, stop: &Stop) -> Option<Delivery> {
    let _looking = looking.lock().unwrap_or_else(PoisonError::into_inner);
    let mut told = false;
    while !stop.is_told() {
        match signals::claim(live) {
            Ok(Some(delivery)) => return Some(delivery),
            Ok(None) => told = false,
            Err(error) if told => tracing::debug!(error = %error, "the outbox is still stuck"),
            Err(error) => {
                tracing::error!(error = %error, "the outbox is stuck; tried again");
                told = true;
            }
        }
        if !stop.wait(LOOK_EVERY) {
            break;
        }
    }
    None
}

/// What is sent: headers and a body.
struct Message {
    headers: Vec<(&'static str, String)>,
    body: String,
}

/// Sends what is to be sent to one receiver and puts all of it on record together.
fn deliver(live: &Live, client: &Client, issuer: &str, delivery: &Delivery, stop: &Stop) -> Result<(), ServiceError> {
    let began = Clock::monotonic();
    let goes_on = || !stop.is_told() && Clock::monotonic().duration_since(began) <= STRETCH;
    let along = |lane: &[&StoredSignal]| send_in_order(live, client, issuer, delivery, (lane, &goes_on));
    let attempts = match lanes(&delivery.signals).as_slice() {
        [only] => along(only),
        several => std::thread::scope(|scope| {
            let along = &along;
            let running: Vec<_> = several.iter().map(|lane| scope.spawn(move || along(lane))).collect();
            // What a lane has sent before it ended in a panic is sent again.
            running.into_iter().filter_map(|lane| lane.join().ok()).flatten().collect()
        }),
    };
    let failure = attempts.iter().find_map(|(_, _, sent)| if let Sent::Failed(why) = sent { Some(why) } else { None });
    match failure {
        Some(why) => signals::failed(live, delivery, &attempts, why),
        None => signals::delivered(live, delivery, &attempts),
    }
}

/// What may be sent at the same time: whatever is about one person stands in one lane, in the order of what happened.
fn lanes(signals: &[StoredSignal]) -> Vec<Vec<&StoredSignal>> {
    let lane = |signal: &StoredSignal| signal.subject.as_bytes().last().map_or(0, |byte| byte.rem_euclid(LANES));
    let all = (0..LANES).map(|number| signals.iter().filter(|signal| lane(signal) == number).collect::<Vec<_>>());
    all.filter(|lane| !lane.is_empty()).collect()
}

/// Sends one after the other, until one is not taken: what comes after it must not arrive before it.
fn send_in_order(
    live: &Live,
    client: &Client,
    issuer: &str,
    delivery: &Delivery,
    (lane, goes_on): (&[&StoredSignal], &dyn Fn() -> bool),
) -> Vec<Attempt> {
    let mut attempts = Vec::with_capacity(lane.len());
    for signal in lane {
        if !goes_on() {
            break;
        }
        let sent_at = live.now();
        let sent = match message(live, issuer, delivery, signal) {
            Ok(message) => send(client, delivery, &message),
            Err(error) => Sent::Failed(short(&format!("it cannot be signed: {error}"))),
        };
        let failed = matches!(sent, Sent::Failed(_));
        attempts.push((signal.id, (sent_at, live.now()), sent));
        if failed {
            break;
        }
    }
    attempts
}

fn message(live: &Live, issuer: &str, delivery: &Delivery, signal: &StoredSignal) -> Result<Message, ServiceError> {
    let receiver = &delivery.receiver.receiver;
    let secret = delivery.secret.as_deref();
    match receiver.method {
        Delivering::Webhook => {
            let message = signals::webhook(issuer, secret.unwrap_or_default(), signal, live.now())?;
            let headers = vec![
                ("Content-Type", "application/json".to_owned()),
                ("webhook-id", message.id),
                ("webhook-timestamp", message.timestamp),
                ("webhook-signature", message.signature),
            ];
            Ok(Message { headers, body: message.body })
        }
        Delivering::Push | Delivering::Poll => {
            let keys = live.signing_keys()?;
            let body = signals::security_event_token(&keys, issuer, receiver, signal, live.now())?;
            let mut headers = vec![
                ("Content-Type", "application/secevent+jwt".to_owned()),
                ("Accept", "application/json".to_owned()),
            ];
            headers.extend(secret.map(|secret| ("Authorization", secret.to_owned())));
            Ok(Message { headers, body })
        }
    }
}

fn send(client: &Client, delivery: &Delivery, message: &Message) -> Sent {
    let receiver = &delivery.receiver.receiver;
    let Some(url) = receiver.endpoint.as_deref().and_then(|endpoint| Url::parse(endpoint).ok()) else {
        return Sent::Failed("it has no address".to_owned());
    };
    let headers: Vec<(&str, &str)> = message.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let (headers, body) = (headers.as_slice(), message.body.as_str());
    match client.send(&Outgoing { method: Method::POST, url: &url, headers, body, at_most: ANSWER_BYTES }) {
        Ok(reply) => understood(receiver.method, &reply),
        Err(error) => Sent::Failed(short(&error.to_string())),
    }
}

/// RFC 8935 §2.2 and §2.3: 202, or 400 with a reason. Only what is wrong with the token itself will be so the next time;
/// whatever else is answered may pass.
fn understood(method: Delivering, reply: &Reply) -> Sent {
    match (method, reply.status) {
        (_, 200..=299) => Sent::Acknowledged,
        (Delivering::Push, 400) => {
            let body: Value = serde_json::from_str(&reply.body).unwrap_or_default();
            let code = body.get("err").and_then(Value::as_str).unwrap_or_default();
            if matches!(code, "invalid_request" | "invalid_issuer" | "invalid_audience") {
                Sent::Refused(short(&format!("it answered 400 `{code}`")))
            } else {
                Sent::Failed(short(&format!("it answered 400 `{code}`")))
            }
        }
        (_, status) => Sent::Failed(format!("it answered {status}")),
    }
}

fn short(why: &str) -> String {
    why.chars().filter(|letter| !letter.is_control()).take(WHY_CHARACTERS).collect()
}

#[cfg(test)]
mod tests {
    use crate::ids;
    use crate::model::{Moment, ResourceId};

    use super::*;

    #[test]
    fn what_is_about_one_person_stands_in_one_lane_in_order() {
        let now = Moment::from_micros(0);
        let people: Vec<ResourceId> = (0..64).map(|_| ids::resource(now)).collect();
        let signals: Vec<StoredSignal> = people.iter().cycle().take(256).map(|subject| signal(*subject)).collect();
        let lanes = lanes(&signals);
        assert!(lanes.len() <= usize::from(LANES));
        assert_eq!(lanes.iter().map(Vec::len).sum::<usize>(), signals.len(), "each once");
        for person in &people {
            let with: Vec<&Vec<&StoredSignal>> =
                lanes.iter().filter(|lane| lane.iter().any(|signal| signal.subject == *person)).collect();
            let [lane] = with.as_slice() else { panic!("{} lanes", with.len()) };
            let told: Vec<ResourceId> =
                lane.iter().filter(|signal| signal.subject == *person).map(|signal| signal.id).collect();
            let happened: Vec<ResourceId> =
                signals.iter().filter(|signal| signal.subject == *person).map(|signal| signal.id).collect();
            assert_eq!(told, happened);
        }
    }

    fn signal(subject: ResourceId) -> StoredSignal {
        let now = Moment::from_micros(0);
        StoredSignal {
            receiver: subject,
            id: ids::resource(now),
            subject,
            request: ids::request(now),
            event: String::new(),
            content: String::new(),
            created_at: now,
            attempts: 0,
            first_attempt_at: None,
            finished_at: None,
            outcome: None,
            error: None,
        }
    }

    #[test]
    fn only_what_is_wrong_with_the_token_is_not_sent_again() {
        let reply = |status, body: &str| Reply { status, body: body.to_owned() };
        let push = |status, body| understood(Delivering::Push, &reply(status, body));
        assert_eq!(push(202, ""), Sent::Acknowledged);
        assert!(matches!(push(400, r#"{"err":"invalid_audience"}"#), Sent::Refused(_)));
        for (status, body) in [
            (400, r#"{"err":"authentication_failed"}"#),
            (400, "garbage"),
            (400, r#"{"err":7}"#),
            (302, ""),
            (401, ""),
            (404, ""),
            (500, ""),
            (503, r#"{"err":"invalid_request"}"#),
        ] {
            assert!(matches!(push(status, body), Sent::Failed(_)), "{status} {body}");
        }
        let hostile = format!("{{\"err\":\"{}\"}}", "x\\n".repeat(5_000));
        assert!(matches!(push(400, &hostile), Sent::Failed(why) if why.chars().count() <= WHY_CHARACTERS));
    }
}

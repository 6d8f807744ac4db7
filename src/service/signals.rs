//! What receivers are told: queued in the transaction of what it tells, made into tokens when it goes out.

mod claims;
mod outbox;
mod poll;
mod queue;
mod subjects;
mod token;

pub use claims::tell_claims;
pub use outbox::{Delivery, claim, delivered, failed};
pub use poll::{Fetch, Fetched, poll, stream};
pub use queue::{Happened, queue, queue_found};
pub use subjects::choose_subject;
pub use token::{SECURITY_EVENT_TOKEN, WebhookMessage, security_event_token, signed_webhook, webhook};

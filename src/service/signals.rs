//! What receivers are told: queued in the transaction of what it tells, made into tokens when it goes out.

mod asynchronous;
mod claims;
mod groups;
mod outbox;
mod poll;
mod queue;
mod subjects;
mod token;

pub use asynchronous::{Done, outcomes_are_heard, queue_outcome, tell_failures, tell_unchanged};
pub use claims::tell_claims;
pub use groups::{ChangedGroup, GroupHappened, queue_group};
pub use outbox::{Delivery, NOT_ANSWERED, claim, delivered, failed};
pub use poll::{Fetch, Fetched, poll, stream};
pub use queue::{Happened, queue, queue_found};
pub use subjects::choose_subject;
pub use token::{SECURITY_EVENT_TOKEN, WebhookMessage, security_event_token, signed_webhook, webhook};

//! Bulk requests (RFC 7644 §3.7), pure: what is asked for, in which order it can be done, how it is answered.

mod references;
mod request;
mod response;
mod schedule;

pub use references::{names, prune, resolve, resolve_text};
pub use request::{Bulk, Endpoint, Entry, Method, Operation, parse};
pub use response::{Outcome, response, result, untried};
pub use schedule::{Step, Work, schedule};

//! Accounts: who signs in to the console, by what, and what they may do there.

mod connecting;
mod identity;
mod identity_token;
mod joining;
mod links;
mod members;
mod rights;
mod secret;
mod sessions;

pub use crate::db::console::accounts::{Account, Belonging};
pub use crate::db::console::providers::StoredProvider;
pub use crate::db::console::sessions::Session;
pub use identity::{Begun, IdentityRefusal, Purpose, Returned};
pub use links::{LinkMail, LinkRefusal, OpenLink, SignIn};
pub use members::Member;
pub use rights::Rights;
pub use secret::Secret;
pub use sessions::SignedIn;

//! Accounts: who signs in to the console, by what, and what they may do there.

mod links;
mod members;
mod rights;
mod secret;
mod sessions;

pub use crate::db::console::accounts::{Account, Belonging};
pub use crate::db::console::sessions::Session;
pub use links::{LinkMail, LinkRefusal, OpenLink, SignIn};
pub use members::Member;
pub use rights::Rights;
pub use secret::Secret;
pub use sessions::SignedIn;

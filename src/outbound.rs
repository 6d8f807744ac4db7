//! What goes out: requests to addresses that administrators name, and to no others.

pub mod client;
pub mod github;
pub mod github_accounts;
pub mod mail;

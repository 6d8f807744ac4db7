//! What goes out: requests to addresses that administrators name, and to no others.

pub mod client;
pub mod github;
pub mod github_accounts;
mod github_api;
pub mod github_groups;
pub mod mail;

//! What goes out: requests to addresses that administrators name, and to no others.

pub mod client;
pub mod destination;
pub mod github;
pub mod network;

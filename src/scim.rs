//! The SCIM 2.0 protocol (RFC 7643, RFC 7644), pure: no I/O, no clock, nothing logged, cannot panic.
//!
//! Everything is driven by [`schema::ResourceType`], read from `schemas/*.json`; nothing here asks for an attribute by
//! its name except the protocol's own (`schemas`, `id`, `externalId`, `meta`).

pub mod bulk;
pub mod coerce;
pub mod discovery;
pub mod draft;
pub mod error;
pub mod filter;
pub mod json;
pub mod list;
pub mod mask;
pub mod openapi;
pub mod patch;
pub mod path;
pub mod profile;
pub mod projection;
pub mod render;
pub mod resource;
pub mod schema;
pub mod search;
pub mod sort;

pub use error::{ScimError, ScimType};
pub use profile::Switches;

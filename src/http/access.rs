//! The Authorization API 1.0 (AuthZEN): what the CI/CD system asks before each act.

pub mod wire;

//! DECISIONS, pure: who may do what where, why, and what would change it.

pub mod decide;
pub mod difference;
pub mod explain;
pub mod gates;
pub mod graph;
pub mod guardrail;

//! DECISIONS, pure: who may do what where, why, and what would change it.

pub mod decide;
pub mod explain;
pub mod graph;
pub mod guardrail;

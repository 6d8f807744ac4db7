//! Muster: people and groups arrive over SCIM 2.0, deployments ask permission, compliance can prove both.
//!
//! The folders are the product, and arrows point one way:
//! `cli | http | jobs → service → live → db → scim | access | evidence → model`.

pub mod access;
pub mod app;
pub mod cli;
pub mod clock;
pub mod config;
pub mod db;
pub mod evidence;
pub mod http;
pub mod ids;
pub mod jobs;
pub mod live;
pub mod model;
pub mod outbound;
pub mod scim;
pub mod service;
pub mod signals;
pub mod telemetry;

//! The product from outside, on both databases: one binary, because linking is what costs.

#[cfg(test)]
#[macro_use]
mod support;

#[cfg(test)]
mod access_administration;
#[cfg(test)]
mod access_document;
#[cfg(test)]
mod access_live;
#[cfg(test)]
mod access_over_http;
#[cfg(test)]
mod access_questions;
#[cfg(test)]
mod administration;
#[cfg(test)]
mod administration_pages;
#[cfg(test)]
mod asynchronous;
#[cfg(test)]
mod authorization;
#[cfg(test)]
mod authorization_table;
#[cfg(test)]
mod brakes;
#[cfg(test)]
mod bulk;
#[cfg(test)]
mod bulk_references;
#[cfg(test)]
mod certification;
#[cfg(test)]
mod command_line;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod console;
#[cfg(test)]
mod contention;
#[cfg(test)]
mod credentials;
#[cfg(test)]
mod cursors;
#[cfg(test)]
mod decision_log;
#[cfg(test)]
mod decisions_under_attack;
#[cfg(test)]
mod demo;
#[cfg(test)]
mod dialects;
#[cfg(test)]
mod differential;
#[cfg(test)]
mod discovery;
#[cfg(test)]
mod events;
#[cfg(test)]
mod every_path;
#[cfg(test)]
mod extensions;
#[cfg(test)]
mod filters;
#[cfg(test)]
mod gates;
#[cfg(test)]
mod hostile_cost;
#[cfg(test)]
mod hostile_filters;
#[cfg(test)]
mod hostile_input;
#[cfg(test)]
mod http_edge;
#[cfg(test)]
mod identifiers;
#[cfg(test)]
mod invitations_of_leavers;
#[cfg(test)]
mod isolation;
#[cfg(test)]
mod leaks;
#[cfg(test)]
mod leaver_matrix;
#[cfg(test)]
mod leavers;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod listening;
#[cfg(test)]
mod membership;
#[cfg(test)]
mod memory;
#[cfg(test)]
mod mirrors;
#[cfg(test)]
mod missing_rows;
#[cfg(test)]
mod model;
#[cfg(test)]
mod named_from_outside;
#[cfg(test)]
mod notifications;
#[cfg(test)]
mod oauth;
#[cfg(test)]
mod one_folding;
#[cfg(test)]
mod outbound_targets;
#[cfg(test)]
mod outside_issuers;
#[cfg(test)]
mod ownership;
#[cfg(test)]
mod paging;
#[cfg(test)]
mod patch_paths;
#[cfg(test)]
mod patch_semantics;
#[cfg(test)]
mod people;
#[cfg(test)]
mod privacy;
#[cfg(test)]
mod privileges;
#[cfg(test)]
mod profiles;
#[cfg(test)]
mod promise;
#[cfg(test)]
mod provisioning;
#[cfg(test)]
mod pushed_roles;
#[cfg(test)]
mod queries;
#[cfg(test)]
mod races;
#[cfg(test)]
mod raw_requests;
#[cfg(test)]
mod readme;
#[cfg(test)]
mod reconciliation;
#[cfg(test)]
mod representation;
#[cfg(test)]
mod request_log;
#[cfg(test)]
mod routes;
#[cfg(test)]
mod searching;
#[cfg(test)]
mod several_organizations;
#[cfg(test)]
mod signals;
#[cfg(test)]
mod signals_faults;
#[cfg(test)]
mod signals_of_groups;
#[cfg(test)]
mod signing_keys;
#[cfg(test)]
mod slow_clients;
#[cfg(test)]
mod sockets;
#[cfg(test)]
mod sorting;
#[cfg(test)]
mod store;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod successors;
#[cfg(test)]
mod ten_thousand;
#[cfg(test)]
mod throw_away_databases;
#[cfg(test)]
mod told;
#[cfg(test)]
mod transmitter;
#[cfg(test)]
mod versions;
#[cfg(test)]
mod watch;

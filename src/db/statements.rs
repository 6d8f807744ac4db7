//! The registry: every statement that runs per request, so that one test prepares and explains each on both databases.

use super::sql::Statement;
use super::{
    access, brakes, console, credentials, decisions, deleted_groups, demonstrations, diagnosis, directory, events,
    extension_schemas, findings, groups, held_purges, history, keyring, leavers, memberships, mirrors, notifications,
    organizations, owners, proofs, receivers, reconciliations, request_log, role_offers, servers, sightings, signals,
    signing_keys, streams, users,
};

/// Every registered statement.
pub fn all() -> impl Iterator<Item = &'static Statement> {
    let access = access::STATEMENTS;
    [
        users::STATEMENTS,
        groups::STATEMENTS,
        memberships::STATEMENTS,
        mirrors::STATEMENTS,
        events::STATEMENTS,
        extension_schemas::STATEMENTS,
        history::STATEMENTS,
        organizations::STATEMENTS,
        owners::STATEMENTS,
        brakes::STATEMENTS,
        deleted_groups::STATEMENTS,
        held_purges::STATEMENTS,
        findings::STATEMENTS,
        credentials::STATEMENTS,
        proofs::STATEMENTS,
        decisions::STATEMENTS,
        demonstrations::STATEMENTS,
        keyring::STATEMENTS,
        leavers::STATEMENTS,
        servers::STATEMENTS,
        sightings::STATEMENTS,
        receivers::STATEMENTS,
        reconciliations::STATEMENTS,
        signals::STATEMENTS,
        streams::STATEMENTS,
        signing_keys::STATEMENTS,
        diagnosis::STATEMENTS,
        directory::STATEMENTS,
        request_log::STATEMENTS,
        role_offers::STATEMENTS,
    ]
    .into_iter()
    .chain(access)
    .chain(console::STATEMENTS.iter().copied())
    .chain(notifications::STATEMENTS.iter().copied())
    .flatten()
    .copied()
}

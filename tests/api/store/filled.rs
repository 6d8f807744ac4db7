//! One organization that holds nearly all rows: 20,000 users in 200 groups, and 500 organizations beside it.

use muster::db::{Database as Store, IfMissing};

use super::execute;
use crate::support::{Backend, Database};

/// Table, columns, how many rows, and their values, numbered by `i`. `#06(i)` is the id of kind 06 and number `i`, `on` is
/// true, `ever` is the end of an interval that has not ended.
const ROWS: &[(&str, &str, u32, &str)] = &[
    ("organization", "id, slug, name, revision, created_at", 500, "#01(i), 'slug' || i, 'name', 9, 0"),
    (
        "keyring",
        "id, organization, purpose, wrapped, material, created_at",
        500,
        "#03(i), #01(i), 'persons', on, #0f(1), 0",
    ),
    (
        "signing_key",
        "algorithm, generation, wrapped, material, created_at, replaces_at_once, signs_from",
        20,
        "'ES256', i, on, #0f(1), 0, on, 0",
    ),
    (
        "receiver",
        "organization, id, name, method, events, subject_format, audience, algorithm, status, version, created_at",
        500,
        "#01(i), #0c(i), 'name', 'push', '', 'email', '', 'RS256', 'enabled', 1, 0",
    ),
    (
        "proof",
        "organization, credential, issuer, audience, claims, keys_url",
        500,
        "#01(i), #05(i), 'https://issuer.example/' || i, 'audience', '{}', 'https://issuer.example/keys'",
    ),
    (
        "signal",
        "organization, receiver, id, subject, request, event, content, created_at, attempts, finished_at, passing_at, refused_at",
        20_000,
        "#01(1), #0c(1), #0d(i), #06(i), #0f(1), 'event', '', 0, 0, CASE WHEN i % 100 > 0 THEN i END, \
         CASE WHEN i % 100 > 50 THEN i END, CASE WHEN i % 1000 = 1 THEN i END",
    ),
    ("used_assertion", "organization, credential, name, ends", 20_000, "#01(1), #05(i % 100 + 1), #0f(i), i"),
    ("receiver_subject", "organization, included, subject, receiver", 20_000, "#01(1), on, #06(i), #0c(1)"),
    ("server", "instance, started_at, lease_until", 100, "#04(i), 0, 0"),
    ("server_applied", "organization, instance, revision", 5000, "#01(i % 500 + 1), #04(i / 500 + 1), 9"),
    (
        "connection",
        "organization, id, name, profile, paused, created_at",
        2000,
        "#01(1), #02(i), 'name' || i, 'default', on, 0",
    ),
    (
        "role_offer",
        "organization, id, connection, role, scope, by_document, created_at",
        2000,
        "#01(1), #0f(i), #02(i % 20 + 1), 'role' || i, '/scope' || i, on, 0",
    ),
    (
        "credential",
        "organization, id, kind, connection, secret_hash, created_at, expires_at",
        1000,
        "#01(1), #05(i), 'scim', #02(1), #0f(1), 0, 0",
    ),
    (
        "scim_user",
        "organization, id, connection, user_name_key, external_id, active, version, created_at, modified_at, deleted_at, document, \
         display_name_key, family_name_key",
        20_000,
        "#01(1), #06(i), #02(1), 'user' || i, 'external' || i, on, 1, 0, 0, CASE WHEN i % 67 = 0 THEN 1 END, '{}', \
         'display' || i, 'family' || i % 5000",
    ),
    ("user_email", "organization, address_key, user_id", 20_000, "#01(1), 'user' || i || '@example.com', #06(i)"),
    (
        "user_status",
        "organization, user_id, from_revision, until_revision, status, since",
        20_000,
        "#01(1), #06(i), 1, ever, 1, 0",
    ),
    (
        "scim_group",
        "organization, id, connection, display_name, display_name_key, unique_name_key, external_id, version, created_at, \
         modified_at, document",
        2000,
        "#01(1), #07(i), #02(1), 'group' || i, 'group' || i, 'group' || i, 'external' || i, 1, 0, 0, '{}'",
    ),
    (
        "membership",
        "organization, group_id, member_id, from_revision, until_revision, member_kind",
        20_000,
        "#01(1), #07(i % 200 + 1), #06(i), 1, ever, CASE WHEN i % 50 = 0 THEN 2 ELSE 1 END",
    ),
    (
        "membership",
        "organization, group_id, member_id, from_revision, until_revision, member_kind",
        5000,
        "#01(1), #07(i % 200 + 1), #06(i), 0, 1, 1",
    ),
    (
        "resource_count",
        "organization, connection, resource_kind, shard, present, deleted",
        16_000,
        "#01(1), #02(i / 16 + 1), 2, i % 16, 1, 0",
    ),
    (
        "decision_segment",
        "organization, id, first_at, last_at, decisions, content",
        5000,
        "#01(1), #0a(i), 0, 0, 1, #0f(1)",
    ),
    (
        "event",
        "organization, id, at, actor_kind, connection, request, action, resource_id, details",
        20_000,
        "#01(1), #08(i), 0, 'connection', #02(1), #0f(1), 'user.created', #06(i), '{}'",
    ),
    (
        "event",
        "organization, id, at, actor_kind, connection, request, action, resource_id, revision, details",
        5000,
        "#01(1), #09(i), 0, 'connection', #02(1), #0f(1), 'group.members-changed', #07(i % 200 + 1), i, '{}'",
    ),
    (
        "user_status",
        "organization, user_id, from_revision, until_revision, status, since",
        5000,
        "#01(1), #06(i), 0, 1, 2, 0",
    ),
    ("brake", "organization, connection, share, least, minutes", 2000, "#01(1), #02(i), 20, 50, 10"),
    (
        "quarantine",
        "organization, id, connection, from_event, opened_at, people, population, closed_at",
        5000,
        "#01(1), #0c(i), #02(i % 500 + 1), #08(i), 0, 50, 100, 1",
    ),
    (
        "finding",
        "organization, id, leaver, kind, other, details, found_at, ended_at",
        5000,
        "#01(1), #0d(i), #06(i), 1, #06(i), '{}', 0, CASE WHEN i % 2 = 0 THEN 1 END",
    ),
    (
        "mirror",
        "organization, system, connection, repositories, minutes, due_at",
        500,
        "#01(i % 20 + 1), #0c(i), #02(1), '', 15, i",
    ),
    ("ended_credential", "organization, user_id, at, kind, id", 20_000, "#01(1), #06(i), 0, 1, #0d(i)"),
    (
        "deleted_group",
        "organization, event, group_id, connection, at, revision",
        20_000,
        "#01(1), #08(i), #07(i % 2000 + 1), #02(i % 500 + 1), 0, i",
    ),
    (
        "held_purge",
        "organization, event, user_id, connection, request, at",
        5000,
        "#01(i % 20 + 1), #08(i), #06(i), #02(1), #0f(i), 0",
    ),
    ("watch", "organization, began_at, leavers", 500, "#01(i), 0, 0"),
    (
        "downstream_system",
        "organization, id, name, name_key, created_at",
        500,
        "#01(i % 20 + 1), #0c(i), 'name', 'name' || i, 0",
    ),
    (
        "account_owner",
        "organization, system, account, user_id",
        20_000,
        "#01(1), #0c(i % 20 + 1), 'account' || i, #06(i)",
    ),
    ("user_seen", "organization, user_id, seen_at", 20_000, "#01(1), #06(i), i"),
    (
        "export",
        "organization, id, account, kind, asked, done, total, changed_at, outcome",
        5000,
        "#01(1), #0d(i), #0c(i % 500 + 1), 'people', '{}', 0, 0, i, 'ready'",
    ),
    ("export_part", "organization, export, place, content", 5000, "#01(1), #0d(i % 500 + 1), i, ''"),
    ("reconciliation", "organization, system, id, at, report", 5000, "#01(1), #0c(i % 20 + 1), #0d(i), 0, '{}'"),
    (
        "subscription",
        "organization, id, account, kinds, created_at",
        500,
        "#01(i % 20 + 1), #0c(i), #0d(i), 'brake-fired', 0",
    ),
    (
        "notice",
        "organization, id, kind, cause, said, began_at, ended_at",
        5000,
        "#01(1), #0d(i), 'brake-fired', 'cause' || i, '', 0, CASE WHEN i % 50 > 0 THEN 1 END",
    ),
    (
        "notification",
        "organization, subscription, id, kind, state, said, created_at, finished_at",
        20_000,
        "#01(1), #0c(i % 20 + 1), #0d(i), 'brake-fired', 'began', '', 0, CASE WHEN i % 100 > 0 THEN 1 END",
    ),
    (
        "leaver",
        "organization, event, user_id, connection, how, at, revision",
        5000,
        "#01(1), #08(i), #06(i), #02(i % 20 + 1), 1, 0, i",
    ),
    (
        "access_administration",
        "organization, subjects_by_email, subjects_by_external_id, revision",
        500,
        "#01(i), on, on, 9",
    ),
    (
        "permission",
        "organization, name, from_revision, until_revision, durable, description",
        1000,
        "#01(1), 'permission' || i, i, CASE WHEN i % 2 = 0 THEN i + 1 ELSE ever END, on, ''",
    ),
    (
        "role_version",
        "organization, role, from_revision, until_revision, number, permissions, created_at",
        2000,
        "#01(1), 'role' || i / 2, i, CASE WHEN i % 2 = 0 THEN i + 1 ELSE ever END, 1, '[]', 0",
    ),
    (
        "scope",
        "organization, path, from_revision, until_revision, production, created_at",
        5000,
        "#01(1), '/scope' || i / 2, i, CASE WHEN i % 2 = 0 THEN i + 1 ELSE ever END, on, 0",
    ),
    (
        "gate",
        "organization, scope, permission, from_revision, until_revision, minimum",
        5000,
        "#01(1), '/scope' || i / 2, 'deploy:run', i, CASE WHEN i % 2 = 0 THEN i + 1 ELSE ever END, 1",
    ),
    (
        "assignment",
        "organization, id, from_revision, until_revision, role, scope, principal_kind, principal, valid_from, valid_until, \
         source, connection, created_at",
        20_000,
        "#01(1), #0a(i), i, CASE WHEN i % 2 = 0 THEN i + 1 ELSE ever END, 'role' || i % 1000, '/scope' || i % 2500, \
         'group', #07(i % 2000 + 1), 0, 1, 'administrator', #00(0), 0",
    ),
    (
        "service",
        "organization, id, from_revision, until_revision, name, name_key, owner, expires_at, created_at",
        2000,
        "#01(1), #0b(i), i, CASE WHEN i % 2 = 0 THEN i + 1 ELSE ever END, 'name', 'service' || i, #06(i), 1, 0",
    ),
    (
        "leaf",
        "organization, resource_type, id, from_revision, until_revision, scope, facts",
        5000,
        "#01(1), 'record', 'record' || i, i, CASE WHEN i % 2 = 0 THEN i + 1 ELSE ever END, '/scope' || i % 2500, '{}'",
    ),
    ("user_identified", "organization, revision, user_id", 5000, "#01(1), i, #06(i)"),
    (
        "guardrail",
        "organization, id, from_revision, until_revision, text, created_at",
        5000,
        "#01(1), 'guardrail' || i / 2, i, CASE WHEN i % 2 = 0 THEN i + 1 ELSE ever END, '', 0",
    ),
    (
        "attribute",
        "organization, owner, name, from_revision, until_revision, kind",
        5000,
        "#01(1), 'user', 'name' || i / 2, i, CASE WHEN i % 2 = 0 THEN i + 1 ELSE ever END, 'text'",
    ),
    (
        "account",
        "id, name, email, email_key, claimed_key, created_at",
        5000,
        "#0c(i), 'name', 'a' || i, 'a' || i, 'b' || i, 0",
    ),
    (
        "session",
        "id, account, secret_hash, rotated_at, form_key, client, signed_in_at, seen_at, expires_at",
        5000,
        "#0d(i), #0c(i / 2), #0f(1), 0, #0f(1), '', 0, 0, 0",
    ),
    (
        "sign_in_link",
        "id, organization, account, secret_hash, created_at, expires_at",
        5000,
        "#0e(i), #01(1), #0c(i), #0f(1), 0, 0",
    ),
    (
        "identity_provider",
        "organization, issuer, client_id, joined_by, claim, required, is_only, changed_at",
        500,
        "#01(i), 'issuer', 'client', 'external-id', 'sub', '{}', TRUE, 0",
    ),
    (
        "account_link",
        "organization, account, user_id, created_at",
        5000,
        "#01(1), #0c(i), CASE WHEN i % 1000 > 0 THEN #06(i) END, 0",
    ),
    (
        "invitation",
        "organization, id, email, email_key, secret_hash, groups, created_at, sent_at, expires_at, delivery, ended_at",
        5000,
        "#01(1), #10(i), 'a' || i, 'a' || i, #0f(1), '[]', 0, 0, 0, 'sent', CASE WHEN i % 9 > 0 THEN 1 END",
    ),
    ("user_facts", "organization, user_id, until_revision, facts", 5000, "#01(1), #06(i), i, '{}'"),
    ("demonstration", "organization, seed, since", 500, "#01(i), 1, 0"),
];

/// Migrates a database and fills it.
pub(super) fn fill(database: &Database) -> Store {
    let store = Store::open(database.url(), IfMissing::Create).unwrap();
    store.migrate().unwrap();
    let script: Vec<String> = ROWS.iter().map(|row| insert(database.backend(), row)).collect();
    execute(&store, &script.join(";\n"));
    store
}

fn insert(backend: Backend, (table, columns, count, values): &(&str, &str, u32, &str)) -> String {
    let (numbers, on) = match backend {
        Backend::Sqlite => {
            (format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"), "1")
        }
        Backend::Postgres => (format!("WITH n(i) AS (SELECT generate_series(1, {count}))"), "true"),
    };
    let mut parts = values.split('#');
    let mut text = parts.next().unwrap().to_owned();
    for part in parts {
        let (kind, rest) = part.split_once('(').unwrap();
        let (number, rest) = rest.split_once(')').unwrap();
        let id = match backend {
            Backend::Sqlite => format!("unhex(printf('{kind}%030x', {number}))"),
            Backend::Postgres => format!("decode('{kind}' || lpad(to_hex({number}), 30, '0'), 'hex')"),
        };
        text.push_str(&id);
        text.push_str(rest);
    }
    let text = text.replace(" on,", &format!(" {on},")).replace("ever", "9223372036854775807");
    format!("INSERT INTO {table} ({columns}) {numbers} SELECT {text} FROM n")
}

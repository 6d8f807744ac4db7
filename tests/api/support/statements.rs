//! The statements that servers of this process send to their databases.

use std::sync::{Mutex, PoisonError};

use diesel::connection::{InstrumentationEvent, set_default_instrumentation};

static SENT: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Keeps every statement from now on. Call it before the server starts: connections ask once.
pub fn watch() {
    set_default_instrumentation(|| {
        Some(Box::new(|event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                SENT.lock().unwrap_or_else(PoisonError::into_inner).push(query.to_string());
            }
        }))
    })
    .unwrap();
}

/// The texts, without their values, of the statements on users and groups that were sent since the last time.
pub fn on_resources() -> Vec<String> {
    mentioning(&["scim_user", "scim_group", "membership", "user_email"])
}

/// The texts, without their values, of those that hold one of these and were sent since the last time.
pub fn mentioning(parts: &[&str]) -> Vec<String> {
    let sent = std::mem::take(&mut *SENT.lock().unwrap_or_else(PoisonError::into_inner));
    let texts = sent.iter().map(|sent| sent.split("-- binds:").next().unwrap_or_default().trim().to_owned());
    texts.filter(|text| parts.iter().any(|part| text.contains(part))).collect()
}

/// The texts of the statements that read one of these tables and were sent since the last time.
pub fn of(tables: &[&str]) -> Vec<String> {
    let sent = std::mem::take(&mut *SENT.lock().unwrap_or_else(PoisonError::into_inner));
    let texts = sent.iter().map(|sent| sent.split("-- binds:").next().unwrap_or_default().trim().to_owned());
    texts.filter(|text| tables.iter().any(|table| text.contains(&format!("FROM {table} ")))).collect()
}

/// How many statements with this in their text were sent since the last time.
pub fn with(part: &str) -> usize {
    let sent = std::mem::take(&mut *SENT.lock().unwrap_or_else(PoisonError::into_inner));
    sent.iter().filter(|sent| sent.contains(part)).count()
}

/// How many transactions that write were begun since the last time.
pub fn transactions() -> usize {
    let sent = std::mem::take(&mut *SENT.lock().unwrap_or_else(PoisonError::into_inner));
    sent.iter().filter(|sent| sent.starts_with("BEGIN")).count()
}

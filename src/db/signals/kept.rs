//! What is kept of signals that receivers have answered: that somebody is gone, which certificates tell of; all else is
//! forgotten after a while.

use super::super::sql::{Bind, Sql, Statement};
use super::super::{DatabaseError, Tx};
use super::{SignalRecord, StoredSignal};
use crate::model::{Moment, OrganizationId};

pub(super) const FORGET: Statement = Statement {
    name: "signal_forget",
    sqlite: "DELETE FROM signal WHERE organization = $1 AND (receiver, id) IN (SELECT receiver, id FROM signal \
             WHERE organization = $1 AND passing_at IS NOT NULL AND passing_at < $2 ORDER BY passing_at LIMIT $3)",
    postgres: "DELETE FROM signal AS s USING (SELECT receiver, id FROM signal WHERE organization = $1 \
               AND passing_at IS NOT NULL AND passing_at < $2 ORDER BY passing_at LIMIT $3) AS old \
               WHERE s.organization = $1 AND s.receiver = old.receiver AND s.id = old.id",
};
pub(super) const REFUSED: Statement = Statement::both(
    "signal_refused",
    "SELECT receiver, id, subject, request, event, content, created_at, attempts, first_attempt_at, finished_at, outcome, \
     error FROM signal WHERE organization = $1 AND refused_at IS NOT NULL AND refused_at >= $2 \
     ORDER BY refused_at DESC LIMIT $3",
);

/// Forgets what was answered before then and need not be kept, at most `most`; answers how much that was.
///
/// # Errors
/// [`DatabaseError`].
pub fn forget(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    before: Moment,
    most: i64,
) -> Result<usize, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Int(before.as_micros()), Bind::Int(most)];
    Ok(Sql(&FORGET, binds).run(tx)?)
}

/// What receivers have refused since then, the latest first, at most `most`.
///
/// # Errors
/// [`DatabaseError`].
pub fn refused(
    tx: &mut Tx<'_>,
    organization: OrganizationId,
    since: Moment,
    most: i64,
) -> Result<Vec<StoredSignal>, DatabaseError> {
    let binds = vec![Bind::Bytes(organization.as_bytes()), Bind::Int(since.as_micros()), Bind::Int(most)];
    Sql(&REFUSED, binds).rows::<SignalRecord>(tx)?.into_iter().map(SignalRecord::read).collect()
}

#[cfg(test)]
mod tests {
    use crate::signals::EventType;

    #[test]
    fn what_says_that_somebody_is_gone_is_kept_and_nothing_else() {
        for event in EventType::REQUESTABLE {
            let is_kept = gone!().contains(&format!("'{}'", event.uri()));
            assert_eq!(is_kept, event.says_gone(), "{event:?}");
        }
    }
}

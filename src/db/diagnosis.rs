//! What a database says of itself, for whoever looks after it.

use diesel::QueryableByName;
use diesel::sql_types::Text;

use super::sql::{Sql, Statement};
use super::{DatabaseError, Tx};

pub(super) const MESSAGE_LANGUAGE: Statement = Statement {
    name: "message_language",
    sqlite: "SELECT 'C' AS value",
    postgres: "SELECT current_setting('lc_messages') AS value",
};

/// Every statement of this file.
pub(super) const STATEMENTS: &[&Statement] = &[&MESSAGE_LANGUAGE];

#[derive(QueryableByName)]
struct TextRecord {
    #[diesel(sql_type = Text)]
    value: String,
}

/// The locale of the database's messages: `C`, `en_GB.UTF-8`. Always `C` on SQLite.
///
/// # Errors
/// [`DatabaseError`].
pub fn message_language(tx: &mut Tx<'_>) -> Result<String, DatabaseError> {
    Ok(Sql(&MESSAGE_LANGUAGE, vec![]).row::<TextRecord>(tx)?.map(|row| row.value).unwrap_or_default())
}

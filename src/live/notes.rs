//! What is written beside the door, because nobody decides by it: when a session was last heard of, its next secret, what
//! became of a mail.

use crate::db::{DatabaseError, Tx};

use super::Live;

impl Live {
    /// Writes one statement's worth. Blocks.
    ///
    /// # Errors
    /// [`DatabaseError`].
    pub fn note<T>(&self, write: impl FnOnce(&mut Tx<'_>) -> Result<T, DatabaseError>) -> Result<T, DatabaseError> {
        let _turn = self.0.database.turn_to_write();
        self.0.database.read(write)
    }
}

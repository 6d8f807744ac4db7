//! Keys: the root key wraps the organizations' keys, those wrap the keys of people, those seal what is on record.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use zeroize::Zeroizing;

use crate::db::keyring::KeyRow;
use crate::db::{DatabaseError, Tx, keyring};
use crate::evidence::key::{SigningKey, VerifierKeyError};
use crate::evidence::seal::{self, KEY_BYTES, SealError};
use crate::ids::{self, RandomError};
use crate::model::{Moment, OrganizationId, ResourceId, UserId};

use super::signing::SigningError;

const PERSONS: &str = "persons";
const EVIDENCE: &str = "evidence";
const CURSORS: &[u8] = b"cursors";

/// Why a key cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file with the root key.
    #[error("the root key file `{path}` cannot be used: {problem}")]
    File {
        /// Which file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The keyring was wrapped by another root key, or by one where there is none now.
    #[error("the root key does not open the keyring; give the one the keyring was made with")]
    WrongRootKey,
    /// The organization has no key.
    #[error("the organization has no key in the keyring")]
    Missing,
    /// A person's key does not open.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// A key that signs tokens.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// The name under which bundles are signed.
    #[error(transparent)]
    Name(#[from] VerifierKeyError),
    /// No random bytes.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The database.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

type Key = Zeroizing<[u8; KEY_BYTES]>;

/// The deployment's root key: in a file, never in the database.
#[derive(Clone)]
pub struct RootKey(Key);

impl RootKey {
    /// Reads a root key: 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`KeyError::File`].
    pub fn from_file(path: &Path) -> Result<Self, KeyError> {
        let file = |problem: String| KeyError::File { path: path.display().to_string(), problem };
        let text = Zeroizing::new(std::fs::read_to_string(path).map_err(|error| file(error.to_string()))?);
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        let digits = text.trim();
        if digits.len() != 2 * KEY_BYTES || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(file("expected 64 hexadecimal digits".to_owned()));
        }
        for (byte, pair) in key.iter_mut().zip(digits.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).unwrap_or_default();
            *byte = u8::from_str_radix(pair, 16).map_err(|error| file(error.to_string()))?;
        }
        Ok(Self(key))
    }

    /// Makes a root key in a file that must not exist yet, readable by its owner only.
    ///
    /// # Errors
    /// [`KeyError::File`], [`KeyError::Random`].
    pub fn create_file(path: &Path) -> Result<Self, KeyError> {
        use std::os::unix::fs::OpenOptionsExt;
        let failed =
            |error: std::io::Error| KeyError::File { path: path.display().to_string(), problem: error.to_string() };
        let key = Zeroizing::new(ids::random::<KEY_BYTES>()?);
        let mut text = Zeroizing::new(String::with_capacity(2 * KEY_BYTES + 1));
        for byte in key.iter() {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        text.push('\n');
        let mut file =
            std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map_err(failed)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        Ok(Self(key))
    }
}

/// The key under which one person's values are sealed.
pub struct PersonKey(Key);

impl PersonKey {
    /// Seals a value for one event.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn seal(&self, bound_to: &[u8], plain: &[u8]) -> Result<Vec<u8>, KeyError> {
        Ok(seal::seal(&self.0, ids::random()?, bound_to, plain)?)
    }

    /// Opens a value sealed for one event.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn open(&self, bound_to: &[u8], sealed: &[u8]) -> Result<Vec<u8>, KeyError> {
        Ok(seal::open(&self.0, bound_to, sealed)?)
    }
}

/// The keyring, opened organization by organization as it is needed.
pub(super) struct Keys {
    root: Option<RootKey>,
    opened: Mutex<HashMap<OrganizationId, Key>>,
}

impl Keys {
    pub(super) fn new(root: Option<RootKey>) -> Self {
        Self { root, opened: Mutex::new(HashMap::new()) }
    }

    /// Tries the root key on some key of the keyring, if there is one.
    pub(super) fn check(&self, tx: &mut Tx<'_>) -> Result<(), KeyError> {
        match keyring::any(tx)? {
            Some((purpose, wrapped, material)) => self.unwrap(&purpose, wrapped, &material).map(|_key| ()),
            None => Ok(()),
        }
    }

    pub(super) fn new_organization_key(&self, organization: OrganizationId, now: Moment) -> Result<KeyRow, KeyError> {
        self.new_key(organization, PERSONS, now)
    }

    pub(super) fn new_evidence_key(&self, organization: OrganizationId, now: Moment) -> Result<KeyRow, KeyError> {
        self.new_key(organization, EVIDENCE, now)
    }

    fn new_key(&self, organization: OrganizationId, purpose: &'static str, now: Moment) -> Result<KeyRow, KeyError> {
        let key = Zeroizing::new(ids::random::<KEY_BYTES>()?);
        let (wrapped, material) = self.wrap(purpose, key.as_slice())?;
        Ok(KeyRow { id: ids::resource(now), organization, purpose, wrapped, material, created_at: now })
    }

    pub(super) fn evidence_key(
        &self,
        tx: &mut Tx<'_>,
        organization: OrganizationId,
        name: &str,
    ) -> Result<Option<SigningKey>, KeyError> {
        let Some((wrapped, material)) = keyring::by_purpose(tx, organization, EVIDENCE)? else { return Ok(None) };
        let seed = exact(&self.unwrap(EVIDENCE, wrapped, &material)?)?;
        Ok(Some(SigningKey::from_seed(name, &seed)?))
    }

    /// Wraps a key for one purpose by the root key, where there is one: whether it did, and what is to be stored.
    pub(super) fn wrap(&self, purpose: &str, key: &[u8]) -> Result<(bool, Vec<u8>), KeyError> {
        match &self.root {
            Some(root) => Ok((true, seal::seal(&root.0, ids::random()?, purpose.as_bytes(), key)?)),
            None => Ok((false, key.to_vec())),
        }
    }

    /// Undoes [`Keys::wrap`].
    pub(super) fn unwrap(&self, purpose: &str, wrapped: bool, material: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        if !wrapped {
            return Ok(Zeroizing::new(material.to_vec()));
        }
        let root = self.root.as_ref().ok_or(KeyError::WrongRootKey)?;
        let opened = seal::open(&root.0, purpose.as_bytes(), material);
        opened.map(Zeroizing::new).map_err(|_does_not_open| KeyError::WrongRootKey)
    }

    pub(super) fn new_person_key(
        &self,
        tx: &mut Tx<'_>,
        organization: OrganizationId,
        user: UserId,
    ) -> Result<(PersonKey, Vec<u8>), KeyError> {
        let key = Zeroizing::new(ids::random::<KEY_BYTES>()?);
        let above = self.organization_key(tx, organization)?;
        let wrapped = seal::seal(&above, ids::random()?, ResourceId::from(user).as_bytes(), key.as_slice())?;
        Ok((PersonKey(key), wrapped))
    }

    pub(super) fn open_person_key(
        &self,
        tx: &mut Tx<'_>,
        organization: OrganizationId,
        user: UserId,
        wrapped: &[u8],
    ) -> Result<PersonKey, KeyError> {
        let above = self.organization_key(tx, organization)?;
        let opened = Zeroizing::new(seal::open(&above, ResourceId::from(user).as_bytes(), wrapped)?);
        Ok(PersonKey(exact(&opened)?))
    }

    pub(super) fn seal_cursor(
        &self,
        tx: &mut Tx<'_>,
        organization: OrganizationId,
        query: &[u8],
        plain: &[u8],
    ) -> Result<Vec<u8>, KeyError> {
        let key = self.cursor_key(tx, organization, query)?;
        Ok(seal::seal(&key, ids::random()?, CURSORS, plain)?)
    }

    pub(super) fn open_cursor(
        &self,
        tx: &mut Tx<'_>,
        organization: OrganizationId,
        query: &[u8],
        sealed: &[u8],
    ) -> Result<Option<Vec<u8>>, KeyError> {
        let key = self.cursor_key(tx, organization, query)?;
        Ok(seal::open(&key, CURSORS, sealed).ok())
    }

    /// One for each query, so that a cursor opens for the query alone that it was given out for.
    fn cursor_key(&self, tx: &mut Tx<'_>, organization: OrganizationId, query: &[u8]) -> Result<Key, KeyError> {
        let above = self.organization_key(tx, organization)?;
        Ok(seal::derive(&above, &[CURSORS, query].concat())?)
    }

    fn organization_key(&self, tx: &mut Tx<'_>, organization: OrganizationId) -> Result<Key, KeyError> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = opened.get(&organization) {
            return Ok(key.clone());
        }
        let (wrapped, material) = keyring::by_purpose(tx, organization, PERSONS)?.ok_or(KeyError::Missing)?;
        let key = exact(&self.unwrap(PERSONS, wrapped, &material)?)?;
        opened.insert(organization, key.clone());
        Ok(key)
    }
}

fn exact(bytes: &[u8]) -> Result<Key, KeyError> {
    <[u8; KEY_BYTES]>::try_from(bytes).map(Zeroizing::new).map_err(|_wrong_length| KeyError::Seal(SealError))
}

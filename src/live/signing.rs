//! The keys with which the deployment signs tokens: made when first needed, rotated with an overlap, published together.
//!
//! A new key is published before it signs, so that receivers know it by then; an old one stays published until what it
//! has signed has arrived.

mod pair;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::clock::Clock;
use crate::db::signing_keys::{self, SigningKeyRow};
use crate::db::{DatabaseError, Tx};
use crate::model::Moment;

use super::{Inner, KeyError, Live};

pub(super) use pair::generate;
pub use pair::{Algorithm, SigningError, SigningPair};

/// How long a new key is published before it signs; receivers keep the published keys for less.
const PUBLISHED_BEFORE: i64 = 3_600 * 1_000_000;
/// How long an old key is published after it has signed for the last time.
const PUBLISHED_AFTER: i64 = 24 * 3_600 * 1_000_000;
/// How soon a rotation is seen by servers that run.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// One key, and when it is used.
#[derive(Debug)]
pub struct SigningKey {
    /// The key.
    pub pair: SigningPair,
    /// Since when it is published.
    pub created_at: Moment,
    /// Since when it signs.
    pub signs_from: Moment,
    /// Not any more since then; `None` while it has no successor.
    pub signs_until: Option<Moment>,
    /// Not published any more since then; `None` while it has no successor.
    pub published_until: Option<Moment>,
}

/// Every key of the deployment.
#[derive(Debug, Default)]
pub struct SigningKeys(Vec<SigningKey>);

impl SigningKeys {
    /// Every key, those too that are not published any more.
    pub fn all(&self) -> &[SigningKey] {
        &self.0
    }

    /// The key that signs now.
    ///
    /// # Errors
    /// [`SigningError`] if there is none.
    pub fn current(&self, algorithm: Algorithm, now: Moment) -> Result<&SigningPair, SigningError> {
        let of_it = || self.0.iter().filter(|key| key.pair.algorithm() == algorithm);
        // A clock that was put back before the first key leaves the first key.
        let found = of_it().rfind(|key| key.signs_from <= now).or_else(|| of_it().next());
        found.map(|key| &key.pair).ok_or(SigningError)
    }

    /// The keys to verify with, as published (RFC 7517 §5).
    pub fn published(&self, now: Moment) -> Value {
        let published = self.0.iter().filter(|key| key.published_until.is_none_or(|until| until > now));
        json!({ "keys": published.map(|key| key.pair.public().clone()).collect::<Vec<_>>() })
    }
}

/// What was read last, and when.
#[derive(Default)]
pub(super) struct Signing(Mutex<Option<(Instant, Arc<SigningKeys>)>>);

impl Live {
    /// The keys of the deployment; makes the first ones. A rotation elsewhere is seen after ten seconds at the latest.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn signing_keys(&self) -> Result<Arc<SigningKeys>, KeyError> {
        let inner = &self.0;
        let mut known = inner.signing.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((read_at, keys)) = &*known
            && Clock::monotonic().duration_since(*read_at) < LOOK_EVERY
        {
            return Ok(Arc::clone(keys));
        }
        let read_at = Clock::monotonic();
        let mut rows = inner.database.read(signing_keys::all)?;
        let missing =
            |rows: &[SigningKeyRow], algorithm: Algorithm| !rows.iter().any(|row| row.algorithm == algorithm.as_str());
        if Algorithm::ALL.iter().any(|algorithm| missing(&rows, *algorithm)) {
            for algorithm in Algorithm::ALL.into_iter().filter(|algorithm| missing(&rows, *algorithm)) {
                let now = inner.clock.now();
                add(inner, algorithm, 1, (now, now), false)?;
            }
            rows = inner.database.read(signing_keys::all)?;
        }
        let keys = Arc::new(open(inner, &rows)?);
        *known = Some((read_at, Arc::clone(&keys)));
        Ok(keys)
    }

    /// Makes a new key of each algorithm. It is published now and signs in an hour, and the old ones stay published for
    /// a day after that; `at_once`, when an old one is in wrong hands: it signs now and is the only one published.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn rotate_signing_keys(&self, at_once: bool) -> Result<(), KeyError> {
        let inner = &self.0;
        let rows = inner.database.read(signing_keys::all)?;
        let now = inner.clock.now();
        for algorithm in Algorithm::ALL {
            let last = rows.iter().rfind(|row| row.algorithm == algorithm.as_str());
            let signs_from = if at_once || last.is_none() { now } else { now.plus_micros(PUBLISHED_BEFORE) };
            let generation = last.map_or(1, |row| row.generation.saturating_add(1));
            add(inner, algorithm, generation, (now, signs_from), at_once)?;
        }
        *inner.signing.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
        tracing::info!(at_once, "the signing keys were rotated");
        Ok(())
    }
}

fn add(
    inner: &Inner,
    algorithm: Algorithm,
    generation: i64,
    (created_at, signs_from): (Moment, Moment),
    replaces_at_once: bool,
) -> Result<(), KeyError> {
    let (wrapped, material) = inner.keys.wrap(algorithm.as_str(), &generate(algorithm)?)?;
    let algorithm = algorithm.as_str().to_owned();
    let row = SigningKeyRow { algorithm, generation, wrapped, material, created_at, signs_from, replaces_at_once };
    let _turn = inner.database.turn_to_write();
    inner.database.read(|tx: &mut Tx<'_>| signing_keys::insert(tx, &row)).map_err(|error: DatabaseError| error.into())
}

fn open(inner: &Inner, rows: &[SigningKeyRow]) -> Result<SigningKeys, KeyError> {
    let mut keys = Vec::with_capacity(rows.len());
    for row in rows {
        let algorithm = Algorithm::from_name(&row.algorithm).ok_or(SigningError)?;
        let later =
            || rows.iter().filter(|other| other.algorithm == row.algorithm && other.generation > row.generation);
        let signs_until = later().next().map(|next| next.signs_from);
        let replaced = later().find(|other| other.replaces_at_once).map(|other| other.created_at);
        let published_until = match (replaced, signs_until) {
            (Some(at), _) => Some(at),
            (None, until) => until.map(|until| until.plus_micros(PUBLISHED_AFTER)),
        };
        keys.push(SigningKey {
            pair: SigningPair::from_pkcs8(algorithm, &inner.keys.unwrap(&row.algorithm, row.wrapped, &row.material)?)?,
            created_at: row.created_at,
            signs_from: row.signs_from,
            signs_until,
            published_until,
        });
    }
    Ok(SigningKeys(keys))
}

//! Decisions on record: about thirty bytes each, many in a segment, which is one row of a table.
//!
//! A record holds what was asked and what was answered, not why: the reasons follow from the organization's history at
//! the record's revision. Texts and ids stand in a segment once, at their first use, and are named by number after that;
//! moments and revisions are differences from the record before. People are named by id only.

mod bytes;

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

use crate::model::{CredentialId, Moment, ResourceId, Revision};

use bytes::{Reader, put_signed, put_unsigned};

/// The form of a segment; its first byte.
const FORM: u8 = 1;

/// Kinds of values a record names: credential, subject, permission, type, resource, facts.
const KINDS: usize = 6;

/// Where a decision stands on record: a segment and a place in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DecisionId {
    /// The segment.
    pub segment: ResourceId,
    /// The place, from 0.
    pub place: u32,
}

/// The text names no decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a decision, expected the `decision_id` of an answer")]
pub struct DecisionIdError;

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.segment, self.place)
    }
}

impl FromStr for DecisionId {
    type Err = DecisionIdError;

    fn from_str(text: &str) -> Result<Self, DecisionIdError> {
        let (segment, place) = text.split_once('.').ok_or(DecisionIdError)?;
        let id = Self {
            segment: segment.parse().map_err(|_not_an_id| DecisionIdError)?,
            place: place.parse().map_err(|_not_a_number| DecisionIdError)?,
        };
        if id.to_string() == text { Ok(id) } else { Err(DecisionIdError) }
    }
}

/// Whom the question was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AskedSubject {
    /// Nobody that is known.
    Unknown,
    /// A user.
    User(ResourceId),
    /// A service.
    Service(ResourceId),
    /// Several whom the text may mean.
    Ambiguous,
}

impl AskedSubject {
    const fn number(self) -> u8 {
        match self {
            Self::Unknown => 0,
            Self::User(_) => 1,
            Self::Service(_) => 2,
            Self::Ambiguous => 3,
        }
    }

    /// The id, where there is one.
    pub const fn id(self) -> Option<ResourceId> {
        match self {
            Self::User(id) | Self::Service(id) => Some(id),
            Self::Unknown | Self::Ambiguous => None,
        }
    }
}

/// One decision. `Text` is how what was asked is held: read back as its own, put on record as it stands in the question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecisionRecord<Text = String> {
    /// When it was made, by this server's clock.
    pub at: Moment,
    /// What it was made from.
    pub revision: Revision,
    /// Who asked; nothing: the command line.
    pub credential: Option<CredentialId>,
    /// About whom.
    pub subject: AskedSubject,
    /// For which permission, as asked.
    pub permission: Text,
    /// The type of the resource, as asked.
    pub resource_type: Text,
    /// The resource, as asked.
    pub resource: Text,
    /// What the caller said and was believed, canonical JSON; empty for nothing.
    pub facts: String,
    /// What was answered.
    pub allowed: bool,
}

/// A segment that is being filled.
#[derive(Debug)]
pub struct SegmentWriter {
    bytes: Vec<u8>,
    known: HashMap<Vec<u8>, u64>,
    /// The last value of each kind, and its number: what is asked is often asked again.
    last: [Option<(Vec<u8>, u64)>; KINDS],
    count: u32,
    last_at: i64,
    last_revision: i64,
    span: Option<(Moment, Moment)>,
    /// The users, each with the moment of the first decision about it.
    users: Vec<(ResourceId, Moment)>,
}

impl Default for SegmentWriter {
    fn default() -> Self {
        let (bytes, known, last) = (vec![FORM], HashMap::new(), Default::default());
        Self { bytes, known, last, count: 0, last_at: 0, last_revision: 0, span: None, users: Vec::new() }
    }
}

impl SegmentWriter {
    /// Puts a decision on record; answers its place.
    pub fn push<Text: AsRef<str>>(&mut self, record: &DecisionRecord<Text>) -> u32 {
        let facts = !record.facts.is_empty();
        let flags = u8::from(record.allowed)
            | (record.subject.number() << 1)
            | (u8::from(facts) << 3)
            | (u8::from(record.credential.is_some()) << 4);
        self.bytes.push(flags);
        let (at, revision) = (record.at.as_micros(), record.revision.as_i64());
        put_signed(&mut self.bytes, at.wrapping_sub(self.last_at));
        put_signed(&mut self.bytes, revision.wrapping_sub(self.last_revision));
        (self.last_at, self.last_revision) = (at, revision);
        if let Some(credential) = record.credential {
            self.put_known(0, credential.as_bytes());
        }
        if let Some(id) = record.subject.id() {
            let is_new = self.put_known(1, id.as_bytes());
            if is_new && matches!(record.subject, AskedSubject::User(_)) {
                self.users.push((id, record.at));
            }
        }
        for (kind, text) in [&record.permission, &record.resource_type, &record.resource].into_iter().enumerate() {
            self.put_known(kind.saturating_add(2), text.as_ref().as_bytes());
        }
        if facts {
            self.put_known(5, record.facts.as_bytes());
        }
        let (first, last) = self.span.unwrap_or((record.at, record.at));
        self.span = Some((first.min(record.at), last.max(record.at)));
        let place = self.count;
        self.count = self.count.saturating_add(1);
        place
    }

    /// Bytes so far.
    pub const fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing is on record yet.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many decisions.
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// The first and the last moment.
    pub const fn span(&self) -> Option<(Moment, Moment)> {
        self.span
    }

    /// The users decisions are about, each once, with the moment of its first.
    pub fn users(&self) -> &[(ResourceId, Moment)] {
        &self.users
    }

    /// The segment.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Answers whether the value stands in the segment for the first time.
    fn put_known(&mut self, kind: usize, value: &[u8]) -> bool {
        if let Some(Some((last, number))) = self.last.get(kind)
            && last == value
        {
            put_unsigned(&mut self.bytes, *number);
            return false;
        }
        let next = u64::try_from(self.known.len()).unwrap_or(u64::MAX);
        let number = self.known.get(value).copied().unwrap_or(next);
        put_unsigned(&mut self.bytes, number);
        if number == next {
            put_unsigned(&mut self.bytes, u64::try_from(value.len()).unwrap_or(u64::MAX));
            self.bytes.extend_from_slice(value);
            self.known.insert(value.to_vec(), next);
        }
        if let Some(place) = self.last.get_mut(kind) {
            let (last, last_number) = place.get_or_insert_default();
            last.clear();
            last.extend_from_slice(value);
            *last_number = number;
        }
        number == next
    }
}

/// A segment that cannot be read: it is of a later form, or was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a segment of the decision log cannot be read: it is of a later form, or its bytes were changed")]
pub struct SegmentError;

/// Reads every decision of a segment, in order.
///
/// # Errors
/// [`SegmentError`].
pub fn read(segment: &[u8]) -> Result<Vec<DecisionRecord>, SegmentError> {
    let mut reader = Reader::new(segment);
    if reader.byte()? != FORM {
        return Err(SegmentError);
    }
    let (mut known, mut at, mut revision) = (Vec::new(), 0_i64, 0_i64);
    let mut records = Vec::new();
    while !reader.is_at_end() {
        let flags = reader.byte()?;
        at = at.wrapping_add(reader.signed()?);
        revision = revision.wrapping_add(reader.signed()?);
        let credential = if flags & 16 == 0 { None } else { Some(id(&mut reader, &mut known)?) };
        let subject = match (flags >> 1) & 3 {
            0 => AskedSubject::Unknown,
            1 => AskedSubject::User(id(&mut reader, &mut known)?),
            2 => AskedSubject::Service(id(&mut reader, &mut known)?),
            _ => AskedSubject::Ambiguous,
        };
        records.push(DecisionRecord {
            at: Moment::from_micros(at),
            revision: Revision::new(revision),
            credential: credential.map(|id| CredentialId::from_bytes(id.as_bytes())).transpose().map_err(wrong)?,
            subject,
            permission: text(&mut reader, &mut known)?,
            resource_type: text(&mut reader, &mut known)?,
            resource: text(&mut reader, &mut known)?,
            facts: if flags & 8 == 0 { String::new() } else { text(&mut reader, &mut known)? },
            allowed: flags & 1 == 1,
        });
    }
    Ok(records)
}

fn wrong<E>(_unreadable: E) -> SegmentError {
    SegmentError
}

fn id(reader: &mut Reader<'_>, known: &mut Vec<Vec<u8>>) -> Result<ResourceId, SegmentError> {
    ResourceId::from_bytes(&value(reader, known)?).map_err(wrong)
}

fn text(reader: &mut Reader<'_>, known: &mut Vec<Vec<u8>>) -> Result<String, SegmentError> {
    String::from_utf8(value(reader, known)?).map_err(wrong)
}

fn value(reader: &mut Reader<'_>, known: &mut Vec<Vec<u8>>) -> Result<Vec<u8>, SegmentError> {
    let number = usize::try_from(reader.unsigned()?).map_err(wrong)?;
    if let Some(value) = known.get(number) {
        return Ok(value.clone());
    }
    if number != known.len() {
        return Err(SegmentError);
    }
    let length = usize::try_from(reader.unsigned()?).map_err(wrong)?;
    let value = reader.take(length)?.to_vec();
    known.push(value.clone());
    Ok(value)
}

#[cfg(test)]
mod tests;

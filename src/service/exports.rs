//! Exports: tables of what is here, made by the clock for whoever asked, part by part, so that it is told how far they have
//! come and whoever asked may leave the page. A file is kept for a day.

mod access;
mod directory;
mod making;
mod record;
mod table_file;

use serde::{Deserialize, Serialize};
use serde_json::json;

pub use crate::db::console::exports::Export;
use crate::db::console::{ConsoleRow, exports};
use crate::db::{AdministrationRow, WriteSet};
use crate::ids;
use crate::live::{Cause, Decision};
use crate::model::{AccountId, Actor, Caller, Moment, ResourceId};
use crate::scim::ScimError;

use super::{ServiceError, Services};
use making::{Ended, Making};

const SECOND: i64 = 1_000_000;
/// How long a file is kept.
const KEPT: i64 = 86_400 * SECOND;
/// An export nobody has worked on for so long is begun again: whoever did has ended.
const FORSAKEN: i64 = 60 * SECOND;
/// Exports that are shown to whoever asked for them.
const SHOWN: i64 = 20;
/// Exports somebody may wait for at a time.
const WAITING: usize = 5;
/// Exports looked at in one turn.
const TURN: i64 = 20;
/// Parts read at a time.
const PARTS: i64 = 20;

/// What a file is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportKind {
    /// People, with what they may do.
    People,
    /// Groups and their members.
    Groups,
    /// Roles and to whom they are assigned.
    Assignments,
    /// Gates and who can pass them, now or on a date.
    Gates,
    /// The log.
    Log,
    /// Leavers, with how soon they were cut off.
    Leavers,
}

impl ExportKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [Self::People, Self::Groups, Self::Assignments, Self::Gates, Self::Log, Self::Leavers];

    /// In a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::People => "people",
            Self::Groups => "groups",
            Self::Assignments => "assignments",
            Self::Gates => "gates",
            Self::Log => "log",
            Self::Leavers => "leavers",
        }
    }

    /// The kind of a word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// What is asked for more exactly.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// Gates: as they were then; the log: not after this moment.
    pub until: Option<Moment>,
    /// The log: not before this moment.
    pub from: Option<Moment>,
}

#[derive(Default, Serialize, Deserialize)]
struct AskedText {
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
}

impl Asked {
    /// What stands in a row.
    pub fn read(text: &str) -> Self {
        let read: AskedText = serde_json::from_str(text).unwrap_or_default();
        let moment = |text: Option<String>| text.and_then(|text| text.parse().ok());
        Self { from: moment(read.from), until: moment(read.until) }
    }

    fn text(&self) -> String {
        let text = |moment: Option<Moment>| moment.map(|moment| moment.to_string());
        serde_json::to_string(&AskedText { from: text(self.from), until: text(self.until) }).unwrap_or_default()
    }
}

impl Services {
    /// Asks for a file; it is made by the clock. `newest` is the newest file there was when the form was made, where it
    /// says so: what was asked for since is the same form, sent twice. Blocks.
    ///
    /// # Errors
    /// [`ServiceError`]; 409 for somebody who waits for several already.
    pub fn ask_for_export(
        &self,
        caller: &Caller,
        account: AccountId,
        kind: ExportKind,
        asked: &Asked,
        newest: Option<ResourceId>,
    ) -> Result<ResourceId, ServiceError> {
        let all = self.exports(caller, account)?;
        // A form that is sent twice asks for one file, however soon that is made.
        let is_same = |export: &&Export| {
            (export.outcome.is_none() || newest.is_some_and(|newest| export.id > newest))
                && export.kind == kind.as_str()
                && export.asked == asked.text()
        };
        if let Some(same) = all.iter().find(is_same) {
            return Ok(same.id);
        }
        let waiting = all.iter().filter(|export| export.outcome.is_none()).count();
        if waiting >= WAITING {
            let text = format!("{WAITING} files are being made for you; wait for one of them");
            return Err(ScimError::Conflict(text).into());
        }
        let cause = Cause::from(caller);
        self.live.write(&cause, |_tx| {
            let now = self.clock.now();
            let id = ids::resource(now);
            let export = Export {
                organization: caller.organization,
                id,
                account,
                kind: kind.as_str().to_owned(),
                asked: asked.text(),
                done: 0,
                total: 0,
                changed_at: Moment::from_micros(0),
                outcome: None,
            };
            let mut set = WriteSet::new(caller.organization);
            set.administration.push(AdministrationRow::Console(ConsoleRow::Export(export)));
            let details = json!({ "kind": kind.as_str() });
            set.events.push(cause.event(now, "export.asked", id, &details));
            Ok::<_, ServiceError>(Decision::Write(Box::new(set), id))
        })
    }

    /// The files somebody asked for, newest first. Blocks.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn exports(&self, caller: &Caller, account: AccountId) -> Result<Vec<Export>, ServiceError> {
        self.live.read(|tx| Ok(exports::of_account(tx, caller.organization, account, SHOWN)?))
    }

    /// A file somebody asked for; to others it is not there. Blocks.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn export(&self, caller: &Caller, account: AccountId, id: ResourceId) -> Result<Option<Export>, ServiceError> {
        let found = self.live.read::<_, ServiceError>(|tx| Ok(exports::by_id(tx, caller.organization, id)?))?;
        Ok(found.filter(|export| export.account == account))
    }

    /// What is in a file, as far as it is made. Blocks.
    ///
    /// # Errors
    /// [`ServiceError`].
    pub fn exported(&self, export: &Export) -> Result<String, ServiceError> {
        let (mut text, mut last) = (String::new(), -1);
        loop {
            let parts = self.live.read::<_, ServiceError>(|tx| Ok(exports::parts_after(tx, export, last, PARTS)?))?;
            let Some((place, _)) = parts.last() else { return Ok(text) };
            last = *place;
            text.extend(parts.into_iter().map(|(_, content)| content));
        }
    }
}

/// Makes the files that were asked for and throws away those that are old; answers how many it made. Blocks.
///
/// # Errors
/// [`ServiceError`] when it cannot be seen what was asked for.
pub fn work(services: &Services, goes_on: impl Fn() -> bool) -> Result<usize, ServiceError> {
    let now = services.clock.now();
    let ago = |micros: i64| now.plus_micros(micros.saturating_neg());
    let (waiting, old) = services.live.read::<_, ServiceError>(|tx| {
        Ok((exports::waiting(tx, ago(FORSAKEN), TURN)?, exports::made(tx, ago(KEPT), TURN)?))
    })?;
    for one in old {
        services.live.note(|tx| exports::delete(tx, &one))?;
    }
    let mut made = 0_usize;
    for export in waiting {
        if !goes_on() {
            break;
        }
        if make(services, export, &goes_on)? {
            made = made.saturating_add(1);
        }
    }
    Ok(made)
}

/// Makes one file; answers whether it was this one who did.
fn make(services: &Services, export: Export, goes_on: &dyn Fn() -> bool) -> Result<bool, ServiceError> {
    let services = services.within(export.organization)?;
    let request = ids::request(services.clock.now());
    let caller = Caller::local(export.organization, Actor::Account(export.account), request);
    let kind = ExportKind::from_name(&export.kind);
    let asked = Asked::read(&export.asked);
    let Some(mut making) = Making::begin(&services, export, goes_on)? else { return Ok(false) };
    let ended = match kind {
        Some(ExportKind::People) => directory::people(&services, &caller, &mut making),
        Some(ExportKind::Groups) => directory::groups(&services, &caller, &mut making),
        Some(ExportKind::Assignments) => access::assignments(&services, &caller, &mut making),
        Some(ExportKind::Gates) => access::gates(&services, &caller, &asked, &mut making),
        Some(ExportKind::Log) => record::log(&services, &caller, &asked, &mut making),
        Some(ExportKind::Leavers) => record::leavers(&services, &caller, &mut making),
        None => Err(Ended::Failed(ServiceError::Internal("an export of an unknown kind".to_owned()))),
    };
    making.end(ended)
}

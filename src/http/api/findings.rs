//! The still-gone watch: what was found of leavers after they had left.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::service::leavers::watch::{self, Finding};

use super::answer::Reply;
use super::call::Call;
use super::page::{Page, Paging, Stretch};
use super::problem::Problem;
use super::route::{Resource, Route};

/// Its routes.
pub const RESOURCE: Resource = Resource {
    name: "findings",
    about: "What the still-gone watch found: leavers who are back, or something of theirs that is left. Looked for every \
            day, and on demand",
    routes: &[
        Route::read::<__path_list>(list),
        Route::change::<__path_look>(look).with_body(),
        Route::change::<__path_acknowledge>(acknowledge),
    ],
};

/// Something that was found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Finding)]
struct Shown {
    /// Its id
    id: String,
    /// Of which leaver
    leaver: String,
    /// `reactivated`, `re-added`, `same-address`, `identifier-recycled`, `access-left` or `left-downstream`
    kind: &'static str,
    /// The other resource it was found at; the leaver itself where there is none
    other: String,
    /// When
    #[schema(format = DateTime)]
    found_at: String,
    /// When an administrator said that it is known
    #[schema(format = DateTime)]
    acknowledged_at: Option<String>,
}

impl From<Finding> for Shown {
    fn from(finding: Finding) -> Self {
        Self {
            id: finding.id.to_string(),
            leaver: finding.leaver.to_string(),
            kind: finding.kind.as_str(),
            other: finding.other.to_string(),
            found_at: finding.found_at.to_string(),
            acknowledged_at: finding.acknowledged_at.map(|at| at.to_string()),
        }
    }
}

/// Whom to look at.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Wanted {
    /// `all`
    leavers: String,
}

/// What a look at all leavers came to.
#[derive(Debug, Serialize, ToSchema)]
struct Look {
    /// How many people have ever left
    leavers: usize,
    /// How many findings stand
    standing: usize,
    /// How many of them are new
    found: usize,
    /// How many stood before and do not any more
    ended: usize,
}

/// The findings that stand, oldest first, acknowledged ones too
#[utoipa::path(get, path = "/api/v1/findings", operation_id = "list_findings", params(Paging),
    responses((status = 200, body = Page<Shown>)))]
fn list(call: &Call) -> Result<Reply, Problem> {
    let asked: Paging = call.query()?;
    let stretch = Stretch::read(call, &["findings"], asked.limit.as_deref(), asked.cursor.as_deref())?;
    let rows = watch::standing(&call.services, &call.caller, stretch.after, stretch.rows())?;
    Reply::ok(&stretch.page(rows, |finding| finding.id, Shown::from))
}

/// Looks at all leavers now
#[utoipa::path(post, path = "/api/v1/findings/look", operation_id = "look_for_findings", request_body = Wanted,
    responses((status = 200, body = Look)))]
fn look(call: &Call) -> Result<Reply, Problem> {
    let wanted: Wanted = call.body()?;
    if wanted.leavers != "all" {
        return Err(Problem::bad_request("`leavers` must be `all`"));
    }
    let watched = watch::look(&call.services, &call.caller)?;
    let standing = watched.standing.len();
    Reply::ok(&Look { leavers: watched.leavers, standing, found: watched.found, ended: watched.ended })
}

/// Says that a finding is known: it is told no more
#[utoipa::path(post, path = "/api/v1/findings/{id}/acknowledge", operation_id = "acknowledge_finding",
    params(("id" = String, Path, description = "Its id")), responses((status = 200, body = Shown)))]
fn acknowledge(call: &Call) -> Result<Reply, Problem> {
    let finding = watch::acknowledge(&call.services, &call.caller, call.id(0)?)?;
    Reply::ok(&Shown::from(finding))
}

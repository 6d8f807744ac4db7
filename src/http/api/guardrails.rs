//! Guardrails, and the attributes they may read.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::guardrail::{Attribute, AttributeOwner, FactKind, ReadyParameters};
use crate::model::GuardrailId;
use crate::service::access::ShownGuardrail;

use super::answer::Reply;
use super::call::Call;
use super::names;
use super::page::{Page, Paging};
use super::problem::Problem;
use super::route::{Resource, Route};

/// Its routes.
pub const RESOURCE: Resource = Resource {
    name: "guardrails",
    about: "Rules that forbid, whatever is assigned: Cedar policies, or ready ones by name",
    routes: &[
        Route::read::<__path_list>(list),
        Route::change::<__path_save>(save).with_body(),
        Route::read::<__path_read>(read),
        Route::change::<__path_remove>(remove),
        Route::read::<__path_attributes>(attributes),
        Route::change::<__path_declare>(declare).with_body(),
        Route::change::<__path_withdraw>(withdraw),
    ],
};

/// A guardrail.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Guardrail)]
struct Shown {
    /// Its name (`@id`)
    name: String,
    /// Why it is there (`@reason`)
    reason: String,
    /// The control it implements (`@control`)
    control: String,
    /// The Cedar policy
    text: String,
    /// Since when it is there
    #[schema(format = DateTime)]
    created_at: String,
    /// What is wrong with it by now; it denies wherever it bears
    problem: Option<String>,
}

impl From<ShownGuardrail> for Shown {
    fn from(shown: ShownGuardrail) -> Self {
        Self {
            name: shown.row.id.to_string(),
            reason: shown.reason,
            control: shown.control,
            text: shown.row.text,
            created_at: shown.row.created_at.to_string(),
            problem: shown.problem,
        }
    }
}

/// A guardrail to save: its Cedar text, or a ready one with its parameters.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewGuardrail {
    /// A Cedar `forbid` policy with `@id`, `@reason` and `@control`
    text: Option<String>,
    /// A ready one
    #[schema(value_type = Option<Object>, example = json!({ "ready": "author-may-not-deploy", "name": "four-eyes",
        "reason": "whoever wrote it does not deploy it", "control": "SOX-AC-03" }))]
    ready: Option<ReadyParameters>,
    /// Whether to save it even if nobody could pass some gate any more
    #[serde(default)]
    confirm: bool,
    /// Whether only to check it
    #[serde(default)]
    only_check: bool,
}

/// An attribute guardrails may read.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Attribute)]
struct ShownAttribute {
    /// Of what it is said: `user`, `request` or a type of resources
    owner: String,
    /// Its name
    name: String,
    /// `flag`, `number`, `text`, `texts` or `moment`
    kind: String,
    #[serde(skip)]
    #[schema(ignore)]
    key: String,
}

impl From<Attribute> for ShownAttribute {
    fn from(attribute: Attribute) -> Self {
        let owner = attribute.owner.as_str().to_owned();
        let key = format!("{owner} {}", attribute.name);
        Self { owner, name: attribute.name, kind: attribute.kind.as_str().to_owned(), key }
    }
}

/// The guardrails, by name
#[utoipa::path(get, path = "/api/v1/guardrails", operation_id = "list_guardrails", params(Paging),
    responses((status = 200, body = Page<Shown>)))]
fn list(call: &Call) -> Result<Reply, Problem> {
    let all = call.administration().guardrails(call.organization())?;
    names::page(call, "guardrails", all.into_iter().map(Shown::from).collect(), |shown| &shown.name)
}

/// Saves a guardrail under its name, or checks it; what it forbids is forbidden on every server when this is answered
#[utoipa::path(post, path = "/api/v1/guardrails", operation_id = "save_guardrail", request_body = NewGuardrail,
    responses((status = 200, body = Shown), (status = 400, description = "It is not valid: where, and what was expected"),
        (status = 409, description = "Nobody could pass some gate any more: needs `confirm`")))]
fn save(call: &Call) -> Result<Reply, Problem> {
    let wanted: NewGuardrail = call.body()?;
    let text = match (wanted.text, wanted.ready) {
        (Some(text), None) => text,
        (None, Some(ready)) => ready.text().map_err(|error| Problem::bad_request(error.to_string()))?,
        _ => return Err(Problem::bad_request("expected either `text` or `ready`")),
    };
    let administration = call.unchanged(|| {
        let id = crate::access::guardrail::Guardrail::read(&text)
            .map_err(|error| Problem::bad_request(error.to_string()))?
            .id()
            .clone();
        names::tag(&found(call, &id)?)
    })?;
    if wanted.only_check {
        let checked = administration.check_guardrail(call.organization(), &text)?;
        return Reply::ok(&Shown {
            name: checked.id().to_string(),
            reason: checked.reason().to_string(),
            control: checked.control().to_string(),
            text,
            created_at: call.services.clock.now().to_string(),
            problem: None,
        });
    }
    let saved = administration.save_guardrail(call.organization(), &text, wanted.confirm)?;
    let shown = found(call, saved.id())?;
    let tag = names::tag(&shown)?;
    Reply::changed(&shown, tag)
}

/// A guardrail
#[utoipa::path(get, path = "/api/v1/guardrails/{name}", operation_id = "read_guardrail",
    params(("name" = String, Path, description = "Its name")), responses((status = 200, body = Shown)))]
fn read(call: &Call) -> Result<Reply, Problem> {
    let shown = found(call, &names::of(call, 0)?)?;
    let tag = names::tag(&shown)?;
    Reply::resource(call, &shown, tag)
}

/// Removes a guardrail
#[utoipa::path(delete, path = "/api/v1/guardrails/{name}", operation_id = "remove_guardrail",
    params(("name" = String, Path, description = "Its name")),
    responses((status = 204), (status = 412, description = "It is not as `If-Match` says")))]
fn remove(call: &Call) -> Result<Reply, Problem> {
    let id: GuardrailId = names::of(call, 0)?;
    let administration = call.unchanged(|| names::tag(&found(call, &id)?))?;
    administration.remove_guardrail(call.organization(), &id)?;
    Ok(Reply::NoContent)
}

/// The attributes guardrails may read beside those every organization has
#[utoipa::path(get, path = "/api/v1/attributes", operation_id = "list_attributes", params(Paging),
    responses((status = 200, body = Page<ShownAttribute>)))]
fn attributes(call: &Call) -> Result<Reply, Problem> {
    let all = call.administration().attributes(call.organization())?;
    names::page(call, "attributes", all.into_iter().map(ShownAttribute::from).collect(), |shown| &shown.key)
}

/// Declares an attribute; of users it is read from the entitlements of that type
#[utoipa::path(post, path = "/api/v1/attributes", operation_id = "declare_attribute", request_body = ShownAttribute,
    responses((status = 200, body = ShownAttribute)))]
fn declare(call: &Call) -> Result<Reply, Problem> {
    let wanted: ShownAttribute = call.body()?;
    let kind = FactKind::from_name(&wanted.kind)
        .ok_or_else(|| Problem::bad_request("`kind` must be `flag`, `number`, `text`, `texts` or `moment`"))?;
    let attribute = Attribute { owner: names::read(&wanted.owner)?, name: wanted.name, kind };
    call.administration().declare_attribute(call.organization(), &attribute)?;
    Reply::ok(&ShownAttribute::from(attribute))
}

/// Declares an attribute no more
#[utoipa::path(delete, path = "/api/v1/attributes/{owner}/{name}", operation_id = "remove_attribute",
    params(("owner" = String, Path, description = "Of what it is said"), ("name" = String, Path, description = "Its name")),
    responses((status = 204), (status = 409, description = "A guardrail or a resource needs it")))]
fn withdraw(call: &Call) -> Result<Reply, Problem> {
    let owner: AttributeOwner = names::of(call, 0)?;
    let name = call.ids.get(1).map_or("", String::as_str);
    call.administration().remove_attribute(call.organization(), &owner, name)?;
    Ok(Reply::NoContent)
}

fn found(call: &Call, id: &GuardrailId) -> Result<Shown, Problem> {
    let all = call.administration().guardrails(call.organization())?;
    all.into_iter().find(|shown| shown.row.id == *id).map(Shown::from).ok_or_else(Problem::not_found)
}

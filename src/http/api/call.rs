//! A request, taken apart.

use std::str::FromStr;

use actix_web::http::StatusCode;
use actix_web::web::{self, Bytes};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::model::{Caller, OrganizationId, Precondition};
use crate::scim::json;
use crate::service::Services;
use crate::service::administration::Administration;

use super::super::path;
use super::problem::Problem;

/// What arrived of a request, its credential judged and its route found.
pub struct Call {
    /// What every use case works with.
    pub services: web::Data<Services>,
    /// Who calls.
    pub caller: Caller,
    /// The ids in the path, in their order.
    pub ids: Vec<String>,
    /// The query, as sent.
    pub query: String,
    /// The body, empty where none is taken.
    pub body: Bytes,
    /// `If-Match`.
    pub if_match: Precondition,
    /// `If-None-Match`.
    pub if_none_match: Precondition,
}

impl Call {
    /// The organization of the credential; nothing of it comes from the request.
    pub const fn organization(&self) -> OrganizationId {
        self.caller.organization
    }

    /// Administration in this request.
    pub fn administration(&self) -> Administration {
        self.services.administration(&self.caller)
    }

    /// Administration that changes access only if what is changed is as `If-Match` says; `tag` reads its entity tag.
    /// Without the header it is not read.
    ///
    /// # Errors
    /// 412, and what `tag` answers.
    pub fn unchanged(&self, tag: impl FnOnce() -> Result<String, Problem>) -> Result<Administration, Problem> {
        let administration = self.administration();
        if matches!(self.if_match, Precondition::None) {
            return Ok(administration);
        }
        // Read before the tag: whoever changes anything of access in between makes the change fail.
        let state = administration.access_revision(self.organization())?;
        if self.if_match.allows(&tag()?) {
            return Ok(administration.only_at(state));
        }
        Err(Problem::refusal(StatusCode::PRECONDITION_FAILED, "it is not as `If-Match` says; read it again"))
    }

    /// The id at a place of the path.
    ///
    /// # Errors
    /// 404: whatever is no id of this server names nothing.
    pub fn id<T: FromStr>(&self, place: usize) -> Result<T, Problem> {
        self.ids.get(place).and_then(|id| id.parse().ok()).ok_or_else(Problem::not_found)
    }

    /// The query, whose parameters are those of `T` and no others.
    ///
    /// # Errors
    /// 400 for an unknown parameter, one given twice, and one that is not UTF-8.
    pub fn query<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        if !path::is_text(&self.query) {
            return Err(Problem::bad_request("the query is not UTF-8 once decoded"));
        }
        let mut parameters = Map::new();
        for (name, value) in form_urlencoded::parse(self.query.as_bytes()) {
            if parameters.insert(name.clone().into_owned(), Value::String(value.into_owned())).is_some() {
                return Err(Problem::bad_request(format!("the parameter `{name}` is given twice; send it once")));
            }
        }
        serde_json::from_value(Value::Object(parameters))
            .map_err(|error| Problem::bad_request(format!("the query cannot be used: {error}")))
    }

    /// The body, a JSON object with the members of `T` and no others.
    ///
    /// # Errors
    /// 400.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, Problem> {
        let value = json::parse(&self.body)?;
        if !value.is_object() {
            return Err(Problem::bad_request("the body must be a JSON object"));
        }
        serde_json::from_value(value).map_err(|error| Problem::bad_request(format!("the body cannot be used: {error}")))
    }
}

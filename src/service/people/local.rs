//! Local users, whom no connection manages: made, changed and deleted by administrators, with the attributes of SCIM.

use serde_json::{Map, Value, json};

use crate::model::reserved::{self, ReservedName};
use crate::model::{AssignmentSource, Caller, Name, Precondition, RoleName, ScopePath, UserId, fold};
use crate::scim::ScimError;
use crate::scim::projection::Projection;
use crate::service::access::{NewAssignment, WantedPrincipal};
use crate::service::provisioning::users;
use crate::service::{ServiceError, Services};

use super::{Person, load, read};

/// Creates a local user. A connection that writes it later adopts it.
///
/// # Errors
/// [`ServiceError`]; 400 for an attribute that is wrong and for a reserved name, 409 if the userName is taken.
pub fn create(services: &Services, caller: &Caller, attributes: Map<String, Value>) -> Result<Person, ServiceError> {
    check_names(&attributes, |_| "")?;
    let made = users::create(services, caller, Value::Object(attributes), &everything(services)?)?;
    let id = made.location.rsplit('/').next().and_then(|id| id.parse().ok());
    let id = id.ok_or_else(|| ServiceError::Internal("a new user has no id".to_owned()))?;
    services.live.read(|tx| load(tx, caller.organization, id))
}

impl Services {
    /// Makes a new local user of this userName who is `admin` at `/`: of a new organization its first administrator. Blocks.
    ///
    /// # Errors
    /// [`ServiceError`]; 409 if the userName is taken.
    pub fn add_administrator(&self, caller: &Caller, user_name: &Name) -> Result<UserId, ServiceError> {
        let attributes = [("userName".to_owned(), Value::from(user_name.as_str()))];
        let made = create(self, caller, Map::from_iter(attributes))?;
        let wanted = NewAssignment {
            principal: WantedPrincipal::User(made.id.to_string()),
            role: RoleName::ADMIN.parse().map_err(|_never| ServiceError::Internal("`admin` is no role".to_owned()))?,
            scope: ScopePath::root(),
            from: None,
            until: None,
            source: AssignmentSource::Administrator,
            approver: None,
            reason: None,
        };
        self.administration(caller).assign(caller.organization, &wanted)?;
        Ok(made.id)
    }
}

/// Changes a local user: what is named is replaced, what is null is unassigned, all else stays.
///
/// # Errors
/// [`ServiceError`]; 400 for a reserved name, 403 naming the connection that manages the user, 404, 412.
pub fn change(
    services: &Services,
    caller: &Caller,
    id: UserId,
    attributes: Map<String, Value>,
    precondition: &Precondition,
) -> Result<Person, ServiceError> {
    let (person, version) = changeable(services, caller, id, precondition)?;
    check_names(&attributes, |name| person.text(name))?;
    let operations = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "replace", "value": attributes }],
    });
    users::patch(services, caller, &id.to_string(), operations, &version, &everything(services)?)?;
    services.live.read(|tx| load(tx, caller.organization, id))
}

/// Deletes a local user.
///
/// # Errors
/// As [`change`].
pub fn delete(
    services: &Services,
    caller: &Caller,
    id: UserId,
    precondition: &Precondition,
) -> Result<(), ServiceError> {
    let (_, version) = changeable(services, caller, id, precondition)?;
    users::delete(services, caller, &id.to_string(), &version)
}

/// Refuses names by which somebody would be taken for the product or for nobody; one that somebody has already stays.
///
/// # Errors
/// 400.
pub(in crate::service) fn check_names<'a>(
    attributes: &Map<String, Value>,
    before: impl Fn(&str) -> &'a str,
) -> Result<(), ServiceError> {
    for name in ["userName", "displayName"] {
        let wanted = attributes.get(name).and_then(Value::as_str).filter(|wanted| !wanted.trim().is_empty());
        if let Some(wanted) = wanted.filter(|wanted| fold(wanted) != fold(before(name))) {
            let refused = |error: ReservedName| ScimError::invalid_value(format!("{name}: {error}"));
            reserved::check_speaker(wanted).map_err(refused)?;
        }
    }
    Ok(())
}

/// The user as it is, and the precondition on the SCIM resource that follows from one on the user as administrators see
/// it.
fn changeable(
    services: &Services,
    caller: &Caller,
    id: UserId,
    precondition: &Precondition,
) -> Result<(Person, Precondition), ServiceError> {
    let (person, _) = read(services, caller, id)?;
    person.check(precondition)?;
    if let Some(manager) = &person.manager {
        let detail = format!("this user is managed by the connection `{}`; change it there", manager.name);
        return Err(ScimError::Forbidden(detail).into());
    }
    let version = match precondition {
        Precondition::None => Precondition::None,
        _ => Precondition::Tags(vec![person.version.entity_tag(id.into())]),
    };
    Ok((person, version))
}

fn everything(services: &Services) -> Result<Projection, ServiceError> {
    Ok(Projection::parse(None, None, &services.types.user)?)
}

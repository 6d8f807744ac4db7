//! What forms say of a person, field by field. Of two who change the same person, the second sees both versions.

use serde_json::{Value, json};

use crate::model::Precondition;
use crate::service::people::Person;

use super::super::refusal::Refusal;
use super::super::visit::Visit;

/// An attribute that can be changed: its field, the label, the hint.
pub(in crate::http::console) type Editable = (&'static str, &'static str, &'static str);

/// A field of such a form.
pub(in crate::http::console) struct Field {
    /// Its name.
    pub name: &'static str,
    /// Its label.
    pub label: &'static str,
    /// What to write into it.
    pub hint: &'static str,
    /// What stands in it.
    pub value: String,
    /// What stands there by now, where somebody else changed it.
    pub theirs: Option<String>,
}

/// The fields, with what `of` says of each.
pub(in crate::http::console) fn fields(
    editable: &[Editable],
    of: impl Fn(&'static str) -> Result<String, Refusal>,
) -> Result<Vec<Field>, Refusal> {
    let field = |(name, label, hint): &Editable| Ok(Field { name, label, hint, value: of(name)?, theirs: None });
    editable.iter().map(field).collect()
}

/// The fields as they were filled in; where somebody else was quicker, with what the person has by now.
pub(in crate::http::console) fn filled_in(
    editable: &[Editable],
    visit: &Visit,
    quicker: Option<&Person>,
) -> Result<Vec<Field>, Refusal> {
    let mut fields = fields(editable, |name| Ok(visit.form.text(name)?.to_owned()))?;
    if let Some(person) = quicker {
        for field in &mut fields {
            field.theirs = Some(value(person, field.name)).filter(|theirs| *theirs != field.value);
        }
    }
    Ok(fields)
}

/// What a person has of a field.
pub(in crate::http::console) fn value(person: &Person, name: &str) -> String {
    let named = |part: &str| person.attributes.get("name").and_then(|it| it.get(part)).and_then(Value::as_str);
    let email = || person.attributes.get("emails").and_then(|it| it.get(0)).and_then(|it| it.get("value"));
    match name {
        "givenName" | "familyName" => named(name).unwrap_or_default().to_owned(),
        "email" => email().and_then(Value::as_str).unwrap_or_default().to_owned(),
        _ => person.text(name).to_owned(),
    }
}

/// The text of a field; `null` where it was left empty, which takes the attribute away.
pub(in crate::http::console) fn text(visit: &Visit, name: &str) -> Result<Value, Refusal> {
    let text = visit.form.text(name)?;
    Ok(if text.is_empty() { Value::Null } else { json!(text) })
}

/// Which version the form was made from.
pub(in crate::http::console) fn version(visit: &Visit) -> Result<Precondition, Refusal> {
    let text = visit.form.text("version")?;
    match Precondition::parse(text) {
        version @ Precondition::Tags(_) if !text.is_empty() => Ok(version),
        _ => Err(Refusal::bad("The form does not say which version it changes. Load the page again.")),
    }
}

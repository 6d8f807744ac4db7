//! What a form or a query says, field by field.

use std::time::Duration;

use actix_web::http::header::{CONTENT_TYPE, HeaderMap};
use actix_web::web;
use url::form_urlencoded;

use crate::model::limits;

use super::super::path;
use super::super::patience::within;
use super::refusal::Refusal;
use super::upload;

/// How long a form may take to arrive.
const PATIENCE: Duration = Duration::from_mins(1);

/// Fields in their order; a name may come more than once.
#[derive(Debug, Clone, Default)]
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// Those of a query.
    ///
    /// # Errors
    /// 400 if it is not UTF-8 once decoded.
    pub fn of_query(query: &str) -> Result<Self, Refusal> {
        if !path::is_text(query) {
            return Err(Refusal::bad("The address is not UTF-8 once decoded."));
        }
        whole(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// The value of a field that comes once; empty if it is missing. White space around it does not count.
    ///
    /// # Errors
    /// 400 if it comes more than once.
    pub fn text(&self, name: &str) -> Result<&str, Refusal> {
        let mut values = self.all(name);
        let value = values.next().unwrap_or_default();
        match values.next() {
            None => Ok(value.trim()),
            Some(_) => Err(Refusal::bad("A field that has one value came with two. Go back and send the form again.")),
        }
    }

    /// The values of a field that may come more than once.
    pub fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(given, _)| given == name).map(|(_, value)| value.as_str())
    }

    /// Whether there is a field of this name.
    pub fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// Every field.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The same as a query, with these fields instead of those of the same names; empty values are left out.
    pub fn query_with(&self, changed: &[(&str, &str)]) -> String {
        let kept = self.iter().filter(|(name, _)| !changed.iter().any(|(other, _)| other == name));
        let all = kept.chain(changed.iter().copied()).filter(|(_, value)| !value.is_empty());
        form_urlencoded::Serializer::new(String::new()).extend_pairs(all).finish()
    }
}

/// Fields of text that every database keeps: PostgreSQL has no U+0000.
fn whole(fields: Vec<(String, String)>) -> Result<Fields, Refusal> {
    if fields.iter().any(|(name, value)| name.contains('\0') || value.contains('\0')) {
        return Err(Refusal::bad(
            "A field holds the character U+0000, which no text has. Take it out and send it again.",
        ));
    }
    Ok(Fields(fields))
}

/// The fields of a form that is sent.
///
/// # Errors
/// 400, 413, 415.
pub async fn read(headers: &HeaderMap, payload: web::Payload) -> Result<Fields, Refusal> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let boundary = upload::boundary(kind);
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if boundary.is_none() && kind != "application/x-www-form-urlencoded" {
        return Err(Refusal::bad("This address takes forms of the console."));
    }
    let bytes = match within(PATIENCE, payload.to_bytes_limited(limits::FORM_BYTES)).await {
        Ok(Ok(Ok(bytes))) => bytes,
        Ok(Err(_exceeded)) => return Err(Refusal::TooLarge),
        Ok(Ok(Err(_))) | Err(_) => return Err(Refusal::bad("The form did not arrive whole. Send it again.")),
    };
    if let Some(boundary) = boundary {
        return parts(&bytes, boundary);
    }
    let text = std::str::from_utf8(&bytes).ok().filter(|text| path::is_text(text));
    let text = text.ok_or_else(|| Refusal::bad("The form is not UTF-8."))?;
    whole(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
}

/// The fields of a form with files, a file as the text it holds.
fn parts(body: &[u8], boundary: &str) -> Result<Fields, Refusal> {
    let parts = upload::parts(body, boundary).ok_or_else(|| Refusal::bad("The form did not arrive whole."))?;
    let read = |part: upload::Part<'_>| {
        let text = upload::text(part.content)
            .ok_or_else(|| Refusal::bad("The file is not text. Save the table as CSV in UTF-8, and send that."))?;
        Ok((part.name, text))
    };
    whole(parts.into_iter().map(read).collect::<Result<Vec<_>, Refusal>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_one_value_is_not_read_from_two() {
        let fields = Fields::of_query("a=1&b=%20x%20&a=2&c=").unwrap();
        assert!(fields.text("a").is_err());
        assert_eq!(fields.text("b").unwrap(), "x");
        assert_eq!(fields.text("missing").unwrap(), "");
        assert_eq!(fields.all("a").collect::<Vec<_>>(), ["1", "2"]);
    }

    #[test]
    fn what_no_database_keeps_is_no_text() {
        assert!(Fields::of_query("q=a%00b").is_err() && Fields::of_query("%00=a").is_err());
        assert!(Fields::of_query("q=a%01b").is_ok());
    }

    #[test]
    fn a_query_is_kept_but_for_what_changes() {
        let fields = Fields::of_query("state=active&after=x&q=a%26b").unwrap();
        assert_eq!(fields.query_with(&[("after", ""), ("sort", "name")]), "state=active&q=a%26b&sort=name");
    }
}

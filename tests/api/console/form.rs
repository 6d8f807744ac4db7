//! The forms of a page as a browser would send them: every field it has, with the value that stands in it.

use super::Browser;
use super::browser::{Shown, unescaped};

/// A form, filled in.
#[derive(Debug, Clone)]
pub struct Form {
    path: String,
    fields: Vec<(String, String)>,
}

/// The value of an attribute of a tag.
fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    Some(unescaped(rest.split('"').next()?))
}

fn has(tag: &str, word: &str) -> bool {
    tag.split_whitespace().any(|part| part == word)
}

/// What a form holds, in the order of the page.
fn fields(form: &str) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let mut rest = form;
    while let Some((_, after)) = rest.split_once('<') {
        let (tag, content) = after.split_once('>').unwrap_or((after, ""));
        rest = content;
        let Some(name) = attribute(tag, "name") else { continue };
        let value = attribute(tag, "value");
        if tag.starts_with("input") {
            let kind = attribute(tag, "type").unwrap_or_default();
            let is_ticked = has(tag, "checked");
            match kind.as_str() {
                "file" | "submit" => {}
                "checkbox" | "radio" if !is_ticked => {}
                "checkbox" | "radio" => fields.push((name, value.unwrap_or_else(|| "on".to_owned()))),
                _ => fields.push((name, value.unwrap_or_default())),
            }
        } else if tag.starts_with("textarea") {
            let text = content.split("</textarea>").next().unwrap_or_default();
            fields.push((name, unescaped(text.strip_prefix('\n').unwrap_or(text))));
        } else if tag.starts_with("select") {
            let options = content.split("</select>").next().unwrap_or_default();
            let mut tags = options.split("<option").skip(1).map(|rest| rest.split('>').next().unwrap_or_default());
            let first = tags.clone().next();
            let chosen = tags.find(|tag| has(tag, "selected")).or(first);
            fields.extend(chosen.map(|tag| (name, attribute(tag, "value").unwrap_or_default())));
        }
    }
    fields
}

impl Shown {
    /// The form of this page that is sent to an address which ends so; an empty end: to the page itself.
    #[track_caller]
    pub fn form(&self, end: &str) -> Form {
        let forms = self.html.split("<form").skip(1).map(|rest| rest.split("</form>").next().unwrap_or(rest));
        let posts = forms.filter(|form| form.split('>').next().is_some_and(|tag| tag.contains("method=\"post\"")));
        let mut found = posts.filter_map(|form| {
            let tag = form.split('>').next().unwrap_or_default();
            let path = match attribute(tag, "action") {
                None if end.is_empty() => self.path.clone(),
                Some(action) if !end.is_empty() && action.ends_with(end) => action,
                _ => return None,
            };
            Some(Form { path, fields: fields(form) })
        });
        found.next().unwrap_or_else(|| panic!("no form for `{end}` on {}: {}", self.path, self.html))
    }
}

impl Form {
    /// A form that a page offers no more, or to others only.
    pub fn made_up(path: &str, token: &str) -> Self {
        Self { path: path.to_owned(), fields: vec![("token".to_owned(), token.to_owned())] }
    }

    /// With something typed or chosen; empty text unticks.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        match self.fields.iter_mut().find(|(given, _)| given == name) {
            Some(field) => value.clone_into(&mut field.1),
            None => self.fields.push((name.to_owned(), value.to_owned())),
        }
        self
    }

    /// Where it goes.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Sends it.
    pub fn send(&self, browser: &Browser) -> Shown {
        let fields: Vec<(&str, &str)> =
            self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        browser.post(&self.path, &fields)
    }
}

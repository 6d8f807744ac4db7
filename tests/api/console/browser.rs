//! A browser without a window: keeps cookies, says where its forms come from, follows nothing.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use ureq::http::HeaderMap;

use crate::support::Server;

/// A browser of its own.
pub struct Browser {
    base: String,
    cookies: RefCell<BTreeMap<String, String>>,
}

/// What is shown.
#[derive(Debug, Clone)]
pub struct Shown {
    pub status: u16,
    pub headers: HeaderMap,
    pub html: String,
    pub path: String,
}

impl Browser {
    pub fn new(server: &Server) -> Self {
        Self { base: server.url.clone(), cookies: RefCell::default() }
    }

    /// Looks at a page.
    pub fn get(&self, path: &str) -> Shown {
        self.send("GET", path, &[], None)
    }

    /// Looks at a page that must be there and well made.
    #[track_caller]
    pub fn page(&self, path: &str) -> Shown {
        let shown = self.get(path).expect(200);
        shown.assert_well_made();
        shown
    }

    /// Sends a form as its own page would.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Shown {
        let origin = self.base.clone();
        let headers = [("Origin", origin.as_str()), ("Sec-Fetch-Site", "same-origin")];
        self.send("POST", path, &headers, Some(&form(fields)))
    }

    /// Sends a form of a page as browsers do: with the page's token and what else is hidden in the form, unless it is given.
    #[track_caller]
    pub fn submit(&self, page: &str, path: &str, fields: &[(&str, &str)]) -> Shown {
        self.page(page).send(self, path, fields)
    }

    /// Any request.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&str>) -> Shown {
        let config = ureq::Agent::config_builder().http_status_as_error(false).max_redirects(0);
        let agent: ureq::Agent = config.max_redirects_will_error(false).build().into();
        let mut request = ureq::http::Request::builder().method(method).uri(format!("{}{path}", self.base));
        let cookies = self.cookies.borrow().iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>();
        if !cookies.is_empty() {
            request = request.header("Cookie", cookies.join("; "));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = match body {
            Some(body) => {
                let own = headers.iter().any(|(name, _)| *name == "Content-Type");
                let form = "application/x-www-form-urlencoded";
                let request = if own { request } else { request.header("Content-Type", form) };
                agent.run(request.body(body.to_owned()).unwrap())
            }
            None => agent.run(request.body(()).unwrap()),
        }
        .unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        for cookie in response.headers().get_all("set-cookie") {
            let text = cookie.to_str().unwrap();
            assert!(text.starts_with("__Host-") && text.contains("; Path=/; Secure; HttpOnly; SameSite=Lax"), "{text}");
            let (name, value) = text.split(';').next().unwrap().split_once('=').unwrap();
            if text.contains("Max-Age=0") {
                self.cookies.borrow_mut().remove(name);
            } else {
                self.cookies.borrow_mut().insert(name.to_owned(), value.to_owned());
            }
        }
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let html = response.body_mut().with_config().limit(16 * 1024 * 1024).read_to_string().unwrap();
        Shown { status, headers, html, path: path.to_owned() }
    }

    /// A cookie, and what it is set to.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.borrow().get(name).cloned()
    }

    pub fn set_cookie(&self, name: &str, value: &str) {
        self.cookies.borrow_mut().insert(name.to_owned(), value.to_owned());
    }
}

/// Fields as a form sends them.
pub fn form(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

impl Shown {
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}: {}", self.path, self.text());
        self
    }

    /// Where it leads.
    #[track_caller]
    pub fn location(&self) -> &str {
        assert_eq!(self.status, 303, "{}: {}", self.path, self.text());
        self.headers["location"].to_str().unwrap()
    }

    /// The token its forms are marked with.
    #[track_caller]
    pub fn token(&self) -> String {
        self.value("token")
    }

    /// The value of a field, hidden or not.
    #[track_caller]
    pub fn value(&self, name: &str) -> String {
        let (_, rest) = self
            .html
            .split_once(&format!("name=\"{name}\""))
            .unwrap_or_else(|| panic!("no field {name} on {}: {}", self.path, self.html));
        let tag = rest.split('>').next().unwrap();
        let (_, value) = tag.split_once("value=\"").unwrap_or_else(|| panic!("no value: {tag}"));
        unescaped(value.split('"').next().unwrap())
    }

    /// Sends a form of what is shown, however long ago it was; as [`Browser::submit`].
    pub fn send(&self, browser: &Browser, path: &str, fields: &[(&str, &str)]) -> Self {
        let is_given = |name: &str| name == "token" || fields.iter().any(|(given, _)| *given == name);
        let mut all = vec![("token".to_owned(), self.token())];
        all.extend(self.hidden(path).into_iter().filter(|(name, _)| !is_given(name)));
        all.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let all: Vec<(&str, &str)> = all.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        browser.post(path, &all)
    }

    /// What is hidden in the form that goes to an address.
    fn hidden(&self, path: &str) -> Vec<(String, String)> {
        let is_meant = |form: &&str| {
            let tag = form.split('>').next().unwrap();
            let action = tag.split(" action=\"").nth(1).map(|rest| unescaped(rest.split('"').next().unwrap()));
            tag.contains("post") && action.unwrap_or_else(|| self.path.clone()) == path
        };
        let Some(form) = self.html.split("<form").skip(1).find(is_meant) else { return Vec::new() };
        let form = form.split("</form>").next().unwrap();
        let tags = form.split("<input type=\"hidden\" name=\"").skip(1).map(|rest| rest.split('>').next().unwrap());
        tags.filter_map(|tag| {
            let (name, rest) = tag.split_once("\" value=\"")?;
            Some((name.to_owned(), unescaped(rest.strip_suffix('"')?)))
        })
        .collect()
    }

    /// What people read of it.
    pub fn text(&self) -> String {
        let body = self.html.split("<main").nth(1).unwrap_or(&self.html).replace("<wbr>", "");
        let mut text = String::new();
        let mut in_tag = true;
        for c in body.chars() {
            match c {
                '<' => in_tag = true,
                '>' if in_tag => {
                    in_tag = false;
                    text.push(' ');
                }
                _ if in_tag => {}
                _ => text.push(c),
            }
        }
        // Marks around names are not read.
        let text = text.replace(['\u{2068}', '\u{2069}'], "");
        unescaped(&text.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    #[track_caller]
    pub fn says(self, sentence: &str) -> Self {
        assert!(self.text().contains(sentence), "{} does not say `{sentence}`: {}", self.path, self.text());
        self
    }

    /// What holds of every page: one heading, names for all fields, nothing inline, small enough.
    #[track_caller]
    pub fn assert_well_made(&self) {
        let (html, path) = (&self.html, &self.path);
        assert!(html.starts_with("<!doctype html>") && html.contains("<html lang=\"en\""), "{path}");
        assert_eq!(html.matches("<h1").count(), 1, "{path}: one heading");
        assert!(html.len() <= 100_000, "{path}: {} bytes", html.len());
        for forbidden in [" style=", "<style", " onclick", " onload", " onerror", "<iframe", "http-equiv"] {
            assert!(!html.contains(forbidden), "{path}: {forbidden}");
        }
        for script in html.split("<script").skip(1) {
            assert!(script.starts_with(" src=\"/assets/") && script.contains("></script>"), "{path}: {script:.80}");
        }
        let attributes = |name: &str| -> Vec<String> {
            let mark = format!(" {name}=\"");
            html.split(&mark).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
        };
        let ids: Vec<String> = attributes("id");
        let set: BTreeSet<&String> = ids.iter().collect();
        assert_eq!(ids.len(), set.len(), "{path}: an id stands twice");
        let named = attributes("for").into_iter().chain(attributes("aria-labelledby"));
        let described = attributes("aria-describedby").into_iter();
        let described = described.flat_map(|ids| ids.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        let copied = attributes("data-copy");
        for id in named.chain(described).chain(copied) {
            assert!(set.contains(&id), "{path}: `{id}` names nothing");
        }
        let labels: BTreeSet<String> = attributes("for").into_iter().collect();
        for kind in ["<input", "<select", "<textarea"] {
            for tag in html.split(kind).skip(1).map(|rest| rest.split('>').next().unwrap()) {
                let id = tag.split(" id=\"").nth(1).and_then(|rest| rest.split('"').next());
                let is_named = tag.contains("type=\"hidden\"")
                    || tag.contains("aria-label=")
                    || id.is_some_and(|id| labels.contains(id));
                assert!(is_named, "{path}: a field without a label: {kind}{tag}");
            }
        }
        for tag in html.split("<button").skip(1) {
            assert!(tag.split('>').next().unwrap().contains(" type=\""), "{path}: a button without a type");
        }
        for form in html.split("<form").skip(1).filter(|form| form.split('>').next().unwrap().contains("post")) {
            assert!(form.split("</form>").next().unwrap().contains("name=\"token\""), "{path}: a form without a token");
        }
        assert_eq!(
            html.matches("<table").count(),
            html.matches("<caption").count(),
            "{path}: a table without a caption"
        );
        for address in attributes("href").into_iter().chain(attributes("src")).chain(attributes("action")) {
            let ours = address.starts_with('/') && !address.starts_with("//") || address.starts_with(['#', '?']);
            assert!(ours, "{path}: `{address}` leads away");
        }
    }
}

pub fn unescaped(text: &str) -> String {
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
    let text = text.replace("&#10;", "\n").replace("&#13;", "\r");
    text.replace("&#34;", "\"").replace("&#60;", "<").replace("&#62;", ">").replace("&#38;", "&").replace("&amp;", "&")
}

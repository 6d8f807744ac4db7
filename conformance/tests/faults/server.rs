//! A SCIM server of a few lines: users and groups in memory, without PATCH, filters, versions or bulk.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// Something it does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    IdFromTheClient,
    MetaFromTheClient,
    PasswordReturned,
    NoLocation,
    PutCreates,
    ErrorsAsText,
    NothingIsUnique,
    OneOrganization,
    PutForgetsActive,
}

/// A server that answers until the test ends.
pub struct Server {
    pub url: String,
    state: Arc<Mutex<State>>,
}

struct State {
    url: String,
    fault: Option<Fault>,
    next: u32,
    /// By organization (its token) and path.
    resources: BTreeMap<(String, String), Value>,
}

struct Asked {
    method: String,
    path: String,
    token: String,
    body: Value,
}

/// Status, body, and whether `Location` goes with it.
type Answer = (u16, Value, bool);

impl Server {
    pub fn start(fault: Option<Fault>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/scim", listener.local_addr().unwrap());
        let state = State { url: url.clone(), fault, next: 0, resources: BTreeMap::new() };
        let state = Arc::new(Mutex::new(state));
        let served = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, state) = (stream.unwrap(), Arc::clone(&served));
                std::thread::spawn(move || serve(stream, &state));
            }
        });
        Self { url, state }
    }

    pub fn resources(&self) -> usize {
        self.state.lock().unwrap().resources.len()
    }
}

fn serve(mut stream: TcpStream, state: &Mutex<State>) {
    let Some(asked) = read(&stream) else { return };
    let mut state = state.lock().unwrap();
    let (status, body, located) = state.answer(&asked);
    let text = if status == 204 {
        String::new()
    } else if status >= 400 && state.fault == Some(Fault::ErrorsAsText) {
        format!("error {status}")
    } else {
        body.to_string()
    };
    let location = body["meta"]["location"].as_str().filter(|_| located && state.fault != Some(Fault::NoLocation));
    let location = location.map(|location| format!("Location: {location}\r\n")).unwrap_or_default();
    let head = format!("HTTP/1.1 {status} X\r\nContent-Type: application/scim+json\r\nConnection: close\r\n{location}");
    let _gone = write!(stream, "{head}Content-Length: {}\r\n\r\n{text}", text.len());
}

fn read(stream: &TcpStream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (mut token, mut length) = (String::new(), 0);
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(": ") else { break };
        match name.to_lowercase().as_str() {
            "authorization" => value.trim_start_matches("Bearer ").clone_into(&mut token),
            "content-length" => length = value.parse().ok()?,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let path = target.strip_prefix("/scim")?.split('?').next()?.to_owned();
    Some(Asked { method, path, token, body: serde_json::from_slice(&body).unwrap_or(Value::Null) })
}

fn error(status: u16, scim_type: &str) -> Answer {
    let body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": status.to_string(), "scimType": scim_type, "detail": "this cannot be done",
    });
    (status, body, false)
}

/// Nobody looks for anybody who is there: `filter` is announced as missing.
fn empty_list() -> Answer {
    let schemas = json!(["urn:ietf:params:scim:api:messages:2.0:ListResponse"]);
    let list = json!({ "schemas": schemas, "totalResults": 0, "startIndex": 1, "itemsPerPage": 0, "Resources": [] });
    (200, list, false)
}

impl State {
    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    fn answer(&mut self, asked: &Asked) -> Answer {
        if !["good", "other"].contains(&asked.token.as_str()) {
            return error(401, "");
        }
        let organization = if self.has(Fault::OneOrganization) { "all" } else { &asked.token }.to_owned();
        let key = (organization.clone(), asked.path.clone());
        let is_collection = ["/Users", "/Groups"].contains(&asked.path.as_str());
        match asked.method.as_str() {
            "GET" if asked.path == "/ServiceProviderConfig" => {
                let no = json!({ "supported": false });
                (200, json!({ "patch": no, "bulk": no, "filter": no, "sort": no, "etag": no }), false)
            }
            "GET" if is_collection => empty_list(),
            "GET" => self.resources.get(&key).map_or_else(|| error(404, ""), |found| (200, found.clone(), false)),
            "POST" if is_collection => self.create(&key, &asked.body),
            "PUT" if self.resources.contains_key(&key) || self.has(Fault::PutCreates) => {
                self.replace(&key, &asked.body)
            }
            "DELETE" if self.resources.remove(&key).is_some() => (204, Value::Null, false),
            _ => error(404, ""),
        }
    }

    fn is_taken(&self, key: &(String, String), body: &Value) -> bool {
        let same = |value: &Value| body["userName"].is_string() && value["userName"] == body["userName"];
        let mut others = self.resources.iter().filter(|(other, _)| other.0 == key.0 && *other != key);
        !self.has(Fault::NothingIsUnique) && others.any(|(_, value)| same(value))
    }

    fn create(&mut self, key: &(String, String), body: &Value) -> Answer {
        if body["userName"].is_null() && body["displayName"].is_null() {
            return error(400, "invalidValue");
        }
        if self.is_taken(key, body) {
            return error(409, "uniqueness");
        }
        self.next += 1;
        let chosen = body["id"].as_str().filter(|_| self.has(Fault::IdFromTheClient));
        let id = chosen.map_or_else(|| format!("r{}", self.next), str::to_owned);
        let key = (key.0.clone(), format!("{}/{id}", key.1));
        self.store(&key, body);
        (201, self.resources.get(&key).unwrap().clone(), true)
    }

    fn replace(&mut self, key: &(String, String), body: &Value) -> Answer {
        if self.is_taken(key, body) {
            return error(409, "uniqueness");
        }
        let mut body = body.clone();
        if self.has(Fault::PutForgetsActive) {
            body["active"] = json!(true);
        }
        self.store(key, &body);
        (200, self.resources.get(key).unwrap().clone(), false)
    }

    fn store(&mut self, key: &(String, String), body: &Value) {
        let (collection, id) = key.1.rsplit_once('/').unwrap();
        let mut stored = json!({ "active": true });
        for (name, value) in body.as_object().unwrap().iter().filter(|(_, value)| !value.is_null()) {
            stored[name] = value.clone();
        }
        stored["id"] = json!(id);
        if !self.has(Fault::MetaFromTheClient) || stored["meta"].is_null() {
            let kind = if collection == "/Users" { "User" } else { "Group" };
            let location = format!("{}{}", self.url, key.1);
            let time = "2026-03-31T12:00:00Z";
            stored["meta"] =
                json!({ "resourceType": kind, "created": time, "lastModified": time, "location": location });
        }
        for read_only in ["groups", "password"] {
            if read_only == "groups" || !self.has(Fault::PasswordReturned) {
                stored.as_object_mut().unwrap().remove(read_only);
            }
        }
        self.resources.insert(key.clone(), stored);
    }
}

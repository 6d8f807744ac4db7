//! The server against a simple model of it: random requests, then equal resources and equal filter results.

use std::collections::{BTreeMap, BTreeSet};

use muster::scim::filter::{Filter, eval};
use muster::scim::schema::ResourceTypes;
use muster::scim::{ScimError, Switches, patch, resource};
use serde_json::{Map, Value, json};

use crate::support::{Client, Dice, ENTERPRISE, Server, ids, is_long};

type Document = Map<String, Value>;

const WORDS: [&str; 8] = ["a", "A", "b", "ab", "Ä", "ä b", "%", "c_"];
const KINDS: [&str; 3] = ["work", "home", "Work"];

/// What the server should hold: documents by the pure protocol, members as sets.
struct Model {
    types: ResourceTypes,
    users: BTreeMap<String, Document>,
    groups: BTreeMap<String, (Document, BTreeSet<String>)>,
    gone: Vec<String>,
}

impl Model {
    fn taken(&self, id: Option<&str>, document: &Document) -> bool {
        let key = |document: &Document| muster::model::fold(document["userName"].as_str().unwrap());
        self.users.iter().any(|(other, known)| Some(other.as_str()) != id && key(known) == key(document))
    }

    fn name_taken(&self, id: Option<&str>, document: &Document) -> bool {
        let key = |document: &Document| muster::model::fold(document["displayName"].as_str().unwrap());
        self.groups.iter().any(|(other, (known, _))| Some(other.as_str()) != id && key(known) == key(document))
    }

    /// A user as it is read, but for `meta`.
    fn user(&self, id: &str) -> Value {
        let mut whole = Value::Object(self.users[id].clone());
        let groups = self.groups.iter().filter(|(_, (_, members))| members.contains(id));
        whole["id"] = json!(id);
        whole["groups"] = groups
            .map(|(group, (document, _))| json!({ "value": group, "display": document["displayName"], "type": "direct" }))
            .collect();
        whole
    }

    /// A group as it is read, but for `meta`.
    fn group(&self, id: &str) -> Value {
        let (document, members) = &self.groups[id];
        let mut whole = Value::Object(document.clone());
        whole["id"] = json!(id);
        whole["members"] = members.iter().map(|member| json!({ "value": member, "type": "User" })).collect();
        whole
    }
}

/// What was read, without what only the server knows.
fn comparable(mut read: Value) -> Value {
    read.as_object_mut().unwrap().remove("meta");
    for list in ["groups", "members"] {
        for element in read.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            element.as_object_mut().unwrap().remove("$ref");
        }
    }
    read
}

fn word(dice: &mut Dice) -> &'static str {
    dice.pick(&WORDS)
}

fn name(dice: &mut Dice) -> String {
    format!("{}{}", word(dice).trim(), dice.below(6))
}

fn emails(dice: &mut Dice) -> Value {
    (0..dice.below(3)).map(|_| json!({ "value": format!("{}@x.io", word(dice)), "type": dice.pick(&KINDS) })).collect()
}

fn user_body(dice: &mut Dice) -> Value {
    let mut body = json!({ "userName": name(dice) });
    for attribute in ["externalId", "title", "displayName", "nickName"] {
        if !dice.once_in(2) {
            body[attribute] = json!(word(dice));
        }
    }
    if dice.once_in(2) {
        body["emails"] = emails(dice);
    }
    if dice.once_in(2) {
        body["name"] = json!({ "givenName": word(dice), "familyName": word(dice) });
    }
    if dice.once_in(3) {
        body["active"] = json!(dice.once_in(2));
    }
    if dice.once_in(3) {
        body[ENTERPRISE] = json!({ "department": word(dice), "manager": { "value": word(dice) } });
    }
    body
}

fn user_operation(dice: &mut Dice) -> Value {
    let op = dice.pick(&["add", "replace", "Replace", "remove"]);
    let value = match dice.below(4) {
        0 => json!(word(dice)),
        1 => json!(dice.once_in(2)),
        2 => emails(dice),
        _ => user_body(dice),
    };
    let kind = dice.pick(&KINDS);
    let paths = [
        "title",
        "userName",
        "name.givenName",
        "name",
        "active",
        "emails",
        "externalId",
        "shoeSize",
        "groups",
        &format!("emails[type eq \"{kind}\"]"),
        &format!("emails[type eq \"{kind}\"].value"),
        &format!("{ENTERPRISE}:department"),
        &format!("{ENTERPRISE}:manager"),
    ];
    match dice.below(8) {
        0 if op != "remove" => json!({ "op": op, "value": user_body(dice) }),
        _ if op == "remove" => json!({ "op": op, "path": dice.pick(&paths) }),
        _ => json!({ "op": op, "path": dice.pick(&paths), "value": value }),
    }
}

fn filter(dice: &mut Dice, model: &Model, depth: usize) -> String {
    let some_id = |dice: &mut Dice, ids: Vec<&String>| match ids.len() {
        0 => "none".to_owned(),
        length => ids[dice.below(length)].clone(),
    };
    match dice.below(if depth == 0 { 7 } else { 10 }) {
        0 | 1 => {
            let path = dice
                .pick(&[
                    "userName",
                    "externalId",
                    "title",
                    "emails",
                    "emails.value",
                    "emails.type",
                    "name.givenName",
                    "displayName",
                    &format!("{ENTERPRISE}:department"),
                ])
                .to_owned();
            let orders = if path == "emails" { 0 } else { 2 };
            let operator = dice.pick(&["eq", "eq", "ne", "co", "sw", "ew", "gt", "le"][..6 + orders]);
            let value = if path.starts_with("emails") && !path.ends_with("type") {
                format!("{}@x.io", word(dice))
            } else {
                name_or_word(dice)
            };
            format!("{path} {operator} \"{value}\"")
        }
        2 => format!("userName eq \"{}\"", name(dice)),
        3 => format!("{} pr", dice.pick(&["title", "emails", "groups", "name", "externalId"])),
        4 => format!("active eq {}", dice.once_in(2)),
        5 => format!(
            "emails[type eq \"{}\" and value {} \"{}@x.io\"]",
            dice.pick(&KINDS),
            dice.pick(&["eq", "sw", "ne"]),
            word(dice)
        ),
        6 => match dice.below(2) {
            0 => format!("id eq \"{}\"", some_id(dice, model.users.keys().collect())),
            _ => format!("groups.value eq \"{}\"", some_id(dice, model.groups.keys().collect())),
        },
        7 => format!("({} and {})", filter(dice, model, depth - 1), filter(dice, model, depth - 1)),
        8 => format!("({} or {})", filter(dice, model, depth - 1), filter(dice, model, depth - 1)),
        _ => format!("not ({})", filter(dice, model, depth - 1)),
    }
}

fn name_or_word(dice: &mut Dice) -> String {
    if dice.once_in(2) { name(dice) } else { word(dice).to_owned() }
}

/// One random request on users, by the server and by the model.
fn step_user(dice: &mut Dice, client: &Client, model: &mut Model) {
    let kind = model.types.user.clone();
    let known: Vec<String> = model.users.keys().cloned().collect();
    if known.len() < 4 || (known.len() < 24 && dice.once_in(4)) {
        let body = user_body(dice);
        let mut document = resource::create(&Switches::DEFAULT, &kind, body.clone()).unwrap().document;
        document.entry("active").or_insert(json!(true));
        let answer = client.post("/Users", &body);
        if model.taken(None, &document) {
            answer.expect_error(409, "uniqueness");
        } else {
            model.users.insert(answer.expect(201).id(), document);
        }
        return;
    }
    let id = &known[dice.below(known.len())];
    let path = format!("/Users/{id}");
    let current = model.users[id].clone();
    let (answer, expected): (_, Result<Document, ScimError>) = match dice.below(10) {
        0 => {
            client.delete(&path).expect(204);
            model.users.remove(id);
            model.gone.push(id.clone());
            model.groups.values_mut().for_each(|(_, members)| {
                members.remove(id);
            });
            return;
        }
        1..=3 => {
            let body = user_body(dice);
            let replaced = resource::replace(&Switches::DEFAULT, &kind, &current, body.clone()).map(|incoming| {
                let mut document = incoming.document;
                if !document.contains_key("active") {
                    document.extend(current.get_key_value("active").map(|(name, value)| (name.clone(), value.clone())));
                }
                document
            });
            (client.put(&path, &body), replaced)
        }
        _ => {
            let operations: Value = (0..=dice.below(3)).map(|_| user_operation(dice)).collect();
            let patched = patch::parse(&Switches::DEFAULT, operations.clone())
                .and_then(|operations| patch::apply(&Switches::DEFAULT, &kind, &current, &operations))
                .map(|patched| patched.document);
            (client.patch(&path, &operations), patched)
        }
    };
    match expected {
        Err(error) => {
            answer.expect_error(error.status(), error.scim_type().map_or("", |kind| kind.as_str()));
        }
        Ok(document) if model.taken(Some(id), &document) => {
            answer.expect_error(409, "uniqueness");
        }
        Ok(document) => {
            model.users.insert(id.clone(), document);
            assert_eq!(comparable(answer.expect(200).json()), model.user(id));
        }
    }
}

/// One random request on groups, by the server and by the model.
fn step_group(dice: &mut Dice, client: &Client, model: &mut Model) {
    let kind = model.types.group.clone();
    let people: Vec<String> = model.users.keys().cloned().collect();
    let (some, _) = people.iter().partition::<Vec<&String>, _>(|_| dice.once_in(3));
    let mut named: Vec<&String> = some;
    named.extend(model.gone.last().filter(|_| dice.once_in(4)));
    let wanted: BTreeSet<String> =
        named.iter().filter(|id| model.users.contains_key(**id)).map(|id| (*id).clone()).collect();
    let rows: Vec<Value> = named.iter().map(|id| json!({ "value": id })).collect();
    let known: Vec<String> = model.groups.keys().cloned().collect();
    let body = json!({ "displayName": name(dice), "members": rows });
    if known.len() < 2 || (known.len() < 6 && dice.once_in(4)) {
        let document = resource::create(&Switches::DEFAULT, &kind, body.clone()).unwrap().document;
        let answer = client.post("/Groups", &body);
        if model.name_taken(None, &document) {
            answer.expect_error(409, "uniqueness");
        } else {
            model.groups.insert(answer.expect(201).id(), (document, wanted));
        }
        return;
    }
    let id = &known[dice.below(known.len())];
    let path = format!("/Groups/{id}");
    let (current, mut members) = model.groups[id].clone();
    let (answer, document) = match dice.below(8) {
        0 => {
            client.delete(&path).expect(204);
            model.groups.remove(id);
            return;
        }
        1 => {
            members = wanted;
            (client.put(&path, &body), resource::replace(&Switches::DEFAULT, &kind, &current, body).unwrap().document)
        }
        2 => {
            members = wanted;
            (client.patch(&path, &json!([{ "op": "replace", "path": "members", "value": rows }])), current)
        }
        3 => {
            members.clear();
            (client.patch(&path, &json!([{ "op": "remove", "path": "members" }])), current)
        }
        4 | 5 => {
            members.retain(|id| !wanted.contains(id));
            let operations: Vec<Value> = if dice.once_in(2) {
                named
                    .iter()
                    .map(|id| json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") }))
                    .collect()
            } else {
                vec![json!({ "op": "remove", "path": "members", "value": rows })]
            };
            if operations.is_empty() || rows.is_empty() {
                return;
            }
            (client.patch(&path, &Value::from(operations)), current)
        }
        _ => {
            members.extend(wanted);
            (client.patch(&path, &json!([{ "op": "add", "path": "members", "value": rows }])), current)
        }
    };
    if model.name_taken(Some(id), &document) {
        answer.expect_error(409, "uniqueness");
    } else {
        model.groups.insert(id.clone(), (document, members));
        assert_eq!(comparable(answer.expect(200).json()), model.group(id));
    }
}

/// Narrowed by an index and then evaluated over HTTP, or evaluated alone on every document: the same people.
fn compare_filter(dice: &mut Dice, client: &Client, model: &Model) {
    let text = filter(dice, model, 3);
    let condition =
        Filter::parse(&text, &Switches::DEFAULT).unwrap().resolve(&model.types.user, &Switches::DEFAULT).unwrap();
    let expected: Vec<&String> = model.users.keys().filter(|id| eval(&condition, &model.user(id))).collect();
    let page = client.filter("/Users", &text).expect(200).json();
    assert_eq!(ids(&page).iter().collect::<Vec<_>>(), expected, "{text}");
    assert_eq!(page["totalResults"], expected.len(), "{text}");

    let words = [name_or_word(dice), name(dice)];
    let member = dice.pick(&model.users.keys().collect::<Vec<_>>()).clone();
    let text = match dice.below(4) {
        0 => format!("members eq \"{member}\" and displayName ne \"{}\"", words[0]),
        1 => format!("displayName eq \"{}\" or displayName eq \"{}\"", words[0], words[1]),
        2 => format!("not (members.value eq \"{member}\")"),
        _ => format!("displayName sw \"{}\" and members pr", words[0]),
    };
    let condition =
        Filter::parse(&text, &Switches::DEFAULT).unwrap().resolve(&model.types.group, &Switches::DEFAULT).unwrap();
    let expected: Vec<&String> = model.groups.keys().filter(|id| eval(&condition, &model.group(id))).collect();
    assert_eq!(client.found("/Groups", &text).iter().collect::<Vec<_>>(), expected, "{text}");
}

// Requirements 32, 33, 34, 46, 54
on_both_databases! {
    fn random_requests_leave_what_the_model_says_and_filters_find_it(database: &Database) {
        let server = Server::start(database);
        let client = server.organization("acme").client;
        let mut dice = Dice::new();
        let mut model = Model {
            types: ResourceTypes::builtin().unwrap(),
            users: BTreeMap::new(),
            groups: BTreeMap::new(),
            gone: Vec::new(),
        };
        // A write and two filters each: a million in all.
        for _ in 0..if is_long() { 333_334 } else { 400 } {
            if dice.once_in(3) {
                step_group(&mut dice, &client, &mut model);
            } else {
                step_user(&mut dice, &client, &mut model);
            }
            if !model.users.is_empty() {
                compare_filter(&mut dice, &client, &model);
            }
        }
        for id in model.users.keys() {
            assert_eq!(comparable(client.get(&format!("/Users/{id}")).expect(200).json()), model.user(id));
        }
        for id in model.groups.keys() {
            assert_eq!(comparable(client.get(&format!("/Groups/{id}")).expect(200).json()), model.group(id));
        }
        let listed: Vec<Value> = client.get("/Users").expect(200).json()["Resources"].as_array().unwrap().clone();
        let expected: Vec<Value> = model.users.keys().map(|id| model.user(id)).collect();
        assert_eq!(listed.into_iter().map(comparable).collect::<Vec<_>>(), expected);
    }
}

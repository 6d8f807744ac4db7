//! Many people at once: looked at by name first, then each with a result.

use serde_json::json;

use super::{Browser, person, recovery_administrator};
use crate::support::Server;
use crate::support::rows::all_rows;
use crate::support::user;

const FORM: &str = "/o/acme/people/many";
const DONE: &str = "/o/acme/people/many/done";

/// Adds local people.
fn add(browser: &Browser, names: &[&str]) {
    for name in names {
        let email = format!("{name}@example.com");
        browser
            .submit("/o/acme/people/new", "/o/acme/people/new", &[("userName", name), ("email", &email)])
            .expect(303);
    }
}

/// Makes a local group and answers its id.
fn group(browser: &Browser, name: &str) -> String {
    let made = browser.submit("/o/acme/groups/new", "/o/acme/groups", &[("name", name)]);
    made.location().rsplit('/').next().unwrap().to_owned()
}

/// The values of a field that is there more than once.
fn values(html: &str, name: &str) -> Vec<String> {
    let field = format!("name=\"{name}\" value=\"");
    let parts = html.split(&field).skip(1);
    parts.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

/// Sends what a preview shows, as its button does.
#[track_caller]
fn confirm(browser: &Browser, preview: &super::browser::Shown) -> super::browser::Shown {
    let token = preview.token();
    let mut fields = vec![("token".to_owned(), token)];
    for name in ["act", "group", "to"] {
        fields.push((name.to_owned(), preview.value(name)));
    }
    if preview.html.contains("name=\"more\"") {
        fields.push(("more".to_owned(), preview.value("more")));
    }
    fields.extend(values(&preview.html, "person").into_iter().map(|id| ("person".to_owned(), id)));
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let shown = browser.post(DONE, &fields).expect(200);
    shown.assert_well_made();
    shown
}

on_both_databases! {
    fn people_join_move_and_leave_after_a_look_and_again_without_harm(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        add(&browser, &["ana", "kim", "lee"]);
        let (first, second) = (group(&browser, "first"), group(&browser, "second"));
        browser.page(FORM).says("Many people at once");
        let before = all_rows(database);
        let named = "ana, kim@example.com\nana\nnobody";
        let join = [("act", "join"), ("group", first.as_str()), ("names", named)];
        let preview = browser.submit(FORM, FORM, &join).expect(200);
        preview.assert_well_made();
        let preview = preview.says("2 of 4 people would be added to first").says("The same person as number 1");
        let preview = preview.says("Nobody here is called so").says("Nothing is assigned to first itself");
        assert_eq!(all_rows(database), before, "a look changes nothing");
        confirm(&browser, &preview).says("2 people were added to first");
        confirm(&browser, &preview).says("Nobody was added to first").says("Is a member already");
        let page = browser.page(&format!("/o/acme/groups/{first}"));
        assert!(page.text().contains("ana") && page.text().contains("kim") && !page.text().contains("lee"));

        let moving = [("act", "move"), ("group", first.as_str()), ("to", second.as_str()), ("names", "ana lee\nana\nlee")];
        let preview = browser.submit(FORM, FORM, &moving).expect(200).says("1 of 3 people would be moved from first to second");
        let preview = preview.says("Is not in first");
        confirm(&browser, &preview).says("1 person was moved from first to second").says("ana");
        confirm(&browser, &preview).says("Is in second already");
        let leave = [("act", "leave"), ("group", second.as_str()), ("names", "ana")];
        let preview = browser.submit(FORM, FORM, &leave).expect(200);
        confirm(&browser, &preview).says("1 person was taken out of second");
        browser.page(&format!("/o/acme/groups/{second}")).says("Nobody is in it");
    }

    fn what_cannot_be_done_is_said_beside_each(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let boss = person(&server, acme.id, "boss", "admin");
        add(&boss, &["ana"]);
        acme.client.post("/Users", &user("okta.kim")).expect(201);
        let preview = boss.submit(FORM, FORM, &[("act", "remove"), ("names", "ana,boss,okta.kim")]).expect(200);
        let preview = preview.says("1 of 3 people would be removed").says("Comes from first");
        let preview = preview.says("Is the last administrator");
        confirm(&boss, &preview).says("1 person was removed");
        let preview = boss.submit(FORM, FORM, &[("act", "deactivate"), ("names", "boss,okta.kim")]).expect(200);
        let preview = preview.says("1 of 2 people would be deactivated").says("1 of them comes from a connection");
        confirm(&boss, &preview).says("1 person was deactivated");
        confirm(&boss, &preview).says("May do nothing already");
        boss.page("/o/acme/people?state=suspended").says("okta.kim");
        // Whoever sends the last administrator all the same is refused.
        let before = all_rows(database);
        let id = super::people::id_of(&server, acme.id, "boss");
        let sent = boss.submit(FORM, DONE, &[("act", "deactivate"), ("person", &id)]).expect(200);
        sent.says("Nobody was deactivated").says("Is the last administrator");
        assert_eq!(all_rows(database), before);
    }

    fn an_address_of_several_people_is_not_guessed(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        add(&browser, &["ana"]);
        let other = [("userName", "ana2"), ("email", "ana@example.com")];
        browser.submit("/o/acme/people/new", "/o/acme/people/new", &other).expect(303);
        let preview = browser.submit(FORM, FORM, &[("act", "deactivate"), ("names", "ana@example.com")]).expect(200);
        preview.says("2 people are meant by it").says("Nobody would be deactivated");
        browser.submit(FORM, FORM, &[("act", "deactivate"), ("names", "ana2")]).expect(200).says("1 person would be");
    }

    fn a_group_of_a_connection_is_left_to_it(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        add(&browser, &["ana"]);
        let theirs = acme.client.post("/Groups", &json!({ "displayName": "theirs" })).expect(201).id();
        let join = [("act", "join"), ("group", theirs.as_str()), ("names", "ana")];
        browser.submit(FORM, FORM, &join).expect(422).says("belongs to the connection").assert_well_made();
    }

    fn what_is_missing_is_said_and_what_was_typed_stays(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        add(&browser, &["ana"]);
        browser.submit(FORM, FORM, &[("act", "deactivate"), ("names", " ")]).expect(422).says("Nobody is named");
        let shown = browser.submit(FORM, FORM, &[("act", "join"), ("group", ""), ("names", "ana")]).expect(422);
        shown.clone().says("Choose the group").assert_well_made();
        assert!(shown.html.contains("\nana</textarea>"));
        let many = vec!["x"; 501].join(",");
        browser.submit(FORM, FORM, &[("act", "deactivate"), ("names", &many)]).expect(422).says("at most 500");
        // Ticked on the list, the group is asked for next.
        let id = super::people::id_of(&server, acme.id, "ana");
        let ticked = browser.submit("/o/acme/people", FORM, &[("act", "join"), ("person", &id)]).expect(200);
        ticked.assert_well_made();
        assert!(ticked.html.contains("\nana</textarea>"), "{}", ticked.html);
    }

    fn a_table_of_hundreds_is_uploaded_with_a_result_per_line(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        for number in 0..300 {
            acme.client.post("/Users", &user(&format!("user{number}"))).expect(201);
        }
        let target = group(&browser, "everybody");
        let lines: Vec<String> = (0..301).map(|number| format!("\"Last, First\";User{number}")).collect();
        let table = format!("\u{feff}Name;User Name\r\n{}\r\n", lines.join("\r\n"));
        let token = browser.page(FORM).token();
        let fields = [("token", token.as_str()), ("act", "join"), ("group", &target), ("names", "")];
        let part = |(name, value): (&str, &str)| {
            format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let body: String = fields.into_iter().map(part).collect();
        let body = format!(
            "{body}--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"people.csv\"\r\n\
             Content-Type: text/csv\r\n\r\n{table}\r\n--x--\r\n"
        );
        let headers = [("Origin", server.url.as_str()), ("Content-Type", "multipart/form-data; boundary=x")];
        let preview = browser.send("POST", FORM, &headers, Some(&body)).expect(200);
        preview.assert_well_made();
        let preview = preview.says("300 of 301 people would be added to everybody").says("302");
        confirm(&browser, &preview).says("300 people were added to everybody");
        let cut = body.trim_end().trim_end_matches("--x--");
        browser.send("POST", FORM, &headers, Some(cut)).expect(400);
    }

    fn the_list_tells_local_people_from_managed_ones(database: &Database) {
        let server = Server::start(database);
        let acme = server.organization("acme");
        let browser = recovery_administrator(&server, acme.id);
        add(&browser, &["local.ana"]);
        acme.client.post("/Users", &user("okta.kim")).expect(201);
        let local = browser.page("/o/acme/people?source=local").text();
        let managed = browser.page("/o/acme/people?source=managed").text();
        assert!(local.contains("local.ana") && !local.contains("okta.kim"));
        assert!(managed.contains("okta.kim") && !managed.contains("local.ana"));
    }
}

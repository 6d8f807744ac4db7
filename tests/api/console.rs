//! The console over HTTP, without a browser: what holds of every page, and page by page what it does.

mod access;
mod authorization;
mod browser;
mod editing;
mod exporting;
mod form;
mod frame;
mod hostile;
pub mod identity;
mod inviting;
mod isolation;
mod leavers;
mod many;
mod organizations;
mod overview;
mod people;
mod prepared;
mod refusing;
mod reserved;
mod rules;
mod services;
mod shown_links;
mod signing_in;
mod taking_over;
mod telling;
mod twice;

pub use browser::Browser;
pub use inviting::{invited, joined, link};

use muster::clock::Clock;
use muster::ids;
use muster::model::{Actor, Caller, OrganizationId};
use muster::scim::schema::ResourceTypes;
use muster::service::Services;
use serde_json::json;

use crate::support::Server;

/// The use cases of a server, as its own console has them.
pub fn services(server: &Server) -> Services {
    let types = ResourceTypes::builtin().unwrap();
    Services { live: server.live.clone(), types, public_url: server.url.clone(), clock: server.clock.clone() }
}

/// Somebody at the command line.
pub fn caller(organization: OrganizationId) -> Caller {
    Caller::local(organization, Actor::CommandLine, ids::request(Clock::system().now()))
}

/// A browser in which the recovery administrator of an organization is signed in.
pub fn recovery_administrator(server: &Server, organization: OrganizationId) -> Browser {
    let link = services(server).recovery_link(&caller(organization)).unwrap();
    signed_in_by(server, &link)
}

/// A browser in which a new local user is signed in, who has the role at `/`; none if the role is empty.
pub fn person(server: &Server, organization: OrganizationId, name: &str, role: &str) -> Browser {
    use muster::model::AssignmentSource;
    use muster::service::access::{NewAssignment, WantedPrincipal};
    let (services, caller) = (services(server), caller(organization));
    let attributes = json!({ "userName": name, "displayName": name });
    let person = muster::service::people::create(&services, &caller, attributes.as_object().unwrap().clone()).unwrap();
    if !role.is_empty() {
        let wanted = NewAssignment {
            principal: WantedPrincipal::User(person.id.to_string()),
            role: role.parse().unwrap(),
            scope: "/".parse().unwrap(),
            from: None,
            until: None,
            source: AssignmentSource::Administrator,
            approver: None,
            reason: None,
        };
        services.administration(&caller).assign(organization, &wanted).unwrap();
    }
    signed_in_by(server, &services.user_link(&caller, person.id).unwrap())
}

pub fn signed_in_by(server: &Server, link: &str) -> Browser {
    let browser = Browser::new(server);
    let path = link.strip_prefix(&server.url).unwrap().to_owned();
    let page = browser.get(&path).expect(200);
    browser.post(&path, &[("token", &page.token())]).expect(303);
    browser
}

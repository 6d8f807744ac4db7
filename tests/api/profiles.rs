//! What a connection's profile decides: every switch of `docs/profiles.md`, in both positions, through the surface.

mod bodies;
mod filters;
mod interop;
mod patches;
mod requests;

use muster::model::Profile;
use muster::scim::Switches;

use crate::support::{Answer, Client, Database, Server};

const PROFILES: [Profile; 5] = [Profile::Default, Profile::Rfc, Profile::Okta, Profile::Entra, Profile::Interop];

/// Checks each profile, over a connection of an organization of its own.
fn each_profile(database: &Database, check: impl Fn(&Switches, &Client)) {
    let server = Server::start(database);
    for profile in PROFILES {
        let organization = server.organization(profile.as_str()).id;
        check(profile.switches(), &server.connection(organization, "profiled", profile));
    }
}

/// Asserts success where it is `taken`, else 400 with this `scimType`.
#[track_caller]
fn decide(answer: Answer, taken: bool, scim_type: &str) -> Answer {
    if taken {
        assert!((200..300).contains(&answer.status), "{}", answer.text);
        answer
    } else {
        answer.expect_error(400, scim_type)
    }
}

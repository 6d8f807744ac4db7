//! From the settings to the rules that answer GitHub.

use std::io;

use secrecy::ExposeSecret as _;

use crate::clock::Clock;
use crate::config::GithubSettings;
use crate::http::webhooks::github::{Gate, Gates};
use crate::model::{Destinations, Network};
use crate::outbound::client::Client;
use crate::outbound::github::App;
use crate::service::access::github::Rule;

/// # Errors
/// A private key or a network that is none, named by its section.
pub(super) fn gates(settings: &[GithubSettings], clock: &Clock) -> io::Result<Gates> {
    let mut gates = Gates::default();
    for section in settings {
        let refused = |problem: String| {
            io::Error::other(format!(
                "the section `[github.{}]` of the settings cannot be used: {problem}",
                section.name
            ))
        };
        let networks: Result<Vec<Network>, _> = section.networks.iter().map(|text| text.parse()).collect();
        let client = Client::new(Destinations::new(networks.map_err(|error| refused(error.to_string()))?));
        client.destinations().parse(&section.api).map_err(|error| refused(error.to_string()))?;
        let (api, key) = (section.api.clone(), section.private_key.expose_secret());
        let app = App::new(client, clock.clone(), api, section.client_id.clone(), key);
        let app = app.map_err(|error| refused(error.to_string()))?;
        let rule = Rule {
            subject: section.subject.clone(),
            scope: section.scope.clone(),
            permission: section.permission.clone(),
        };
        let tell = Box::new(move |review: &_| app.review(review).map_err(|error| error.to_string()));
        let gate = Gate::new(section.token.clone(), &section.webhook_secret, &section.api, rule, tell);
        gates.add(section.name.clone(), gate);
    }
    Ok(gates)
}

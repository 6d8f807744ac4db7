//! Gates of CI/CD systems: each example of `examples/` against a stand-in of the system it is for.

pub mod github;
mod steps;

use serde_json::json;

use crate::support::{Client, Database, Program, ServerProcess, group, user};

/// A running server: ada deploys billing to production, bob does not.
struct Stage {
    program: Program,
    server: ServerProcess,
    scim: Client,
    crew: String,
    ada: String,
    /// A token for enforcement points.
    token: String,
}

impl Stage {
    /// `settings` makes the text of `muster.toml` of a token for enforcement points.
    fn set(database: &Database, settings: impl FnOnce(&Program, &str) -> String) -> Self {
        let program = Program::on(database).with("MUSTER_RATE_LIMIT", "0");
        program.done(&["migrate"]);
        program.done(&["org", "create", "acme"]);
        program.done(&["connection", "create", "--org", "acme", "okta"]);
        let issue = |kind: &str| program.done(&["token", "issue", "--org", "acme", "--kind", kind]).trim().to_owned();
        let (scim, token) = (issue("scim"), issue("pep"));
        program.done(&["scope", "create", "/billing/production", "--production"]);
        let settings = settings(&program, &token);
        std::fs::write(program.folder().join("muster.toml"), settings).unwrap();
        let server = program.serve(&[]);
        let scim = Client { base: format!("{}/scim/v2", server.base()), token: scim };
        let ada = scim.post("/Users", &user("ada")).expect(201).id();
        scim.post("/Users", &user("bob")).expect(201);
        let crew = scim.post("/Groups", &group("release crew", &[&ada])).expect(201).id();
        program.done(&["map", "release crew", "deployer", "/billing"]);
        Self { program, server, scim, crew, ada, token }
    }

    /// Takes ada out of the group.
    fn remove_ada(&self) {
        let operation = json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", self.ada) }]);
        self.scim.patch(&format!("/Groups/{}", self.crew), &operation).expect(200);
    }
}

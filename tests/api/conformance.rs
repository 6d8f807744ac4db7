//! The conformance kit, which shares nothing with the server.

use conformance::Options;
use conformance::client::Target;
use conformance::report::Form;

use crate::support::Server;

on_both_databases! {
    fn the_conformance_kit_finds_no_fault_and_leaves_nothing_behind(database: &Database) {
        let server = Server::start(database);
        let (here, there) = (server.organization("here").client, server.organization("there").client);
        let target = Target::new(&here.base, &here.token, Some(&there.token)).unwrap();
        let report = conformance::run(target, &Options::default()).unwrap();
        let text = report.render(Form::Text);
        assert!(report.failures().is_empty() && report.left_behind.is_empty(), "{text}");
        assert_eq!(report.conversations.len(), report.conversation_counts().passed, "{text}");
        for client in [here, there] {
            for endpoint in ["/Users", "/Groups"] {
                assert_eq!(client.get(endpoint).expect(200).json()["totalResults"], 0, "{endpoint}");
            }
        }
    }
}

//! The command line from outside: what is printed where, exit codes, and what must never be made or told.

use muster::db::{Database as Store, DatabaseError, IfMissing, events, organizations};
use muster::model::{EventId, OrganizationId};

use crate::support::{Backend, Database, Program, ask};

const USER: &str = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ada"}"#;
const USERS: &str = "/scim/v2/Users";

/// What is on record for the first organization, oldest first.
fn actions(database: &Database) -> Vec<String> {
    let store = Store::open(database.url(), IfMissing::Refuse).unwrap();
    let stored: Result<_, DatabaseError> = store.read(|tx| {
        let organization: OrganizationId = organizations::list(tx)?[0].id;
        let first = EventId::from_bytes(&[0; 16]).unwrap();
        events::after(tx, organization, first, 100)
    });
    stored.unwrap().into_iter().map(|event| event.action).collect()
}

on_both_databases! {
    fn a_first_start_prints_url_and_token_once_and_both_work(database: &Database) {
        let program = Program::on(database);
        let server = program.serve(&[]);
        let (url, token) = server.first_lines();
        assert_eq!(url, format!("{}/scim/v2", server.base()));
        let created = server.post(USERS, &token, USER);
        assert_eq!(created.status, 201, "{created:?}");
        assert!(created.body.contains(&format!("{url}/Users/")), "{created:?}");
        let ended = server.terminate();
        assert_eq!(ended.code, Some(0), "{ended:?}");
        assert!(!ended.stderr.contains(&token), "the log holds the token");

        let server = program.serve(&[]);
        let kept = server.get(USERS, &token);
        assert_eq!(kept.status, 200);
        assert!(kept.body.contains("ada"));
        let ended = server.terminate();
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""));
        assert_eq!(
            actions(database).iter().filter(|action| !action.starts_with("user.")).collect::<Vec<_>>(),
            ["organization.created", "connection.created", "credential.issued", "account.created", "sign-in-link.made"]
        );
    }

    fn tokens_are_issued_listed_and_revoked_beside_a_running_server(database: &Database) {
        let program = Program::on(database);
        let server = program.serve(&[]);
        let (_, first) = server.first_lines();

        let printed = program.done(&["token", "issue", "--kind", "scim", "--connection", "default", "--expires-in", "90d"]);
        let second = printed.trim_end();
        assert_eq!(printed, format!("{second}\n"));
        assert!(second.starts_with("muster_scim_"), "{second}");
        for token in [first.as_str(), second] {
            assert_eq!(server.get(USERS, token).status, 200);
        }

        let list = program.done(&["token", "list"]);
        let rows: Vec<&str> = list.lines().collect();
        assert_eq!(rows.len(), 3, "{list}");
        assert!(rows[0].starts_with("ID ") && rows[0].ends_with("REVOKED"), "{list}");
        for token in [first.as_str(), second] {
            // The last characters are all secret.
            let secret: String = token.chars().skip(token.len() - 40).collect();
            assert!(!list.contains(&secret), "{list}");
        }

        let id = rows[2].split_whitespace().next().unwrap();
        assert_eq!(program.done(&["token", "revoke", id]), "");
        assert_eq!(server.get(USERS, second).status, 401, "revoked, and still admitted");
        assert_eq!(server.get(USERS, &first).status, 200);
        assert_eq!(program.done(&["token", "revoke", id]), "", "revoking twice is not an error");
        program.done(&["token", "revoke", &first]);
        assert_eq!(server.get(USERS, &first).status, 401, "a token is revoked by itself too");
        assert!(program.done(&["token", "list"]).lines().skip(1).all(|row| row.ends_with('Z')));
        assert_eq!(
            actions(database)[5..],
            ["credential.issued", "credential.revoked", "credential.revoked"].map(str::to_owned)
        );
    }

    fn a_paused_connection_writes_nothing_until_it_is_resumed(database: &Database) {
        let program = Program::on(database);
        let server = program.serve(&[]);
        let (_, token) = server.first_lines();
        assert_eq!(server.get(USERS, &token).status, 200);
        program.done(&["connection", "pause", "default"]);
        assert_eq!(server.post(USERS, &token, USER).status, 403);
        assert!(program.done(&["connection", "list"]).contains("paused"));
        program.done(&["connection", "resume", "DEFAULT"]);
        assert_eq!(server.post(USERS, &token, USER).status, 201);
        let recorded = actions(database);
        assert!(recorded.contains(&"connection.paused".to_owned()) && recorded.contains(&"connection.resumed".to_owned()));
    }

    fn organizations_and_connections_are_made_by_hand_and_named_once_each(database: &Database) {
        let program = Program::on(database);
        program.done(&["migrate"]);
        program.done(&["migrate"]);
        assert_eq!(program.run(&["token", "list"]).code, Some(1), "there is no organization yet");
        program.done(&["org", "create", "acme", "--name", "Acme Inc."]);
        program.done(&["connection", "create", "Okta", "--profile", "okta"]);
        program.done(&["org", "create", "globex"]);
        assert!(program.done(&["org", "list"]).contains("Acme Inc."));

        for (arguments, code) in [
            (&["org", "create", "acme"][..], 1),
            (&["connection", "list"], 2),
            (&["connection", "list", "--org", "nobody-knows"], 1),
            (&["connection", "create", "--org", "acme", "OKTA"], 1),
            (&["connection", "pause", "--org", "globex", "okta"], 1),
            (&["token", "issue", "--org", "globex", "--kind", "scim"], 2),
            (&["token", "issue", "--org", "acme", "--kind", "pep", "--connection", "okta"], 2),
        ] {
            let ended = program.run(arguments);
            assert_eq!((ended.code, ended.stdout.as_str()), (Some(code), ""), "{arguments:?}: {ended:?}");
            assert_eq!(ended.stderr.lines().count(), 1, "{arguments:?}: {ended:?}");
        }
        assert_eq!(program.done(&["connection", "list", "--org", "acme"]).lines().count(), 2);
        let token = program.done(&["token", "issue", "--org", "acme", "--kind", "scim"]);

        let server = program.serve(&[]);
        assert_eq!(server.get(USERS, token.trim_end()).status, 200);
        assert_eq!(server.terminate().stdout, "", "only an empty database is set up");
    }

    fn doctor_finds_nothing_wrong_with_a_deployment_that_works(database: &Database) {
        let program = Program::on(database.without_tables());
        let before = program.run(&["doctor"]);
        assert_eq!(before.code, Some(1), "nothing is there yet: {before:?}");
        program.done(&["migrate"]);
        program.done(&["org", "create", "acme"]);
        let report = program.done(&["doctor"]);
        for check in ["database", "migrations", "root key", "clock", "messages", "public URL"] {
            assert!(report.lines().any(|line| line.contains(check)), "{check}: {report}");
        }
        assert!(!report.contains("error"), "{report}");
        let unwrapped = report.contains("warning  root key");
        assert_eq!(unwrapped, database.backend() == Backend::Postgres, "{report}");
    }

    fn a_server_whose_root_key_does_not_open_the_keyring_does_not_start(database: &Database) {
        let program = Program::on(database);
        let keys = ["right.key", "wrong.key"].map(|name| program.folder().join(name).display().to_string());
        std::fs::write(&keys[0], "01".repeat(32)).unwrap();
        std::fs::write(&keys[1], "02".repeat(32)).unwrap();
        program.done(&["migrate"]);
        program.done(&["org", "create", "acme", "--root-key-file", &keys[0]]);
        for arguments in [
            &["serve", "--listen", "127.0.0.1:0", "--root-key-file", &keys[1]][..],
            &["serve", "--listen", "127.0.0.1:0", "--root-key-file", "nowhere.key"],
            &["serve", "--listen", "127.0.0.1:0"],
            &["org", "create", "globex", "--root-key-file", &keys[1]],
            &["doctor", "--root-key-file", &keys[1]],
        ] {
            let ended = program.run(arguments);
            assert_eq!(ended.code, Some(1), "{arguments:?}: {ended:?}");
            assert!((ended.stdout + &ended.stderr).contains("root key"), "{arguments:?}");
        }
        assert_eq!(program.files(), ["right.key", "wrong.key"], "a key file was made");
        assert_eq!(program.done(&["org", "list", "--root-key-file", &keys[0]]).lines().count(), 2);
    }
}

#[test]
fn only_serve_and_migrate_make_a_file_and_no_command_makes_one_of_a_mistyped_url() {
    let program = Program::alone();
    let commands: [&[&str]; 8] = [
        &["org", "list"],
        &["org", "create", "acme"],
        &["connection", "list"],
        &["connection", "create", "okta"],
        &["token", "list"],
        &["token", "issue", "--kind", "scim"],
        &["connection", "pause", "okta"],
        &["doctor"],
    ];
    for command in commands {
        let ended = program.run(command);
        assert_eq!(ended.code, Some(1), "{command:?}: {ended:?}");
    }
    for url in ["sqlit:muster.db", "muster.db", "postgres:muster", "sqlite:", "sqlite::memory:", "mysql://h/muster"] {
        for command in commands.into_iter().chain([&["serve"][..], &["migrate"]]) {
            let ended = program.run(&[command, &["--database-url", url]].concat());
            assert_ne!(ended.code, Some(0), "{command:?} {url}: {ended:?}");
        }
    }
    assert_eq!(program.files(), Vec::<String>::new());
    program.done(&["migrate"]);
    assert!(program.files().contains(&"muster.db".to_owned()));
}

#[test]
fn one_server_at_a_time_serves_a_sqlite_file_by_whatever_name() {
    let program = Program::alone();
    let server = program.serve(&[]);
    std::os::unix::fs::symlink("muster.db", program.folder().join("alias.db")).unwrap();
    for url in ["sqlite:muster.db", "sqlite:./muster.db", "sqlite:alias.db"] {
        let second = program.run(&["serve", "--listen", "127.0.0.1:0", "--database-url", url]);
        assert_eq!((second.code, second.stdout.as_str()), (Some(1), ""), "{url}: {second:?}");
        assert!(second.stderr.contains("another server"), "{url}: {second:?}");
    }
    server.kill();
    let next = program.serve(&[]);
    assert_eq!(next.terminate().code, Some(0), "the lock outlived its holder");
}

#[test]
fn a_server_that_cannot_listen_makes_no_token_that_nobody_saw() {
    let program = Program::alone();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = program.run(&["serve", "--listen", &address]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(1), ""), "{ended:?}");
    assert!(ended.stderr.contains(&address), "{ended:?}");
    assert_eq!(program.done(&["org", "list"]).lines().count(), 1, "headings only");
    let server = program.serve(&[]);
    assert!(server.first_lines().1.starts_with("muster_scim_"));
}

#[test]
fn a_sqlite_file_and_the_root_key_beside_it_are_private_and_the_key_is_missed_when_it_is_gone() {
    use std::os::unix::fs::PermissionsExt as _;
    let program = Program::alone();
    assert_eq!(program.serve(&[]).terminate().code, Some(0));
    let key = program.folder().join("muster.db.key");
    for file in [&key, &program.folder().join("muster.db")] {
        assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
    }

    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(program.done(&["doctor"]).contains("chmod 600"));
    std::fs::remove_file(&key).unwrap();
    let ended = program.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("put it back"), "{ended:?}");
    assert!(!key.exists());
}

#[test]
fn a_postgresql_without_a_root_key_is_served_with_a_warning() {
    let database = Database::fresh(Backend::Postgres);
    let server = Program::on(&database).serve(&[]);
    assert!(server.log().contains("there is no root key"), "{}", server.log());
}

#[test]
fn a_revoked_token_is_admitted_by_no_server_not_even_one_that_was_stopped_meanwhile() {
    let database = Database::fresh(Backend::Postgres);
    let program = Program::on(&database);
    let (first, second) = (program.serve(&[]), program.serve(&[]));
    let (_, token) = first.first_lines();
    for server in [&first, &second] {
        assert_eq!(server.get(USERS, &token).status, 200);
    }
    let another = program.done(&["token", "issue", "--kind", "scim"]);
    assert_eq!(second.get(USERS, another.trim_end()).status, 200);
    program.done(&["token", "revoke", &token]);
    for server in [&first, &second] {
        assert_eq!(server.get(USERS, &token).status, 401);
    }

    second.signal("STOP");
    program.done(&["token", "revoke", another.trim_end()]);
    second.signal("CONT");
    // It may not know yet, but then it must know that it does not.
    let statuses = std::iter::repeat_with(|| second.get(USERS, another.trim_end()).status);
    let before: Vec<u16> = statuses.take_while(|status| *status != 401).collect();
    assert!(before.iter().all(|status| *status == 503), "{before:?}");
}

#[test]
fn a_database_from_the_future_is_refused_by_every_command() {
    let database = Database::fresh(Backend::Postgres);
    let program = Program::on(&database);
    program.done(&["migrate"]);
    ask(database.url(), "INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231000000')").unwrap();
    for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["migrate"], &["org", "list"], &["doctor"]] {
        let ended = program.run(command);
        assert_eq!(ended.code, Some(1), "{command:?}: {ended:?}");
        assert!((ended.stdout + &ended.stderr).contains("29991231000000"), "{command:?}");
    }
}

#[test]
fn wrong_usage_ends_with_2_and_says_why_on_standard_error() {
    let program = Program::alone();
    program.done(&["migrate"]);
    program.done(&["org", "create", "acme"]);
    for arguments in [
        &[][..],
        &["sing"],
        &["org"],
        &["org", "create"],
        &["org", "create", "Not A Slug"],
        &["connection", "create", "okta", "--profile", "oktapus"],
        &["connection", "create", "local"],
        &["token", "issue"],
        &["token", "issue", "--kind", "scim", "--expires-in", "-1d"],
        &["token", "issue", "--kind", "scim", "--expires-in", "11y"],
        &["token", "issue", "--kind", "visitor"],
        &["token", "revoke", "my-token"],
        &["serve", "--listen", "nowhere"],
        &["serve", "--public-url", "muster.example.com"],
        &["serve", "--rate-limit", "-1"],
        &["org", "list", "--log", "a=b=c"],
        &["org", "list", "--database-url", ""],
        &["org", "list", "--config", "nowhere.toml"],
    ] {
        let ended = program.run(arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{arguments:?}: {ended:?}");
        assert!(!ended.stderr.is_empty(), "{arguments:?}");
    }
    std::fs::write(program.folder().join("muster.toml"), "lisen = '127.0.0.1:80'\n").unwrap();
    let ended = program.run(&["org", "list"]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert!(ended.stderr.contains("`lisen`"), "{ended:?}");
}

#[test]
fn a_flag_wins_over_the_environment_the_environment_over_the_file() {
    let program = Program::alone();
    let url = |program: &Program, arguments: &[&str]| {
        let report = program.run(&[&["doctor"], arguments].concat()).stdout;
        report.lines().last().unwrap().split('`').nth(1).unwrap().to_owned()
    };
    assert_eq!(url(&program, &[]), "http://127.0.0.1:8080");
    std::fs::write(program.folder().join("muster.toml"), "public_url = 'https://file.example.com'\n").unwrap();
    std::fs::write(program.folder().join("other.toml"), "public_url = 'https://other.example.com'\n").unwrap();
    assert_eq!(url(&program, &[]), "https://file.example.com");
    assert_eq!(url(&program, &["--config", "other.toml"]), "https://other.example.com");
    let program = program.with("MUSTER_PUBLIC_URL", "https://environment.example.com/");
    assert_eq!(url(&program, &[]), "https://environment.example.com");
    assert_eq!(url(&program, &["--public-url", "https://flag.example.com"]), "https://flag.example.com");
}

/// A word that stands in passwords only.
const CANARY: &str = "c4n4ry-passw0rd";

fn assert_silent(program: &Program, arguments: &[&str]) {
    let ended = program.run(arguments);
    let told = ended.stdout + &ended.stderr;
    assert!(!told.contains(CANARY), "{arguments:?}: {told}");
}

#[test]
fn the_password_of_the_database_is_told_nowhere() {
    let server = std::env::var("MUSTER_TEST_POSTGRES_URL").unwrap();
    let mut wrong: url::Url = server.parse().unwrap();
    wrong.set_password(Some(CANARY)).unwrap();
    let urls = [
        wrong.to_string(),
        format!("postgres://muster:{CANARY}@127.0.0.1:1/muster"),
        format!("postgres://muster:{CANARY}@127.0.0.1:port/muster"),
        format!("postgres://muster:{CANARY}@127.0.0.1/muster?sslmode=prefer"),
        format!("postgres://muster:{CANARY}@127.0.0.1/muster?no_such_parameter=1"),
        format!("postgress://muster:{CANARY}@127.0.0.1/muster"),
        format!("muster:{CANARY}@127.0.0.1/muster"),
    ];
    let commands: [&[&str]; 4] =
        [&["serve", "--log", "trace"], &["migrate", "--log", "trace"], &["org", "list", "--log", "trace"], &["doctor"]];
    for url in &urls {
        let program = Program::alone().with("MUSTER_DATABASE_URL", url);
        for command in commands {
            assert_eq!(program.run(command).code.filter(|code| *code == 0), None, "{command:?}");
            assert_silent(&program, command);
            assert_silent(&Program::alone(), &[command, &["--database-url", url]].concat());
        }
        for text in [
            format!("database_url = '{url}'\n"),
            format!("database_url = '{url}\n"),
            format!("database_urll = '{url}'\n"),
        ] {
            let program = Program::alone();
            std::fs::write(program.folder().join("muster.toml"), text).unwrap();
            assert_silent(&program, &["org", "list"]);
        }
        // In the wrong place, where the parser would repeat it.
        for misplaced in [&["serve", url][..], &["--log-format", url, "migrate"], &["token", "revoke", url]] {
            if url.contains("://") {
                assert_silent(&Program::alone(), misplaced);
            }
        }
    }
}

#[test]
fn help_tells_no_value_of_the_environment() {
    let url = format!("postgres://muster:{CANARY}@127.0.0.1/muster");
    let program = Program::alone()
        .with("MUSTER_DATABASE_URL", &url)
        .with("MUSTER_PUBLIC_URL", &format!("https://{CANARY}.example.com"))
        .with("MUSTER_ROOT_KEY_FILE", CANARY)
        .with("MUSTER_LOG", CANARY)
        .with("MUSTER_CONFIG", CANARY);
    let commands: [&[&str]; 8] = [
        &[],
        &["serve"],
        &["migrate"],
        &["org", "create"],
        &["connection", "create"],
        &["token", "issue"],
        &["token", "revoke"],
        &["doctor"],
    ];
    for command in commands {
        for help in ["--help", "-h"] {
            let told = program.done(&[command, &[help]].concat());
            assert!(told.contains("MUSTER_DATABASE_URL") && !told.contains(CANARY), "{command:?}: {told}");
        }
    }
    assert!(program.done(&["--version"]).starts_with("muster "));
}

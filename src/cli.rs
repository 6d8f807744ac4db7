//! The command line: one file a command. Data goes to standard output, everything else to standard error.

mod brake;
mod client;
mod connection;
mod demo;
mod doctor;
mod error;
mod gate;
mod group;
mod guardrail;
mod identity_provider;
mod key;
mod leaver;
mod lifetime;
mod login_link;
mod mapping;
mod may;
mod migrate;
mod mirror;
mod notification;
mod offer;
mod org;
mod organization_choice;
mod output;
mod plan;
mod point_in_time;
mod put_back;
mod receiver;
mod redaction;
mod role;
mod root_key;
mod schema;
mod scope;
mod serve;
mod service;
mod session;
mod system;
mod token;
mod user;
mod verify;
mod watch;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::{Flags, Settings};
use crate::telemetry;

use error::CommandError;

/// People and groups arrive over SCIM, deployments ask permission, compliance can prove both.
#[derive(Debug, Parser)]
#[command(name = "muster", version, propagate_version = true, arg_required_else_help = true)]
struct Arguments {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve SCIM; makes and migrates a new database
    Serve(serve::Serve),
    /// Serve a company that is made up, with a year behind it
    Demo(demo::Demo),
    /// Bring the database up to date
    Migrate,
    /// Organizations, the tenants
    #[command(subcommand)]
    Org(org::Org),
    /// Connections, the sources that provision an organization
    #[command(subcommand)]
    Connection(connection::ConnectionCommand),
    /// Brakes: what happens when many people leave over one connection at once
    #[command(subcommand)]
    Brake(brake::BrakeCommand),
    /// People of an organization
    #[command(subcommand)]
    User(user::UserCommand),
    /// Groups of an organization
    #[command(subcommand)]
    Group(group::GroupCommand),
    /// Extension schemas, attributes of an organization's own
    #[command(subcommand)]
    Schema(schema::SchemaCommand),
    /// Tokens, with which callers are admitted
    #[command(subcommand)]
    Token(token::TokenCommand),
    /// Clients, which are granted short-lived tokens
    #[command(subcommand)]
    Client(client::ClientCommand),
    /// Outside issuers, whose tokens provision
    #[command(subcommand)]
    Issuer(client::IssuerCommand),
    /// Identity providers, by which people sign in to the console
    #[command(subcommand)]
    IdentityProvider(identity_provider::IdentityProviderCommand),
    /// Scopes: projects and their environments
    #[command(subcommand)]
    Scope(scope::ScopeCommand),
    /// Roles: what is allowed together
    #[command(subcommand)]
    Role(role::RoleCommand),
    /// Assign a role at a scope to a group; short for `mapping add`
    Map(mapping::Map),
    /// Roles that a connection may assign: offer, preview, withdraw, list
    #[command(subcommand)]
    Offer(offer::OfferCommand),
    /// Assignments of roles to groups, users and services
    #[command(subcommand)]
    Mapping(mapping::MappingCommand),
    /// Guardrails: what is forbidden, whatever is assigned
    #[command(subcommand)]
    Guardrail(guardrail::GuardrailCommand),
    /// Say person by person what a document of access would change
    Plan(plan::Document),
    /// Make access as a document says; doing it again changes nothing
    Apply(plan::Document),
    /// Gates: how many people can deploy and approve
    #[command(subcommand)]
    Gate(gate::GateCommand),
    May(may::May),
    /// Services: pipelines, bots
    #[command(subcommand)]
    Service(service::ServiceCommand),
    /// Receivers: who is told what happens to people
    #[command(subcommand)]
    Receiver(receiver::ReceiverCommand),
    /// Notifications: what administrators are told
    #[command(subcommand)]
    Notification(notification::NotificationCommand),
    /// Downstream systems, whose accounts are compared with the people here
    #[command(subcommand)]
    System(system::SystemCommand),
    /// Mirrors: groups of GitHub, kept as groups of a connection
    #[command(subcommand)]
    Mirror(mirror::MirrorCommand),
    Reconcile(system::Reconcile),
    /// Keys: those that sign tokens, and those that bundles are verified with
    #[command(subcommand)]
    Key(key::KeyCommand),
    LoginLink(login_link::LoginLink),
    Leaver(leaver::Leaver),
    Watch(watch::Watch),
    PutBack(put_back::PutBack),
    /// Check a deployment and say what to do
    Doctor(doctor::Doctor),
    Verify(verify::Verify),
}

/// Runs the command line of this process: 0 done, 1 failed, 2 wrong usage.
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(message) => return misunderstood(&message),
    };
    match execute(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        // The answer stands on standard output.
        Err(CommandError::Denied) => ExitCode::FAILURE,
        Err(error) => {
            output::complain(&error);
            error.exit_code()
        }
    }
}

fn execute(arguments: Arguments) -> Result<(), CommandError> {
    let Arguments { flags, command } = arguments;
    // Whoever verifies has the file and the key and nothing else: no settings, no database.
    if let Command::Verify(verify) = &command {
        return verify::run(verify);
    }
    if let Command::May(may) = &command {
        return may::run(may, &flags);
    }
    let settings = Settings::load(&flags)?;
    telemetry::start(&settings.log, settings.log_format).map_err(|error| CommandError::Usage(error.to_string()))?;
    match command {
        Command::Serve(serve) => serve::run(&serve, &flags, &settings),
        Command::Demo(demo) => demo::run(&demo, &flags, &settings),
        Command::Migrate => migrate::run(&settings),
        Command::Org(command) => org::run(&command, &settings),
        Command::Connection(command) => connection::run(&command, &settings),
        Command::Brake(command) => brake::run(&command, &settings),
        Command::User(command) => user::run(&command, &settings),
        Command::Group(command) => group::run(&command, &settings),
        Command::Schema(command) => schema::run(&command, &settings),
        Command::Token(command) => token::run(&command, &settings),
        Command::Client(command) => client::run(&command, &settings),
        Command::Issuer(command) => client::run_issuer(&command, &settings),
        Command::IdentityProvider(command) => identity_provider::run(&command, &settings),
        Command::Scope(command) => scope::run(&command, &settings),
        Command::Role(command) => role::run(&command, &settings),
        Command::Map(map) => mapping::map(&map, &settings),
        Command::Offer(command) => offer::run(&command, &settings),
        Command::Mapping(command) => mapping::run(&command, &settings),
        Command::Guardrail(command) => guardrail::run(&command, &settings),
        Command::Plan(document) => plan::plan(&document, &settings),
        Command::Apply(document) => plan::apply(&document, &settings),
        Command::Gate(command) => gate::run(&command, &settings),
        Command::Service(command) => service::run(&command, &settings),
        Command::Receiver(command) => receiver::run(&command, &settings),
        Command::Notification(command) => notification::run(&command, &settings),
        Command::May(may) => may::run(&may, &flags),
        Command::System(command) => system::run(&command, &settings),
        Command::Mirror(command) => mirror::run(&command, &settings),
        Command::Reconcile(reconcile) => system::reconcile(&reconcile, &settings),
        Command::Key(command) => key::run(&command, &flags, &settings),
        Command::Leaver(leaver) => leaver::run(&leaver, &flags, &settings),
        Command::Watch(watch) => watch::run(&watch, &settings),
        Command::PutBack(put_back) => put_back::run(&put_back, &settings),
        Command::Verify(verify) => verify::run(&verify),
        Command::LoginLink(link) => login_link::run(&link, &flags, &settings),
        Command::Doctor(doctor) => doctor::run(&doctor, &flags, &settings),
    }
}

/// Help and version are what was asked for; everything else is wrong usage.
fn misunderstood(message: &clap::Error) -> ExitCode {
    let text = redaction::without_passwords(&message.render().to_string());
    if message.use_stderr() {
        output::warn(&text);
        return ExitCode::from(2);
    }
    match output::text(&text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.exit_code(),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        Arguments::command().debug_assert();
    }
}

//! The program as its users run it.

use std::io::{BufRead as _, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use tempfile::TempDir;

use super::Database;

/// Longer than anything that is waited for takes; reached only when a test fails.
const PATIENCE: Duration = Duration::from_mins(2);

/// `muster` in a working folder of its own, with no setting from outside.
pub struct Program {
    folder: TempDir,
    environment: Vec<(String, String)>,
}

/// A command that has ended.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// A server that listens; killed when dropped.
pub struct Server {
    child: Child,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
    log: String,
    base: String,
}

/// What a server answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: String,
}

impl Program {
    /// With the settings' defaults.
    pub fn alone() -> Self {
        Self { folder: TempDir::new().unwrap(), environment: Vec::new() }
    }

    /// On a database.
    pub fn on(database: &Database) -> Self {
        Self::alone().with("MUSTER_DATABASE_URL", database.url())
    }

    /// With a variable of the environment.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Its working folder.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// The names of the files in its working folder.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path()).unwrap();
        let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_muster"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MUSTER_")) {
            command.env_remove(name);
        }
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        let output = self.command(arguments).output().unwrap();
        Ended {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs a command that must succeed; answers what it printed.
    ///
    /// # Panics
    /// Unless the exit code is 0.
    pub fn done(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments);
        assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
        ended.stdout
    }

    /// Serves on a free port; returns when the server listens.
    ///
    /// # Panics
    /// With what the server wrote when it ends instead.
    pub fn serve(&self, arguments: &[&str]) -> Server {
        self.start(&[&["serve", "--listen", "127.0.0.1:0"], arguments].concat())
    }

    /// Runs a command that serves; returns when the server listens.
    ///
    /// # Panics
    /// With what the server wrote when it ends instead.
    pub fn start(&self, arguments: &[&str]) -> Server {
        let mut command = self.command(&[]);
        let mut child = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = lines(child.stdout.take().unwrap());
        let stderr = lines(child.stderr.take().unwrap());
        let mut server = Server { child, stdout, stderr, log: String::new(), base: String::new() };
        server.base = server.wait_until_it_listens();
        server
    }
}

fn lines(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

impl Server {
    fn wait_until_it_listens(&mut self) -> String {
        loop {
            let Ok(line) = self.stderr.recv_timeout(PATIENCE) else { panic!("it does not listen: {}", self.log) };
            self.log.push_str(&line);
            self.log.push('\n');
            if line.contains("server listens")
                && let Some(base) = address_in(&line)
            {
                return base;
            }
        }
    }

    /// The next line on standard output.
    ///
    /// # Panics
    /// When there is none.
    pub fn line(&self) -> String {
        self.stdout.recv_timeout(PATIENCE).unwrap()
    }

    /// The SCIM base URL and the token that a first start prints.
    ///
    /// # Panics
    /// When it prints something else.
    pub fn first_lines(&self) -> (String, String) {
        let value = |label: &str| self.line().strip_prefix(label).map(str::to_owned).unwrap();
        (value("SCIM base URL: "), value("SCIM token: "))
    }

    /// `http://` and where it listens.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// `http://` and where it serves metrics.
    ///
    /// # Panics
    /// Unless it does.
    pub fn metrics(&self) -> String {
        let said = self.log.lines().find(|line| line.contains("metrics are served"));
        said.and_then(address_in).unwrap_or_else(|| panic!("it serves no metrics: {}", self.log))
    }

    /// What it had logged when it began to listen.
    pub fn log(&self) -> &str {
        &self.log
    }

    /// GET of a path, with a token.
    pub fn get(&self, path: &str, token: &str) -> Answer {
        let request = ureq::get(format!("{}{path}", self.base)).header("Authorization", format!("Bearer {token}"));
        answer(request.config().http_status_as_error(false).build().call())
    }

    /// POST to a path, with a token.
    pub fn post(&self, path: &str, token: &str, body: &str) -> Answer {
        let request = ureq::post(format!("{}{path}", self.base))
            .header("Authorization", format!("Bearer {token}"))
            .header("Content-Type", "application/scim+json");
        answer(request.config().http_status_as_error(false).build().send(body))
    }

    /// Sends it a signal: `STOP`, `CONT`.
    pub fn signal(&self, name: &str) {
        let done = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(done.success());
    }

    /// The most memory it ever had resident, in MiB.
    pub fn peak_memory(&self) -> u64 {
        self.memory("VmHWM:")
    }

    /// Its memory without files, which the kernel has in its cache anyway, in MiB. A peak cannot be had of it: mapped files
    /// come and go with connections.
    pub fn own_memory(&self) -> u64 {
        self.memory("RssAnon:")
    }

    /// What the system lets it use, a line each.
    pub fn limits(&self) -> String {
        std::fs::read_to_string(format!("/proc/{}/limits", self.child.id())).unwrap()
    }

    fn memory(&self, label: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(label)).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
    }

    /// Ends it at once, as a power failure does.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ends it as an operator does, with SIGTERM; answers its exit code and everything it wrote that was not read yet.
    pub fn terminate(mut self) -> Ended {
        self.signal("TERM");
        let status = self.child.wait().unwrap();
        let rest = |receiver: &Receiver<String>| receiver.iter().collect::<Vec<_>>().join("\n");
        Ended { code: status.code(), stdout: rest(&self.stdout), stderr: self.log.clone() + &rest(&self.stderr) }
    }
}

/// The address that a line of the log names, with `http://`.
fn address_in(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("127.0.0.1:")?;
    let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some(format!("http://127.0.0.1:{port}"))
}

fn answer(result: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Answer {
    let mut response = result.unwrap();
    Answer { status: response.status().as_u16(), body: response.body_mut().read_to_string().unwrap() }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already, as some tests want it to.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

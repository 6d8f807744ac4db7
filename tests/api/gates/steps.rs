//! Steps of pipelines that ask with `muster may --server`, as their runners run them.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

use super::Stage;
use crate::support::Database;

const GITLAB: &str = include_str!("../../../examples/gitlab/.gitlab-ci.yml");
const JENKINS: &str = include_str!("../../../examples/jenkins/Jenkinsfile");
const ARGO: &str = include_str!("../../../examples/argocd/presync.yaml");

fn no_settings(_program: &crate::support::Program, _token: &str) -> String {
    String::new()
}

/// A runner: a folder with a deployment in it, and `muster` on the path.
struct Runner<'a> {
    stage: &'a Stage,
    folder: tempfile::TempDir,
}

impl<'a> Runner<'a> {
    fn new(stage: &'a Stage) -> Self {
        let folder = tempfile::TempDir::new().unwrap();
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_muster"), folder.path().join("muster")).unwrap();
        let deploy = folder.path().join("deploy.sh");
        std::fs::write(&deploy, "#!/bin/sh\ntouch deployed\n").unwrap();
        std::fs::set_permissions(&deploy, std::fs::Permissions::from_mode(0o755)).unwrap();
        Self { stage, folder }
    }

    fn command(&self, program: &Path, variables: &[(&str, &str)]) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder.path()).env_clear();
        command.env("PATH", format!("{}:/usr/bin:/bin", self.folder.path().display()));
        command.env("MUSTER_SERVER", self.stage.server.base()).env("MUSTER_TOKEN", &self.stage.token);
        command.envs(variables.iter().copied());
        command
    }

    /// Runs a script as runners do, which stop at the first line that fails.
    fn script(&self, script: &str, variables: &[(&str, &str)]) -> Output {
        self.command(Path::new("/bin/sh"), variables).args(["-e", "-c", script]).output().unwrap()
    }

    /// Whether it was deployed since the last time.
    fn deployed(&self) -> bool {
        std::fs::remove_file(self.folder.path().join("deployed")).is_ok()
    }
}

/// Runs a step for ada and bob, for ada after she has left the group, and when nobody can be asked: only the first deploys.
fn only_those_who_may(database: &Database, run: impl Fn(&Runner<'_>, &str, &[(&str, &str)]) -> Output) {
    let stage = Stage::set(database, no_settings);
    let runner = Runner::new(&stage);
    let ended = run(&runner, "ada", &[]);
    assert!(ended.status.success() && runner.deployed(), "{ended:?}");
    for who in ["bob", "nobody", "", "--help", "ada; touch deployed", "$(touch deployed)"] {
        let ended = run(&runner, who, &[]);
        assert!(!ended.status.success() && !runner.deployed(), "{who}: {ended:?}");
    }
    for wrong in [("MUSTER_TOKEN", "muster_pep_wrong"), ("MUSTER_TOKEN", ""), ("MUSTER_SERVER", "http://127.0.0.1:9")] {
        let ended = run(&runner, "ada", &[wrong]);
        assert_eq!(ended.status.code(), Some(2), "cannot say: {ended:?}");
        assert!(!runner.deployed(), "{wrong:?}");
    }
    stage.remove_ada();
    let ended = run(&runner, "ada", &[]);
    assert_eq!(ended.status.code(), Some(1), "{ended:?}");
    assert!(!runner.deployed());
}

/// The lines of a list of the YAML of GitLab: `before_script:` or `script:`.
fn gitlab(list: &str) -> String {
    let lines = GITLAB.lines().skip_while(|line| line.trim() != format!("{list}:")).skip(1);
    lines.map_while(|line| line.trim().strip_prefix("- ")).collect::<Vec<_>>().join("\n")
}

on_both_databases! {
    fn a_job_of_gitlab_deploys_only_for_whoever_may(database: &Database) {
        let script = format!("{}\n{}", gitlab("before_script"), gitlab("script"));
        assert!(script.starts_with("muster may ") && script.ends_with("deploy.sh"), "{script}");
        only_those_who_may(database, |runner, who, more| {
            let mut variables = vec![("GITLAB_USER_LOGIN", who), ("CI_PROJECT_NAME", "billing"), ("CI_ENVIRONMENT_SLUG", "production")];
            variables.extend(more);
            runner.script(&script, &variables)
        });
    }

    fn a_stage_of_jenkins_deploys_only_for_whoever_may(database: &Database) {
        let script = JENKINS.split("'''").nth(1).unwrap();
        only_those_who_may(database, |runner, who, more| {
            let mut variables = vec![("BUILD_USER_ID", who), ("PROJECT", "billing")];
            variables.extend(more);
            runner.script(script, &variables)
        });
    }

    fn a_step_of_buildkite_deploys_only_for_whoever_may(database: &Database) {
        let hook = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/buildkite/hooks/pre-command");
        only_those_who_may(database, |runner, who, more| {
            let mut variables = vec![("BUILDKITE_BUILD_CREATOR_EMAIL", who), ("BUILDKITE_PIPELINE_SLUG", "billing"), ("DEPLOY_TO", "production")];
            variables.extend(more);
            let ended = runner.command(&hook, &variables).output().unwrap();
            // The agent runs the step's command only when the hook ends well.
            if ended.status.success() { runner.script("./deploy.sh", &variables) } else { ended }
        });
    }
}

#[test]
fn whoever_unblocks_a_build_counts_and_a_step_that_deploys_nowhere_asks_nobody() {
    let database = Database::fresh(crate::support::Backend::Sqlite);
    let stage = Stage::set(&database, no_settings);
    let runner = Runner::new(&stage);
    let hook = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/buildkite/hooks/pre-command");
    let hooked = |variables: &[(&str, &str)]| {
        let mut all = vec![("BUILDKITE_BUILD_CREATOR_EMAIL", "ada"), ("BUILDKITE_PIPELINE_SLUG", "billing")];
        all.extend(variables);
        runner.command(&hook, &all).output().unwrap().status.code()
    };
    assert_eq!(hooked(&[]), Some(0), "it deploys nowhere");
    assert_eq!(hooked(&[("MUSTER_ALWAYS", "1")]), Some(2));
    assert_eq!(hooked(&[("DEPLOY_TO", "production")]), Some(0));
    assert_eq!(hooked(&[("DEPLOY_TO", "production"), ("BUILDKITE_UNBLOCKER_EMAIL", "bob")]), Some(1));
    assert_eq!(hooked(&[("DEPLOY_TO", "../production")]), Some(2));
}

/// The strings of a list of the job of Argo CD, with `$(NAME)` replaced as Kubernetes does.
fn argo(list: &str, variables: &BTreeMap<&str, &str>) -> Vec<String> {
    let line = ARGO.lines().find_map(|line| line.trim().strip_prefix(&format!("{list}: "))).unwrap();
    let strings: Vec<String> = serde_json::from_str(line).unwrap();
    let replaced =
        |text: String| variables.iter().fold(text, |text, (name, value)| text.replace(&format!("$({name})"), value));
    strings.into_iter().map(replaced).collect()
}

on_both_databases! {
    fn a_sync_of_argo_cd_goes_on_only_while_its_service_may_deploy(database: &Database) {
        let stage = Stage::set(database, no_settings);
        let runner = Runner::new(&stage);
        let variables = BTreeMap::from([("MUSTER_SERVER", stage.server.base())]);
        let [command, arguments] = ["command", "args"].map(|list| argo(list, &variables));
        let sync = || {
            let program = runner.folder.path().join(&command[0]);
            runner.command(&program, &[]).args(&command[1..]).args(&arguments).output().unwrap().status.code()
        };
        assert_eq!(sync(), Some(1), "the service is unknown");
        stage.program.done(&["service", "create", "argocd-billing", "--owner", "bob"]);
        assert_eq!(sync(), Some(1), "nothing is assigned");
        let mapping = stage.program.done(&["mapping", "add", "--service", "argocd-billing", "deployer", "/billing/production"]);
        assert_eq!(sync(), Some(0));
        stage.program.done(&["mapping", "remove", mapping.trim()]);
        assert_eq!(sync(), Some(1), "it was taken away");
    }
}

//! promtool of Debian's Prometheus 2 and of Prometheus 3.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::kafka::parts;

pub struct Promtool(PathBuf);

/// A program of Prometheus 3, as `.ci/parts prometheus` built it.
pub fn prometheus_3(name: &str) -> PathBuf {
    let found = std::fs::read_dir(parts()).ok().into_iter().flatten().flatten().find_map(|entry| {
        let is = entry.file_name().to_string_lossy().starts_with("prometheus-");
        Some(entry.path().join(name)).filter(|path| is && path.is_file())
    });
    found.unwrap_or_else(|| {
        panic!("{name} is not in {}: run .ci/parts prometheus", parts().display())
    })
}

impl Promtool {
    pub fn all() -> [Self; 2] {
        let debian = Path::new("/usr/bin/promtool");
        assert!(debian.is_file(), "promtool of Debian is not there: apt-get install prometheus");
        [Self(debian.to_owned()), Self(prometheus_3("promtool"))]
    }

    fn run(&self, command: &mut Command) {
        let output = command.output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(output.status.success(), "{}: {said}", self.0.display());
    }

    pub fn check_rules(&self, rules: &[PathBuf]) {
        let mut command = Command::new(&self.0);
        self.run(command.args(["check", "rules", "--lint=all", "--lint-fatal"]).args(rules));
    }

    /// JSON is YAML.
    pub fn test_rules(&self, rules: &[PathBuf], tests: &[serde_json::Value]) {
        let file = serde_json::json!({
            "rule_files": rules,
            "evaluation_interval": "1m",
            "tests": tests,
        });
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tests.yaml");
        std::fs::write(&path, file.to_string()).unwrap();
        self.run(Command::new(&self.0).args(["test", "rules"]).arg(&path));
    }
}

//! A real dockerd to try things with: everything it writes in namespaces of its own, its data root in a folder of the
//! test's. Nothing outlives the test that started it.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::go::Beside;

/// Runs the commands that come on standard input, one a line, each followed by a line with its status. `start` and
/// `stop` are the daemon's, on the data root given; the image `box` has nothing but a shell.
const SHELL: &str = r#"
set -u
folder=$1
hostname demo
for place in /run /etc/docker /var/lib/docker /var/lib/containerd; do
    mkdir -p "$place"
    mount -t tmpfs demo "$place"
done
ip link set lo up
start() {
    dockerd --iptables=false --ip6tables=false --storage-driver=vfs --userland-proxy=false \
        --exec-opt native.cgroupdriver=cgroupfs --data-root "$1" >>"$folder/dockerd.log" 2>&1 </dev/null &
    daemon=$!
    until docker version >/dev/null 2>&1; do
        kill -0 "$daemon" || return 1
        sleep 0.1
    done
}
stop() {
    kill -TERM "$daemon"
    wait "$daemon"
}
image() {
    mkdir -p /run/image/bin
    cp /bin/busybox /run/image/bin/sh
    tar -C /run/image -c . | docker import - box >/dev/null
}
# A container that waits for its end.
box() {
    docker run -d "$@" box sh -c 'trap exit TERM; while :; do sleep 1; done'
}
while IFS= read -r line; do
    eval "$line" >"$folder/output" 2>&1
    status=$?
    cat "$folder/output"
    echo "=== $status"
done
"#;

/// A shell beside a daemon.
pub struct Dockerd {
    shell: Beside,
    folder: tempfile::TempDir,
}

impl Dockerd {
    /// The shell, without a daemon yet; `None`, said aloud, where something that it takes is not there.
    pub fn shell() -> Option<Dockerd> {
        let no_busybox = || (!Path::new("/bin/busybox").exists()).then_some("busybox");
        if let Some(missing) = missing().or_else(no_busybox) {
            eprintln!("skipped: no {missing}");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let mut unshare = Command::new("unshare");
        unshare.args(["--mount", "--net", "--uts", "--ipc", "--pid", "--fork", "--mount-proc", "--kill-child"]);
        unshare.args(["sh", "-c", SHELL, "shell"]).arg(folder.path());
        Some(Dockerd { shell: Beside::start(&mut unshare), folder })
    }

    /// A folder of the test's, which the daemon sees too.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The database in a data root.
    pub fn database(&self, root: &str) -> PathBuf {
        self.folder().join(root).join("network/files/local-kv.db")
    }

    /// Starts the daemon on a data root in the folder.
    pub fn start(&mut self, root: &str) {
        let path = self.folder().join(root);
        self.run(&format!("start '{}'", path.display()));
    }

    /// Stops the daemon.
    pub fn stop(&mut self) {
        self.run("stop");
    }

    /// What a command prints. It must succeed.
    pub fn run(&mut self, command: &str) -> String {
        let (status, output) = self.attempt(command);
        assert_eq!(status, 0, "{command}: {output}\n{}", self.end_of_log());
        output
    }

    /// How a command ends, and what it prints.
    pub fn attempt(&mut self, command: &str) -> (i32, String) {
        use std::io::Write;
        writeln!(self.shell.input(), "{command}").unwrap();
        let mut output = String::new();
        loop {
            let line = self.shell.line().unwrap_or_else(|| panic!("{command}: the shell ended\n{}", self.end_of_log()));
            match line.strip_prefix("=== ").and_then(|status| status.parse().ok()) {
                Some(status) => return (status, output),
                None => output = output + &line + "\n",
            }
        }
    }

    fn end_of_log(&self) -> String {
        let log = self.log();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    /// What the daemon said.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder().join("dockerd.log")).unwrap_or_default()
    }
}

/// What the daemon says of its store that is not good news.
pub fn complaints(log: &str) -> Vec<&str> {
    let bad = |line: &str| ["level=warning", "level=error", "level=fatal"].iter().any(|level| line.contains(level));
    let of_the_store = |line: &str| {
        let line = line.to_lowercase();
        ["bolt", "store", "libnetwork", "local-kv"].iter().any(|word| line.contains(word))
    };
    log.lines().filter(|line| line.contains("panic") || bad(line) && of_the_store(line)).collect()
}

/// What it takes to run the daemon, if it is not there.
pub fn missing() -> Option<&'static str> {
    let runs = |program: &str| {
        Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
    };
    let may_unshare =
        || Command::new("unshare").args(["--mount", "--net", "--pid", "--fork", "true"]).stderr(Stdio::null()).status();
    if let Some(program) = ["dockerd", "docker", "unshare", "containerd"].into_iter().find(|program| !runs(program)) {
        return Some(program);
    }
    (!may_unshare().is_ok_and(|status| status.success())).then_some("right to make namespaces")
}

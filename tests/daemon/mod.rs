//! A real dockerd with everything it writes in namespaces of its own, its data apart in a folder. It does as it is told
//! and ends with the test at the latest.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::go::Beside;

/// Starts the daemon, runs docker with the words of each line of standard input, or a shell where the first word is `sh`,
/// and stops the daemon where that ends. What they say is set in by a blank; the line after it tells how they ended.
const DAEMON: &str = r#"
set -euf
folder=$1
hostname demo
for place in /run /etc/docker /var/lib/docker /var/lib/containerd; do
    mkdir -p "$place"
    mount -t tmpfs demo "$place"
done
ip link set lo up
ip link add uplink0 type veth peer name uplink1
dockerd --iptables=false --ip6tables=false --storage-driver=vfs --userland-proxy=false \
    --exec-opt native.cgroupdriver=cgroupfs --data-root "$folder/root" </dev/null >"$folder/dockerd.log" 2>&1 &
daemon=$!
until docker version </dev/null >/dev/null 2>&1; do
    kill -0 "$daemon"
    sleep 0.2
done
echo ready
while read -r words; do
    case $words in sh\ *) run= ;; *) run=docker ;; esac
    if said=$($run $words </dev/null 2>&1); then ended=0; else ended=$?; fi
    printf '%s\n' "$said" | sed 's/^/ /'
    echo "$ended"
done
kill -TERM "$daemon"
wait "$daemon"
echo stopped
"#;

/// A dockerd at work.
pub struct Daemon {
    process: Beside,
    folder: PathBuf,
}

impl Daemon {
    /// Starts it on what an earlier one has left in this folder; `None`, said aloud, where something is missing for it.
    pub fn start(folder: &Path) -> Option<Daemon> {
        if let Some(missing) = missing() {
            eprintln!("skipped: no {missing}");
            return None;
        }
        let mut unshare = Command::new("unshare");
        unshare.args(["--mount", "--net", "--uts", "--ipc", "--pid", "--fork", "--mount-proc", "--kill-child"]);
        unshare.args(["sh", "-c", DAEMON, "daemon"]).arg(folder);
        let mut daemon = Daemon { process: Beside::start(&mut unshare), folder: folder.into() };
        match daemon.process.line() {
            Some(line) if line == "ready" => Some(daemon),
            other => panic!("the daemon did not start: {other:?}\n{}", log(folder)),
        }
    }

    /// Runs docker with these words, which blanks part; the error is what it says where it fails.
    pub fn docker(&mut self, words: &str) -> Result<String, String> {
        use std::io::Write;
        writeln!(self.process.input(), "{words}").unwrap();
        let mut said = Vec::new();
        loop {
            let line = self.process.line().unwrap_or_else(|| panic!("{words}: no answer\n{}", log(&self.folder)));
            match line.strip_prefix(' ') {
                Some(line) => said.push(line.to_owned()),
                // An empty line has lost its blank.
                None if line.is_empty() => said.push(line),
                None if line == "0" => return Ok(said.join("\n")),
                None => return Err(said.join("\n")),
            }
        }
    }

    /// Stops it, and gives what it had to say.
    pub fn stop(mut self) -> String {
        let status = self.process.end();
        let log = log(&self.folder);
        assert!(status.success() && self.process.line().as_deref() == Some("stopped"), "{status}\n{log}");
        assert!(log.lines().count() > 10, "is this the daemon's log?\n{log}");
        log
    }
}

/// Where a daemon keeps its networks.
pub fn database(folder: &Path) -> PathBuf {
    folder.join("root/network/files/local-kv.db")
}

/// What the daemon in a folder has said so far.
pub fn log(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("dockerd.log")).unwrap_or_default()
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
fn missing() -> Option<&'static str> {
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
